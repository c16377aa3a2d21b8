#include "services/goals/handlers/checks.h"

#include <algorithm>

#include "services/platform/base/resource_name.h"

namespace securebase::goals {

absl::Status CheckEtag(const v1::Goal& goal, absl::string_view given) {
  return given.empty() || given == "*" || given == goal.etag() ? absl::OkStatus()
                                                               : EtagMismatch(goal.name());
}

absl::Status CheckSpeaksFor(const records::Reader& reader, absl::string_view episode,
                            absl::string_view participant) {
  if (reader.call().principal.kind != auth::PrincipalKind::kParticipant) {
    return absl::OkStatus();
  }
  for (const type::v1::EpisodeAccess& access : reader.view().episodes()) {
    if (access.episode() == LastId(episode) && !access.self().empty() &&
        access.self() == participant) {
      return absl::OkStatus();
    }
  }
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                   "a participant may only speak in their own name");
}

absl::Status CheckParticipants(Neighbours& neighbours, const api::Call& call,
                               const std::string& episode,
                               const std::vector<NamedParticipant>& participants) {
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> members,
                      neighbours.ListParticipants(call, episode));
  std::vector<FieldViolation> violations;
  for (const NamedParticipant& participant : participants) {
    if (!participant.id.empty() &&
        std::find(members.begin(), members.end(), participant.id) == members.end()) {
      violations.push_back({participant.field, "must be the id of a participant of the episode"});
    }
  }
  return InvalidFields(violations);
}

absl::Status StateNotAllowed(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed, message);
}

}  // namespace securebase::goals
