#include "services/outcomes/records/series_alerts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/findings.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {
namespace {

using records::Write;

constexpr int kMaxUnresolved = 100;         // of one series; there are a few at most
constexpr int kMaxResolved = 100;           // of one cause: the latest
constexpr int kMaxSeriesOfInstrument = 50;  // in one episode, for the split of an alliance

v1::Alert BlankAlert(const v1::Series& series) {
  v1::Alert alert;
  alert.set_episode(series.episode());
  alert.set_subject(series.subject());
  alert.set_series(series.name());
  alert.set_instrument(series.instrument());
  AddDataSubjects(SeriesKind().access(series), alert);
  return alert;
}

absl::Status RaiseAll(const Step& step, const v1::Series& series, AlertWriter& alerts) {
  for (const Finding& finding : step.findings) {
    SB_RETURN_IF_ERROR(alerts.Raise(AlertCause(finding.kind, series.name(), finding.scale),
                                    BlankAlert(series), finding, step.point));
  }
  return absl::OkStatus();
}

// Alerts of this series alone that are not resolved, each read for the transaction.
absl::StatusOr<std::vector<v1::Alert>> ReadUnresolved(Write& write, const v1::Series& series) {
  SB_ASSIGN_OR_RETURN(
      const std::vector<v1::Alert> indexed,
      write.FindAll(AlertKind(), UnresolvedAlertsOfSeries(series.name()), kMaxUnresolved));
  std::vector<v1::Alert> alerts;
  for (const v1::Alert& entry : indexed) {
    SB_ASSIGN_OR_RETURN(auto alert, write.Find(AlertKind(), entry.name()));
    if (alert.has_value() && alert->state() != v1::ALERT_STATE_RESOLVED) {
      alerts.push_back(*std::move(alert));
    }
  }
  return alerts;
}

absl::Status CeaseRuptures(Write& write, const v1::Series& series, const std::string& assessment,
                           AlertWriter& alerts) {
  SB_ASSIGN_OR_RETURN(std::vector<v1::Alert> unresolved, ReadUnresolved(write, series));
  for (v1::Alert& alert : unresolved) {
    if (alert.kind() == v1::ALERT_KIND_ALLIANCE_RUPTURE) {
      CeaseAlert(assessment, alerts.moment(), alert);
      SB_RETURN_IF_ERROR(alerts.Save(std::move(alert)));
    }
  }
  return absl::OkStatus();
}

// Whether the alert is about what every assessment of the series says anew.
bool MayEase(const v1::Alert& alert) {
  return alert.kind() == v1::ALERT_KIND_DETERIORATION ||
         alert.kind() == v1::ALERT_KIND_NOT_ON_TRACK;
}

// The newest step that has a value on the alert's scale decides; nullptr: none has.
const Step* Deciding(const std::vector<Step>& steps, const v1::Alert& alert) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const v1::ScalePoint* value = FindScalePoint(step->point, alert.scale());
    if (value != nullptr && value->has_value()) {
      return &*step;
    }
  }
  return nullptr;
}

// Notes on the series' alerts whether its newest assessment still says so. `steps` are the newest
// ones, or all.
absl::Status EaseAlerts(Write& write, const std::vector<Step>& steps, const v1::Series& series,
                        AlertWriter& alerts) {
  SB_ASSIGN_OR_RETURN(std::vector<v1::Alert> unresolved, ReadUnresolved(write, series));
  for (v1::Alert& alert : unresolved) {
    const Step* step = MayEase(alert) ? Deciding(steps, alert) : nullptr;
    if (step == nullptr) {
      continue;
    }
    const bool holds =
        std::any_of(step->findings.begin(), step->findings.end(), [&](const Finding& finding) {
          return finding.kind == alert.kind() && finding.scale == alert.scale();
        });
    if (SetEased(!holds, step->point.assessment(), alerts.moment(), alert)) {
      SB_RETURN_IF_ERROR(alerts.Save(std::move(alert)));
    }
  }
  return absl::OkStatus();
}

// `steps` without the findings that somebody has resolved.
absl::StatusOr<std::vector<Step>> WithoutSettled(const Write& write, std::vector<Step> steps,
                                                 const v1::Series& series) {
  std::map<std::string, std::vector<v1::Alert>> alerts;  // by cause
  for (Step& step : steps) {
    std::vector<Finding> unsettled;
    for (Finding& finding : step.findings) {
      const std::string cause = AlertCause(finding.kind, series.name(), finding.scale);
      const auto [of_cause, is_new] = alerts.try_emplace(cause);
      if (is_new) {
        SB_ASSIGN_OR_RETURN(of_cause->second,
                            write.FindAll(AlertKind(), AlertsOfCause(cause), kMaxResolved));
      }
      const bool settled = std::any_of(
          of_cause->second.begin(), of_cause->second.end(),
          [&](const v1::Alert& alert) { return IsSettledBy(alert, finding, step.point); });
      if (!settled) {
        unsettled.push_back(std::move(finding));
      }
    }
    step.findings = std::move(unsettled);
  }
  return steps;
}

// The kind and the scale of an alert.
using About = std::pair<v1::AlertKind, std::string>;

