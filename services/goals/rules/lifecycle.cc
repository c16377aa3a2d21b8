#include "services/goals/rules/lifecycle.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/platform/base/error.h"

namespace securebase::goals {
namespace {

using v1::GoalLifecycleStatus;

const std::map<GoalLifecycleStatus, std::vector<GoalLifecycleStatus>>& Table() {
  static const auto* table = new std::map<GoalLifecycleStatus, std::vector<GoalLifecycleStatus>>{
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
  };
  return *table;
}

}  // namespace

std::vector<GoalLifecycleStatus> AllowedTransitions(GoalLifecycleStatus from) {
  const auto row = Table().find(from);
  return row == Table().end() ? std::vector<GoalLifecycleStatus>() : row->second;
}

bool CanTransition(GoalLifecycleStatus from, GoalLifecycleStatus to) {
  const auto allowed = AllowedTransitions(from);
  return std::find(allowed.begin(), allowed.end(), to) != allowed.end();
}

absl::Status CheckTransition(GoalLifecycleStatus from, GoalLifecycleStatus to) {
  if (CanTransition(from, to)) {
    return absl::OkStatus();
  }
  std::vector<std::string> allowed;
  for (const GoalLifecycleStatus status : AllowedTransitions(from)) {
    allowed.push_back(LifecycleStatusName(status));
  }
  return TransitionNotAllowed(LifecycleStatusName(from), LifecycleStatusName(to), allowed);
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
