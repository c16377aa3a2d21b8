#include "services/goals/handlers/checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "services/platform/api/participants.h"
#include "services/platform/base/resource_name.h"

namespace securebase::goals {
namespace {

// What goes on without an answer does not wait for it.
constexpr absl::Duration kOptionalTimeout = absl::Seconds(2);

// What is recorded of one that has finished may only be late.
absl::Status CheckStatus(const EpisodeFacts& episode) {
  if (episode.status == episodes::v1::EPISODE_STATUS_CANCELLED ||
      episode.status == episodes::v1::EPISODE_STATUS_ENTERED_IN_ERROR) {
    return StateNotAllowed("the episode was cancelled or entered in error");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSpeaksFor(const records::Reader& reader, absl::string_view episode,
                            absl::string_view participant) {
  if (!api::IsParticipant(reader.call())) {
    return absl::OkStatus();
  }
  const std::string self = reader.SelfIn(episode);
  return !self.empty() && self == participant
             ? absl::OkStatus()
             : PrincipalNotAllowed("a participant may only speak in their own name");
}

absl::Status CheckParticipants(Neighbours& neighbours, const api::Call& call,
                               const std::string& episode,
                               const std::vector<NamedParticipant>& participants) {
  SB_ASSIGN_OR_RETURN(const EpisodeFacts facts, neighbours.GetEpisode(call, episode));
  SB_RETURN_IF_ERROR(CheckStatus(facts));
  const std::vector<std::string>& members = facts.participants;
  std::vector<FieldViolation> violations;
  for (const NamedParticipant& participant : participants) {
    if (!participant.id.empty() &&
        std::find(members.begin(), members.end(), participant.id) == members.end()) {
      violations.push_back({participant.field, "must be the id of a participant of the episode"});
    }
  }
  return InvalidFields(violations);
}

absl::Status CheckScale(Neighbours& neighbours, const api::Call& call, const v1::Goal& goal) {
  if (!goal.has_scale()) {
    return absl::OkStatus();
  }
  const auto scales = neighbours.GetScales(call, goal.scale().instrument());
  if (scales.status().code() == absl::StatusCode::kNotFound) {
    return InvalidFields(
        {{"goal.scale.instrument", "must be an instrument's id; ListInstruments has them all"}});
  }
  SB_RETURN_IF_ERROR(scales.status());
  if (std::find(scales->begin(), scales->end(), goal.scale().scale()) == scales->end()) {
    return InvalidFields({{"goal.scale.scale", absl::StrCat("must be a scale of the instrument: ",
                                                            absl::StrJoin(*scales, ", "))}});
  }
  return absl::OkStatus();
}

absl::Status CheckTakesRecords(Neighbours& neighbours, const api::Call& call,
                               const std::string& episode) {
  api::Call asking = call;
  asking.deadline = std::min(call.deadline, absl::Now() + kOptionalTimeout);
  const auto facts = neighbours.GetEpisode(asking, episode);
  return facts.ok() ? CheckStatus(*facts) : absl::OkStatus();
}

}  // namespace securebase::goals
