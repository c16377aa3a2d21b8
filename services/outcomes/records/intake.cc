#include "services/outcomes/records/intake.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/members.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/findings.h"
#include "services/outcomes/rules/schedule.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {
namespace {

using records::Reader;
using records::Write;

constexpr int kMaxUnresolved = 100;         // of one series; there are a few at most
constexpr int kMaxResolved = 100;           // of one cause: the latest
constexpr int kMaxSeriesOfInstrument = 50;  // in one episode, for the split of an alliance

// One point with what it says.
struct Step {
  v1::SeriesPoint point;
  std::vector<Finding> findings;
  bool alliance_repaired = false;
};

absl::Status TooLong(absl::string_view series) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                   absl::StrCat(series, " is full: it holds ", kMaxSeriesLength, " assessments"),
                   {{"limit", absl::StrCat(kMaxSeriesLength)}});
}

absl::StatusOr<Step> Extend(const Measure& measure, int cadence_weeks, const SignalRules& rules,
                            const v1::Assessment& assessment, v1::Series& series) {
  Step step;
  step.point = MakePoint(assessment);
  SB_RETURN_IF_ERROR(AddPoint(*measure.definition, measure.norms, "", step.point, series));
  SB_ASSIGN_OR_RETURN(PointSignals signals, JudgePoint(*measure.definition, measure.norms,
                                                       step.point, cadence_weeks, rules, series));
  step.findings = std::move(signals.findings);
  step.alliance_repaired = signals.alliance_repaired;
  if (std::optional<Finding> risk = FindRisk(assessment.result()); risk.has_value()) {
    step.findings.insert(step.findings.begin(), *std::move(risk));
  }
  return step;
}

// The assessments that count, in the order of the series.
absl::StatusOr<std::vector<v1::Assessment>> ReadAssessments(const Reader& reader,
                                                            absl::string_view series,
                                                            std::optional<absl::Time> as_of) {
  SB_ASSIGN_OR_RETURN(
      std::vector<v1::Assessment> all,
      reader.FindAll(AssessmentKind(), AssessmentsOfSeries(series), kMaxSeriesLength + 1));
  if (all.size() > kMaxSeriesLength) {
    return TooLong(series);
  }
  std::vector<v1::Assessment> counted;
  for (v1::Assessment& assessment : all) {
    if (as_of.has_value()) {
      std::optional<v1::Assessment> then = AssessmentAsOf(assessment, *as_of);
      if (then.has_value()) {
        counted.push_back(*std::move(then));
      }
    } else if (assessment.status() != v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR) {
      counted.push_back(std::move(assessment));
    }
  }
  std::sort(counted.begin(), counted.end(), [](const v1::Assessment& a, const v1::Assessment& b) {
    return PrecedesInSeries(MakePoint(a), MakePoint(b));
  });
  return counted;
}

// The alerts of a cause: all are resolved but, perhaps, the last.
struct Latest {
  std::optional<v1::Alert> unresolved;
  std::optional<v1::Alert> resolved;  // the last one that is
  std::string next_name;              // of the alert that comes next, if all are resolved
};
absl::StatusOr<Latest> FindLatest(Write& write, const std::string& cause) {
  SB_ASSIGN_OR_RETURN(const auto newest, write.FindAll(AlertKind(), AlertsOfCause(cause), 1));
  int number = 1;
  if (!newest.empty()) {
    const std::string id = LastId(newest[0].name());
    if (!absl::SimpleAtoi(id.substr(id.rfind('-') + 1), &number)) {
      return Internal("an alert's id does not end with its number");
    }
  }
  // The index is outside of the transaction's expectations, and by times, which a clock that was
  // set back disorders: the records decide.
  for (Latest latest;; ++number) {
    latest.next_name =
        FormatName(kAlertPattern, {write.call().practice(), absl::StrCat(cause, "-", number)});
    SB_ASSIGN_OR_RETURN(auto existing, write.Find(AlertKind(), latest.next_name));
    if (!existing.has_value()) {
      return latest;
    }
    if (existing->state() != v1::ALERT_STATE_RESOLVED) {
      latest.unresolved = std::move(existing);
      return latest;
    }
    latest.resolved = std::move(existing);
  }
}

// Alerts of one transaction, collected for the reply.
class AlertWriter {
 public:
  AlertWriter(Write& write, const PracticeRules& rules)
      : write_(write), moment_(MomentOf(write, rules)) {}

