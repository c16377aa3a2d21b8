#include "services/goals/rules/lifecycle.h"

#include "absl/strings/strip.h"
#include "services/platform/base/transition_table.h"

namespace securebase::goals {
namespace {

using v1::GoalLifecycleStatus;

const TransitionTable<GoalLifecycleStatus>& Transitions() {
  static const auto* const kTable = new TransitionTable<GoalLifecycleStatus>(
      LifecycleStatusName,
      {
          {v1::GOAL_LIFECYCLE_STATUS_PROPOSED,
           {v1::GOAL_LIFECYCLE_STATUS_PLANNED, v1::GOAL_LIFECYCLE_STATUS_ACCEPTED,
            v1::GOAL_LIFECYCLE_STATUS_ACTIVE, v1::GOAL_LIFECYCLE_STATUS_CANCELLED,
            v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR, v1::GOAL_LIFECYCLE_STATUS_REJECTED}},
          {v1::GOAL_LIFECYCLE_STATUS_PLANNED,
           {v1::GOAL_LIFECYCLE_STATUS_ACCEPTED, v1::GOAL_LIFECYCLE_STATUS_ACTIVE,
            v1::GOAL_LIFECYCLE_STATUS_CANCELLED, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR,
            v1::GOAL_LIFECYCLE_STATUS_REJECTED}},
          {v1::GOAL_LIFECYCLE_STATUS_ACCEPTED,
           {v1::GOAL_LIFECYCLE_STATUS_ACTIVE, v1::GOAL_LIFECYCLE_STATUS_ON_HOLD,
            v1::GOAL_LIFECYCLE_STATUS_CANCELLED, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
          {v1::GOAL_LIFECYCLE_STATUS_ACTIVE,
           {v1::GOAL_LIFECYCLE_STATUS_ON_HOLD, v1::GOAL_LIFECYCLE_STATUS_COMPLETED,
            v1::GOAL_LIFECYCLE_STATUS_CANCELLED, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
          {v1::GOAL_LIFECYCLE_STATUS_ON_HOLD,
           {v1::GOAL_LIFECYCLE_STATUS_ACTIVE, v1::GOAL_LIFECYCLE_STATUS_COMPLETED,
            v1::GOAL_LIFECYCLE_STATUS_CANCELLED, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
          {v1::GOAL_LIFECYCLE_STATUS_COMPLETED,
           {v1::GOAL_LIFECYCLE_STATUS_ACTIVE, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
          {v1::GOAL_LIFECYCLE_STATUS_CANCELLED, {v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
          {v1::GOAL_LIFECYCLE_STATUS_REJECTED,
           {v1::GOAL_LIFECYCLE_STATUS_PROPOSED, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR}},
      });
  return *kTable;
}

}  // namespace

std::vector<GoalLifecycleStatus> AllowedTransitions(GoalLifecycleStatus from) {
  return Transitions().From(from);
}

bool CanTransition(GoalLifecycleStatus from, GoalLifecycleStatus to) {
  return Transitions().Allows(from, to);
}

absl::Status CheckTransition(GoalLifecycleStatus from, GoalLifecycleStatus to) {
  return Transitions().Check(from, to);
}

std::string LifecycleStatusName(GoalLifecycleStatus status) {
  return std::string(
      absl::StripPrefix(v1::GoalLifecycleStatus_Name(status), "GOAL_LIFECYCLE_STATUS_"));
}

bool IsOpen(GoalLifecycleStatus status) {
  switch (status) {
    case v1::GOAL_LIFECYCLE_STATUS_PROPOSED:
    case v1::GOAL_LIFECYCLE_STATUS_PLANNED:
    case v1::GOAL_LIFECYCLE_STATUS_ACCEPTED:
    case v1::GOAL_LIFECYCLE_STATUS_ACTIVE:
    case v1::GOAL_LIFECYCLE_STATUS_ON_HOLD:
      return true;
    default:
      return false;
  }
}

bool TakesRatings(GoalLifecycleStatus status) {
  return IsOpen(status) || status == v1::GOAL_LIFECYCLE_STATUS_COMPLETED;
}

bool CountsInAttainment(GoalLifecycleStatus status) {
  return status == v1::GOAL_LIFECYCLE_STATUS_ACCEPTED ||
         status == v1::GOAL_LIFECYCLE_STATUS_ACTIVE ||
         status == v1::GOAL_LIFECYCLE_STATUS_ON_HOLD ||
         status == v1::GOAL_LIFECYCLE_STATUS_COMPLETED;
}

}  // namespace securebase::goals
