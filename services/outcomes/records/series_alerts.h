#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/outcomes/rules/alert.h"
#include "services/platform/records/database.h"

// What the points of a series make of its alerts.
namespace securebase::outcomes {

// One point with what it says.
struct Step {
  v1::SeriesPoint point;
  std::vector<Finding> findings;
  bool alliance_repaired = false;
};

// `step` was added at the end of the series: its findings are raised, and what it says no more
// eases or ceases.
absl::Status FollowAlerts(records::Write& write, const Step& step, const v1::Series& series,
                          AlertWriter& alerts);

// What a reading of the whole series, which `assessment` made necessary, does to its alerts. An
// alert keeps to what still holds since its first source. New ones are raised by the corrected
// assessment and by the latest alone: what others said was said when they came.
absl::Status CorrectAlerts(records::Write& write, const std::vector<Step>& steps,
                           const v1::Series& series, const std::string& assessment,
                           AlertWriter& alerts);

// Compares the alliance of `series` with that of every other member of the episode.
absl::Status JudgeSplits(records::Write& write, const v1::InstrumentDefinition& definition,
                         const PracticeRules& rules, const v1::Series& series,
                         const std::string& assessment, AlertWriter& alerts);

}  // namespace securebase::outcomes
