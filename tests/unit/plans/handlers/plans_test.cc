#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/plans/handlers/plans_fixture.h"

namespace securebase::plans {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;
const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kWrongState = IsError(kFailed, Reason::kStateNotAllowed);

using CreatePlanTest = PlansFixture;
using GetPlanTest = PlansFixture;
using ListPlansTest = PlansFixture;
using TransitionPlanTest = PlansFixture;
using AdoptRevisionTest = PlansFixture;
using SuggestPlanTest = PlansFixture;

std::vector<std::string> NamesOf(const v1::ListPlansResponse& response) {
  std::vector<std::string> ids;
  for (const v1::Plan& plan : response.plans()) {
    ids.push_back(plan.name().substr(plan.name().rfind('/') + 1));
  }
  return ids;
}

TEST_F(CreatePlanTest, IsADraftWithItsFirstRevision) {
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Create());
  EXPECT_EQ(plan.name(), kPlan);
  EXPECT_FALSE(plan.uid().empty());
  EXPECT_FALSE(plan.etag().empty());
  EXPECT_EQ(plan.status(), v1::PLAN_STATUS_DRAFT);
  EXPECT_EQ(plan.latest_revision(), RevisionNameOf(1));
  EXPECT_THAT(plan.active_revision(), IsEmpty());
  EXPECT_THAT(plan.content().subjects(), ElementsAre("anna", "ben"));
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision, GetRevision(Staff()));
  EXPECT_EQ(revision.number(), 1);
  EXPECT_EQ(revision.content().summary(), plan.content().summary());
  EXPECT_THAT(revision.digest(), SizeIs(64));
  EXPECT_EQ(revision.author().subject(), "dr-a");
}

TEST_F(CreatePlanTest, WhatTheServerSetsCannotBeSent) {
  v1::CreatePlanRequest request = CreateRequest(Content());
  request.mutable_plan()->set_status(v1::PLAN_STATUS_ACTIVE);
  request.mutable_plan()->set_active_revision(RevisionNameOf(1));
  request.mutable_plan()->set_schedules_pending(true);
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Do(&PlanHandlers::CreatePlan, Staff(), request));
  EXPECT_EQ(plan.status(), v1::PLAN_STATUS_DRAFT);
  EXPECT_THAT(plan.active_revision(), IsEmpty());
  EXPECT_FALSE(plan.schedules_pending());
}

TEST_F(CreatePlanTest, MayBeEmptyOrDraftedFromTheLibrary) {
  ASSERT_OK(Create({}, "empty"));
  v1::CreatePlanRequest request = CreateRequest({}, "drafted");
  request.mutable_plan()->clear_content();
  request.mutable_draft();
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Do(&PlanHandlers::CreatePlan, Staff(), request));
  EXPECT_EQ(plan.content().population(), v1::POPULATION_COUPLE);
  EXPECT_THAT(plan.content().problems(), ElementsAre("couple"));
  ASSERT_GT(plan.content().techniques_size(), 0);
  EXPECT_EQ(plan.content().techniques(0).rule(), "couple/couple");
  *request.mutable_plan()->mutable_content() = Content();
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, Staff(), request), HasViolation("draft"));
}

TEST_F(CreatePlanTest, RefusesAContraindicatedTechniqueWithTheReference) {
  v1::PlanContent content = Content();
  content.mutable_techniques(0)->set_technique("practices/p1/techniques/holding-therapy");
  const auto plan = Create(content);
  EXPECT_THAT(plan, IsError(kFailed, Reason::kTechniqueContraindicated));
  EXPECT_THAT(MetadataOf(plan.status()).at("reference"), ::testing::HasSubstr("Chaffin"));
}

TEST_F(CreatePlanTest, NamesEveryWrongField) {
  v1::PlanContent content = Content();
  content.mutable_techniques(0)->set_technique("practices/p1/techniques/unheard-of");
  content.mutable_measures(0)->set_subject("cleo");
  const auto plan = Create(content);
  EXPECT_THAT(plan, HasViolation("plan.content.techniques[0].technique"));
  EXPECT_THAT(plan, HasViolation("plan.content.measures[0].subject"));
}

