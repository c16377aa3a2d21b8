#include "services/outcomes/records/schedules.h"

#include <utility>

#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/schedule.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {

using records::Reader;
using records::Write;

absl::StatusOr<std::optional<v1::Schedule>> FindActiveSchedule(const Reader& reader,
                                                               const std::string& identity) {
  SB_ASSIGN_OR_RETURN(const std::optional<std::string> owner,
                      records::FindClaim(reader, kActiveScheduleScope, identity));
  if (!owner.has_value()) {
    return std::optional<v1::Schedule>();
  }
  return reader.Find(ScheduleKind(), *owner);
}

absl::StatusOr<std::optional<v1::Schedule>> FindSchedule(const Reader& reader,
                                                         const v1::Assessment& assessment) {
  return assessment.schedule().empty() ? FindActiveSchedule(reader, ScheduleIdentity(assessment))
                                       : reader.Find(ScheduleKind(), assessment.schedule());
}

absl::StatusOr<v1::Schedule> SaveSchedule(Write& write, const PracticeRules& rules,
                                          v1::Schedule schedule, const std::string& assessment) {
  const bool nothing_missed = CountedMisses(schedule) == 0;
  SB_ASSIGN_OR_RETURN(v1::Schedule saved, write.Update(ScheduleKind(), std::move(schedule)));
  if (nothing_missed || saved.status() != v1::SCHEDULE_STATUS_ACTIVE) {
    SB_ASSIGN_OR_RETURN(
        std::optional<v1::Alert> alert,
        FindUnresolved(write, AlertCause(v1::ALERT_KIND_OVERDUE, saved.name(), "")));
    if (alert.has_value()) {
      CeaseAlert(assessment, MomentOf(write, rules), *alert);
      SB_RETURN_IF_ERROR(write.Update(AlertKind(), *std::move(alert)).status());
    }
  }
  return saved;
}

absl::StatusOr<v1::Schedule> EndSchedule(Write& write, const PracticeRules& rules,
                                         v1::Schedule schedule, const std::string& reason) {
  schedule.set_status(v1::SCHEDULE_STATUS_COMPLETED);
  schedule.set_end_reason(reason);
  *schedule.mutable_end_time() = api::ToProto(write.now());
  schedule.clear_next_check_time();
  SB_RETURN_IF_ERROR(records::ReleaseClaim(write, kActiveScheduleScope, ScheduleIdentity(schedule),
                                           schedule.name()));
  return SaveSchedule(write, rules, std::move(schedule), "");
}

absl::Status AnswerSchedule(Write& write, const PracticeRules& rules,
                            const v1::Assessment& assessment) {
  if (assessment.schedule().empty()) {
    return absl::OkStatus();
  }
  SB_ASSIGN_OR_RETURN(std::optional<v1::Schedule> schedule, FindSchedule(write, assessment));
  if (!schedule.has_value() || schedule->status() != v1::SCHEDULE_STATUS_ACTIVE) {
    return absl::OkStatus();
  }
  if (assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR) {
    RemoveScheduleAnswer(assessment.name(), *schedule);
  } else {
    AddScheduleAnswer(assessment.name(), api::FromProto(assessment.answered_time()), *schedule);
  }
  return SaveSchedule(write, rules, *std::move(schedule), assessment.name()).status();
}

absl::Status RaiseOverdue(Write& write, const PracticeRules& rules, const v1::Schedule& schedule) {
  const int missed = CountedMisses(schedule);
  if (missed < rules.signals.missed_in_a_row) {
    return absl::OkStatus();
  }
  v1::Alert blank;
  blank.set_episode(schedule.episode());
  blank.set_subject(schedule.subject());
  blank.set_schedule(schedule.name());
  blank.set_instrument(schedule.instrument());
  AddDataSubjects(ScheduleKind().access(schedule), blank);
  AlertWriter alerts(write, rules);
  SB_ASSIGN_OR_RETURN(
      v1::Alert alert,
      alerts.FindOrMake(AlertCause(v1::ALERT_KIND_OVERDUE, schedule.name(), ""), blank));
  if (alert.missed_in_a_row() != missed) {
    AddMisses(missed, alerts.moment(), alert);
    SB_RETURN_IF_ERROR(alerts.Save(std::move(alert)));
  }
  return absl::OkStatus();
}

}  // namespace securebase::outcomes
