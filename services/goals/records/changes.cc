#include "services/goals/records/changes.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/goals/rules/progress.h"
#include "services/goals/rules/scores.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::goals {
namespace {

constexpr char kClaims[] = "goals";
constexpr char kIdentifiersField[] = "goal.external_identifiers";

bool IsActiveGbo(const v1::Goal& goal) {
  return goal.has_gbo() && goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_ACTIVE;
}

absl::StatusOr<stored::EpisodeGoals> FindEpisodeGoals(records::Write& write,
                                                      const std::string& episode) {
  SB_ASSIGN_OR_RETURN(auto goals, write.Find(EpisodeGoalsKind(), EpisodeGoalsName(episode)));
  if (!goals.has_value()) {
    goals.emplace();
    goals->set_name(EpisodeGoalsName(episode));
    goals->set_episode(episode);
  }
  return *std::move(goals);
}

// Puts the goal on the list of active GBO goals, or takes it off. True when that changed the list.
absl::StatusOr<bool> ListActiveGbo(const v1::Goal& goal, stored::EpisodeGoals& goals) {
  auto& active = *goals.mutable_active_gbo();
  const auto place =
      std::find_if(active.begin(), active.end(),
                   [&](const stored::ActiveGbo& other) { return other.goal() == goal.name(); });
  const bool listed = place != active.end();
  if (listed == IsActiveGbo(goal)) {
    return false;
  }
  if (listed) {
    active.erase(place);
    return true;
  }
  const auto others =
      std::count_if(active.begin(), active.end(),
                    [&](const stored::ActiveGbo& other) { return other.owner() == goal.owner(); });
  if (others >= kMaxActiveGboGoals) {
    return LimitExceeded(absl::StrCat("the owner has ", kMaxActiveGboGoals,
                                      " active GBO goals in this episode already; put one on hold, "
                                      "complete or cancel it first"));
  }
  stored::ActiveGbo& added = *active.Add();
  added.set_goal(goal.name());
  added.set_owner(goal.owner());
  return true;
}

// Written by Update, also the first time: to the journal, whose entries name the goal, it is a
// change.
absl::StatusOr<stored::GoalUse> FindUse(records::Write& write, const v1::Goal& goal) {
  SB_ASSIGN_OR_RETURN(auto use, write.Find(GoalUseKind(), goal.name()));
  if (!use.has_value()) {
    use.emplace();
    use->set_name(goal.name());
    use->set_episode(goal.episode());
    use->set_owner(goal.owner());
  }
  return *std::move(use);
}

absl::Status Refold(records::Write& write, const v1::Goal& goal, stored::Standing& standing) {
  SB_ASSIGN_OR_RETURN(
      std::vector<v1::Rating> ratings,
      write.FindAll(RatingKind(), RatingsOfInformant(goal.name(), standing.informant()),
                    kMaxRatingsOfInformant));
  *standing.mutable_progress() = FoldRatings(std::move(ratings));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Goal> AddGoal(records::Write& write, v1::Goal goal) {
  SB_ASSIGN_OR_RETURN(stored::EpisodeGoals goals, FindEpisodeGoals(write, goal.episode()));
  if (goals.count() >= kMaxGoalsOfEpisode) {
    return LimitExceeded(absl::StrCat("the episode has ", kMaxGoalsOfEpisode, " goals already"));
  }
  goals.set_count(goals.count() + 1);
  SB_RETURN_IF_ERROR(ListActiveGbo(goal, goals).status());
  SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
      write, kClaims, {}, goal.external_identifiers(), goal.name(), kIdentifiersField));
  SB_ASSIGN_OR_RETURN(v1::Goal created, write.Create(GoalKind(), std::move(goal)));
  SB_RETURN_IF_ERROR(write.Save(EpisodeGoalsKind(), std::move(goals)).status());
  return created;
}

absl::StatusOr<v1::Goal> ChangeGoal(records::Write& write, const v1::Goal& before, v1::Goal after) {
  if (IsActiveGbo(before) != IsActiveGbo(after)) {
    SB_ASSIGN_OR_RETURN(stored::EpisodeGoals goals, FindEpisodeGoals(write, after.episode()));
    SB_RETURN_IF_ERROR(ListActiveGbo(after, goals).status());
    SB_RETURN_IF_ERROR(write.Save(EpisodeGoalsKind(), std::move(goals)).status());
  }
  SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
      write, kClaims, before.external_identifiers(), after.external_identifiers(), after.name(),
      kIdentifiersField));
  return write.Update(GoalKind(), std::move(after));
}