  const AlertMoment& moment() const { return moment_; }
  std::vector<v1::Alert> TakeAlerts() { return std::move(alerts_); }

  // Adds the finding to the alert of its cause that is not resolved, or to a new one like `blank`.
  // What somebody has resolved it neither raises again nor joins to another.
  absl::Status Raise(const std::string& cause, const v1::Alert& blank, const Finding& finding,
                     const v1::SeriesPoint& point) {
    SB_ASSIGN_OR_RETURN(v1::Alert alert, FindOrMake(cause, blank));
    if (last_resolved_.has_value() && IsSettledBy(*last_resolved_, finding, point)) {
      return absl::OkStatus();
    }
    AddAlertSource(finding, point, moment_, alert);
    return Save(std::move(alert));
  }

  // The alert of the cause that is not resolved, or `blank` with the name that the next one gets.
  absl::StatusOr<v1::Alert> FindOrMake(const std::string& cause, const v1::Alert& blank) {
    SB_ASSIGN_OR_RETURN(Latest latest, FindLatest(write_, cause));
    last_resolved_ = std::move(latest.resolved);
    if (latest.unresolved.has_value()) {
      return *std::move(latest.unresolved);
    }
    v1::Alert alert = blank;
    alert.set_name(std::move(latest.next_name));
    return alert;
  }

  absl::Status Save(v1::Alert alert) {
    SB_ASSIGN_OR_RETURN(v1::Alert saved, SaveAlert(write_, std::move(alert)));
    for (v1::Alert& earlier : alerts_) {
      if (earlier.name() == saved.name()) {
        earlier = std::move(saved);
        return absl::OkStatus();
      }
    }
    alerts_.push_back(std::move(saved));
    return absl::OkStatus();
  }

 private:
  Write& write_;
  const AlertMoment moment_;
  std::optional<v1::Alert> last_resolved_;
  std::vector<v1::Alert> alerts_;
};

void AddDataSubjects(const records::Access& access, v1::Alert& alert) {
  for (const std::string& subject : access.subjects) {
    if (std::find(alert.data_subjects().begin(), alert.data_subjects().end(), subject) ==
        alert.data_subjects().end()) {
      alert.add_data_subjects(subject);
    }
  }
}

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

// What a reading of the whole series does to its alerts. An alert keeps to what still holds since
// its first source. New ones are raised by the corrected assessment and by the latest alone: what
// others said was said when they came.
absl::Status CorrectAlerts(Write& write, const std::vector<Step>& steps, const v1::Series& series,
                           const std::string& assessment, AlertWriter& alerts) {
  SB_ASSIGN_OR_RETURN(const std::vector<Step> unsettled, WithoutSettled(write, steps, series));
  SB_ASSIGN_OR_RETURN(std::vector<v1::Alert> unresolved, ReadUnresolved(write, series));
  std::vector<std::pair<v1::AlertKind, std::string>> standing;
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
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i + 1 != steps.size() && steps[i].point.assessment() != assessment) {
      continue;
    }
    Step fresh = unsettled[i];
    fresh.findings.erase(std::remove_if(fresh.findings.begin(), fresh.findings.end(),
                                        [&](const Finding& finding) {
                                          return std::find(
                                                     standing.begin(), standing.end(),
                                                     std::make_pair(finding.kind, finding.scale)) !=
                                                 standing.end();
                                        }),
                         fresh.findings.end());
    SB_RETURN_IF_ERROR(RaiseAll(fresh, series, alerts));
  }
  if (!steps.empty() && steps.back().alliance_repaired) {
    SB_RETURN_IF_ERROR(CeaseRuptures(write, series, assessment, alerts));
  }
  return EaseAlerts(write, steps, series, alerts);
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

