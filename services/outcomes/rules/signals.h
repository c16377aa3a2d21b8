#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/change.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/rules/change.h"

// What a clinician must see, as pure rules. How series are ordered and given a baseline is in
// series.h, when a form counts as missed in schedule.h, and what becomes of an alert in alert.h.
namespace securebase::outcomes {

// One assessment's value on one scale.
struct SeriesEntry {
  std::string assessment;  // unique in the series
  absl::Time answered;     // when the questions were answered
  absl::Time recorded;     // when Securebase first heard of it
  std::optional<double> value;
};

// The entry with the best value from the baseline on, the earliest if several share it. Nothing on
// scales where higher is neither better nor worse, or without a value there.
std::optional<size_t> BestEntry(const v1::Scale& scale, const std::vector<SeriesEntry>& entries,
                                size_t baseline);

// The house rules behind signals. A practice may set its own.
struct SignalRules {
  // Not on track: judged from this many scored assessments on, the baseline included.
  int on_track_assessments = 4;
  // The part of the threshold that must be gained by then.
  double on_track_fraction = 0.5;
  // Only measures that are given at least this often.
  int on_track_cadence_weeks = 2;
  // Alliance: a fall of the item mean between two administrations by this or more.
  double alliance_fall = 0.5;
  // Alliance: an item mean below this.
  double alliance_floor = 3.0;
  // Split alliance: item means of two members that differ by this or more.
  double alliance_split = 1.0;
  // Overdue: assessments missed in a row.
  int missed_in_a_row = 2;
};

// The risk answers of one submission, taken together.
struct RiskSignal {
  v1::RiskLevel level = v1::RISK_LEVEL_UNSPECIFIED;  // the highest
  std::vector<v1::RiskAnswer> present;               // in the order of the definition
  std::vector<std::string> not_answered;             // items: never the same as no risk
  bool provisional = false;                          // every threshold behind the level is
  bool house_rule = false;                           // every threshold behind the level is
};

// Nothing if no risk answer is present. Answers that are missing alone make no alert; the scoring
// result names them.
std::optional<RiskSignal> EvaluateRisk(const v1::ScoringResult& result);

// Whether somebody got worse.
enum class DeteriorationState {
  kNone,
  kDeteriorated,  // reliably, against the baseline
  kLostGain,      // reliably, against the best value since (house rule: PHQ-9 20, 8, 19)
  kCannotDetect,  // the scale has no room for a reliable deterioration from the baseline
  kInsufficient,  // there is no threshold that may be relied on, or fewer than two values
};

struct DeteriorationSignal {
  DeteriorationState state = DeteriorationState::kInsufficient;
  v1::ChangeVerdict verdict;  // against the baseline; of kLostGain against the best value
  std::string compared_with;  // the assessment it is compared with
  bool house_rule = false;
};

// Judges the latest value of ordered `entries`. Against the best value even where the baseline
// leaves no room. Errors as ClassifyChange; `baseline` is an index into `entries`.
absl::StatusOr<DeteriorationSignal> EvaluateDeterioration(
    const v1::InstrumentDefinition& definition, absl::string_view scale,
    const std::vector<SeriesEntry>& entries, size_t baseline, const ChangeOptions& options);

// House rule: from the fourth scored assessment on, less than half of the threshold gained, and
// still on the clinical side. Only where the policy has a threshold and a cut-off, the baseline was
// clinical, and the measure is given at least fortnightly (`cadence_weeks`, 0: no schedule, which
// is not).
struct OnTrackSignal {
  bool not_on_track = false;
  v1::ChangeVerdict verdict;  // from the baseline to the latest value
  double gained = 0;          // points towards better
  double needed = 0;          // points that the rule asks for by now
  int assessments = 0;        // scored, from the baseline on
};

// Nothing where the rule does not apply. Errors as ClassifyChange.
absl::StatusOr<std::optional<OnTrackSignal>> EvaluateOnTrack(
    const v1::InstrumentDefinition& definition, absl::string_view scale,
    const std::vector<SeriesEntry>& entries, size_t baseline, int cadence_weeks,
    const ChangeOptions& options, const SignalRules& rules);

// House rule on item means (ItemMean) of an alliance measure.
enum class AllianceState { kSound, kFell, kLow, kFellAndLow };

// `previous`: nothing at the first administration.
AllianceState EvaluateAlliance(std::optional<double> previous, double latest,
                               const SignalRules& rules);

// House rule: two members of an episode differ in their latest item means. Of 0 or 1 members: no.
bool IsAllianceSplit(const std::vector<double>& item_means, const SignalRules& rules);

}  // namespace securebase::outcomes
