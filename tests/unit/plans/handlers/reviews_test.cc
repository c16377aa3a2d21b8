#include <string>

#include "tests/testing/counting_store.h"
#include "tests/unit/plans/handlers/plans_fixture.h"

namespace securebase::plans {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kWrongState = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);

class ReviewTest : public PlansFixture {
 protected:
  v1::CreateReviewRequest Request() {
    v1::CreateReviewRequest request;
    request.set_parent(kPlan);
    request.mutable_review()->set_decision(v1::REVIEW_DECISION_CONTINUE);
    request.mutable_review()->set_comment("It helps.");
    return request;
  }
  absl::StatusOr<v1::Review> Review() {
    return Do(&PlanHandlers::CreateReview, Staff(), Request());
  }
  absl::StatusOr<v1::Review> GetReview(const api::Call& call, const std::string& name) {
    v1::GetReviewRequest request;
    request.set_name(name);
    return Do(&PlanHandlers::GetReview, call, request);
  }
};
using ScreeningTest = PlansFixture;

// A store in which something else happens just before a commit, once.
class BusyStore : public securebase::testing::CountingStore {
 public:
  using CountingStore::CountingStore;
  absl::StatusOr<storage::ApplyResult> Apply(const storage::Context& context,
                                             const storage::Batch& batch) override {
    if (const auto meanwhile = std::exchange(before_next_commit, nullptr)) {
      meanwhile();
    }
    return CountingStore::Apply(context, batch);
  }

  std::function<void()> before_next_commit;
};

