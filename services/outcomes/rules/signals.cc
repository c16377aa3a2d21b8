#include "services/outcomes/rules/signals.h"

#include <algorithm>

#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/numbers.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

// The last entry with a value behind the baseline; nothing if there is none.
std::optional<size_t> LatestAfter(const std::vector<SeriesEntry>& entries, size_t baseline) {
  for (size_t i = entries.size(); i-- > baseline + 1;) {
    if (entries[i].value.has_value()) {
      return i;
    }
  }
  return std::nullopt;
}

// Whether a reliable deterioration from `value` is within the scale at all.
bool CanDeteriorate(const v1::Scale& scale, const v1::ChangeVerdict& verdict, double value) {
  const double room =
      scale.direction() == v1::DIRECTION_HIGHER_WORSE ? scale.max() - value : value - scale.min();
  return Holds(room, verdict.comparator(), verdict.threshold());
}

}  // namespace

std::optional<size_t> BestEntry(const v1::Scale& scale, const std::vector<SeriesEntry>& entries,
                                size_t baseline) {
  if (scale.direction() != v1::DIRECTION_HIGHER_WORSE &&
      scale.direction() != v1::DIRECTION_HIGHER_BETTER) {
    return std::nullopt;
  }
  const double sign = scale.direction() == v1::DIRECTION_HIGHER_BETTER ? 1 : -1;
  std::optional<size_t> best;
  for (size_t i = baseline; i < entries.size(); ++i) {
    if (entries[i].value.has_value() &&
        (!best.has_value() || sign * *entries[i].value > sign * *entries[*best].value)) {
      best = i;
    }
  }
  return best;
}

std::optional<RiskSignal> EvaluateRisk(const v1::ScoringResult& result) {
  RiskSignal signal;
  signal.provisional = true;
  signal.house_rule = true;
  for (const v1::RiskAnswer& answer : result.risk_answers()) {
    if (answer.state() == v1::RISK_STATE_NOT_ANSWERED) {
      signal.not_answered.push_back(answer.item());
    } else if (answer.state() == v1::RISK_STATE_PRESENT) {
      signal.present.push_back(answer);
      if (answer.level() > signal.level) {
        signal.level = answer.level();
        signal.provisional = true;
        signal.house_rule = true;
      }
      if (answer.level() == signal.level) {
        signal.provisional = signal.provisional && answer.provisional();
        signal.house_rule = signal.house_rule && answer.house_rule();
      }
    }
  }
  if (signal.present.empty()) {
    return std::nullopt;
  }
  return signal;
}

absl::StatusOr<DeteriorationSignal> EvaluateDeterioration(
    const v1::InstrumentDefinition& definition, absl::string_view scale_id,
    const std::vector<SeriesEntry>& entries, size_t baseline, const ChangeOptions& options) {
  const std::optional<size_t> latest = LatestAfter(entries, baseline);
  const std::optional<double> now =
      latest.has_value() ? entries[*latest].value : std::optional<double>();
  DeteriorationSignal signal;
  SB_ASSIGN_OR_RETURN(signal.verdict,
                      ClassifyChange(definition, scale_id, entries[baseline].value, now, options));
  signal.compared_with = entries[baseline].assessment;
  if (signal.verdict.verdict() == v1::VERDICT_INSUFFICIENT_DATA) {
    return signal;
  }
  if (signal.verdict.verdict() == v1::VERDICT_RELIABLY_DETERIORATED) {
    signal.state = DeteriorationState::kDeteriorated;
    return signal;
  }
  const v1::Scale& scale = *FindScale(definition, scale_id);
  const std::optional<size_t> best = BestEntry(scale, entries, baseline);
  SB_ASSIGN_OR_RETURN(const v1::ChangeVerdict from_best,
                      ClassifyChange(definition, scale_id, entries[*best].value, now, options));
  if (*best < *latest && from_best.verdict() == v1::VERDICT_RELIABLY_DETERIORATED) {
    signal.state = DeteriorationState::kLostGain;
    signal.verdict = from_best;
    signal.compared_with = entries[*best].assessment;
    signal.house_rule = true;
    return signal;
  }
  signal.state = CanDeteriorate(scale, signal.verdict, *entries[baseline].value)
                     ? DeteriorationState::kNone
                     : DeteriorationState::kCannotDetect;
  return signal;
}

absl::StatusOr<std::optional<OnTrackSignal>> EvaluateOnTrack(
    const v1::InstrumentDefinition& definition, absl::string_view scale_id,
    const std::vector<SeriesEntry>& entries, size_t baseline, int cadence_weeks,
    const ChangeOptions& options, const SignalRules& rules) {
  const std::optional<size_t> latest = LatestAfter(entries, baseline);
  OnTrackSignal signal;
  SB_ASSIGN_OR_RETURN(signal.verdict, ClassifyChange(definition, scale_id, entries[baseline].value,
                                                     latest.has_value() ? entries[*latest].value
                                                                        : std::optional<double>(),
                                                     options));
  const v1::ChangeVerdict& verdict = signal.verdict;
  for (size_t i = baseline; i < entries.size(); ++i) {
    signal.assessments += entries[i].value.has_value() ? 1 : 0;
  }
  const v1::CutOff& cut_off = verdict.cut_off();
  if (verdict.verdict() == v1::VERDICT_INSUFFICIENT_DATA || !verdict.has_cut_off() ||
      cadence_weeks <= 0 || cadence_weeks > rules.on_track_cadence_weeks ||
      signal.assessments < rules.on_track_assessments ||
      !Holds(verdict.from(), cut_off.clinical(), cut_off.value())) {
    return std::optional<OnTrackSignal>();
  }
  const bool higher_worse =
      FindScale(definition, scale_id)->direction() == v1::DIRECTION_HIGHER_WORSE;
  signal.gained = higher_worse ? -verdict.difference() : verdict.difference();
  signal.needed = rules.on_track_fraction * verdict.threshold();
  signal.not_on_track = Holds(signal.gained, v1::COMPARATOR_BELOW, signal.needed) &&
                        Holds(verdict.to(), cut_off.clinical(), cut_off.value());
  return std::optional<OnTrackSignal>(std::move(signal));
}

AllianceState EvaluateAlliance(std::optional<double> previous, double latest,
                               const SignalRules& rules) {
  const bool fell = previous.has_value() &&
                    Holds(*previous - latest, v1::COMPARATOR_AT_LEAST, rules.alliance_fall);
  const bool low = Holds(latest, v1::COMPARATOR_BELOW, rules.alliance_floor);
  if (fell) {
    return low ? AllianceState::kFellAndLow : AllianceState::kFell;
  }
  return low ? AllianceState::kLow : AllianceState::kSound;
}

bool IsAllianceSplit(const std::vector<double>& item_means, const SignalRules& rules) {
  if (item_means.size() < 2) {
    return false;
  }
  const auto [least, greatest] = std::minmax_element(item_means.begin(), item_means.end());
  return Holds(*greatest - *least, v1::COMPARATOR_AT_LEAST, rules.alliance_split);
}

}  // namespace securebase::outcomes
