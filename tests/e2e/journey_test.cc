// The main job, from an episode to the review of its plan, through the client library; and the same
// when a service is restarted in the middle of it.

#include <map>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/eventually.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

namespace episodes = securebase::episodes::v1;
namespace goals = securebase::goals::v1;
namespace outcomes = securebase::outcomes::v1;
namespace plans = securebase::plans::v1;

class JourneyTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(deployment_.StartAll()); }

  void Restart(const std::string& service) {
    ASSERT_OK_AND_ASSIGN(const int exit_code, deployment_.Stop(service));
    EXPECT_EQ(exit_code, 0);
    ASSERT_OK(deployment_.Start(service));
  }

  absl::StatusOr<plans::Plan> GetPlan() {
    return deployment_.Call<plans::Plan, plans::GetPlanRequest>(
        deployment_.AsSystem(), "plans", "GetPlan", "name: 'practices/p1/plans/ada'");
  }

  // Instruments with an active schedule.
  absl::StatusOr<std::vector<std::string>> Scheduled() {
    SB_ASSIGN_OR_RETURN(
        const auto listed,
        (deployment_.Call<outcomes::ListSchedulesResponse, outcomes::ListSchedulesRequest>(
            deployment_.AsStaff("dr-wren"), "outcomes", "ListSchedules",
            "parent: 'practices/p1' episode: 'practices/p1/episodes/ada'")));
    std::vector<std::string> instruments;
    for (const outcomes::Schedule& schedule : listed.schedules()) {
      EXPECT_EQ(schedule.plan(), "practices/p1/plans/ada");
      instruments.push_back(schedule.instrument());
    }
    return instruments;
  }

  absl::Status SchedulesAreDone() {
    SB_ASSIGN_OR_RETURN(const plans::Plan plan, GetPlan());
    return plan.schedules_pending() ? absl::UnavailableError(plan.ShortDebugString())
                                    : absl::OkStatus();
  }

  absl::StatusOr<goals::Goal> Rate(const std::string& id, int value) {
    SB_RETURN_IF_ERROR(
        (deployment_
             .Call<goals::Rating, goals::RateGoalRequest>(
                 deployment_.AsParticipant("patient-ada"), "goals", "RateGoal",
                 absl::StrCat("parent: 'practices/p1/goals/closeness' request_id: '", id,
                              "' rating { informant { kind: INFORMANT_KIND_PARTICIPANT "
                              "participant: 'ada' } value: ",
                              value, " }"))
             .status()));
    return deployment_.Call<goals::Goal, goals::GetGoalRequest>(
        deployment_.AsStaff("dr-wren"), "goals", "GetGoal", "name: 'practices/p1/goals/closeness'");
  }

  // By ada. The assessment's name.
  absl::StatusOr<std::string> Answer(int week, int answer) {
    outcomes::SubmitAssessmentRequest request =
        PhqNine(absl::StrCat("week-", week), "ada", week, answer);
    request.clear_assessment_id();  // participants choose none; the request_id is there
    SB_ASSIGN_OR_RETURN(const auto response, deployment_.Send<outcomes::SubmitAssessmentResponse>(
                                                 deployment_.AsParticipant("patient-ada"),
                                                 "outcomes", "SubmitAssessment", request));
    return response.assessment().name();
  }

  absl::StatusOr<outcomes::GetCaseloadResponse> Caseload(const std::string& known_etag) {
    return deployment_.Call<outcomes::GetCaseloadResponse, outcomes::GetCaseloadRequest>(
        deployment_.AsStaff("dr-wren"), "outcomes", "GetCaseload",
        absl::StrCat("parent: 'practices/p1' known_etag: '", known_etag, "'"));
  }

  Deployment deployment_;
};

