#include "services/goals/rules/attainment.h"

#include "services/goals/rules/progress.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Goal Named(v1::Goal goal, const std::string& id) {
  goal.set_name("practices/p1/goals/" + id);
  return goal;
}

v1::Goal Rated(v1::Goal goal, const std::vector<int>& values,
               const v1::Informant& informant = Participant("anna")) {
  std::vector<v1::Rating> ratings;
  for (size_t i = 0; i < values.size(); ++i) {
    ratings.push_back(MakeRating(values[i], static_cast<int64_t>(i) + 1, informant));
  }
  v1::InformantProgress progress = FoldRatings(ratings);
  Judge(goal, 4, progress);
  *goal.add_progress() = progress;
  return goal;
}

TEST(SumUpTest, TScorePerOwnerAndInformant) {
  v1::Goal first = Rated(Named(GasGoal(), "g1"), {-1, 0});
  first = Rated(first, {-1, 1}, Clinician());
  const v1::Goal second = Rated(Named(GasGoal(), "g2"), {-1, 1});
  const v1::Goal third = Rated(Named(GasGoal(), "g3"), {-1, 2});
  const v1::Goal bens =
      Rated(Named(GasGoal(v1::GAS_ANCHOR_MINUS_TWO, "ben"), "g4"), {-2}, Participant("ben"));
  const v1::Attainment attainment = SumUp({first, second, third, bens});

  ASSERT_EQ(attainment.gas_scores_size(), 3);
  const v1::GasScore& clinician = attainment.gas_scores(0);
  EXPECT_EQ(clinician.owner(), "anna");
  EXPECT_EQ(clinician.informant().kind(), v1::INFORMANT_KIND_CLINICIAN);
  EXPECT_NEAR(clinician.t_score(), 60, 1e-9);
  EXPECT_THAT(clinician.unrated_goals(),
              ElementsAre("practices/p1/goals/g2", "practices/p1/goals/g3"));

  const v1::GasScore& anna = attainment.gas_scores(1);
  EXPECT_NEAR(anna.t_score(), 63.69, 0.005);           // three scales, sum 3
  EXPECT_NEAR(anna.baseline_t_score(), 36.31, 0.005);  // three scales, sum −3
  EXPECT_NEAR(anna.change(), 27.39, 0.005);
  EXPECT_EQ(anna.contributions_size(), 3);
  EXPECT_THAT(anna.unrated_goals(), IsEmpty()) << "ben's goal is not hers";

  EXPECT_EQ(attainment.gas_scores(2).owner(), "ben");
  EXPECT_NEAR(attainment.gas_scores(2).t_score(), 30, 1e-9);
  EXPECT_NEAR(attainment.gas_scores(2).baseline_t_score(), 30, 1e-9);
}

TEST(SumUpTest, GboChangesAndTheirMean) {
  const v1::Attainment attainment =
      SumUp({Rated(Named(GboGoal(), "g1"), {2, 5}), Rated(Named(GboGoal(), "g2"), {4, 6}),
             Rated(Named(GboGoal(), "g3"), {4})});
  ASSERT_EQ(attainment.gbo_changes_size(), 3);
  EXPECT_EQ(attainment.gbo_changes(0).change().judgement(), v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED);
  EXPECT_EQ(attainment.gbo_changes(2).change().judgement(), v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA);
  ASSERT_EQ(attainment.gbo_mean_changes_size(), 1);
  // One rating is no change and does not enter the mean: (3 + 2) / 2.
  EXPECT_EQ(attainment.gbo_mean_changes(0).goals(), 2);
  EXPECT_DOUBLE_EQ(attainment.gbo_mean_changes(0).change().difference(), 2.5);
  EXPECT_EQ(attainment.gbo_mean_changes(0).change().judgement(),
            v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED);
}

TEST(SumUpTest, OnlyGoalsThatAreWorkedOnOrCompletedCount) {
  std::vector<v1::Goal> goals;
  for (int status = 1; v1::GoalLifecycleStatus_IsValid(status); ++status) {
    v1::Goal goal = Rated(Named(GboGoal(), absl::StrCat("g", status)), {2, 5});
    goal.set_lifecycle_status(static_cast<v1::GoalLifecycleStatus>(status));
    goals.push_back(goal);
  }
  const v1::Attainment attainment = SumUp(goals);
  std::vector<v1::GoalLifecycleStatus> counted;
  for (const v1::GoalAttainment& goal : attainment.goals()) {
    counted.push_back(goal.lifecycle_status());
  }
  EXPECT_THAT(counted,
              ElementsAre(v1::GOAL_LIFECYCLE_STATUS_ACCEPTED, v1::GOAL_LIFECYCLE_STATUS_ACTIVE,
                          v1::GOAL_LIFECYCLE_STATUS_ON_HOLD, v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
  EXPECT_EQ(attainment.gbo_changes_size(), 4);
}

}  // namespace
}  // namespace securebase::goals
