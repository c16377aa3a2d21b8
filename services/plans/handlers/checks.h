#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/plan.pb.h"
#include "services/plans/handlers/neighbours.h"
#include "services/platform/records/database.h"

// What handlers check and show beyond what the proto's options and the pure rules say.
namespace securebase::plans {

// StateNotAllowed for an episode that was cancelled or entered in error: nothing of it is recorded.
absl::Status EpisodeCancelled();

// Who acts: staff for themselves, a system for the member of staff or participant it names in
// `named` (the request's field `field`). INVALID_ARGUMENT when a system names nobody, or somebody
// else names another.
absl::StatusOr<std::string> ActingPerson(const records::Reader& reader, absl::string_view episode,
                                         const std::string& named, absl::string_view field);

// The subject of a system that vouches for somebody else; "" when the caller speaks for themself.
std::string AttestingSystem(const api::Call& call);

// INVALID_ARGUMENT naming every measure of `content` (the request's field `field`) whose instrument
// there is not. Those that `before` has were looked at when they came into the plan.
absl::Status CheckInstruments(OutcomesNeighbour& outcomes, const api::Call& call,
                              const v1::PlanContent& before, const v1::PlanContent& content,
                              absl::string_view field);

// Takes out what is for staff and systems only, when the caller is a participant: and etag and
// update time with it, which would tell of what is hidden (an answer to a warning, a review).
void HideFromParticipants(const api::Call& call, v1::Plan& plan);
void HideFromParticipants(const api::Call& call, v1::Revision& revision);

}  // namespace securebase::plans
