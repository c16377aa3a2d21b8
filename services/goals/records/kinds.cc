#include "services/goals/records/kinds.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "services/goals/rules/progress.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::goals {
namespace {

using records::SortableTime;
using records::SortKey;

// Names of indexes, which are stored: never to be changed.
constexpr char kAllGoals[] = "goal.all";
constexpr char kGoalsOfEpisode[] = "goal.episode";
constexpr char kGoalsOfOwner[] = "goal.owner";
constexpr char kRatingsOfGoal[] = "rating.goal";
constexpr char kRatingsOfInformant[] = "rating.informant";
constexpr char kStandingsOfGoal[] = "standing.goal";

std::string ToSortable(const google::protobuf::Timestamp& time) {
  return SortableTime(api::FromProto(time));
}

// Whose data it is: the owner's and, where another participant comes in, theirs.
records::Access AccessOf(const std::string& episode, const std::string& owner,
                         const std::string& participant = "") {
  records::Access access{LastId(episode), {}};
  if (!owner.empty()) {
    access.subjects.push_back(owner);
  }
  if (!participant.empty() && participant != owner) {
    access.subjects.push_back(participant);
  }
  return access;
}

}  // namespace

const records::Kind<v1::Goal>& GoalKind() {
  static const auto* kind = new records::Kind<v1::Goal>{
      "goal", [](const v1::Goal& goal) { return AccessOf(goal.episode(), goal.owner()); },
      [](const v1::Goal& goal) {
        const std::string time = ToSortable(goal.create_time());
        std::vector<storage::IndexEntry> entries = {
            {kAllGoals, time}, {kGoalsOfEpisode, SortKey({LastId(goal.episode()), time})}};
        if (!goal.owner().empty()) {
          entries.push_back({kGoalsOfOwner, SortKey({goal.owner(), time})});
        }
        return entries;
      }};
  return *kind;
}

const records::Kind<v1::Rating>& RatingKind() {
  static const auto* kind = new records::Kind<v1::Rating>{
      "rating",
      [](const v1::Rating& rating) {
        return AccessOf(rating.episode(), rating.owner(), rating.informant().participant());
      },
      [](const v1::Rating& rating) {
        const std::string goal = ParseName(kRatingPattern, rating.name()).value()[1];
        const std::string time = ToSortable(rating.rating_time());
        const std::string recorded = ToSortable(rating.create_time());
        return std::vector<storage::IndexEntry>{
            {kRatingsOfGoal, SortKey({goal, time, recorded})},
            {kRatingsOfInformant,
             SortKey({goal, InformantKey(rating.informant()), time, recorded})}};
      }};
  return *kind;
}

const records::Kind<stored::Standing>& StandingKind() {
  static const auto* kind = new records::Kind<stored::Standing>{
      "standing",
      [](const stored::Standing& standing) {
        return AccessOf(standing.episode(), standing.owner(), standing.informant().participant());
      },
      [](const stored::Standing& standing) {
        const bool participant = standing.informant().kind() == v1::INFORMANT_KIND_PARTICIPANT;
        return std::vector<storage::IndexEntry>{
            {kStandingsOfGoal, SortKey({LastId(standing.goal()), participant ? "a" : "b",
                                        standing.informant().participant()})}};
      },
      /*journaled=*/false};
  return *kind;
}

const records::Kind<stored::EpisodeGoals>& EpisodeGoalsKind() {
  static const auto* kind = new records::Kind<stored::EpisodeGoals>{
      "episode-goals",
      [](const stored::EpisodeGoals& goals) { return AccessOf(goals.episode(), ""); },
      [](const stored::EpisodeGoals&) { return std::vector<storage::IndexEntry>(); },
      /*journaled=*/false};
  return *kind;
}

const records::Kind<stored::Flag>& FlagKind() {
  static const auto* kind = new records::Kind<stored::Flag>{
      "goal-flag", [](const stored::Flag& flag) { return AccessOf(flag.episode(), flag.owner()); },
      [](const stored::Flag&) { return std::vector<storage::IndexEntry>(); }};
  return *kind;
}

const records::Kind<stored::GoalUse>& GoalUseKind() {
  static const auto* kind = new records::Kind<stored::GoalUse>{
      "goal-use", [](const stored::GoalUse& use) { return AccessOf(use.episode(), use.owner()); },
      [](const stored::GoalUse&) { return std::vector<storage::IndexEntry>(); }};
  return *kind;
}

records::Query AllGoals() { return {.index = kAllGoals, .by_episode = kGoalsOfEpisode}; }
records::Query GoalsOfEpisode(absl::string_view episode) {
  return {.index = kGoalsOfEpisode, .prefix = SortKey({LastId(episode), ""})};
}
records::Query GoalsOfOwner(absl::string_view owner) {
  return {.index = kGoalsOfOwner,
          .prefix = SortKey({std::string(owner), ""}),
          .by_episode = kGoalsOfEpisode};
}
records::Query RatingsOfGoal(absl::string_view goal) {
  return {.index = kRatingsOfGoal, .prefix = SortKey({LastId(goal), ""})};
}
records::Query RatingsOfInformant(absl::string_view goal, const v1::Informant& informant) {
  return {.index = kRatingsOfInformant,
          .prefix = SortKey({LastId(goal), InformantKey(informant), ""})};
}
records::Query StandingsOfGoal(absl::string_view goal) {
  return {.index = kStandingsOfGoal, .prefix = SortKey({LastId(goal), ""})};
}

std::string StandingName(absl::string_view goal, const v1::Informant& informant) {
  return absl::StrCat(goal, "/standings/", InformantKey(informant));
}

std::string EpisodeGoalsName(absl::string_view episode) {
  return absl::StrCat(episode, "/goalLimits");
}

}  // namespace securebase::goals
