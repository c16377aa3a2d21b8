#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/type/v1/type.pb.h"

// What happens to an episode, from opening to closing: the episode before and the episode after.
// Common errors: FAILED_PRECONDITION (STATE_NOT_ALLOWED) where the episode's state does not allow
// it, naming what would; INVALID_ARGUMENT with every violation. `now` becomes the recorded time.
namespace securebase::episodes {

// A new episode from what a client sent (everything OUTPUT_ONLY is ignored; participants have ids):
// PLANNED or ACTIVE. Violations under "episode". An ACTIVE one lacks nothing.
absl::StatusOr<v1::Episode> OpenEpisode(v1::Episode draft, bool planned, absl::Time now);

// Moves it to another status. TRANSITION_NOT_ALLOWED as CheckTransition.
absl::StatusOr<v1::Episode> Move(v1::Episode episode, v1::EpisodeStatus status,
                                 const std::string& reason, absl::Time now);

// FAILED_PRECONDITION when the episode was entered in error: nothing about it changes any more.
absl::Status CheckChangeable(const v1::Episode& episode);

// Adds a participant (with an id), or lets one who left take part again with new values.
// LIMIT_EXCEEDED beyond kMaxParticipants. Violations under "participant".
absl::StatusOr<v1::Episode> AddParticipant(v1::Episode episode, v1::Participant participant,
                                           absl::Time now);

// Puts `participant` in the place of the one with its id, whose times stay. Violations under
// "participant", or under "episode.participants" for what it would do to others.
absl::StatusOr<v1::Episode> ReplaceParticipant(v1::Episode episode,
                                               const v1::Participant& participant);

// `participant` has left. NOT_FOUND without one of this id.
absl::StatusOr<v1::Episode> EndParticipation(v1::Episode episode, absl::string_view participant,
                                             absl::Time now);

// Adds a member, or gives one who belongs to the team another role: the former membership ends.
// LIMIT_EXCEEDED beyond kMaxCareTeam. Violations under "member".
absl::StatusOr<v1::Episode> AddCareTeamMember(v1::Episode episode, v1::CareTeamMember member,
                                              absl::Time now);

// `staff` has left the team.
absl::StatusOr<v1::Episode> EndCareTeamMembership(v1::Episode episode, absl::string_view staff,
                                                  absl::Time now);

// `from` is now known as `into`; the rules about participants are left aside, since it is the EHR
// that says so.
v1::Episode ReplacePatient(v1::Episode episode, absl::string_view from, absl::string_view into);

// The episode as a participant sees it who may see `access` of it: their own entry whole, of the
// other participants id and role; no identifiers of other systems, no etag and no update time
// (either would tell of changes that are not shown); problems and the status' reason only where
// the data of everybody they concern is visible to them (the client of an INDIVIDUAL episode, else
// all but observers).
v1::Episode ForParticipant(v1::Episode episode, const type::v1::EpisodeAccess& access);

}  // namespace securebase::episodes
