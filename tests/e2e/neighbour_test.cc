// A service whose neighbour is down answers what it can, says what is missing, fails closed where
// it must, and catches up when the neighbour is back.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/eventually.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::Contains;

namespace goals = securebase::goals::v1;
namespace plans = securebase::plans::v1;
namespace outcomes = securebase::outcomes::v1;

class NeighbourTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(deployment_.StartAll());
    ASSERT_OK(OpenEpisode(deployment_, "ada"));
  }

  absl::StatusOr<goals::Goal> GetGoal(const client::CallOptions& as) {
    return deployment_.Call<goals::Goal, goals::GetGoalRequest>(as, "goals", "GetGoal",
                                                                "name: 'practices/p1/goals/mood'");
  }
  absl::StatusOr<plans::Review> Review() {
    return deployment_.Call<plans::Review, plans::CreateReviewRequest>(
        deployment_.AsStaff("dr-wren"), "plans", "CreateReview",
        "parent: 'practices/p1/plans/ada' review { decision: REVIEW_DECISION_CONTINUE }");
  }
  absl::StatusOr<plans::Plan> GetPlan() {
    return deployment_.Call<plans::Plan, plans::GetPlanRequest>(
        deployment_.AsSystem(), "plans", "GetPlan", "name: 'practices/p1/plans/ada'");
  }
  absl::Status SchedulesAreDone() {
    SB_ASSIGN_OR_RETURN(const plans::Plan plan, GetPlan());
    return plan.schedules_pending() ? absl::UnavailableError(plan.ShortDebugString())
                                    : absl::OkStatus();
  }

  Deployment deployment_;
};

TEST_F(NeighbourTest, GoalsAnswerWithoutOutcomesAndSayWhatIsMissing) {
  ASSERT_OK((deployment_.Call<goals::Goal, goals::CreateGoalRequest>(
      deployment_.AsStaff("dr-wren"), "goals", "CreateGoal",
      R"pb(
        parent: "practices/p1"
        goal_id: "mood"
        active: true
        goal {
          episode: "practices/p1/episodes/ada"
          owner: "ada"
          statement: "My mood no longer decides what I do with my day"
          domain: GOAL_DOMAIN_MOOD
          scale {
            instrument: "phq-9"
            scale: "total"
            subject: "ada"
            informant: "ada"
            comparator: COMPARATOR_BELOW
            target: 10
          }
        })pb")));
  ASSERT_OK((deployment_.Send<outcomes::SubmitAssessmentResponse>(
      deployment_.AsSystem(), "outcomes", "SubmitAssessment", PhqNine("a0", "ada", 0, 1))));
  ASSERT_OK_AND_ASSIGN(const goals::Goal whole, GetGoal(deployment_.AsStaff("dr-wren")));
  EXPECT_THAT(whole.unavailable(), ::testing::IsEmpty());
  EXPECT_EQ(whole.achievement().status(), goals::ACHIEVEMENT_STATUS_ACHIEVED);

  deployment_.Kill("outcomes");
  for (const auto& as : {deployment_.AsStaff("dr-wren"), deployment_.AsSystem()}) {
    ASSERT_OK_AND_ASSIGN(const goals::Goal goal, GetGoal(as));
    EXPECT_EQ(goal.statement(), whole.statement());
    EXPECT_THAT(goal.unavailable(), Contains("outcomes"));
    EXPECT_NE(goal.achievement().status(), goals::ACHIEVEMENT_STATUS_ACHIEVED);
  }
  // Who takes part in the episode is for its owner to say.
  const absl::Status no_goal = CreateGoal(deployment_, "closeness", "ada").status();
  EXPECT_EQ(no_goal.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(no_goal), Reason::kNeighbourUnavailable);
  // What a participant may see is asked of its owner each time.
  const absl::Status refused = GetGoal(deployment_.AsParticipant("patient-ada")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), Reason::kNeighbourUnavailable);
  EXPECT_OK(HttpGet(deployment_.metrics_port("goals"), "/readyz"));

  ASSERT_OK(deployment_.Start("outcomes"));
  EXPECT_OK(Eventually([&]() -> absl::Status {
    SB_ASSIGN_OR_RETURN(const goals::Goal goal, GetGoal(deployment_.AsParticipant("patient-ada")));
    return goal.unavailable().empty() ? absl::OkStatus() : absl::UnavailableError("outcomes");
  }));
}

TEST_F(NeighbourTest, ServicesStartInAnyOrder) {
  for (const std::string service : {"plans", "goals", "outcomes"}) {
    deployment_.Kill(service);
  }
  for (const std::string service : {"plans", "goals", "outcomes"}) {
    ASSERT_OK(deployment_.Start(service));
    EXPECT_OK(HttpGet(deployment_.metrics_port(service), "/readyz")) << service;
  }
  EXPECT_OK(Eventually([&] { return CreateGoal(deployment_, "closeness", "ada").status(); }));
  EXPECT_OK(ActivatePlan(deployment_, "ada"));
}

TEST_F(NeighbourTest, AReviewWithoutGoalsNamesThemAsMissing) {
  ASSERT_OK(ActivatePlan(deployment_, "ada"));
  deployment_.Kill("goals");
  ASSERT_OK_AND_ASSIGN(const plans::Review review, Review());
  ASSERT_EQ(review.snapshot().missing_size(), 1);
  EXPECT_EQ(review.snapshot().missing(0).source(), "goals");
  EXPECT_EQ(review.snapshot().missing(0).reason(), "NEIGHBOUR_UNAVAILABLE");
}

TEST_F(NeighbourTest, NoPlanBecomesActiveWhileConsentCannotBeChecked) {
  ASSERT_OK(ActivatePlan(deployment_, "ada"));
  ASSERT_OK((deployment_.Call<plans::Plan, plans::TransitionPlanRequest>(
      deployment_.AsStaff("dr-wren"), "plans", "TransitionPlan",
      "name: 'practices/p1/plans/ada' status: PLAN_STATUS_ON_HOLD")));
  deployment_.Kill("outcomes");
  const absl::Status refused = deployment_
                                   .Call<plans::Plan, plans::TransitionPlanRequest>(
                                       deployment_.AsStaff("dr-wren"), "plans", "TransitionPlan",
                                       "name: 'practices/p1/plans/ada' status: PLAN_STATUS_ACTIVE")
                                   .status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), Reason::kNeighbourUnavailable);
  ASSERT_OK_AND_ASSIGN(const plans::Plan plan, GetPlan());
  EXPECT_EQ(plan.status(), plans::PLAN_STATUS_ON_HOLD);
}

