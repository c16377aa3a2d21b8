#pragma once

#include <vector>

#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// Sums up goals of one episode, each with its progress and achievement as their reader may see
// them: `goals`, `gas_scores`, `gbo_changes` and `gbo_mean_changes` of the result, in the order of
// the goals, and of owner and informant. Only goals that are accepted, active, on hold or completed
// count. An informant has a T score of an owner's GAS goals once they rated one of them.
v1::Attainment SumUp(const std::vector<v1::Goal>& goals);

}  // namespace securebase::goals