TEST_F(CreatePlanTest, MeasuresAreInstrumentsThatExist) {
  v1::PlanContent content = Content();
  content.mutable_measures(1)->set_instrument("practices/p1/instruments/typo");
  const auto plan = Create(content);
  EXPECT_THAT(plan, HasViolation("plan.content.measures[1].instrument"));
  EXPECT_EQ(ViolationsOf(plan.status()).size(), 1u);
  outcomes_.status = NeighbourDown();
  EXPECT_THAT(Create(), IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
  // A revision need not know again what the plan has, only what is new in it.
  outcomes_.status = absl::OkStatus();
  ASSERT_OK(Create());
  const int calls = outcomes_.instrument_calls;
  v1::RevisePlanRequest request;
  request.set_name(kPlan);
  request.mutable_update_mask()->add_paths("measures");
  *request.mutable_content() = Content();
  request.mutable_content()->mutable_measures(0)->set_cadence_weeks(9);
  ASSERT_OK(Do(&PlanHandlers::RevisePlan, Staff(), request));
  EXPECT_EQ(outcomes_.instrument_calls, calls);
  request.mutable_content()->mutable_measures(1)->set_instrument(content.measures(1).instrument());
  EXPECT_THAT(Do(&PlanHandlers::RevisePlan, Staff(), request),
              HasViolation("content.measures[1].instrument"));
}

TEST_F(CreatePlanTest, NeedsAVisibleEpisodeUnderWay) {
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, Staff("dr-c"), CreateRequest(Content())), kNotFound);
  v1::CreatePlanRequest request = CreateRequest(Content());
  request.mutable_plan()->set_episode("practices/p1/episodes/none");
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, System(), request), kNotFound);
  episodes_.episodes[kEpisode].set_status(episodes::v1::EPISODE_STATUS_FINISHED);
  EXPECT_THAT(Create(), kWrongState);
  episodes_.down = true;
  EXPECT_THAT(Create(), IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(CreatePlanTest, OfAnotherPracticeIsRefused) {
  v1::CreatePlanRequest request = CreateRequest(Content());
  request.set_parent("practices/p2");
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, Staff(), request),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
}

TEST_F(CreatePlanTest, TakesAnIdAndAnExternalIdentifierOnce) {
  v1::CreatePlanRequest request = CreateRequest(Content());
  auto& identifier = *request.mutable_plan()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("7");
  ASSERT_OK(Do(&PlanHandlers::CreatePlan, Staff(), request));
  const auto kTaken = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);
  const auto taken = Create();
  EXPECT_THAT(taken, kTaken);
  EXPECT_EQ(MetadataOf(taken.status()).at("resource"), kPlan);
  request.set_plan_id("y");
  const auto claimed = Do(&PlanHandlers::CreatePlan, Staff(), request);
  EXPECT_THAT(claimed, kTaken);
  EXPECT_EQ(MetadataOf(claimed.status()).at("resource"), "plan.external_identifiers[0]");
  *request.mutable_plan()->add_external_identifiers() = identifier;
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, Staff(), request),
              HasViolation("plan.external_identifiers[1].value"));
}

