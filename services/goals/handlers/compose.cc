#include "services/goals/handlers/compose.h"

#include <algorithm>

#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/checks.h"
#include "services/goals/rules/progress.h"
#include "services/goals/rules/series.h"
#include "services/platform/api/participants.h"
#include "services/platform/base/resource_name.h"

namespace securebase::goals {

const Policy& Composer::GetPolicy() {
  if (policy_.has_value()) {
    return *policy_;
  }
  policy_.emplace();
  absl::TimeZone zone = absl::UTCTimeZone();
  const auto settings = neighbours_.GetSettings(call_);
  if (settings.ok()) {
    policy_known_ = absl::LoadTimeZone(settings->time_zone(), &zone);
    if (settings->house_rules().stuck_ratings() > 0) {
      policy_->stuck_ratings = settings->house_rules().stuck_ratings();
    }
  }
  policy_->today = absl::ToCivilDay(call_.time, zone);
  return *policy_;
}

std::optional<v1::SeriesPoint> Composer::FindSeries(const v1::Goal& goal) {
  const std::string& subject = goal.scale().subject();
  auto known = std::find_if(series_.begin(), series_.end(), [&](const SubjectSeries& other) {
    return other.episode == goal.episode() && other.subject == subject;
  });
  if (known == series_.end()) {
    series_.push_back(
        {goal.episode(), subject, neighbours_.ListSeries(call_, goal.episode(), subject)});
    known = series_.end() - 1;
  }
  if (!known->series.ok()) {
    return std::nullopt;
  }
  return LinkedSeries(goal.scale(), *known->series);
}

void Composer::AddSubject(const std::string& participant) {
  if (!participant.empty()) {
    subjects_.insert(participant);
  }
}

records::Access Composer::AccessOfShown(const v1::Goal& goal) const {
  std::set<std::string> subjects = subjects_;
  if (!goal.owner().empty()) {
    subjects.insert(goal.owner());
  }
  return {LastId(goal.episode()), {subjects.begin(), subjects.end()}};
}

absl::Status Composer::Compose(const records::Reader& reader, bool with_series, v1::Goal& goal) {
  SB_ASSIGN_OR_RETURN(const std::vector<stored::Standing> standings,
                      reader.GetAll(StandingKind(), StandingsOfGoal(goal.name()), kMaxStandings));
  const Policy& policy = GetPolicy();
  std::vector<v1::InformantProgress> progress;
  for (const stored::Standing& standing : standings) {
    AddSubject(standing.informant().participant());
    goal.set_measure_fixed(goal.measure_fixed() || standing.recorded() > 0);
    if (standing.progress().count() > 0) {
      progress.push_back(standing.progress());
      Judge(goal, policy.stuck_ratings, progress.back());
    }
    if (standing.has_acceptance()) {
      *goal.add_acceptances() = standing.acceptance();
    }
  }
  goal.mutable_progress()->Add(progress.begin(), progress.end());

  std::optional<v1::SeriesPoint> series;
  if (goal.has_scale() && with_series) {
    series = FindSeries(goal);
    if (!series.has_value()) {
      goal.add_unavailable(kOutcomesUnavailable);
    } else if (series->has_latest() || series->has_baseline()) {
      AddSubject(goal.scale().subject());
      AddSubject(goal.scale().informant());
    }
  }
  if (const auto achievement = Achieve(goal, progress, series, policy)) {
    *goal.mutable_achievement() = *achievement;
  }
  if (!policy_known_) {
    goal.add_unavailable(kSettingsUnavailable);
  }
  if (!api::IsParticipant(call_)) {
    SB_ASSIGN_OR_RETURN(const auto flag, reader.Find(FlagKind(), goal.name()));
    if (flag.has_value() && flag->has_unsafe_flag()) {
      *goal.mutable_unsafe_flag() = flag->unsafe_flag();
    }
  }
  return absl::OkStatus();
}

}  // namespace securebase::goals
