#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/platform/records/database.h"

// Schedules in a transaction: of each identity (kinds.h) one at most is active.
namespace securebase::outcomes {

// The active schedule of this identity; nothing: there is none.
absl::StatusOr<std::optional<v1::Schedule>> FindActiveSchedule(const records::Reader& reader,
                                                               const std::string& identity);

// The active schedule that an assessment answers, unless it names one itself; nothing: none.
absl::StatusOr<std::optional<v1::Schedule>> FindSchedule(const records::Reader& reader,
                                                         const v1::Assessment& assessment);

// Writes `schedule` after its answers have changed; an overdue alert ceases when nothing is missed.
absl::StatusOr<v1::Schedule> SaveSchedule(records::Write& write, const PracticeRules& rules,
                                          v1::Schedule schedule, const std::string& assessment);

// Ends an active schedule, and its overdue alert.
absl::StatusOr<v1::Schedule> EndSchedule(records::Write& write, const PracticeRules& rules,
                                         v1::Schedule schedule, const std::string& reason);

// The schedule that the assessment names, if it is active, counts it as an answer at its answered
// time, or no longer once it was entered in error.
absl::Status AnswerSchedule(records::Write& write, const PracticeRules& rules,
                            const v1::Assessment& assessment);

// Raises or joins the alert that the schedule's misses make, once there are as many in a row as the
// practice's rules say. `schedule` is as CountMisses left it.
absl::Status RaiseOverdue(records::Write& write, const PracticeRules& rules,
                          const v1::Schedule& schedule);

}  // namespace securebase::outcomes
