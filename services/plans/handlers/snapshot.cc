#include "services/plans/handlers/snapshot.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::plans {
namespace {

constexpr int kMaxGoals = 100;
constexpr int kMaxChanges = 200;

// FHIR's word for an enum value: "on-hold" for GOAL_LIFECYCLE_STATUS_ON_HOLD, "" for unspecified.
std::string FhirWord(const std::string& name, absl::string_view prefix) {
  const std::string word = absl::AsciiStrToLower(name.substr(prefix.size()));
  return word == "unspecified" ? "" : absl::StrReplaceAll(word, {{"_", "-"}});
}

v1::GoalSnapshot ToSnapshot(const goals::v1::Goal& goal) {
  v1::GoalSnapshot snapshot;
  snapshot.set_goal(goal.name());
  snapshot.set_etag(goal.etag());
  snapshot.set_lifecycle_status(FhirWord(
      goals::v1::GoalLifecycleStatus_Name(goal.lifecycle_status()), "GOAL_LIFECYCLE_STATUS_"));
  snapshot.set_achievement_status(FhirWord(
      goals::v1::AchievementStatus_Name(goal.achievement().status()), "ACHIEVEMENT_STATUS_"));
  return snapshot;
}

void AddSubjects(const goals::v1::Goal& goal, std::set<std::string>& subjects) {
  if (!goal.owner().empty()) {
    subjects.insert(goal.owner());
  }
  for (const goals::v1::Informant& informant : goal.achievement().informants()) {
    if (!informant.participant().empty()) {
      subjects.insert(informant.participant());
    }
  }
}

v1::ChangeSnapshot ToSnapshot(const outcomes::v1::Series& series,
                              const outcomes::v1::ScaleSummary& scale) {
  v1::ChangeSnapshot snapshot;
  snapshot.set_series(series.name());
  snapshot.set_instrument(LastId(series.instrument()));
  snapshot.set_scale(scale.scale());
  snapshot.set_subject(series.subject());
  snapshot.set_informant(series.informant());
  if (scale.has_baseline()) {
    snapshot.set_baseline(scale.baseline().value());
  }
  if (scale.has_latest()) {
    snapshot.set_latest(scale.latest().value());
  }
  snapshot.set_verdict(
      outcomes::v1::Verdict_Name(scale.verdict().verdict()).substr(sizeof("VERDICT_") - 1));
  snapshot.set_assessments(scale.count());
  return snapshot;
}

void AddMissing(const char* source, const absl::Status& status, v1::ReviewSnapshot& snapshot) {
  v1::MissingSource* missing = snapshot.add_missing();
  missing->set_source(source);
  missing->set_reason(std::string(ReasonName(ReasonOf(status))));
}

}  // namespace

TakenSnapshot TakeSnapshot(const Neighbours& neighbours, const api::Call& call,
                           const std::string& episode) {
  TakenSnapshot taken;
  std::set<std::string> subjects;
  *taken.snapshot.mutable_snapshot_time() = api::ToProto(call.time);
  const auto goals = neighbours.goals->ListGoals(call, episode, kMaxGoals);
  if (goals.ok()) {
    for (const goals::v1::Goal& goal : *goals) {
      *taken.snapshot.add_goals() = ToSnapshot(goal);
      AddSubjects(goal, subjects);
    }
  } else {
    AddMissing("goals", goals.status(), taken.snapshot);
  }
  const auto all_series = neighbours.outcomes->ListSeries(call, episode, kMaxChanges);
  if (all_series.ok()) {
    for (const outcomes::v1::Series& series : *all_series) {
      for (const outcomes::v1::ScaleSummary& scale : series.scales()) {
        if (taken.snapshot.changes_size() < kMaxChanges) {
          *taken.snapshot.add_changes() = ToSnapshot(series, scale);
        }
      }
      subjects.insert(series.subject());
      // A clinician's answers are about the subject and are nobody else's data.
      if (series.informant_role() != outcomes::v1::INFORMANT_CLINICIAN) {
        subjects.insert(series.informant());
      }
    }
  } else {
    AddMissing("outcomes", all_series.status(), taken.snapshot);
  }
  taken.subjects.assign(subjects.begin(), subjects.end());
  return taken;
}

}  // namespace securebase::plans