TEST_F(CreatePlanTest, ARepeatGivesTheFirstResultAndAnotherBodyIsRefused) {
  v1::CreatePlanRequest request = CreateRequest(Content(), "");
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Plan first, Do(&PlanHandlers::CreatePlan, Staff(), request));
  episodes_.down = true;  // a repeat asks nobody
  ASSERT_OK_AND_ASSIGN(const v1::Plan again, Do(&PlanHandlers::CreatePlan, Staff(), request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  request.mutable_plan()->mutable_content()->set_summary("another");
  EXPECT_THAT(Do(&PlanHandlers::CreatePlan, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(GetPlanTest, IsHiddenFromWhoMayNotSeeItsSubjects) {
  ASSERT_OK(Create());
  EXPECT_OK(Get(Staff("dr-s")));
  EXPECT_OK(Get(System()));
  EXPECT_THAT(Get(Staff("dr-c")), kNotFound);
  EXPECT_THAT(Get(Anna()), kNotFound);  // Ben did not consent
  EXPECT_OK(Get(Ben()));                // Anna did
  EXPECT_THAT(Get(Staff(), "practices/p1/plans/none"), kNotFound);
}

TEST_F(GetPlanTest, OfOnePartnerAloneIsThatPartners) {
  v1::PlanContent content;
  content.add_subjects("anna");
  ASSERT_OK(Create(content));
  EXPECT_OK(Get(Anna()));
}

// Dr Kay covers an alert about Anna, whose plan no longer has anything to do with Ben.
TEST_F(GetPlanTest, ShowsOnlySchedulesOfThoseWhoMayBeSeen) {
  CreateActivePlan();
  v1::PlanContent annas = Content();
  annas.add_subjects("anna");
  annas.mutable_measures()->RemoveLast();
  annas.set_separate_sessions_only(true);
  ASSERT_OK(Revise(annas));
  SignByAll(2);
  ASSERT_OK(Adopt());
  EXPECT_EQ(Get(Staff())->schedules_size(), 2) << "Ben's is still to be ended";
  GiveAccess("staff:dr-kay", "e1", "-", {"anna"});
  ASSERT_OK_AND_ASSIGN(const v1::Plan seen, Get(Staff("dr-kay")));
  ASSERT_EQ(seen.schedules_size(), 1);
  EXPECT_EQ(seen.schedules(0).subject(), "anna");
}

TEST_F(GetPlanTest, ATechniquesCommentIsTheDataOfThoseItIsUsedWith) {
  v1::PlanContent content;
  content.add_subjects("anna");
  v1::PlannedTechnique& technique = *content.add_techniques();
  technique.set_technique("practices/p1/techniques/conflict-resolution");
  technique.add_participants("ben");
  technique.set_comment("He is not to be seen with her.");
  ASSERT_OK(Create(content));
  EXPECT_THAT(Get(Anna()), kNotFound);
  EXPECT_OK(Get(Ben()));
}

TEST_F(GetPlanTest, ShowsSchedulesToStaffAndNotToParticipants) {
  CreateActivePlan();
  ASSERT_OK_AND_ASSIGN(const v1::Plan seen_by_staff, Get(Staff()));
  EXPECT_TRUE(seen_by_staff.schedules_pending());
  EXPECT_EQ(seen_by_staff.schedules_size(), 2);
  ASSERT_OK_AND_ASSIGN(const v1::Plan seen_by_ben, Get(Ben()));
  EXPECT_FALSE(seen_by_ben.schedules_pending());
  EXPECT_EQ(seen_by_ben.schedules_size(), 0);
}

TEST_F(ListPlansTest, PagesThroughWhatTheCallerMaySeeNewestFirst) {
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_OK(Create(Content(), id));
    fixture_.clock().Advance(absl::Minutes(1));
  }
  v1::ListPlansRequest request;
  request.set_parent("practices/p1");
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, Do(&PlanHandlers::ListPlans, Staff(), request));
  EXPECT_THAT(NamesOf(first), ElementsAre("c", "b"));
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, Do(&PlanHandlers::ListPlans, Staff(), request));
  EXPECT_THAT(NamesOf(second), ElementsAre("a"));
  EXPECT_THAT(second.next_page_token(), IsEmpty());
  // A token belongs to its caller and its filter.
  const auto kBadToken = IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken);
  EXPECT_THAT(Do(&PlanHandlers::ListPlans, Staff("dr-s"), request), kBadToken);
  request.add_statuses(v1::PLAN_STATUS_DRAFT);
  EXPECT_THAT(Do(&PlanHandlers::ListPlans, Staff(), request), kBadToken);
  request.clear_page_token();
  ASSERT_OK_AND_ASSIGN(const auto none, Do(&PlanHandlers::ListPlans, Staff("dr-c"), request));
  EXPECT_EQ(none.plans_size(), 0);
}

