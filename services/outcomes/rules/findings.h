#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/norm.h"
#include "services/outcomes/rules/signals.h"

// From signals to what an alert is made of.
namespace securebase::outcomes {

// The risk answers of one assessment; nothing without any.
std::optional<Finding> FindRisk(const v1::ScoringResult& result);

// What the newest point of a series says.
struct PointSignals {
  std::vector<Finding> findings;  // DETERIORATION, NOT_ON_TRACK, ALLIANCE_RUPTURE
  // An alliance measure is at or above the floor again, and less than a fall below its best: a
  // rupture counts as repaired (house rule).
  bool alliance_repaired = false;
};

// Judges `series`, whose newest point is `point`, as AddPoint left it, and notes on its scales
// where deterioration cannot be detected. `norms` are those in force for the definition.
// `cadence_weeks`: how often the measure is given, 0 if no schedule says so; then the mean distance
// of its assessments so far decides, which may be two days more (house rule).
absl::StatusOr<PointSignals> JudgePoint(const v1::InstrumentDefinition& definition,
                                        const Norms& norms, const v1::SeriesPoint& point,
                                        int cadence_weeks, const SignalRules& rules,
                                        v1::Series& series);

// The item mean of an alliance measure's latest value as a member of the episode gives it; nothing
// for a clinician's answers, for other instruments or without one.
std::optional<double> AllianceItemMean(const v1::InstrumentDefinition& definition,
                                       const v1::Series& series);

// Whether two members' latest item means are too far apart.
std::optional<Finding> FindSplit(const v1::InstrumentDefinition& definition, double first,
                                 double second, const SignalRules& rules);

}  // namespace securebase::outcomes
