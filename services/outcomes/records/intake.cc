#include "services/outcomes/records/intake.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/schedules.h"
#include "services/outcomes/records/series_alerts.h"
#include "services/outcomes/rules/findings.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

using records::Reader;
using records::Write;

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

int CadenceOf(const std::optional<v1::Schedule>& schedule) {
  return schedule.has_value() ? schedule->cadence_weeks() : 0;
}

// `assessment` empty: nobody's choice.
void ChooseBaseline(const Write& write, const std::string& assessment, const std::string& reason,
                    v1::Series& series) {
  series.set_chosen_baseline(assessment);
  v1::BaselineChoice& choice = *series.add_baseline_choices();
  choice.set_assessment(assessment);
  *choice.mutable_time() = api::ToProto(write.now());
  *choice.mutable_actor() = api::ActorOf(write.call());
  choice.set_reason(reason);
}

}  // namespace

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
    SB_ASSIGN_OR_RETURN(const Step step,
                        Extend(measure, CadenceOf(schedule), rules.signals, assessment, series));
    SB_RETURN_IF_ERROR(FollowAlerts(write, step, series, alerts));
    return Finish(write, *measure.definition, rules, assessment.name(), std::move(series), alerts);
  }
  const v1::Series before = series;
  if (assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR &&
      series.chosen_baseline() == assessment.name()) {
    // A baseline that should not be there is nobody's choice any more.
    ChooseBaseline(write, "", "entered-in-error", series);
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
  ChooseBaseline(write, assessment, reason, series);
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

}  // namespace securebase::outcomes