TEST_F(NeighbourTest, WhatMustReachANeighbourReachesItWhenItIsBack) {
  ASSERT_OK(ActivatePlan(deployment_, "ada"));
  ASSERT_OK(Eventually([&] { return SchedulesAreDone(); }));
  deployment_.Kill("outcomes");
  ASSERT_OK((deployment_.Call<plans::Plan, plans::TransitionPlanRequest>(
      deployment_.AsSystem(), "plans", "TransitionPlan",
      "name: 'practices/p1/plans/ada' status: PLAN_STATUS_REVOKED")));
  ASSERT_OK_AND_ASSIGN(const plans::Plan pending, GetPlan());
  EXPECT_TRUE(pending.schedules_pending());
  // The work survives the end of the process that has to do it.
  deployment_.Kill("plans");
  ASSERT_OK(deployment_.Start("outcomes"));
  ASSERT_OK(deployment_.Start("plans"));
  // On a shared store the killed process may have held the lease of the work, of 45 s.
  ASSERT_OK(Eventually([&] { return SchedulesAreDone(); }, absl::Minutes(2)));
  ASSERT_OK_AND_ASSIGN(
      const auto schedules,
      (deployment_.Call<outcomes::ListSchedulesResponse, outcomes::ListSchedulesRequest>(
          deployment_.AsSystem(), "outcomes", "ListSchedules",
          "parent: 'practices/p1' episode: 'practices/p1/episodes/ada' include_ended: true")));
  EXPECT_EQ(schedules.schedules_size(), 3);
  for (const outcomes::Schedule& schedule : schedules.schedules()) {
    EXPECT_EQ(schedule.status(), outcomes::SCHEDULE_STATUS_COMPLETED);
  }
}

}  // namespace
}  // namespace securebase::testing
