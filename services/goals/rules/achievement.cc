#include "services/goals/rules/achievement.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/goals/rules/checks.h"
#include "services/goals/rules/lifecycle.h"
#include "services/goals/rules/scores.h"

namespace securebase::goals {
namespace {

using v1::Achievement;
using v1::AchievementStatus;
using v1::InformantProgress;

// From furthest from the target to furthest along.
int Rank(AchievementStatus status) {
  switch (status) {
    case v1::ACHIEVEMENT_STATUS_WORSENING:
      return 0;
    case v1::ACHIEVEMENT_STATUS_NO_CHANGE:
      return 1;
    case v1::ACHIEVEMENT_STATUS_IN_PROGRESS:
      return 2;
    case v1::ACHIEVEMENT_STATUS_IMPROVING:
      return 3;
    case v1::ACHIEVEMENT_STATUS_ACHIEVED:
      return 4;
    default:
      return 5;  // SUSTAINING
  }
}

bool IsReached(AchievementStatus status) {
  return status == v1::ACHIEVEMENT_STATUS_ACHIEVED || status == v1::ACHIEVEMENT_STATUS_SUSTAINING;
}

bool IsParticipant(const InformantProgress& line) {
  return line.informant().kind() == v1::INFORMANT_KIND_PARTICIPANT;
}

std::vector<InformantProgress> Deciding(const v1::Goal& goal,
                                        const std::vector<InformantProgress>& progress) {
  std::vector<InformantProgress> participants;
  std::vector<InformantProgress> clinicians;
  for (const InformantProgress& line : progress) {
    if (line.count() == 0) {
      continue;
    }
    if (!goal.owner().empty() && line.informant().participant() == goal.owner()) {
      return {line};
    }
    (IsParticipant(line) ? participants : clinicians).push_back(line);
  }
  return participants.empty() ? clinicians : participants;
}

// What ended goals become that have not reached their target.
AchievementStatus Ended(AchievementStatus status, bool better_than_start) {
  if (IsReached(status)) {
    return status;
  }
  return better_than_start ? v1::ACHIEVEMENT_STATUS_NOT_ACHIEVED
                           : v1::ACHIEVEMENT_STATUS_NO_PROGRESS;
}

bool HasEnded(const v1::Goal& goal) {
  return goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_COMPLETED ||
         goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_CANCELLED;
}

std::string RatedRule(const v1::Goal& goal, const InformantProgress& line, size_t informants) {
  std::string rule;
  const int latest = line.latest().value();
  if (IsReached(line.status())) {
    rule = goal.has_gas()
               ? absl::StrCat("latest level ", latest, ", the expected one is 0")
               : absl::StrCat("latest rating ", latest, " reaches the target ", Target(goal.gbo()));
    if (line.status() == v1::ACHIEVEMENT_STATUS_SUSTAINING) {
      absl::StrAppend(&rule, ", as the one before");
    }
  } else if (goal.has_gas()) {
    rule = absl::StrCat("latest level ", latest, ", level at the start ", StartLevel(goal.gas()));
  } else if (line.count() < 2) {
    rule = absl::StrCat("one rating, ", latest);
  } else {
    rule = absl::StrCat("from ", line.baseline().value(), " to ", latest,
                        ", reliable change is more than ", kGboReliableChange);
  }
  if (line.stuck()) {
    absl::StrAppend(&rule, "; the last ", line.unmoved(), " ratings are equal");
  }
  if (informants > 1) {
    absl::StrAppend(&rule, "; of ", informants, " informants the one furthest from the target");
  }
  return rule;
}

std::optional<Achievement> FromRatings(const v1::Goal& goal,
                                       const std::vector<InformantProgress>& progress) {
  const std::vector<InformantProgress> deciding = Deciding(goal, progress);
  if (deciding.empty()) {
    return std::nullopt;
  }
  const auto& line = *std::min_element(deciding.begin(), deciding.end(),
                                       [](const InformantProgress& a, const InformantProgress& b) {
                                         return Rank(a.status()) < Rank(b.status());
                                       });
  Achievement achievement;
  achievement.set_computed_status(
      HasEnded(goal) ? Ended(line.status(), line.change().difference() > 0) : line.status());
  achievement.set_rule(RatedRule(goal, line, deciding.size()));
  achievement.set_stuck(line.stuck());
  achievement.set_house_rule(line.stuck() || deciding.size() > 1 ||
                             line.status() == v1::ACHIEVEMENT_STATUS_SUSTAINING);
  achievement.set_provisional(!IsReached(line.status()) && line.change().provisional());
  for (const InformantProgress& decider : deciding) {
    *achievement.add_informants() = decider.informant();
    *achievement.add_ratings() = decider.latest();
  }
  return achievement;
}

v1::Informant ParticipantInformant(const std::string& id) {
  v1::Informant informant;
  informant.set_kind(v1::INFORMANT_KIND_PARTICIPANT);
  informant.set_participant(id);
  return informant;
}

std::optional<Achievement> FromSeries(const v1::Goal& goal,
                                      const std::optional<v1::SeriesPoint>& series,
                                      const Policy& policy) {
  if (!series.has_value() || !series->has_latest()) {
    return std::nullopt;
  }
  const v1::ScaleMeasure& scale = goal.scale();
  Achievement achievement;
  *achievement.mutable_series() = *series;
  *achievement.add_informants() = ParticipantInformant(scale.subject());
  if (!scale.informant().empty() && scale.informant() != scale.subject()) {
    *achievement.add_informants() = ParticipantInformant(scale.informant());
  }
  AchievementStatus status = v1::ACHIEVEMENT_STATUS_IN_PROGRESS;
  bool better = false;
  if (Meets(series->latest(), scale.comparator(), scale.target())) {
    const bool before =
        series->has_previous() && Meets(series->previous(), scale.comparator(), scale.target());
    status = before ? v1::ACHIEVEMENT_STATUS_SUSTAINING : v1::ACHIEVEMENT_STATUS_ACHIEVED;
    achievement.set_rule(before ? "the latest two values reach the target"
                                : "the latest value reaches the target");
    achievement.set_house_rule(before);
  } else {
    switch (series->verdict()) {
      case outcomes::v1::VERDICT_RECOVERED:
      case outcomes::v1::VERDICT_RELIABLY_IMPROVED:
        status = v1::ACHIEVEMENT_STATUS_IMPROVING;
        better = true;
        achievement.set_rule("reliably improved since the baseline");
        break;
      case outcomes::v1::VERDICT_RELIABLY_DETERIORATED:
        status = v1::ACHIEVEMENT_STATUS_WORSENING;
        achievement.set_rule("reliably deteriorated since the baseline");
        break;
      case outcomes::v1::VERDICT_NO_RELIABLE_CHANGE:
        if (series->count() >= policy.stuck_ratings) {
          status = v1::ACHIEVEMENT_STATUS_NO_CHANGE;
          achievement.set_stuck(true);
          achievement.set_house_rule(true);
        }
        achievement.set_rule(
            absl::StrCat("no reliable change over ", series->count(), " assessments"));
        break;
      default:
        // Nobody can say that it is no better: an ended goal is then NOT_ACHIEVED, no more.
        better = true;
        achievement.set_rule("the target is not reached; no verdict on the change");
        break;
    }
    achievement.set_provisional(series->provisional());
  }
  achievement.set_computed_status(HasEnded(goal) ? Ended(status, better) : status);
  return achievement;
}

bool IsOverdue(const v1::Goal& goal, AchievementStatus status, absl::CivilDay today) {
  const auto due = goal.has_due_date() ? ToCivilDay(goal.due_date()) : std::nullopt;
  return due.has_value() && today > *due && IsOpen(goal.lifecycle_status()) && !IsReached(status);
}

// Sought, and nothing measured yet.
std::optional<Achievement> NotMeasured(const v1::Goal& goal) {
  if (goal.lifecycle_status() != v1::GOAL_LIFECYCLE_STATUS_ACTIVE &&
      goal.lifecycle_status() != v1::GOAL_LIFECYCLE_STATUS_ON_HOLD) {
    return std::nullopt;
  }
  Achievement achievement;
  achievement.set_computed_status(v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  achievement.set_rule(IsRated(goal) ? "no rating yet" : "no scored assessment yet");
  return achievement;
}

}  // namespace

std::optional<Achievement> Achieve(const v1::Goal& goal,
                                   const std::vector<InformantProgress>& progress,
                                   const std::optional<v1::SeriesPoint>& series,
                                   const Policy& policy) {
  if (goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR ||
      goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_REJECTED) {
    return std::nullopt;
  }
  std::optional<Achievement> achievement =
      IsRated(goal) ? FromRatings(goal, progress) : FromSeries(goal, series, policy);
  // Without an answer of the outcomes service nobody knows whether something was measured.
  const bool unknown = !IsRated(goal) && !series.has_value();
  if (!achievement.has_value() && !unknown) {
    achievement = NotMeasured(goal);
  }
  if (goal.has_achievement_override()) {
    if (!achievement.has_value()) {
      achievement.emplace();
    }
    achievement->set_status(goal.achievement_override().status());
  } else if (achievement.has_value()) {
    achievement->set_status(achievement->computed_status());
  }
  if (achievement.has_value()) {
    achievement->set_overdue(IsOverdue(goal, achievement->status(), policy.today));
  }
  return achievement;
}

}  // namespace securebase::goals
