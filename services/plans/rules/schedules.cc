#include "services/plans/rules/schedules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/plans/rules/digest.h"
#include "services/platform/base/error.h"

namespace securebase::plans::rules {
namespace {

// Everything that a schedule says; two that are alike in it are one.
std::string Terms(const v1::PlanSchedule& schedule) {
  return absl::StrCat(schedule.instrument(), "\n", schedule.subject(), "\n", schedule.informant(),
                      "\n", schedule.relationship_target(), "\n", schedule.cadence_weeks());
}

bool IsWanted(v1::ScheduleState state) {
  return state == v1::SCHEDULE_STATE_PENDING || state == v1::SCHEDULE_STATE_ACTIVE;
}

bool Contains(const std::vector<v1::PlanSchedule>& schedules, const v1::PlanSchedule& schedule) {
  return std::any_of(schedules.begin(), schedules.end(), [&](const v1::PlanSchedule& other) {
    return IsWanted(other.state()) && Terms(other) == Terms(schedule);
  });
}

}  // namespace

std::vector<v1::PlanSchedule> WantedSchedules(absl::string_view plan,
                                              const v1::PlanContent& content, int generation) {
  std::vector<v1::PlanSchedule> wanted;
  for (const v1::PlannedMeasure& measure : content.measures()) {
    for (const std::string& informant : measure.informants()) {
      v1::PlanSchedule schedule;
      schedule.set_instrument(measure.instrument());
      schedule.set_subject(measure.subject());
      schedule.set_informant(informant);
      schedule.set_relationship_target(measure.relationship_target());
      schedule.set_cadence_weeks(measure.cadence_weeks());
      schedule.set_state(v1::SCHEDULE_STATE_PENDING);
      schedule.set_id(absl::StrCat(
          "plan-",
          Sha256Hex(absl::StrCat(plan, "\n", Terms(schedule), "\n", generation)).substr(0, 32)));
      wanted.push_back(std::move(schedule));
    }
  }
  return wanted;
}

std::vector<v1::PlanSchedule> Reconcile(const std::vector<v1::PlanSchedule>& present,
                                        const std::vector<v1::PlanSchedule>& wanted) {
  std::vector<v1::PlanSchedule> result;
  for (v1::PlanSchedule schedule : present) {
    if (schedule.state() == v1::SCHEDULE_STATE_ENDED) {
      continue;
    }
    if (IsWanted(schedule.state()) && !Contains(wanted, schedule)) {
      // A pending one may exist all the same: its creation may have been done and not been heard
      // of. Ending what was never created is no error.
      schedule.set_state(v1::SCHEDULE_STATE_ENDING);
    }
    if (schedule.state() != v1::SCHEDULE_STATE_ACTIVE) {
      schedule.clear_last_error();
    }
    result.push_back(std::move(schedule));
  }
  for (const v1::PlanSchedule& schedule : wanted) {
    if (!Contains(result, schedule)) {
      result.push_back(schedule);
    }
  }
  return result;
}

bool IsGivenUp(const v1::PlanSchedule& schedule) {
  return schedule.state() == v1::SCHEDULE_STATE_PENDING &&
         (schedule.last_error() == ReasonName(Reason::kInvalidFields) ||
          schedule.last_error() == ReasonName(Reason::kNotFound));
}

bool AnyPending(const std::vector<v1::PlanSchedule>& schedules) {
  return std::any_of(schedules.begin(), schedules.end(), [](const v1::PlanSchedule& schedule) {
    return (schedule.state() == v1::SCHEDULE_STATE_PENDING && !IsGivenUp(schedule)) ||
           schedule.state() == v1::SCHEDULE_STATE_ENDING;
  });
}

}  // namespace securebase::plans::rules
