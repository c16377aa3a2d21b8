#include "services/episodes/rules/transitions.h"

#include "absl/strings/strip.h"
#include "services/platform/base/transition_table.h"

namespace securebase::episodes {
namespace {

const TransitionTable<v1::EpisodeStatus>& Transitions() {
  static const auto* const kTable = new TransitionTable<v1::EpisodeStatus>(
      StatusWord, {{v1::EPISODE_STATUS_PLANNED,
                    {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_CANCELLED,
                     v1::EPISODE_STATUS_ENTERED_IN_ERROR}},
                   {v1::EPISODE_STATUS_ACTIVE,
                    {v1::EPISODE_STATUS_ON_HOLD, v1::EPISODE_STATUS_FINISHED,
                     v1::EPISODE_STATUS_CANCELLED, v1::EPISODE_STATUS_ENTERED_IN_ERROR}},
                   {v1::EPISODE_STATUS_ON_HOLD,
                    {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_FINISHED,
                     v1::EPISODE_STATUS_CANCELLED, v1::EPISODE_STATUS_ENTERED_IN_ERROR}},
                   {v1::EPISODE_STATUS_FINISHED,
                    {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_ENTERED_IN_ERROR}},
                   {v1::EPISODE_STATUS_CANCELLED,
                    {v1::EPISODE_STATUS_ACTIVE, v1::EPISODE_STATUS_ENTERED_IN_ERROR}}});
  return *kTable;
}

}  // namespace

std::string StatusWord(v1::EpisodeStatus status) {
  return std::string(absl::StripPrefix(v1::EpisodeStatus_Name(status), "EPISODE_STATUS_"));
}

std::vector<v1::EpisodeStatus> AllowedTransitions(v1::EpisodeStatus from) {
  return Transitions().From(from);
}

bool CanTransition(v1::EpisodeStatus from, v1::EpisodeStatus to) {
  return Transitions().Allows(from, to);
}

absl::Status CheckTransition(v1::EpisodeStatus from, v1::EpisodeStatus to) {
  return Transitions().Check(from, to);
}

bool IsOpen(v1::EpisodeStatus status) {
  return status == v1::EPISODE_STATUS_PLANNED || status == v1::EPISODE_STATUS_ACTIVE ||
         status == v1::EPISODE_STATUS_ON_HOLD;
}

bool IsClosed(v1::EpisodeStatus status) {
  return status == v1::EPISODE_STATUS_FINISHED || status == v1::EPISODE_STATUS_CANCELLED;
}

}  // namespace securebase::episodes