TEST_F(JourneyTest, FromEpisodeToReviewWithEveryServiceRestartedOnTheWay) {
  ASSERT_OK(OpenEpisode(deployment_, "ada"));
  ASSERT_OK(ActivatePlan(deployment_, "ada"));

  // What the plan measures is scheduled in the other service.
  ASSERT_OK(Eventually([&] { return SchedulesAreDone(); }));
  const auto measures =
      UnorderedElementsAre("practices/p1/instruments/phq-9", "practices/p1/instruments/who-5",
                           "practices/p1/instruments/ecr-r");
  ASSERT_OK_AND_ASSIGN(auto scheduled, Scheduled());
  EXPECT_THAT(scheduled, measures);

  Restart("plans");
  ASSERT_OK_AND_ASSIGN(const plans::Plan plan, GetPlan());
  EXPECT_EQ(plan.status(), plans::PLAN_STATUS_ACTIVE);
  EXPECT_EQ(plan.active_revision(), "practices/p1/plans/ada/revisions/1");
  ASSERT_EQ(plan.schedules_size(), 3);
  for (const plans::PlanSchedule& schedule : plan.schedules()) {
    EXPECT_EQ(schedule.state(), plans::SCHEDULE_STATE_ACTIVE) << schedule.instrument();
  }

  ASSERT_OK(CreateGoal(deployment_, "closeness", "ada"));
  ASSERT_OK(Rate("r1", 2));
  Restart("goals");
  ASSERT_OK_AND_ASSIGN(const goals::Goal goal, Rate("r2", 6));
  ASSERT_EQ(goal.progress_size(), 1);
  EXPECT_EQ(goal.progress(0).count(), 2);
  EXPECT_EQ(goal.progress(0).baseline().value(), 2);
  EXPECT_EQ(goal.progress(0).latest().value(), 6);
  EXPECT_EQ(goal.achievement().status(), goals::ACHIEVEMENT_STATUS_IMPROVING);
  EXPECT_THAT(goal.unavailable(), IsEmpty());

  for (const auto& [week, answer] : std::map<int, int>{{0, 3}, {1, 3}, {2, 2}}) {
    ASSERT_OK(Answer(week, answer));
  }
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(""));
  ASSERT_EQ(caseload.entries_size(), 1);
  EXPECT_EQ(caseload.entries(0).episode(), "practices/p1/episodes/ada");
  ASSERT_EQ(caseload.entries(0).series_size(), 1);
  EXPECT_EQ(caseload.entries(0).series(0).count(), 3);
  EXPECT_EQ(caseload.entries(0).series(0).latest(), 16);
  ASSERT_OK_AND_ASSIGN(const auto unchanged, Caseload(caseload.etag()));
  EXPECT_TRUE(unchanged.not_modified());
  EXPECT_EQ(unchanged.entries_size(), 0);

  Restart("outcomes");
  ASSERT_OK_AND_ASSIGN(const auto reloaded, Caseload(""));
  ASSERT_EQ(reloaded.entries_size(), 1);
  EXPECT_EQ(reloaded.entries(0).SerializeAsString(), caseload.entries(0).SerializeAsString());
  ASSERT_OK(Answer(3, 1));
  ASSERT_OK(Answer(4, 0));
  ASSERT_OK_AND_ASSIGN(const auto moved, Caseload(reloaded.etag()));
  EXPECT_FALSE(moved.not_modified());
  ASSERT_EQ(moved.entries_size(), 1);
  EXPECT_EQ(moved.entries(0).series(0).count(), 5);
  EXPECT_EQ(moved.entries(0).series(0).verdict(), outcomes::VERDICT_RECOVERED);
  ASSERT_OK_AND_ASSIGN(scheduled, Scheduled());
  EXPECT_THAT(scheduled, measures);

  ASSERT_OK_AND_ASSIGN(
      const plans::Review review,
      (deployment_.Call<plans::Review, plans::CreateReviewRequest>(
          deployment_.AsStaff("dr-wren"), "plans", "CreateReview",
          "parent: 'practices/p1/plans/ada' review { decision: REVIEW_DECISION_COMPLETE }")));
  EXPECT_THAT(review.snapshot().missing(), IsEmpty());
  ASSERT_EQ(review.snapshot().goals_size(), 1);
  EXPECT_EQ(review.snapshot().goals(0).goal(), "practices/p1/goals/closeness");
  ASSERT_EQ(review.snapshot().changes_size(), 1);
  EXPECT_EQ(review.snapshot().changes(0).baseline(), 24);
  EXPECT_EQ(review.snapshot().changes(0).latest(), 0);
  EXPECT_EQ(review.snapshot().changes(0).verdict(), "RECOVERED");
}

TEST_F(JourneyTest, NobodySeesWhatIsNotTheirs) {
  ASSERT_OK(OpenEpisode(deployment_, "ada"));
  ASSERT_OK(OpenEpisode(deployment_, "bo"));
  ASSERT_OK(ActivatePlan(deployment_, "ada"));
  ASSERT_OK(CreateGoal(deployment_, "closeness", "ada"));
  ASSERT_OK_AND_ASSIGN(const std::string assessment, Answer(0, 3));
  const auto status_for = [&](const client::CallOptions& as) {
    return std::vector<absl::StatusCode>{
        deployment_
            .Call<plans::Plan, plans::GetPlanRequest>(as, "plans", "GetPlan",
                                                      "name: 'practices/p1/plans/ada'")
            .status()
            .code(),
        deployment_
            .Call<goals::Goal, goals::GetGoalRequest>(as, "goals", "GetGoal",
                                                      "name: 'practices/p1/goals/closeness'")
            .status()
            .code(),
        deployment_
            .Call<outcomes::Assessment, outcomes::GetAssessmentRequest>(
                as, "outcomes", "GetAssessment", absl::StrCat("name: '", assessment, "'"))
            .status()
            .code()};
  };
  const auto ok = absl::StatusCode::kOk;
  const auto hidden = absl::StatusCode::kNotFound;
  EXPECT_THAT(status_for(deployment_.AsStaff("dr-wren")), ElementsAre(ok, ok, ok));
  EXPECT_THAT(status_for(deployment_.AsParticipant("patient-ada")), ElementsAre(ok, ok, ok));
  EXPECT_THAT(status_for(deployment_.AsStaff("dr-heron")), ElementsAre(hidden, hidden, hidden));
  EXPECT_THAT(status_for(deployment_.AsParticipant("patient-bo")),
              ElementsAre(hidden, hidden, hidden));
}

}  // namespace
}  // namespace securebase::testing