// Compares the alliance of `series` with that of every other member of the episode.
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
  const std::optional<double> own = AllianceItemMean(definition, series);
  for (const v1::Series& other : others) {
    if (other.informant() == series.informant() ||
        other.instrument_version() != series.instrument_version() ||
        other.relationship_target() != series.relationship_target()) {
      continue;
    }
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
      SB_RETURN_IF_ERROR(alerts.Raise(cause, blank, *split, point));
      continue;
    }
    SB_ASSIGN_OR_RETURN(v1::Alert alert, alerts.FindOrMake(cause, blank));
    if (alert.state() != v1::ALERT_STATE_UNSPECIFIED) {
      CeaseAlert(assessment, alerts.moment(), alert);
      SB_RETURN_IF_ERROR(alerts.Save(std::move(alert)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Step>> Refold(Write& write, const Measure& measure, int cadence_weeks,
                                         const SignalRules& rules, v1::Series& series) {
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Assessment> assessments,
                      ReadAssessments(write, series.name(), std::nullopt));
  ClearSummary(*measure.definition, series);
  std::vector<Step> steps;
  for (const v1::Assessment& assessment : assessments) {
    SB_ASSIGN_OR_RETURN(Step step, Extend(measure, cadence_weeks, rules, assessment, series));
    steps.push_back(std::move(step));
  }
  return steps;
}

absl::StatusOr<Consequences> Finish(Write& write, const v1::InstrumentDefinition& definition,
                                    const PracticeRules& rules, const std::string& assessment,
                                    v1::Series series, AlertWriter& alerts) {
  Consequences consequences;
  SB_ASSIGN_OR_RETURN(consequences.series, write.Save(SeriesKind(), std::move(series)));
  SB_RETURN_IF_ERROR(
      JudgeSplits(write, definition, rules, consequences.series, assessment, alerts));
  consequences.alerts = alerts.TakeAlerts();
  return consequences;
}

// The active schedule of this identity.
absl::StatusOr<std::optional<v1::Schedule>> FindActiveSchedule(const Reader& reader,
                                                               const std::string& identity) {
  SB_ASSIGN_OR_RETURN(const std::optional<std::string> owner,
                      records::FindClaim(reader, kActiveScheduleScope, identity));
  if (!owner.has_value()) {
    return std::optional<v1::Schedule>();
  }
  return reader.Find(ScheduleKind(), *owner);
}

int CadenceOf(const std::optional<v1::Schedule>& schedule) {
  return schedule.has_value() ? schedule->cadence_weeks() : 0;
}

}  // namespace

AlertMoment MomentOf(const Write& write, const PracticeRules& rules) {
  return {write.now(), api::ActorOf(write.call()), rules.risk_escalation};
}

absl::StatusOr<Consequences> ApplyAssessment(Write& write, const Measure& measure,
                                             const PracticeRules& rules,
                                             const v1::Assessment& assessment, bool is_new) {
  SB_ASSIGN_OR_RETURN(std::optional<v1::Series> stored,
                      write.Find(SeriesKind(), assessment.series()));
  v1::Series series = stored.has_value() ? *std::move(stored) : MakeSeries(assessment);
  series.set_name(assessment.series());
  SB_ASSIGN_OR_RETURN(const std::optional<v1::Schedule> schedule, FindSchedule(write, assessment));
  AlertWriter alerts(write, rules);
  if (is_new && ExtendsSeries(series, MakePoint(assessment))) {
    if (series.assessment_count() >= kMaxSeriesLength) {
      return TooLong(series.name());
    }
    SB_ASSIGN_OR_RETURN(Step step,
                        Extend(measure, CadenceOf(schedule), rules.signals, assessment, series));
    SB_RETURN_IF_ERROR(RaiseAll(step, series, alerts));
    const bool alliance_repaired = step.alliance_repaired;
    SB_RETURN_IF_ERROR(EaseAlerts(write, {std::move(step)}, series, alerts));
    if (alliance_repaired) {
      SB_RETURN_IF_ERROR(CeaseRuptures(write, series, assessment.name(), alerts));
    }
    return Finish(write, *measure.definition, rules, assessment.name(), std::move(series), alerts);
  }
  const v1::Series before = series;
  if (assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR &&
      series.chosen_baseline() == assessment.name()) {
    // A baseline that should not be there is nobody's choice any more.
    series.clear_chosen_baseline();
    v1::BaselineChoice& choice = *series.add_baseline_choices();
    *choice.mutable_time() = api::ToProto(write.now());
    *choice.mutable_actor() = api::ActorOf(write.call());
    choice.set_reason("entered-in-error");
  }
  SB_ASSIGN_OR_RETURN(const std::vector<Step> steps,
                      Refold(write, measure, CadenceOf(schedule), rules.signals, series));
  SB_RETURN_IF_ERROR(CorrectAlerts(write, steps, series, assessment.name(), alerts));
  std::optional<v1::BaselineMove> move = FindBaselineMove(before, series);
  const bool moved = move.has_value();
  if (moved) {
    *move->mutable_time() = api::ToProto(write.now());
    *series.mutable_baseline_move() = *std::move(move);
  }
  SB_ASSIGN_OR_RETURN(
      Consequences consequences,
      Finish(write, *measure.definition, rules, assessment.name(), std::move(series), alerts));
  consequences.baseline_moved = moved;
  return consequences;
}

absl::StatusOr<Consequences> ApplyBaseline(Write& write, const Measure& measure,
                                           const PracticeRules& rules, v1::Series series,
                                           const std::string& assessment,
                                           const std::string& reason) {
  series.set_chosen_baseline(assessment);
  v1::BaselineChoice& choice = *series.add_baseline_choices();
  choice.set_assessment(assessment);
  *choice.mutable_time() = api::ToProto(write.now());
  *choice.mutable_actor() = api::ActorOf(write.call());
  choice.set_reason(reason);
  AlertWriter alerts(write, rules);
  SB_ASSIGN_OR_RETURN(const std::optional<v1::Schedule> schedule,
                      FindActiveSchedule(write, ScheduleIdentity(series)));
  SB_ASSIGN_OR_RETURN(const std::vector<Step> steps,
                      Refold(write, measure, CadenceOf(schedule), rules.signals, series));
  SB_RETURN_IF_ERROR(CorrectAlerts(write, steps, series, assessment, alerts));
  return Finish(write, *measure.definition, rules, assessment, std::move(series), alerts);
}

absl::StatusOr<SeriesView> ReadSeries(const Reader& reader, const Measure& measure,
                                      const v1::Series& series, std::optional<absl::Time> as_of,
                                      const std::string& policy) {
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Assessment> assessments,
                      ReadAssessments(reader, series.name(), as_of));
  SeriesView view;
  view.series = series;
  if (as_of.has_value()) {
    ForgetBaselinesAfter(*as_of, view.series);
  }
  ClearSummary(*measure.definition, view.series);
  for (const v1::Assessment& assessment : assessments) {
    v1::SeriesPoint point = MakePoint(assessment);
    SB_RETURN_IF_ERROR(AddPoint(*measure.definition, measure.norms, policy, point, view.series));
    SB_RETURN_IF_ERROR(
        JudgePoint(*measure.definition, measure.norms, point, 0, SignalRules(), view.series)
            .status());
    view.points.push_back(std::move(point));
  }
  return view;
}

