#include "services/outcomes/rules/findings.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/score.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

SeriesEntry MakeEntry(const v1::SeriesValue& value) {
  SeriesEntry entry;
  entry.assessment = value.assessment();
  entry.value = value.value();
  return entry;
}

// Baseline, best and latest: all that decides deterioration.
std::vector<SeriesEntry> Landmarks(const v1::ScaleSummary& summary) {
  std::vector<SeriesEntry> entries = {MakeEntry(summary.baseline())};
  for (const v1::SeriesValue* value : {&summary.best(), &summary.latest()}) {
    if (!value->assessment().empty() && value->assessment() != entries.back().assessment) {
      entries.push_back(MakeEntry(*value));
    }
  }
  return entries;
}

// Baseline and latest, with as many between them as there were: the rule only counts those.
std::vector<SeriesEntry> Course(const v1::ScaleSummary& summary) {
  std::vector<SeriesEntry> entries(static_cast<size_t>(std::max(1, summary.count_from_baseline())),
                                   MakeEntry(summary.baseline()));
  if (summary.latest().assessment() != summary.baseline().assessment()) {
    entries.back() = MakeEntry(summary.latest());
  }
  return entries;
}

int ObservedCadenceWeeks(const v1::ScaleSummary& summary) {
  const int steps = summary.count_from_baseline() - 1;
  if (steps < 1) {
    return 0;
  }
  constexpr double kDay = 24 * 3600;
  constexpr double kLateDays = 2;  // house rule: what comes two days late is still fortnightly
  const double seconds = static_cast<double>(summary.latest().answered_time().seconds() -
                                             summary.baseline().answered_time().seconds());
  const double days = seconds / steps / kDay;
  return std::max(1, static_cast<int>(std::ceil((days - kLateDays) / 7)));
}

Finding MakeFinding(v1::AlertKind kind, const v1::ChangeVerdict& verdict, std::string rule,
                    bool house_rule) {
  Finding finding;
  finding.kind = kind;
  finding.scale = verdict.scale();
  finding.verdict = verdict;
  finding.rule = std::move(rule);
  finding.house_rule = house_rule;
  finding.provisional = verdict.provisional();
  return finding;
}

std::optional<double> ItemMeanOf(const v1::InstrumentDefinition& definition, const v1::Scale& scale,
                                 const v1::SeriesValue& value) {
  return value.assessment().empty()
             ? std::nullopt
             : std::optional<double>(ItemMean(definition, scale, value.value()));
}

void JudgeAlliance(const v1::InstrumentDefinition& definition, const v1::SeriesPoint& point,
                   const SignalRules& rules, const v1::Series& series, PointSignals& signals) {
  const v1::Scale& scale = HeadlineScale(definition);
  const v1::ScaleSummary* summary = FindSummary(series, scale.id());
  if (definition.domain() != v1::DOMAIN_ALLIANCE || summary == nullptr ||
      summary->latest().assessment() != point.assessment()) {
    return;
  }
  const double latest = ItemMean(definition, scale, summary->latest().value());
  const std::optional<double> previous = ItemMeanOf(definition, scale, summary->previous());
  const AllianceState state = EvaluateAlliance(previous, latest, rules);
  if (state == AllianceState::kSound) {
    const std::optional<double> best = ItemMeanOf(definition, scale, summary->best());
    signals.alliance_repaired =
        !best.has_value() || Holds(*best - latest, v1::COMPARATOR_BELOW, rules.alliance_fall);
    return;
  }
  std::vector<std::string> reasons;
  if (state != AllianceState::kLow) {
    reasons.push_back(absl::StrCat("fell by ", FormatNumber(*previous - latest), ", at least ",
                                   FormatNumber(rules.alliance_fall)));
  }
  if (state != AllianceState::kFell) {
    reasons.push_back(
        absl::StrCat("is ", FormatNumber(latest), ", below ", FormatNumber(rules.alliance_floor)));
  }
  Finding finding;
  finding.kind = v1::ALERT_KIND_ALLIANCE_RUPTURE;
  finding.scale = scale.id();
  finding.rule = absl::StrCat("the item mean ", absl::StrJoin(reasons, " and "));
  finding.house_rule = true;
  signals.findings.push_back(std::move(finding));
}

}  // namespace