void SetLifecycleStatus(const records::Write& write, v1::GoalLifecycleStatus status,
                        absl::string_view reason, v1::Goal& goal) {
  goal.set_lifecycle_status(status);
  goal.set_status_reason(std::string(reason));
  *goal.mutable_status_time() = api::ToProto(write.now());
}

absl::StatusOr<stored::Standing> FindStanding(records::Write& write, const v1::Goal& goal,
                                              const v1::Informant& informant) {
  const std::string name = StandingName(goal.name(), informant);
  SB_ASSIGN_OR_RETURN(auto standing, write.Find(StandingKind(), name));
  if (!standing.has_value()) {
    standing.emplace();
    standing->set_name(name);
    standing->set_goal(goal.name());
    standing->set_episode(goal.episode());
    standing->set_owner(goal.owner());
    *standing->mutable_informant() = informant;
  }
  return *std::move(standing);
}

bool IsKnown(const stored::Standing& standing) {
  return standing.recorded() > 0 || standing.has_acceptance();
}

absl::StatusOr<bool> WasRated(records::Write& write, const v1::Goal& goal) {
  SB_ASSIGN_OR_RETURN(const stored::GoalUse use, FindUse(write, goal));
  return use.rated();
}

absl::StatusOr<std::vector<stored::Standing>> FindAnswers(records::Write& write,
                                                          const v1::Goal& goal) {
  // Before the answers, which are scanned: one that comes after this read changes what was read.
  SB_RETURN_IF_ERROR(FindUse(write, goal).status());
  SB_ASSIGN_OR_RETURN(std::vector<stored::Standing> standings,
                      write.FindAll(StandingKind(), StandingsOfGoal(goal.name()), kMaxStandings));
  standings.erase(
      std::remove_if(standings.begin(), standings.end(),
                     [](const stored::Standing& standing) { return !standing.has_acceptance(); }),
      standings.end());
  return standings;
}

absl::Status RecordAnswer(records::Write& write, const v1::Goal& goal, stored::Standing standing) {
  SB_RETURN_IF_ERROR(write.Save(StandingKind(), std::move(standing)).status());
  SB_ASSIGN_OR_RETURN(stored::GoalUse use, FindUse(write, goal));
  use.set_answers(use.answers() + 1);
  return write.Update(GoalUseKind(), std::move(use)).status();
}

absl::StatusOr<v1::Rating> AddRatingTo(records::Write& write, const v1::Goal& goal,
                                       stored::Standing standing, v1::Rating rating) {
  if (standing.recorded() >= kMaxRatingsOfInformant) {
    return LimitExceeded(absl::StrCat("this informant has rated the goal ", kMaxRatingsOfInformant,
                                      " times; supersede it by a new one"));
  }
  SB_ASSIGN_OR_RETURN(const v1::Rating created, write.Create(RatingKind(), std::move(rating)));
  standing.set_recorded(standing.recorded() + 1);
  if (!AddRating(created, *standing.mutable_progress())) {
    SB_RETURN_IF_ERROR(Refold(write, goal, standing));
  }
  SB_RETURN_IF_ERROR(write.Save(StandingKind(), std::move(standing)).status());
  SB_ASSIGN_OR_RETURN(stored::GoalUse use, FindUse(write, goal));
  if (!use.rated()) {
    use.set_rated(true);
    SB_RETURN_IF_ERROR(write.Update(GoalUseKind(), std::move(use)).status());
  }
  return created;
}

absl::StatusOr<v1::Rating> MarkInError(records::Write& write, const v1::Goal& goal,
                                       v1::Rating rating, absl::string_view reason) {
  if (rating.has_error_time()) {
    return rating;
  }
  *rating.mutable_error_time() = api::ToProto(write.now());
  rating.set_error_reason(std::string(reason));
  SB_ASSIGN_OR_RETURN(v1::Rating marked, write.Update(RatingKind(), std::move(rating)));
  SB_ASSIGN_OR_RETURN(stored::Standing standing, FindStanding(write, goal, marked.informant()));
  SB_RETURN_IF_ERROR(Refold(write, goal, standing));
  SB_RETURN_IF_ERROR(write.Save(StandingKind(), std::move(standing)).status());
  return marked;
}

}  // namespace securebase::goals
