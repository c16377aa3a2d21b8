#include "services/goals/rules/progress.h"

#include <algorithm>
#include <random>

#include "google/protobuf/util/message_differencer.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {
namespace {

using ::google::protobuf::util::MessageDifferencer;

v1::InformantProgress ProgressOf(const std::vector<int>& values) {
  std::vector<v1::Rating> ratings;
  for (size_t i = 0; i < values.size(); ++i) {
    ratings.push_back(MakeRating(values[i], static_cast<int64_t>(i) + 1));
  }
  return FoldRatings(ratings);
}

v1::InformantProgress Judged(const v1::Goal& goal, const std::vector<int>& values) {
  v1::InformantProgress progress = ProgressOf(values);
  Judge(goal, 4, progress);
  return progress;
}

TEST(FoldRatingsTest, KeepsBaselineLatestPreviousAndBest) {
  const v1::InformantProgress progress = ProgressOf({3, 7, 7, 5});
  EXPECT_EQ(progress.baseline().value(), 3);
  EXPECT_EQ(progress.latest().value(), 5);
  EXPECT_EQ(progress.previous().value(), 7);
  EXPECT_EQ(progress.best().rating_time().seconds(), 2) << "the earliest of the best";
  EXPECT_EQ(progress.count(), 4);
  EXPECT_EQ(progress.unmoved(), 1);
  EXPECT_EQ(progress.informant().participant(), "anna");
}

TEST(FoldRatingsTest, OrdersByRatingTimeThenRecordedTime) {
  v1::Rating late_form = MakeRating(1, 9);
  late_form.mutable_rating_time()->set_seconds(1);
  v1::Rating correction = MakeRating(8, 8);
  correction.mutable_rating_time()->set_seconds(5);
  const v1::InformantProgress progress =
      FoldRatings({correction, MakeRating(4, 5), late_form, MakeRating(3, 3)});
  EXPECT_EQ(progress.baseline().value(), 1);
  EXPECT_EQ(progress.previous().value(), 4);
  EXPECT_EQ(progress.latest().value(), 8);
}

TEST(FoldRatingsTest, LeavesOutWhatWasEnteredInError) {
  v1::Rating wrong = MakeRating(10, 2);
  wrong.mutable_error_time()->set_seconds(3);
  const v1::InformantProgress progress = FoldRatings({MakeRating(3, 1), wrong});
  EXPECT_EQ(progress.count(), 1);
  EXPECT_EQ(progress.latest().value(), 3);
  EXPECT_EQ(FoldRatings({wrong}).count(), 0);
}

TEST(AddRatingTest, RefusesWhatIsNotTheLatest) {
  v1::InformantProgress progress = ProgressOf({3, 4});
  const v1::InformantProgress before = progress;
  EXPECT_FALSE(AddRating(MakeRating(9, 2), progress));
  EXPECT_FALSE(AddRating(MakeRating(9, 1), progress));
  EXPECT_TRUE(MessageDifferencer::Equals(before, progress));
}

// The short way and the long way agree on every history, in whatever order it arrives.
TEST(AddRatingTest, AgreesWithFoldingOnRandomHistories) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 500; ++round) {
    std::vector<v1::Rating> history;
    v1::InformantProgress progress;
    for (int i = 0; i < 12; ++i) {
      v1::Rating rating = MakeRating(static_cast<int>(random() % 4), i + 1);
      rating.mutable_rating_time()->set_seconds(static_cast<int64_t>(random() % 12));
      history.push_back(rating);
      if (!AddRating(rating, progress)) {
        progress = FoldRatings(history);
      }
      std::vector<v1::Rating> shuffled = history;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      ASSERT_TRUE(MessageDifferencer::Equals(progress, FoldRatings(shuffled)))
          << progress.DebugString();
    }
  }
}

TEST(JudgeTest, GboStatus) {
  const struct {
    std::vector<int> values;
    v1::AchievementStatus status;
    bool stuck;
  } cases[] = {
      {{3}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},
      {{3, 5}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},  // 2 points are not reliable
      {{3, 6}, v1::ACHIEVEMENT_STATUS_IMPROVING, false},    // 3 points are
      {{5, 3}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},
      {{5, 2}, v1::ACHIEVEMENT_STATUS_WORSENING, false},
      {{3, 8}, v1::ACHIEVEMENT_STATUS_ACHIEVED, false},
      {{8}, v1::ACHIEVEMENT_STATUS_ACHIEVED, false},
      {{3, 8, 9}, v1::ACHIEVEMENT_STATUS_SUSTAINING, false},
      {{3, 8, 7, 8}, v1::ACHIEVEMENT_STATUS_ACHIEVED, false},  // reached again, not sustained
      {{8, 8, 7}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},
      {{3, 3, 3}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},
      {{3, 3, 3, 3}, v1::ACHIEVEMENT_STATUS_NO_CHANGE, true},
      {{3, 4, 3, 3, 3}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS, false},
      {{3, 6, 6, 6, 6}, v1::ACHIEVEMENT_STATUS_IMPROVING, true},  // better than at first, and stuck
      {{8, 8, 8, 8}, v1::ACHIEVEMENT_STATUS_SUSTAINING, false},   // at the target nobody is stuck
  };
  for (const auto& c : cases) {
    const v1::InformantProgress progress = Judged(GboGoal(8), c.values);
    EXPECT_EQ(progress.status(), c.status) << progress.DebugString();
    EXPECT_EQ(progress.stuck(), c.stuck) << progress.DebugString();
  }
}

TEST(JudgeTest, GasStatusStartsFromTheAnchor) {
  const struct {
    v1::GasAnchor anchor;
    std::vector<int> values;
    v1::AchievementStatus status;
  } cases[] = {
      {v1::GAS_ANCHOR_MINUS_ONE, {-1}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS},
      {v1::GAS_ANCHOR_MINUS_ONE, {-2}, v1::ACHIEVEMENT_STATUS_WORSENING},
      {v1::GAS_ANCHOR_MINUS_TWO, {-2}, v1::ACHIEVEMENT_STATUS_IN_PROGRESS},
      {v1::GAS_ANCHOR_MINUS_TWO, {-1}, v1::ACHIEVEMENT_STATUS_IMPROVING},
      {v1::GAS_ANCHOR_MINUS_ONE, {-1, 0}, v1::ACHIEVEMENT_STATUS_ACHIEVED},
      {v1::GAS_ANCHOR_MINUS_ONE, {-1, 0, 2}, v1::ACHIEVEMENT_STATUS_SUSTAINING},
      {v1::GAS_ANCHOR_MINUS_ONE, {-1, -1, -1, -1}, v1::ACHIEVEMENT_STATUS_NO_CHANGE},
  };
  for (const auto& c : cases) {
    const v1::InformantProgress progress = Judged(GasGoal(c.anchor), c.values);
    EXPECT_EQ(progress.status(), c.status) << progress.DebugString();
    EXPECT_EQ(progress.change().judgement(), v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA);
    EXPECT_FALSE(progress.change().has_threshold());
  }
}

TEST(JudgeTest, OneRatingIsNoChange) {
  EXPECT_EQ(Judged(GboGoal(), {5}).change().judgement(), v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA);
}

TEST(JudgeTest, TheLimitForStuckIsThePractices) {
  v1::InformantProgress progress = ProgressOf({3, 3});
  Judge(GboGoal(), 2, progress);
  EXPECT_TRUE(progress.stuck());
  Judge(GboGoal(), 3, progress);
  EXPECT_FALSE(progress.stuck());
}

}  // namespace
}  // namespace securebase::goals