// Makes the alerts that are not resolved rest on what `unsettled` still says, and tells what they
// are about.
absl::StatusOr<std::vector<About>> CorrectStanding(Write& write, const std::vector<Step>& unsettled,
                                                   const v1::Series& series,
                                                   const std::string& assessment,
                                                   AlertWriter& alerts) {
  SB_ASSIGN_OR_RETURN(std::vector<v1::Alert> unresolved, ReadUnresolved(write, series));
  std::vector<About> standing;
  for (v1::Alert& alert : unresolved) {
    absl::Time first = absl::InfiniteFuture();
    for (const v1::AlertSource& source : alert.sources()) {
      first = std::min(first, api::FromProto(source.answered_time()));
    }
    std::vector<FoundAt> found;
    for (const Step& step : unsettled) {
      for (const Finding& finding : step.findings) {
        const bool counts = step.point.assessment() == assessment ||
                            api::FromProto(step.point.answered_time()) >= first;
        if (counts && finding.kind == alert.kind() && finding.scale == alert.scale()) {
          found.push_back({finding, step.point});
        }
      }
    }
    standing.emplace_back(alert.kind(), alert.scale());
    if (CorrectAlert(found, assessment, alerts.moment(), alert)) {
      SB_RETURN_IF_ERROR(alerts.Save(std::move(alert)));
    }
  }
  return standing;
}

// Before the other members' series are read: what an index shows is not among what a transaction
// expects, and a series that is not there yet cannot be.
absl::Status TakeTurn(Write& write, const v1::Series& series) {
  type::v1::Claim turn;
  turn.set_name(FormatName(kAllianceTurnPattern, {write.call().practice(), LastId(series.episode()),
                                                  LastId(series.instrument())}));
  turn.set_owner(series.name());
  return write.Save(AllianceTurnKind(), std::move(turn)).status();
}

// Raises what keeps two members' alliances apart, or lets it cease.
absl::Status JudgeSplit(const v1::InstrumentDefinition& definition, const PracticeRules& rules,
                        const v1::Series& series, const v1::Series& other,
                        const std::string& assessment, AlertWriter& alerts) {
  const std::optional<double> own = AllianceItemMean(definition, series);
  const std::optional<double> theirs = AllianceItemMean(definition, other);
  const auto [first, second] = std::minmax(series.name(), other.name());
  const std::string cause =
      AlertCause(v1::ALERT_KIND_ALLIANCE_SPLIT, absl::StrCat(first, "|", second), "");
  v1::Alert blank = BlankAlert(series);
  blank.clear_series();  // it belongs to two
  AddDataSubjects(SeriesKind().access(other), blank);
  const std::optional<Finding> split = own.has_value() && theirs.has_value()
                                           ? FindSplit(definition, *own, *theirs, rules.signals)
                                           : std::nullopt;
  if (split.has_value()) {
    v1::SeriesPoint point;
    point.set_assessment(assessment);
    *point.mutable_answered_time() = series.latest_answered_time();
    return alerts.Raise(cause, blank, *split, point);
  }
  SB_ASSIGN_OR_RETURN(v1::Alert alert, alerts.FindOrMake(cause, blank));
  if (alert.state() == v1::ALERT_STATE_UNSPECIFIED) {
    return absl::OkStatus();
  }
  CeaseAlert(assessment, alerts.moment(), alert);
  return alerts.Save(std::move(alert));
}

}  // namespace

absl::Status FollowAlerts(Write& write, const Step& step, const v1::Series& series,
                          AlertWriter& alerts) {
  SB_RETURN_IF_ERROR(RaiseAll(step, series, alerts));
  SB_RETURN_IF_ERROR(EaseAlerts(write, {step}, series, alerts));
  return step.alliance_repaired ? CeaseRuptures(write, series, step.point.assessment(), alerts)
                                : absl::OkStatus();
}

absl::Status CorrectAlerts(Write& write, const std::vector<Step>& steps, const v1::Series& series,
                           const std::string& assessment, AlertWriter& alerts) {
  SB_ASSIGN_OR_RETURN(const std::vector<Step> unsettled, WithoutSettled(write, steps, series));
  SB_ASSIGN_OR_RETURN(const std::vector<About> standing,
                      CorrectStanding(write, unsettled, series, assessment, alerts));
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i + 1 != steps.size() && steps[i].point.assessment() != assessment) {
      continue;
    }
    Step fresh = unsettled[i];
    std::erase_if(fresh.findings, [&](const Finding& finding) {
      return std::find(standing.begin(), standing.end(), About(finding.kind, finding.scale)) !=
             standing.end();
    });
    SB_RETURN_IF_ERROR(RaiseAll(fresh, series, alerts));
  }
  if (!steps.empty() && steps.back().alliance_repaired) {
    SB_RETURN_IF_ERROR(CeaseRuptures(write, series, assessment, alerts));
  }
  return EaseAlerts(write, steps, series, alerts);
}

absl::Status JudgeSplits(Write& write, const v1::InstrumentDefinition& definition,
                         const PracticeRules& rules, const v1::Series& series,
                         const std::string& assessment, AlertWriter& alerts) {
  if (definition.domain() != v1::DOMAIN_ALLIANCE) {
    return absl::OkStatus();
  }
  SB_RETURN_IF_ERROR(TakeTurn(write, series));
  SB_ASSIGN_OR_RETURN(
      const std::vector<v1::Series> others,
      write.FindAll(SeriesKind(), SeriesOfEpisode(series.episode(), series.instrument()),
                    kMaxSeriesOfInstrument));
  for (const v1::Series& other : others) {
    if (other.informant() != series.informant() &&
        other.instrument_version() == series.instrument_version() &&
        other.relationship_target() == series.relationship_target()) {
      SB_RETURN_IF_ERROR(JudgeSplit(definition, rules, series, other, assessment, alerts));
    }
  }
  return absl::OkStatus();
}

}  // namespace securebase::outcomes
