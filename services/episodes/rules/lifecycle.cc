#include "services/episodes/rules/lifecycle.h"

#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "services/episodes/rules/members.h"
#include "services/episodes/rules/transitions.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {
namespace {

// An ACTIVE episode lacks nothing; others may.
absl::Status CheckComplete(const v1::Episode& episode) {
  if (episode.status() != v1::EPISODE_STATUS_ACTIVE) {
    return absl::OkStatus();
  }
  const std::vector<std::string> missing = MissingToBeActive(episode);
  if (missing.empty()) {
    return absl::OkStatus();
  }
  return StateNotAllowed(
      absl::StrCat("the episode cannot be ACTIVE so: ", absl::StrJoin(missing, "; "),
                   "; add whoever is missing, or put it on hold"));
}

absl::Status CheckOpen(const v1::Episode& episode, absl::string_view what) {
  if (IsOpen(episode.status())) {
    return absl::OkStatus();
  }
  return StateNotAllowed(
      absl::StrCat(what, " needs an open episode; this one is ", StatusWord(episode.status())));
}

void AppendTo(std::vector<FieldViolation>& all, std::vector<FieldViolation> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// The violations of the whole list, as the client that sent only the element at `index` knows them:
// "episode.participants[2].role" -> "participant.role".
std::vector<FieldViolation> Renamed(std::vector<FieldViolation> violations,
                                    const std::string& element, absl::string_view name) {
  for (FieldViolation& violation : violations) {
    absl::string_view path = violation.field;
    if (absl::ConsumePrefix(&path, element)) {
      violation.field = absl::StrCat(name, path);
    }
  }
  return violations;
}

// Whether the episode's problems are this participant's.
bool IsAbout(v1::EpisodeKind kind, const v1::Participant& participant) {
  return kind == v1::EPISODE_KIND_INDIVIDUAL ? participant.role() == v1::PARTICIPANT_ROLE_CLIENT
                                             : participant.role() != v1::PARTICIPANT_ROLE_OBSERVER;
}

absl::Status CheckChanged(const v1::Episode& episode, int index) {
  const std::string element = absl::StrCat("episode.participants[", index, "]");
  std::vector<FieldViolation> violations =
      Renamed(CheckParticipants(episode, "episode.participants"), element, "participant");
  return InvalidFields(violations);
}

}  // namespace

absl::StatusOr<v1::Episode> OpenEpisode(v1::Episode draft, bool planned, absl::Time now) {
  const auto recorded = api::ToProto(now);
  for (v1::Participant& participant : *draft.mutable_participants()) {
    *participant.mutable_join_time() = recorded;
    participant.clear_leave_time();
  }
  for (v1::CareTeamMember& member : *draft.mutable_care_team()) {
    *member.mutable_start_time() = recorded;
    member.clear_end_time();
  }
  draft.clear_end_time();
  draft.clear_covers();
  draft.clear_status_reason();
  draft.set_status(planned ? v1::EPISODE_STATUS_PLANNED : v1::EPISODE_STATUS_ACTIVE);
  if (!planned && !draft.has_start_time()) {
    *draft.mutable_start_time() = recorded;
  }

  std::vector<FieldViolation> violations = CheckParticipants(draft, "episode.participants");
  for (int i = 0; i < draft.participants_size(); ++i) {
    AppendTo(violations, CheckJoining(draft.kind(), draft.participants(i),
                                      absl::StrCat("episode.participants[", i, "]")));
  }
  AppendTo(violations, CheckCareTeam(draft, "episode.care_team"));
  if (!planned) {
    for (const std::string& missing : MissingToBeActive(draft)) {
      violations.push_back(
          {"episode.participants", absl::StrCat(missing, " to be ACTIVE; or set `planned`")});
    }
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  return draft;
}

absl::StatusOr<v1::Episode> Move(v1::Episode episode, v1::EpisodeStatus status,
                                 const std::string& reason, absl::Time now) {
  SB_RETURN_IF_ERROR(CheckTransition(episode.status(), status));
  const auto recorded = api::ToProto(now);
  episode.set_status(status);
  episode.set_status_reason(reason);
  if (status == v1::EPISODE_STATUS_ACTIVE && !episode.has_start_time()) {
    *episode.mutable_start_time() = recorded;
  }
  if (IsClosed(status)) {
    *episode.mutable_end_time() = recorded;
  } else if (IsOpen(status)) {
    episode.clear_end_time();
  }
  SB_RETURN_IF_ERROR(CheckComplete(episode));
  if (IsOpen(status) && !HasLead(episode)) {
    return StateNotAllowed(
        "an open episode needs a lead clinician; add one to the care team first");
  }
  return episode;
}

absl::Status CheckChangeable(const v1::Episode& episode) {
  if (episode.status() == v1::EPISODE_STATUS_ENTERED_IN_ERROR) {
    return StateNotAllowed("the episode was entered in error; nothing about it changes any more");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Episode> AddParticipant(v1::Episode episode, v1::Participant participant,
                                           absl::Time now) {
  SB_RETURN_IF_ERROR(CheckOpen(episode, "joining"));
  *participant.mutable_join_time() = api::ToProto(now);
  participant.clear_leave_time();
  std::vector<FieldViolation> violations = CheckJoining(episode.kind(), participant, "participant");
  int index = 0;
  while (index < episode.participants_size() &&
         (episode.participants(index).id() != participant.id() ||
          IsPresent(episode.participants(index)))) {
    ++index;
  }
  if (index == kMaxParticipants) {
    return LimitExceeded(absl::StrCat("an episode has at most ", kMaxParticipants,
                                      " participants, those who left included"));
  }
  if (index == episode.participants_size()) {
    episode.add_participants();
  }
  *episode.mutable_participants(index) = std::move(participant);
  AppendTo(violations, Renamed(CheckParticipants(episode, "episode.participants"),
                               absl::StrCat("episode.participants[", index, "]"), "participant"));
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  SB_RETURN_IF_ERROR(CheckComplete(episode));
  return episode;
}

absl::StatusOr<v1::Episode> ReplaceParticipant(v1::Episode episode,
                                               const v1::Participant& participant) {
  SB_RETURN_IF_ERROR(CheckChangeable(episode));
  for (int i = 0; i < episode.participants_size(); ++i) {
    v1::Participant& stored = *episode.mutable_participants(i);
    if (stored.id() != participant.id()) {
      continue;
    }
    v1::Participant changed = participant;
    changed.clear_join_time();
    changed.clear_leave_time();
    if (stored.has_join_time()) {
      *changed.mutable_join_time() = stored.join_time();
    }
    if (stored.has_leave_time()) {
      *changed.mutable_leave_time() = stored.leave_time();
    }
    stored = std::move(changed);
    SB_RETURN_IF_ERROR(CheckChanged(episode, i));
    SB_RETURN_IF_ERROR(CheckComplete(episode));
    return episode;
  }
  return NotFound(absl::StrCat("the participant of ", episode.name()));
}

absl::StatusOr<v1::Episode> EndParticipation(v1::Episode episode, absl::string_view participant,
                                             absl::Time now) {
  SB_RETURN_IF_ERROR(CheckOpen(episode, "leaving"));
  v1::Participant* leaving = FindParticipant(episode, participant);
  if (leaving == nullptr) {
    return NotFound(absl::StrCat("the participant of ", episode.name()));
  }
  if (!IsPresent(*leaving)) {
    return StateNotAllowed("the participant has left already");
  }
  *leaving->mutable_leave_time() = api::ToProto(now);
  SB_RETURN_IF_ERROR(CheckComplete(episode));
  return episode;
}

absl::StatusOr<v1::Episode> AddCareTeamMember(v1::Episode episode, v1::CareTeamMember member,
                                              absl::Time now) {
  SB_RETURN_IF_ERROR(CheckChangeable(episode));
  if (episode.care_team_size() == kMaxCareTeam) {
    return LimitExceeded(absl::StrCat("a care team has at most ", kMaxCareTeam,
                                      " members, those who left included"));
  }
  for (v1::CareTeamMember& present : *episode.mutable_care_team()) {
    if (present.staff() == member.staff() && IsPresent(present)) {
      *present.mutable_end_time() = api::ToProto(now);
    }
  }
  *member.mutable_start_time() = api::ToProto(now);
  member.clear_end_time();
  *episode.add_care_team() = std::move(member);
  if (IsOpen(episode.status()) && !HasLead(episode)) {
    return StateNotAllowed("nobody would lead the open episode; add another lead clinician first");
  }
  const std::string element = absl::StrCat("episode.care_team[", episode.care_team_size() - 1, "]");
  // A closed episode may be without a lead.
  std::vector<FieldViolation> violations;
  for (FieldViolation& violation :
       Renamed(CheckCareTeam(episode, "episode.care_team"), element, "member")) {
    if (violation.field != "episode.care_team") {
      violations.push_back(std::move(violation));
    }
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  return episode;
}

absl::StatusOr<v1::Episode> EndCareTeamMembership(v1::Episode episode, absl::string_view staff,
                                                  absl::Time now) {
  bool found = false;
  for (v1::CareTeamMember& member : *episode.mutable_care_team()) {
    if (member.staff() == staff && IsPresent(member)) {
      *member.mutable_end_time() = api::ToProto(now);
      found = true;
    }
  }
  if (!found) {
    return StateNotAllowed("this member of staff does not belong to the care team");
  }
  if (IsOpen(episode.status()) && !HasLead(episode)) {
    return StateNotAllowed("nobody would lead the open episode; add another lead clinician first");
  }
  return episode;
}

v1::Episode ReplacePatient(v1::Episode episode, absl::string_view from, absl::string_view into) {
  for (v1::Participant& participant : *episode.mutable_participants()) {
    if (participant.patient() == from) {
      participant.set_patient(std::string(into));
    }
  }
  return episode;
}

v1::Episode ForParticipant(v1::Episode episode, const type::v1::EpisodeAccess& access) {
  const auto visible = [&access](const std::string& id) {
    return access.all_subjects() || std::find(access.subjects().begin(), access.subjects().end(),
                                              id) != access.subjects().end();
  };
  bool everybody = true;
  for (v1::Participant& participant : *episode.mutable_participants()) {
    everybody = everybody && (!IsAbout(episode.kind(), participant) || visible(participant.id()));
    if (participant.id() != access.self()) {
      v1::Participant shown;
      shown.set_id(participant.id());
      shown.set_role(participant.role());
      participant = std::move(shown);
    }
  }
  if (!everybody) {
    episode.clear_problems();
    episode.clear_status_reason();
  }
  episode.clear_external_identifiers();
  episode.clear_covers();
  episode.clear_etag();
  episode.clear_update_time();
  return episode;
}

}  // namespace securebase::episodes
