#include "services/goals/rules/achievement.h"

#include "services/goals/rules/progress.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {
namespace {

using ::testing::HasSubstr;

const Policy kPolicy = {4, absl::CivilDay(2026, 1, 10)};

v1::InformantProgress Line(const v1::Goal& goal, const std::vector<int>& values,
                           const v1::Informant& informant = Participant("anna")) {
  std::vector<v1::Rating> ratings;
  for (size_t i = 0; i < values.size(); ++i) {
    ratings.push_back(MakeRating(values[i], static_cast<int64_t>(i) + 1, informant));
  }
  v1::InformantProgress progress = FoldRatings(ratings);
  Judge(goal, kPolicy.stuck_ratings, progress);
  return progress;
}

v1::SeriesPoint Series(double baseline, double latest, outcomes::v1::Verdict verdict,
                       int count = 2) {
  v1::SeriesPoint series;
  series.set_series("practices/p1/series/s1");
  series.set_baseline(baseline);
  series.set_latest(latest);
  series.set_verdict(verdict);
  series.set_count(count);
  return series;
}

TEST(AchieveTest, TheOwnersRatingsDecide) {
  const v1::Goal goal = GboGoal(8);
  const auto achievement = Achieve(
      goal,
      {Line(goal, {3, 6}), Line(goal, {3, 9}, Participant("ben")), Line(goal, {3, 1}, Clinician())},
      std::nullopt, kPolicy);
  ASSERT_TRUE(achievement.has_value());
  EXPECT_EQ(achievement->status(), v1::ACHIEVEMENT_STATUS_IMPROVING);
  ASSERT_EQ(achievement->informants_size(), 1);
  EXPECT_EQ(achievement->informants(0).participant(), "anna");
  EXPECT_THAT(achievement->rule(), HasSubstr("from 3 to 6"));
  EXPECT_TRUE(achievement->provisional()) << "2.45 is provisional";
  EXPECT_FALSE(achievement->house_rule());
}

TEST(AchieveTest, InASharedGoalTheOneFurthestFromTheTargetDecides) {
  const v1::Goal goal = GboGoal(8, /*owner=*/"");
  const auto achievement = Achieve(
      goal,
      {Line(goal, {3, 9}), Line(goal, {5, 2}, Participant("ben")), Line(goal, {3, 9}, Clinician())},
      std::nullopt, kPolicy);
  ASSERT_TRUE(achievement.has_value());
  EXPECT_EQ(achievement->status(), v1::ACHIEVEMENT_STATUS_WORSENING);
  EXPECT_TRUE(achievement->house_rule());
  // Both entered into it: who may not see one of them may not see the result.
  ASSERT_EQ(achievement->informants_size(), 2);
  EXPECT_EQ(achievement->informants(1).participant(), "ben");
  EXPECT_EQ(achievement->ratings_size(), 2);
}

TEST(AchieveTest, TheClinicianDecidesOnlyWithoutParticipants) {
  const v1::Goal goal = GboGoal(8);
  const auto achievement = Achieve(goal, {Line(goal, {3, 9}, Clinician())}, std::nullopt, kPolicy);
  ASSERT_TRUE(achievement.has_value());
  EXPECT_EQ(achievement->status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(achievement->informants(0).kind(), v1::INFORMANT_KIND_CLINICIAN);
  EXPECT_FALSE(achievement->provisional()) << "reaching the target needs no threshold";
}

TEST(AchieveTest, UnratedGoalsAreInProgressOnceTheyAreActive) {
  v1::Goal goal = GboGoal();
  EXPECT_EQ(Achieve(goal, {}, std::nullopt, kPolicy)->status(), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  goal.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_PROPOSED);
  EXPECT_FALSE(Achieve(goal, {}, std::nullopt, kPolicy).has_value());
}

TEST(AchieveTest, EndedGoalsBelowTheirTargetAreNotAchieved) {
  v1::Goal goal = GboGoal(8);
  goal.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_COMPLETED);
  const auto status = [&](const std::vector<int>& values) {
    return Achieve(goal, {Line(goal, values)}, std::nullopt, kPolicy)->status();
  };
  EXPECT_EQ(status({3, 4}), v1::ACHIEVEMENT_STATUS_NOT_ACHIEVED);
  EXPECT_EQ(status({3, 3}), v1::ACHIEVEMENT_STATUS_NO_PROGRESS);
  EXPECT_EQ(status({3, 2}), v1::ACHIEVEMENT_STATUS_NO_PROGRESS);
  EXPECT_EQ(status({3, 8}), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(status({3, 8, 8}), v1::ACHIEVEMENT_STATUS_SUSTAINING);
}

TEST(AchieveTest, GoalsEnteredInErrorOrRejectedHaveNone) {
  v1::Goal goal = GboGoal(8);
  for (const auto status :
       {v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR, v1::GOAL_LIFECYCLE_STATUS_REJECTED}) {
    goal.set_lifecycle_status(status);
    EXPECT_FALSE(Achieve(goal, {Line(goal, {3, 8})}, std::nullopt, kPolicy).has_value());
  }
}

TEST(AchieveTest, AnOverrideStandsInAndTheComputedStatusStays) {
  v1::Goal goal = GboGoal(8);
  goal.mutable_achievement_override()->set_status(v1::ACHIEVEMENT_STATUS_NOT_ATTAINABLE);
  const auto achievement = Achieve(goal, {Line(goal, {3, 6})}, std::nullopt, kPolicy);
  EXPECT_EQ(achievement->status(), v1::ACHIEVEMENT_STATUS_NOT_ATTAINABLE);
  EXPECT_EQ(achievement->computed_status(), v1::ACHIEVEMENT_STATUS_IMPROVING);
}

TEST(AchieveTest, ScaleTargetsAreComparedAsTheGoalSays) {
  v1::Goal goal = ScaleGoal();
  const struct {
    outcomes::v1::Comparator comparator;
    double below, at, above;  // 1 where the target of 10 is reached
  } cases[] = {
      {outcomes::v1::COMPARATOR_BELOW, 1, 0, 0},
      {outcomes::v1::COMPARATOR_AT_MOST, 1, 1, 0},
      {outcomes::v1::COMPARATOR_AT_LEAST, 0, 1, 1},
      {outcomes::v1::COMPARATOR_EXCEEDS, 0, 0, 1},
  };
  for (const auto& c : cases) {
    goal.mutable_scale()->set_comparator(c.comparator);
    const auto reached = [&](double latest) {
      const auto achievement =
          Achieve(goal, {}, Series(15, latest, outcomes::v1::VERDICT_INSUFFICIENT_DATA), kPolicy);
      return achievement->status() == v1::ACHIEVEMENT_STATUS_ACHIEVED ? 1 : 0;
    };
    EXPECT_EQ(reached(9.99), c.below) << c.comparator;
    EXPECT_EQ(reached(10), c.at) << c.comparator;
    EXPECT_EQ(reached(10.01), c.above) << c.comparator;
  }
}

TEST(AchieveTest, BelowTheTargetTheVerdictDecides) {
  const v1::Goal goal = ScaleGoal();
  const auto status = [&](outcomes::v1::Verdict verdict, int count) {
    return Achieve(goal, {}, Series(20, 14, verdict, count), kPolicy)->status();
  };
  EXPECT_EQ(status(outcomes::v1::VERDICT_RELIABLY_IMPROVED, 2), v1::ACHIEVEMENT_STATUS_IMPROVING);
  EXPECT_EQ(status(outcomes::v1::VERDICT_RECOVERED, 2), v1::ACHIEVEMENT_STATUS_IMPROVING);
  EXPECT_EQ(status(outcomes::v1::VERDICT_RELIABLY_DETERIORATED, 2),
            v1::ACHIEVEMENT_STATUS_WORSENING);
  EXPECT_EQ(status(outcomes::v1::VERDICT_NO_RELIABLE_CHANGE, 3),
            v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  EXPECT_EQ(status(outcomes::v1::VERDICT_NO_RELIABLE_CHANGE, 4), v1::ACHIEVEMENT_STATUS_NO_CHANGE);
  EXPECT_EQ(status(outcomes::v1::VERDICT_INSUFFICIENT_DATA, 9), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
}

TEST(AchieveTest, TwoValuesAtTheTargetAreSustaining) {
  v1::SeriesPoint series = Series(20, 8, outcomes::v1::VERDICT_RECOVERED, 3);
  series.set_previous(9);
  EXPECT_EQ(Achieve(ScaleGoal(), {}, series, kPolicy)->status(), v1::ACHIEVEMENT_STATUS_SUSTAINING);
}

TEST(AchieveTest, ScaleGoalsNameWhoseAssessmentsDecided) {
  v1::Goal goal = ScaleGoal();
  goal.mutable_scale()->set_informant("ben");
  const auto achievement =
      Achieve(goal, {}, Series(20, 8, outcomes::v1::VERDICT_RECOVERED), kPolicy);
  ASSERT_EQ(achievement->informants_size(), 2);
  EXPECT_EQ(achievement->informants(0).participant(), "anna");
  EXPECT_EQ(achievement->informants(1).participant(), "ben");
  EXPECT_EQ(achievement->series().series(), "practices/p1/series/s1");
}

TEST(AchieveTest, NothingIsSaidWhenTheSeriesCouldNotBeRead) {
  EXPECT_FALSE(Achieve(ScaleGoal(), {}, std::nullopt, kPolicy).has_value());
  EXPECT_EQ(Achieve(ScaleGoal(), {}, v1::SeriesPoint(), kPolicy)->rule(),
            "no scored assessment yet");
}

TEST(AchieveTest, AnEndedScaleGoalWithoutVerdictIsNotCalledNoProgress) {
  v1::Goal goal = ScaleGoal();
  goal.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_COMPLETED);
  EXPECT_EQ(
      Achieve(goal, {}, Series(20, 14, outcomes::v1::VERDICT_INSUFFICIENT_DATA), kPolicy)->status(),
      v1::ACHIEVEMENT_STATUS_NOT_ACHIEVED);
  EXPECT_EQ(Achieve(goal, {}, Series(20, 19, outcomes::v1::VERDICT_NO_RELIABLE_CHANGE), kPolicy)
                ->status(),
            v1::ACHIEVEMENT_STATUS_NO_PROGRESS);
}

TEST(AchieveTest, OverdueFromTheDayAfterTheDueDate) {
  v1::Goal goal = GboGoal(8);
  goal.mutable_due_date()->set_year(2026);
  goal.mutable_due_date()->set_month(1);
  goal.mutable_due_date()->set_day(10);
  const auto overdue = [&](const std::vector<int>& values, absl::CivilDay today) {
    return Achieve(goal, {Line(goal, values)}, std::nullopt, {4, today})->overdue();
  };
  EXPECT_FALSE(overdue({3}, absl::CivilDay(2026, 1, 10)));
  EXPECT_TRUE(overdue({3}, absl::CivilDay(2026, 1, 11)));
  EXPECT_FALSE(overdue({8}, absl::CivilDay(2026, 1, 11))) << "reached";
  goal.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_COMPLETED);
  EXPECT_FALSE(overdue({3}, absl::CivilDay(2026, 1, 11))) << "ended";
}

}  // namespace
}  // namespace securebase::goals
