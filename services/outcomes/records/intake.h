#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/records/measures.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/platform/records/database.h"

// What follows, in the same transaction, from an assessment that was submitted, amended or entered
// in error: its series is folded anew, and its alerts follow (series_alerts.h). What follows for
// its schedule is in schedules.h.
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

}  // namespace securebase::outcomes
