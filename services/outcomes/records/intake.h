#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/records/measures.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/outcomes/rules/alert.h"
#include "services/platform/records/database.h"

// What follows, in the same transaction, from an assessment that was submitted, amended or entered
// in error: its series, its alerts and its schedule.
namespace securebase::outcomes {

// Assessments that one series may hold: what a late form makes a call read again stays bounded.
inline constexpr int kMaxSeriesLength = 1000;

struct Consequences {
  v1::Series series;
  std::vector<v1::Alert> alerts;  // raised, joined, corrected or ceased, in this transaction
  bool baseline_moved = false;
};

// `assessment` has been written in `write` already. The newest one costs the same whatever stands
// before it; a late or corrected one makes the series' assessments be read again.
// FAILED_PRECONDITION (LIMIT_EXCEEDED) when the series is full.
absl::StatusOr<Consequences> ApplyAssessment(records::Write& write, const Measure& measure,
                                             const PracticeRules& rules,
                                             const v1::Assessment& assessment, bool is_new);

// Takes `assessment` for the baseline of `series` (empty: nobody's choice), and judges it anew.
// `reason` is a code of the practice's.
absl::StatusOr<Consequences> ApplyBaseline(records::Write& write, const Measure& measure,
                                           const PracticeRules& rules, v1::Series series,
                                           const std::string& assessment,
                                           const std::string& reason);

// The series as `as_of` and `policy` ask for it, with all its points in order, from the records.
// `measure` has the norms that were in force then.
struct SeriesView {
  v1::Series series;
  std::vector<v1::SeriesPoint> points;
};
absl::StatusOr<SeriesView> ReadSeries(const records::Reader& reader, const Measure& measure,
                                      const v1::Series& series, std::optional<absl::Time> as_of,
                                      const std::string& policy);

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

// The alert of a cause that is not resolved, if there is one.
absl::StatusOr<std::optional<v1::Alert>> FindUnresolved(records::Write& write,
                                                        const std::string& cause);

// Writes an alert. Whom it is escalated to sees its episode until it is resolved.
absl::StatusOr<v1::Alert> SaveAlert(records::Write& write, v1::Alert alert);

// Who acts in this transaction, and when.
AlertMoment MomentOf(const records::Write& write, const PracticeRules& rules);

}  // namespace securebase::outcomes