std::optional<Finding> FindRisk(const v1::ScoringResult& result) {
  const std::optional<RiskSignal> signal = EvaluateRisk(result);
  if (!signal.has_value()) {
    return std::nullopt;
  }
  Finding finding;
  finding.kind = v1::ALERT_KIND_RISK;
  finding.risk_level = signal->level;
  finding.risk_answers = signal->present;
  finding.provisional = signal->provisional;
  finding.house_rule = signal->house_rule;
  std::vector<std::string> items;
  for (const v1::RiskAnswer& answer : signal->present) {
    items.push_back(answer.item());
  }
  finding.rule = absl::StrCat("risk answer on item ", absl::StrJoin(items, ", "),
                              "; its level is a house rule");
  return finding;
}

absl::StatusOr<PointSignals> JudgePoint(const v1::InstrumentDefinition& definition,
                                        const Norms& norms, const v1::SeriesPoint& point,
                                        int cadence_weeks, const SignalRules& rules,
                                        v1::Series& series) {
  PointSignals signals;
  for (v1::ScaleSummary& summary : *series.mutable_scales()) {
    if (summary.latest().assessment() != point.assessment()) {
      continue;
    }
    const ChangeOptions options{"", FindNorm(norms, summary.scale())};
    SB_ASSIGN_OR_RETURN(
        const DeteriorationSignal deterioration,
        EvaluateDeterioration(definition, summary.scale(), Landmarks(summary), 0, options));
    summary.set_cannot_detect_deterioration(deterioration.state ==
                                            DeteriorationState::kCannotDetect);
    if (deterioration.state == DeteriorationState::kDeteriorated) {
      signals.findings.push_back(
          MakeFinding(v1::ALERT_KIND_DETERIORATION, deterioration.verdict,
                      absl::StrCat("against the baseline: ", deterioration.verdict.rule()), false));
    } else if (deterioration.state == DeteriorationState::kLostGain) {
      signals.findings.push_back(MakeFinding(
          v1::ALERT_KIND_DETERIORATION, deterioration.verdict,
          absl::StrCat("against the best value so far: ", deterioration.verdict.rule()), true));
    }
    SB_ASSIGN_OR_RETURN(
        const std::optional<OnTrackSignal> on_track,
        EvaluateOnTrack(definition, summary.scale(), Course(summary), 0,
                        cadence_weeks > 0 ? cadence_weeks : ObservedCadenceWeeks(summary), options,
                        rules));
    if (on_track.has_value() && on_track->not_on_track) {
      signals.findings.push_back(MakeFinding(
          v1::ALERT_KIND_NOT_ON_TRACK, on_track->verdict,
          absl::StrCat("gained ", FormatNumber(on_track->gained), " by assessment ",
                       on_track->assessments, ", less than ", FormatNumber(on_track->needed)),
          true));
    }
  }
  JudgeAlliance(definition, point, rules, series, signals);
  return signals;
}

std::optional<double> AllianceItemMean(const v1::InstrumentDefinition& definition,
                                       const v1::Series& series) {
  if (definition.domain() != v1::DOMAIN_ALLIANCE ||
      series.informant_role() == v1::INFORMANT_CLINICIAN) {
    return std::nullopt;
  }
  const v1::Scale& scale = HeadlineScale(definition);
  const v1::ScaleSummary* summary = FindSummary(series, scale.id());
  return summary == nullptr ? std::nullopt : ItemMeanOf(definition, scale, summary->latest());
}

std::optional<Finding> FindSplit(const v1::InstrumentDefinition& definition, double first,
                                 double second, const SignalRules& rules) {
  if (!IsAllianceSplit({first, second}, rules)) {
    return std::nullopt;
  }
  Finding finding;
  finding.kind = v1::ALERT_KIND_ALLIANCE_SPLIT;
  finding.scale = HeadlineScale(definition).id();
  finding.rule =
      absl::StrCat("two members' item means differ by ", FormatNumber(std::abs(first - second)),
                   ", at least ", FormatNumber(rules.alliance_split));
  finding.house_rule = true;
  return finding;
}

}  // namespace securebase::outcomes