absl::StatusOr<std::optional<v1::Schedule>> FindSchedule(const Reader& reader,
                                                         const v1::Assessment& assessment) {
  return assessment.schedule().empty() ? FindActiveSchedule(reader, ScheduleIdentity(assessment))
                                       : reader.Find(ScheduleKind(), assessment.schedule());
}

absl::StatusOr<v1::Alert> SaveAlert(Write& write, v1::Alert alert) {
  SB_ASSIGN_OR_RETURN(v1::Alert saved, write.Save(AlertKind(), std::move(alert)));
  const bool resolved = saved.state() == v1::ALERT_STATE_RESOLVED;
  if (saved.kind() != v1::ALERT_KIND_RISK || (!resolved && saved.escalated_to().empty())) {
    return saved;
  }
  SB_ASSIGN_OR_RETURN(std::optional<episodes::v1::Episode> episode,
                      write.Find(episodes::EpisodeKind(), saved.episode()));
  if (!episode.has_value()) {
    return saved;
  }
  const bool changed =
      resolved ? episodes::EndCovers(saved.name(), *episode)
               : episodes::AddCovers(saved.name(),
                                     {saved.escalated_to().begin(), saved.escalated_to().end()},
                                     {saved.data_subjects().begin(), saved.data_subjects().end()},
                                     write.now(), *episode);
  if (changed) {
    SB_RETURN_IF_ERROR(write.Update(episodes::EpisodeKind(), *std::move(episode)).status());
  }
  return saved;
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

absl::StatusOr<std::optional<v1::Alert>> FindUnresolved(Write& write, const std::string& cause) {
  SB_ASSIGN_OR_RETURN(Latest latest, FindLatest(write, cause));
  return std::move(latest.unresolved);
}

}  // namespace securebase::outcomes
