#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"
#include "services/goals/handlers/neighbours.h"
#include "services/platform/base/error.h"
#include "services/platform/records/database.h"

// What handlers check beyond what the proto's options and the pure rules say.
namespace securebase::goals {

// PERMISSION_DENIED (PRINCIPAL_NOT_ALLOWED) when the caller is a participant and `participant` is
// not who they are in the episode (its name). Staff and systems may speak for everybody.
absl::Status CheckSpeaksFor(const records::Reader& reader, absl::string_view episode,
                            absl::string_view participant);

// A name of a participant in a request.
struct NamedParticipant {
  std::string id;     // may be empty: nobody is named
  std::string field;  // where it was named
};

// INVALID_ARGUMENT naming every field whose participant does not belong to the episode (its name);
// FAILED_PRECONDITION (STATE_NOT_ALLOWED) when it was cancelled or entered in error; NOT_FOUND when
// there is no such episode; UNAVAILABLE when its owner does not answer.
absl::Status CheckParticipants(Neighbours& neighbours, const api::Call& call,
                               const std::string& episode,
                               const std::vector<NamedParticipant>& participants);

// INVALID_ARGUMENT when the goal is measured by a scale that there is not, naming the field below
// `goal`; UNAVAILABLE when the owner of the instruments does not answer.
absl::Status CheckScale(Neighbours& neighbours, const api::Call& call, const v1::Goal& goal);

// The same as CheckParticipants, without participants. OK when the owner of the episodes does not
// answer: who needs nothing else of it goes on while it is down.
absl::Status CheckTakesRecords(Neighbours& neighbours, const api::Call& call,
                               const std::string& episode);

}  // namespace securebase::goals
