#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// Where a goal may go from `from`. The statuses are FHIR R4's (Goal.lifecycleStatus), which says
// nothing about their order: the table is a house rule. Any status may become ENTERED_IN_ERROR,
// which is final; a completed goal may be taken up again, a rejected one be proposed again.
bool CanTransition(v1::GoalLifecycleStatus from, v1::GoalLifecycleStatus to);

// The statuses that CanTransition allows, in the order of the enum.
std::vector<v1::GoalLifecycleStatus> AllowedTransitions(v1::GoalLifecycleStatus from);

// OK, or FAILED_PRECONDITION (TRANSITION_NOT_ALLOWED) naming the allowed ones.
absl::Status CheckTransition(v1::GoalLifecycleStatus from, v1::GoalLifecycleStatus to);

// "ON_HOLD": the value's name without the enum's prefix.
std::string LifecycleStatusName(v1::GoalLifecycleStatus status);

// Is worked on, or may be: not completed, cancelled, rejected or entered in error. Only open goals
// are changed, answered to and superseded.
bool IsOpen(v1::GoalLifecycleStatus status);

// Ratings are taken: from open goals, and from completed ones (follow-up).
bool TakesRatings(v1::GoalLifecycleStatus status);

// Counts in attainment: accepted, active, on hold or completed.
bool CountsInAttainment(v1::GoalLifecycleStatus status);

}  // namespace securebase::goals
