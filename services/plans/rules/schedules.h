#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "securebase/plans/v1/plan.pb.h"

// Which schedules a plan wants in the outcomes service.
namespace securebase::plans::rules {

// One for each measure and informant of the content, in their order, PENDING. The id is made of the
// plan, all that the schedule says, and `generation`, so that a repeat of the same work names the
// same schedule, and a later one another.
std::vector<v1::PlanSchedule> WantedSchedules(absl::string_view plan,
                                              const v1::PlanContent& content, int generation);

// What is to become of the schedules that a plan has, when it wants `wanted`: those that it still
// wants stay, and one that was given up is tried anew; others are to be ended; what is wanted anew
// is added. Those that had ended before are dropped.
std::vector<v1::PlanSchedule> Reconcile(const std::vector<v1::PlanSchedule>& present,
                                        const std::vector<v1::PlanSchedule>& wanted);

// Whether it cannot be created until somebody changes something: its last error says that the
// request is wrong, or that whoever wanted it does not see the episode any more.
bool IsGivenUp(const v1::PlanSchedule& schedule);

// Whether any is still to be created or ended, and not given up.
bool AnyPending(const std::vector<v1::PlanSchedule>& schedules);

}  // namespace securebase::plans::rules
