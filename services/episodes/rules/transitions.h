#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "securebase/episodes/v1/episode.pb.h"

namespace securebase::episodes {

// The status's word in the API: "ON_HOLD".
std::string StatusWord(v1::EpisodeStatus status);

// Which changes of an episode's status are allowed. The states are those of FHIR R4's
// EpisodeOfCare.status, which prescribes no order; the order is this project's:
//   - nothing leads back to PLANNED, and nothing away from ENTERED_IN_ERROR;
//   - an episode that was closed may be opened again, since people come back and buttons are
//     pressed by mistake; its end time is then cleared.
bool CanTransition(v1::EpisodeStatus from, v1::EpisodeStatus to);

// Where `from` can go, in the order of the enum.
std::vector<v1::EpisodeStatus> AllowedTransitions(v1::EpisodeStatus from);

// FAILED_PRECONDITION (TRANSITION_NOT_ALLOWED) naming what is allowed.
absl::Status CheckTransition(v1::EpisodeStatus from, v1::EpisodeStatus to);

// PLANNED, ACTIVE or ON_HOLD: people may still join and leave.
bool IsOpen(v1::EpisodeStatus status);

// FINISHED or CANCELLED: has an end time.
bool IsClosed(v1::EpisodeStatus status);

}  // namespace securebase::episodes