TEST_F(ListPlansTest, FiltersByEpisodeStatusIdentifierAndReviewDate) {
  CreateActivePlan();
  v1::CreatePlanRequest other = CreateRequest({}, "y");
  other.mutable_plan()->set_episode(kOtherEpisode);
  auto& identifier = *other.mutable_plan()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("7");
  ASSERT_OK(Do(&PlanHandlers::CreatePlan, System(), other));

  const auto list = [&](const std::string& filter) {
    v1::ListPlansRequest request = FromText<v1::ListPlansRequest>(filter);
    request.set_parent("practices/p1");
    const auto response = Do(&PlanHandlers::ListPlans, System(), request);
    EXPECT_OK(response);
    return NamesOf(response.value_or(v1::ListPlansResponse()));
  };
  EXPECT_THAT(list(""), SizeIs(2));
  EXPECT_THAT(list(R"(episode: "practices/p1/episodes/e2")"), ElementsAre("y"));
  EXPECT_THAT(list("statuses: PLAN_STATUS_ACTIVE"), ElementsAre("x"));
  EXPECT_THAT(list(R"(external_identifier { system: "https://ehr.example.org" value: "7" })"),
              ElementsAre("y"));
  EXPECT_THAT(list(R"(external_identifier { system: "https://ehr.example.org" value: "8" })"),
              IsEmpty());
  // Active since 2026-01-01, so due on April 1.
  EXPECT_THAT(list("review_due_before { year: 2026 month: 4 day: 1 }"), IsEmpty());
  EXPECT_THAT(list("review_due_before { year: 2026 month: 4 day: 2 }"), ElementsAre("x"));
  v1::ListPlansRequest incomplete;
  incomplete.set_parent("practices/p1");
  incomplete.mutable_review_due_before()->set_year(2026);
  EXPECT_THAT(Do(&PlanHandlers::ListPlans, System(), incomplete),
              HasViolation("review_due_before"));
}

TEST_F(TransitionPlanTest, BecomesActiveWithEverythingItTakes) {
  ASSERT_OK(Create());
  auto status = Transition(v1::PLAN_STATUS_ACTIVE).status();
  EXPECT_THAT(status, IsError(kFailed, Reason::kScreeningMissing));
  EXPECT_EQ(MetadataOf(status).at("missing"), "anna,ben");
  ScreenBoth();
  episodes_.consents[kEpisode]["ben"] = episodes::v1::CONSENT_STATE_REFUSED;
  status = Transition(v1::PLAN_STATUS_ACTIVE).status();
  EXPECT_THAT(status, IsError(kFailed, Reason::kConsentMissing));
  EXPECT_EQ(MetadataOf(status).at("missing"), "ben");
  episodes_.consents[kEpisode]["ben"] = episodes::v1::CONSENT_STATE_GIVEN;
  status = Transition(v1::PLAN_STATUS_ACTIVE).status();
  EXPECT_THAT(status, IsError(kFailed, Reason::kSignatureMissing));
  EXPECT_EQ(MetadataOf(status).at("missing"), "clinician,supervisor");
  SignByAll(1);
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Transition(v1::PLAN_STATUS_ACTIVE));
  EXPECT_EQ(plan.status(), v1::PLAN_STATUS_ACTIVE);
  EXPECT_EQ(plan.status_reason(), "because");
  EXPECT_EQ(plan.active_revision(), RevisionNameOf(1));
  EXPECT_TRUE(plan.has_activate_time());
  EXPECT_EQ(plan.review_due_date().month(), 4);
  EXPECT_EQ(plan.review_due_date().day(), 1);
  EXPECT_TRUE(plan.schedules_pending());
  EXPECT_EQ(plan.schedules_size(), 2);
  EXPECT_EQ(wakes_, 1);
}

TEST_F(TransitionPlanTest, FollowsThePracticesPolicy) {
  episodes_.settings.set_participant_consent_required(false);
  episodes_.settings.set_supervisor_signature_required(false);
  episodes_.settings.set_review_interval_days(30);
  episodes_.consents.clear();
  ASSERT_OK(Create());
  ScreenBoth();
  ASSERT_OK(Sign(Staff(), 1, v1::SIGNER_ROLE_CLINICIAN));
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Transition(v1::PLAN_STATUS_ACTIVE));
  EXPECT_EQ(plan.review_due_date().month(), 1);
  EXPECT_EQ(plan.review_due_date().day(), 31);
}

TEST_F(TransitionPlanTest, ACouplesScreeningCannotBeAvoidedByAnotherPopulation) {
  v1::PlanContent content = Content();
  content.set_population(v1::POPULATION_ADULT);
  ASSERT_OK(Create(content));
  SignByAll(1);
  EXPECT_THAT(Transition(v1::PLAN_STATUS_ACTIVE), IsError(kFailed, Reason::kScreeningMissing));
}

TEST_F(TransitionPlanTest, AnUnsuitableScreeningStandsAgainstConjointWork) {
  ASSERT_OK(Create());
  ScreenBoth();
  ASSERT_OK(Screen("ben", v1::SCREENING_RESULT_CONJOINT_WORK_UNSUITABLE));
  SignByAll(1);
  EXPECT_THAT(Transition(v1::PLAN_STATUS_ACTIVE), kWrongState);
  v1::PlanContent separate = Content();
  separate.set_separate_sessions_only(true);
  ASSERT_OK(Revise(separate));
  SignByAll(2);
  EXPECT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
}

TEST_F(TransitionPlanTest, RefusesWhatTheTableDoesNotAllow) {
  ASSERT_OK(Create());
  const auto plan = Transition(v1::PLAN_STATUS_COMPLETED);
  EXPECT_THAT(plan, IsError(kFailed, Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(plan.status()).at("state"), "DRAFT");
}

TEST_F(TransitionPlanTest, AStaleEtagChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const v1::Plan created, Create());
  ASSERT_OK(Revise(Content("Another understanding.")));
  EXPECT_THAT(Transition(v1::PLAN_STATUS_REVOKED, created.etag()),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Get(Staff()));
  EXPECT_EQ(plan.status(), v1::PLAN_STATUS_DRAFT);
  EXPECT_OK(Transition(v1::PLAN_STATUS_REVOKED, plan.etag()));
}

