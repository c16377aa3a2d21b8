#include "services/goals/rules/checks.h"

#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

void SetDate(int year, int month, int day, type::v1::PartialDate& date) {
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
}

TEST(GoalViolationsTest, ValidGoalsHaveNone) {
  EXPECT_THAT(GoalViolations(GboGoal(), "goal"), IsEmpty());
  EXPECT_THAT(GoalViolations(GasGoal(), "goal"), IsEmpty());
  EXPECT_THAT(GoalViolations(ScaleGoal(), "goal"), IsEmpty());
}

TEST(GoalViolationsTest, AllAreReportedAtOnce) {
  v1::Goal goal = GasGoal();
  goal.mutable_gas()->mutable_levels(0)->set_level(2);
  goal.mutable_gas()->mutable_levels(4)->set_level(-2);
  SetDate(2026, 2, 30, *goal.mutable_start_date());
  SetDate(2026, 5, 0, *goal.mutable_due_date());
  EXPECT_THAT(GoalViolations(goal, "goal"),
              ElementsAre(Field(&FieldViolation::field, "goal.gas.levels[0].level"),
                          Field(&FieldViolation::field, "goal.gas.levels[4].level"),
                          Field(&FieldViolation::field, "goal.start_date"),
                          Field(&FieldViolation::field, "goal.due_date")));
}

TEST(GoalViolationsTest, MeasureIsRequired) {
  v1::Goal goal = GboGoal();
  goal.clear_gbo();
  EXPECT_THAT(GoalViolations(goal, "goal"),
              ElementsAre(Field(&FieldViolation::field, "goal.measure")));
}

TEST(GoalViolationsTest, DueDateMayBeTheStartDateButNotEarlier) {
  v1::Goal goal = GboGoal();
  SetDate(2026, 3, 1, *goal.mutable_start_date());
  SetDate(2026, 3, 1, *goal.mutable_due_date());
  EXPECT_THAT(GoalViolations(goal, "goal"), IsEmpty());
  SetDate(2026, 2, 28, *goal.mutable_due_date());
  EXPECT_THAT(GoalViolations(goal, "goal"),
              ElementsAre(Field(&FieldViolation::field, "goal.due_date")));
}

TEST(RatingViolationsTest, ValueMustBeOnTheGoalsScale) {
  for (const auto& [value, valid] :
       std::vector<std::pair<int, bool>>{{-1, false}, {0, true}, {10, true}, {11, false}}) {
    EXPECT_EQ(RatingViolations(GboGoal(), MakeRating(value, 1), "rating").empty(), valid) << value;
  }
  for (const auto& [value, valid] :
       std::vector<std::pair<int, bool>>{{-3, false}, {-2, true}, {2, true}, {3, false}}) {
    EXPECT_EQ(RatingViolations(GasGoal(), MakeRating(value, 1), "rating").empty(), valid) << value;
  }
}

TEST(RatingViolationsTest, InformantIsAParticipantWithIdOrAClinicianWithout) {
  EXPECT_THAT(RatingViolations(GboGoal(), MakeRating(3, 1, Clinician()), "rating"), IsEmpty());
  EXPECT_THAT(RatingViolations(GboGoal(), MakeRating(3, 1, Participant("")), "rating"),
              ElementsAre(Field(&FieldViolation::field, "rating.informant.participant")));
  v1::Informant both = Clinician();
  both.set_participant("anna");
  EXPECT_THAT(RatingViolations(GboGoal(), MakeRating(3, 1, both), "rating"),
              ElementsAre(Field(&FieldViolation::field, "rating.informant.participant")));
}

}  // namespace
}  // namespace securebase::goals
