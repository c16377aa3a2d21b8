#include "services/episodes/rules/transitions.h"

#include "absl/strings/strip.h"
#include "services/platform/base/error.h"

namespace securebase::episodes {

std::string StatusWord(v1::EpisodeStatus status) {
  return std::string(absl::StripPrefix(v1::EpisodeStatus_Name(status), "EPISODE_STATUS_"));
}

std::vector<v1::EpisodeStatus> AllowedTransitions(v1::EpisodeStatus from) {
  switch (from) {
    case v1::EPISODE_STATUS_PLANNED:
      return {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_CANCELLED,
              v1::EPISODE_STATUS_ENTERED_IN_ERROR};
    case v1::EPISODE_STATUS_ACTIVE:
      return {v1::EPISODE_STATUS_ON_HOLD, v1::EPISODE_STATUS_FINISHED, v1::EPISODE_STATUS_CANCELLED,
              v1::EPISODE_STATUS_ENTERED_IN_ERROR};
    case v1::EPISODE_STATUS_ON_HOLD:
      return {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_FINISHED, v1::EPISODE_STATUS_CANCELLED,
              v1::EPISODE_STATUS_ENTERED_IN_ERROR};
    case v1::EPISODE_STATUS_FINISHED:
    case v1::EPISODE_STATUS_CANCELLED:
      return {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_ENTERED_IN_ERROR};
    default:
      return {};
  }
}

bool CanTransition(v1::EpisodeStatus from, v1::EpisodeStatus to) {
  const std::vector<v1::EpisodeStatus> allowed = AllowedTransitions(from);
  return std::find(allowed.begin(), allowed.end(), to) != allowed.end();
}

absl::Status CheckTransition(v1::EpisodeStatus from, v1::EpisodeStatus to) {
  if (CanTransition(from, to)) {
    return absl::OkStatus();
  }
  std::vector<std::string> allowed;
  for (const v1::EpisodeStatus status : AllowedTransitions(from)) {
    allowed.push_back(StatusWord(status));
  }
  return TransitionNotAllowed(StatusWord(from), absl::StrCat("go to ", StatusWord(to)), allowed);
}

bool IsOpen(v1::EpisodeStatus status) {
  return status == v1::EPISODE_STATUS_PLANNED || status == v1::EPISODE_STATUS_ACTIVE ||
         status == v1::EPISODE_STATUS_ON_HOLD;
}

bool IsClosed(v1::EpisodeStatus status) {
  return status == v1::EPISODE_STATUS_FINISHED || status == v1::EPISODE_STATUS_CANCELLED;
}

}  // namespace securebase::episodes
