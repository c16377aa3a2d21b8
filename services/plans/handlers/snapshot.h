#pragma once

#include <string>
#include <vector>

#include "securebase/plans/v1/plan.pb.h"
#include "services/plans/handlers/neighbours.h"

namespace securebase::plans {

// Goals and change of an episode as the caller sees them at the call's time, and whose data that
// is. What a neighbour could not tell is in `missing`, with the reason.
struct TakenSnapshot {
  v1::ReviewSnapshot snapshot;
  std::vector<std::string> subjects;  // ids of participants, each once
};
TakenSnapshot TakeSnapshot(const Neighbours& neighbours, const api::Call& call,
                           const std::string& episode);

}  // namespace securebase::plans