TEST_F(TransitionPlanTest, IsDoneOnceHoweverOftenItIsAsked) {
  CreateActivePlan();
  ASSERT_OK_AND_ASSIGN(const v1::Plan held, Transition(v1::PLAN_STATUS_ON_HOLD, "", "r1"));
  ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
  ASSERT_OK_AND_ASSIGN(const v1::Plan again, Transition(v1::PLAN_STATUS_ON_HOLD, "", "r1"));
  EXPECT_EQ(again.etag(), held.etag());
  ASSERT_OK_AND_ASSIGN(const v1::Plan now, Get(Staff()));
  EXPECT_EQ(now.status(), v1::PLAN_STATUS_ACTIVE);
}

TEST_F(TransitionPlanTest, AHoldKeepsTheReviewDateAndAnEndClearsIt) {
  CreateActivePlan();
  ASSERT_OK_AND_ASSIGN(const v1::Plan held, Transition(v1::PLAN_STATUS_ON_HOLD));
  EXPECT_TRUE(held.has_review_due_date());
  ASSERT_OK_AND_ASSIGN(const v1::Plan done, Transition(v1::PLAN_STATUS_COMPLETED));
  EXPECT_FALSE(done.has_review_due_date());
  EXPECT_TRUE(done.has_end_time());
  for (const v1::PlanSchedule& schedule : done.schedules()) {
    EXPECT_EQ(schedule.state(), v1::SCHEDULE_STATE_ENDING);
  }
}

TEST_F(TransitionPlanTest, AHiddenPlanIsNotFound) {
  CreateActivePlan();
  v1::TransitionPlanRequest request;
  request.set_name(kPlan);
  request.set_status(v1::PLAN_STATUS_ON_HOLD);
  EXPECT_THAT(Do(&PlanHandlers::TransitionPlan, Staff("dr-c"), request), kNotFound);
}

TEST_F(AdoptRevisionTest, TheOldRevisionStaysInForceUntilTheNewOneIsSignedAndAdopted) {
  CreateActivePlan();
  EXPECT_THAT(Adopt(), kWrongState);  // nothing new
  v1::PlanContent content = Content();
  content.mutable_measures()->RemoveLast();
  ASSERT_OK(Revise(content));
  ASSERT_OK_AND_ASSIGN(v1::Plan plan, Get(Staff()));
  EXPECT_EQ(plan.active_revision(), RevisionNameOf(1));
  EXPECT_EQ(plan.latest_revision(), RevisionNameOf(2));
  EXPECT_THAT(Adopt(), IsError(kFailed, Reason::kSignatureMissing));
  SignByAll(2);
  ASSERT_OK_AND_ASSIGN(plan, Adopt());
  EXPECT_EQ(plan.active_revision(), RevisionNameOf(2));
  ASSERT_EQ(plan.schedules_size(), 2);
  EXPECT_EQ(plan.schedules(0).state(), v1::SCHEDULE_STATE_PENDING);
  EXPECT_EQ(plan.schedules(1).state(), v1::SCHEDULE_STATE_ENDING);
}

TEST_F(AdoptRevisionTest, IsForActivePlans) {
  ASSERT_OK(Create());
  EXPECT_THAT(Adopt(), kWrongState);
}

TEST_F(SuggestPlanTest, DraftsWithReasonsAndRequirementsAndRecordsNothing) {
  v1::SuggestPlanRequest request;
  request.set_episode(kEpisode);
  ASSERT_OK_AND_ASSIGN(const auto response, Do(&PlanHandlers::SuggestPlan, Staff(), request));
  EXPECT_THAT(response.requirements(), ElementsAre(v1::REQUIREMENT_SCREEN_PARTNERS_ALONE));
  ASSERT_GT(response.content().measures_size(), 0);
  EXPECT_FALSE(response.content().measures(0).rationale().empty());
  EXPECT_THAT(fixture_.store().ListPractices({}, "", 10).value(), IsEmpty());
  EXPECT_OK(Create(response.content()));
  EXPECT_THAT(Do(&PlanHandlers::SuggestPlan, Staff("dr-c"), request), kNotFound);
}

TEST_F(SuggestPlanTest, ReadsAScoreOfZero) {
  v1::SuggestPlanRequest request;
  request.set_episode(kEpisode);
  *request.mutable_basis()->add_scores() =
      FromText<v1::Score>(R"(participant: "anna" instrument: "who-5" scale: "total" value: 0)");
  ASSERT_OK_AND_ASSIGN(const auto response, Do(&PlanHandlers::SuggestPlan, Staff(), request));
  EXPECT_THAT(response.content().DebugString(), ::testing::HasSubstr("who-5-low"));
}

}  // namespace
}  // namespace securebase::plans