TEST_F(ReviewTest, KeepsGoalsAndChangeOfThatMoment) {
  CreateActivePlan();
  goals_.goals = {FromText<goals::v1::Goal>(R"(
      name: "practices/p1/goals/g1" etag: "e7" owner: "anna"
      lifecycle_status: GOAL_LIFECYCLE_STATUS_ON_HOLD
      achievement { status: ACHIEVEMENT_STATUS_NOT_ATTAINABLE })")};
  outcomes_.series = {FromText<outcomes::v1::Series>(R"(
      name: "practices/p1/series/s1" subject: "anna" informant: "anna"
      informant_role: INFORMANT_SELF instrument: "practices/p1/instruments/csi-16"
      scales { scale: "total" count: 3 baseline { value: 30 } latest { value: 0 }
               verdict { verdict: VERDICT_RELIABLY_DETERIORATED } })")};
  fixture_.clock().Advance(absl::Hours(24 * 10));
  ASSERT_OK_AND_ASSIGN(const v1::Review review, Review());
  EXPECT_EQ(review.revision(), RevisionNameOf(1));
  EXPECT_EQ(review.reviewer().subject(), "dr-a");
  EXPECT_EQ(review.due_date().month(), 4);
  EXPECT_EQ(review.due_date().day(), 1);
  // 90 days from 2026-01-11
  EXPECT_EQ(review.next_due_date().month(), 4);
  EXPECT_EQ(review.next_due_date().day(), 11);
  ASSERT_EQ(review.snapshot().goals_size(), 1);
  EXPECT_EQ(review.snapshot().goals(0).lifecycle_status(), "on-hold");
  EXPECT_EQ(review.snapshot().goals(0).achievement_status(), "not-attainable");
  ASSERT_EQ(review.snapshot().changes_size(), 1);
  EXPECT_EQ(review.snapshot().changes(0).verdict(), "RELIABLY_DETERIORATED");
  EXPECT_EQ(review.snapshot().changes(0).instrument(), "csi-16");
  EXPECT_TRUE(review.snapshot().changes(0).has_latest());  // 0 is a value
  EXPECT_THAT(review.snapshot().missing(), IsEmpty());
  EXPECT_THAT(review.subjects(), ElementsAre("anna", "ben"));
  EXPECT_EQ(Get(Staff())->review_due_date().day(), 11);
  goals_.goals.clear();
  EXPECT_EQ(GetReview(Staff(), review.name())->snapshot().goals_size(), 1);
}

TEST_F(ReviewTest, SaysWhatItCouldNotSee) {
  CreateActivePlan();
  goals_.status = NeighbourDown();
  outcomes_.status = MakeError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing, "no");
  ASSERT_OK_AND_ASSIGN(const v1::Review review, Review());
  ASSERT_EQ(review.snapshot().missing_size(), 2);
  EXPECT_EQ(review.snapshot().missing(0).source(), "goals");
  EXPECT_EQ(review.snapshot().missing(0).reason(), "NEIGHBOUR_UNAVAILABLE");
  EXPECT_EQ(review.snapshot().missing(1).source(), "outcomes");
  EXPECT_EQ(review.snapshot().missing(1).reason(), "SCOPE_MISSING");
}

TEST_F(ReviewTest, IsForPlansActiveOrOnHold) {
  ASSERT_OK(Create());
  EXPECT_THAT(Review(), kWrongState);
  ScreenBoth();
  SignByAll(1);
  ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
  ASSERT_OK(Transition(v1::PLAN_STATUS_ON_HOLD));
  EXPECT_OK(Review());
  ASSERT_OK(Transition(v1::PLAN_STATUS_REVOKED));
  EXPECT_THAT(Review(), kWrongState);
}

// A plan about Anna alone, whose review rests on a goal of Ben's: the review is both's.
TEST_F(ReviewTest, IsVisibleToThoseWhoMaySeeAllOfItsSources) {
  v1::PlanContent content;
  content.set_population(v1::POPULATION_ADULT);
  content.set_separate_sessions_only(true);
  content.add_subjects("anna");
  ASSERT_OK(Create(content));
  SignByAll(1);
  ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
  ASSERT_OK_AND_ASSIGN(const v1::Review annas, Review());
  goals_.goals = {FromText<goals::v1::Goal>(R"(name: "practices/p1/goals/g1" owner: "ben")")};
  fixture_.clock().Advance(absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const v1::Review both, Review());
  EXPECT_OK(GetReview(Anna(), annas.name()));
  EXPECT_THAT(GetReview(Anna(), both.name()), kNotFound);
  EXPECT_OK(GetReview(Ben(), both.name()));
  EXPECT_THAT(GetReview(Staff("dr-c"), annas.name()), kNotFound);

  v1::ListReviewsRequest request;
  request.set_parent(kPlan);
  EXPECT_EQ(Do(&PlanHandlers::ListReviews, Staff(), request)->reviews_size(), 2);
  EXPECT_EQ(Do(&PlanHandlers::ListReviews, Staff(), request)->reviews(0).name(), both.name());
  EXPECT_EQ(Do(&PlanHandlers::ListReviews, Anna(), request)->reviews_size(), 1);
}

TEST_F(ReviewTest, ARepeatGivesTheFirstResult) {
  CreateActivePlan();
  v1::CreateReviewRequest request = Request();
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Review first, Do(&PlanHandlers::CreateReview, Staff(), request));
  ASSERT_OK_AND_ASSIGN(const v1::Review again, Do(&PlanHandlers::CreateReview, Staff(), request));
  EXPECT_EQ(first.name(), again.name());
  request.mutable_review()->set_comment("Another.");
  EXPECT_THAT(Do(&PlanHandlers::CreateReview, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(ReviewTest, NeedsADecision) {
  CreateActivePlan();
  v1::CreateReviewRequest request = Request();
  request.mutable_review()->clear_decision();
  EXPECT_THAT(Do(&PlanHandlers::CreateReview, Staff(), request), HasViolation("review.decision"));
}

TEST_F(ScreeningTest, IsListedNewestFirstToStaff) {
  ASSERT_OK(Create());
  ScreenBoth();
  v1::ListScreeningsRequest request;
  request.set_parent(kPlan);
  ASSERT_OK_AND_ASSIGN(const auto page, Do(&PlanHandlers::ListScreenings, Staff(), request));
  ASSERT_EQ(page.screenings_size(), 2);
  EXPECT_EQ(page.screenings(0).participant(), "ben");
  EXPECT_EQ(page.screenings(0).recorded_by().subject(), "dr-a");
  EXPECT_THAT(Do(&PlanHandlers::ListScreenings, Staff("dr-c"), request), kNotFound);
  v1::GetScreeningRequest one;
  one.set_name(page.screenings(1).name());
  EXPECT_EQ(Do(&PlanHandlers::GetScreening, Staff(), one)->participant(), "anna");
  EXPECT_THAT(Do(&PlanHandlers::GetScreening, Staff("dr-c"), one), kNotFound);
}

TEST_F(ScreeningTest, OneThatIsRecordedMeanwhileKeepsThePlanFromComingIntoForce) {
  ASSERT_OK(Create());
  ScreenBoth();
  SignByAll(1);
  BusyStore store(fixture_.store());
  const records::Database database(
      {&store, &fixture_.access(), &fixture_.page_tokens(), &fixture_.ids()});
  PlanHandlers handlers(database, library_, {&episodes_, &goals_, &outcomes_}, nullptr);
  store.before_next_commit = [&] {
    EXPECT_OK(Screen("ben", v1::SCREENING_RESULT_CONJOINT_WORK_UNSUITABLE));
  };
  v1::TransitionPlanRequest request;
  request.set_name(kPlan);
  request.set_status(v1::PLAN_STATUS_ACTIVE);
  EXPECT_THAT(handlers.TransitionPlan(Staff(), request), kWrongState);
}

TEST_F(ScreeningTest, MustHaveBeenAloneAndInThePastWithSomebodyOfTheEpisode) {
  ASSERT_OK(Create());
  v1::RecordScreeningRequest request;
  request.set_parent(kPlan);
  *request.mutable_screening() = FromText<v1::Screening>(R"(
      participant: "cleo" kind: SCREENING_KIND_VIOLENCE_AND_COERCION alone: false
      result: SCREENING_RESULT_CONJOINT_WORK_SUITABLE)");
  *request.mutable_screening()->mutable_screen_time() =
      api::ToProto(fixture_.clock().Now() + absl::Hours(1));
  const auto refused = Do(&PlanHandlers::RecordScreening, Staff(), request);
  EXPECT_THAT(refused, HasViolation("screening.alone"));
  EXPECT_THAT(refused, HasViolation("screening.screen_time"));
  request.mutable_screening()->set_alone(true);
  *request.mutable_screening()->mutable_screen_time() = api::ToProto(fixture_.clock().Now());
  EXPECT_THAT(Do(&PlanHandlers::RecordScreening, Staff(), request),
              HasViolation("screening.participant"));
}

}  // namespace
}  // namespace securebase::plans
