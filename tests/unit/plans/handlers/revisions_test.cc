#include <string>

#include "services/plans/rules/digest.h"
#include "tests/unit/plans/handlers/plans_fixture.h"

namespace securebase::plans {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;
const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kWrongState = IsError(kFailed, Reason::kStateNotAllowed);
const auto kNotAllowed = IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed);

using RevisePlanTest = PlansFixture;
using RevisionTest = PlansFixture;
using SignRevisionTest = PlansFixture;
using AnswerWarningTest = PlansFixture;

constexpr char kAvoids[] = "We avoid holding therapy.";

TEST_F(RevisePlanTest, MakesANewRevisionAndLeavesTheOldOne) {
  ASSERT_OK(Create());
  ASSERT_OK_AND_ASSIGN(const v1::Revision first, GetRevision(Staff(), 1));
  ASSERT_OK_AND_ASSIGN(const v1::Revision second, Revise(Content("Another understanding.")));
  EXPECT_EQ(second.number(), 2);
  EXPECT_NE(second.digest(), first.digest());
  ASSERT_OK_AND_ASSIGN(const v1::Revision again, GetRevision(Staff(), 1));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Get(Staff()));
  EXPECT_EQ(plan.content().summary(), "Another understanding.");
  EXPECT_EQ(plan.revision_count(), 2);
}

TEST_F(RevisePlanTest, ChangesWhatTheMaskNames) {
  ASSERT_OK(Create());
  v1::RevisePlanRequest request;
  request.set_name(kPlan);
  request.mutable_content()->set_summary("New.");
  request.mutable_update_mask()->add_paths("summary");
  request.set_change_reason("It was incomplete.");
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision,
                       Do(&PlanHandlers::RevisePlan, Staff(), request));
  EXPECT_EQ(revision.content().summary(), "New.");
  EXPECT_EQ(revision.content().measures_size(), 2);
  EXPECT_EQ(revision.change_reason(), "It was incomplete.");
  request.mutable_update_mask()->add_paths("sumary");
  EXPECT_THAT(Do(&PlanHandlers::RevisePlan, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
}

TEST_F(RevisePlanTest, RefusesWhatChangesNothingAStaleEtagAndAnEndedPlan) {
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Create());
  v1::PlanContent same = Content();
  same.add_subjects("anna");
  same.add_subjects("ben");
  EXPECT_THAT(Revise(same), HasViolation("content"));
  ASSERT_OK(Revise(Content("Two.")));
  EXPECT_THAT(Revise(Content("Three."), plan.etag()),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK(Transition(v1::PLAN_STATUS_REVOKED));
  EXPECT_THAT(Revise(Content("Four.")), kWrongState);
}

TEST_F(RevisePlanTest, RefusesAContraindicatedTechnique) {
  ASSERT_OK(Create());
  v1::PlanContent content = Content();
  content.add_techniques()->set_technique("practices/p1/techniques/rebirthing");
  EXPECT_THAT(Revise(content), IsError(kFailed, Reason::kTechniqueContraindicated));
}

TEST_F(RevisionTest, IsSignedOverTheBytesThatItShows) {
  ASSERT_OK(Create());
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision, GetRevision(Staff()));
  EXPECT_EQ(rules::Sha256Hex(revision.signed_bytes()), revision.digest());
  v1::RevisionStatement statement;
  ASSERT_TRUE(statement.ParseFromString(revision.signed_bytes()));
  EXPECT_EQ(statement.revision(), revision.name());
  EXPECT_EQ(statement.episode(), kEpisode);
  EXPECT_EQ(statement.content().SerializeAsString(), revision.content().SerializeAsString());
}

TEST_F(RevisionTest, IsNotFoundByWhoMayNotSeeIt) {
  ASSERT_OK(Create());
  EXPECT_THAT(GetRevision(Staff("dr-c")), kNotFound);
  EXPECT_THAT(GetRevision(Anna()), kNotFound);
  EXPECT_OK(GetRevision(Ben()));
}

TEST_F(RevisionTest, ShowsWarningsToStaffAndNotToParticipants) {
  ASSERT_OK(Create(Content(kAvoids)));
  EXPECT_EQ(GetRevision(Staff())->warnings_size(), 1);
  EXPECT_EQ(GetRevision(Ben())->warnings_size(), 0);
}

TEST_F(RevisionTest, WhatIsHiddenLeavesNoTraceForParticipants) {
  ASSERT_OK(Create(Content(kAvoids)));
  const std::string before = GetRevision(Ben())->DebugString() + Get(Ben())->DebugString();
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision, GetRevision(Staff()));
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK(Answer(Staff("dr-s"), revision.warnings(0).id()));
  ASSERT_OK(Screen("anna"));
  EXPECT_EQ(GetRevision(Ben())->DebugString() + Get(Ben())->DebugString(), before);
  v1::ListPlansRequest request;
  request.set_parent("practices/p1");
  ASSERT_OK_AND_ASSIGN(const auto page, Do(&PlanHandlers::ListPlans, Ben(), request));
  EXPECT_THAT(page.plans(0).etag(), IsEmpty());
}

TEST_F(RevisionTest, OfTwoAtATimeOneIsToldToReadAgain) {
  ASSERT_OK_AND_ASSIGN(const v1::Plan plan, Create());
  episodes_.during_next_write = [&] { EXPECT_OK(Revise(Content("Two."))); };
  EXPECT_EQ(Revise(Content("Also two."), plan.etag()).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Get(Staff())->content().summary(), "Two.");
}

TEST_F(RevisionTest, NeedsAnEpisodeUnderWay) {
  ASSERT_OK(Create());
  episodes_.episodes[kEpisode].set_status(episodes::v1::EPISODE_STATUS_CANCELLED);
  EXPECT_THAT(Revise(Content("Two.")), IsError(kFailed, Reason::kStateNotAllowed));
}

TEST_F(RevisionTest, ListsNewestFirstWithoutTheSignedBytes) {
  ASSERT_OK(Create());
  ASSERT_OK(Revise(Content("Two.")));
  v1::ListRevisionsRequest request;
  request.set_parent(kPlan);
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(auto page, Do(&PlanHandlers::ListRevisions, Staff(), request));
  ASSERT_EQ(page.revisions_size(), 1);
  EXPECT_EQ(page.revisions(0).number(), 2);
  EXPECT_EQ(page.revisions(0).content().summary(), "Two.");
  EXPECT_THAT(page.revisions(0).signed_bytes(), IsEmpty());
  request.set_page_token(page.next_page_token());
  ASSERT_OK_AND_ASSIGN(page, Do(&PlanHandlers::ListRevisions, Staff(), request));
  EXPECT_EQ(page.revisions(0).number(), 1);
  EXPECT_THAT(Do(&PlanHandlers::ListRevisions, Staff("dr-c"), request), kNotFound);
}

TEST_F(RevisionTest, IsComparedFieldByField) {
  ASSERT_OK(Create());
  ASSERT_OK(Revise(Content("Two.")));
  ASSERT_OK(Create(Content(), "y"));
  v1::CompareRevisionsRequest request;
  request.set_from(RevisionNameOf(1));
  request.set_to(RevisionNameOf(2));
  ASSERT_OK_AND_ASSIGN(const auto response, Do(&PlanHandlers::CompareRevisions, Staff(), request));
  ASSERT_EQ(response.changes_size(), 1);
  EXPECT_EQ(response.changes(0).path(), "content.summary");
  EXPECT_EQ(response.changes(0).after(), "Two.");
  EXPECT_THAT(Do(&PlanHandlers::CompareRevisions, Anna(), request), kNotFound);
  request.set_to("practices/p1/plans/y/revisions/1");
  EXPECT_THAT(Do(&PlanHandlers::CompareRevisions, Staff(), request), HasViolation("to"));
}

TEST_F(SignRevisionTest, HoldsWhoInWhatRoleAndOverWhat) {
  ASSERT_OK(Create());
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision,
                       Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_CLINICIAN));
  ASSERT_EQ(revision.signatures_size(), 1);
  const v1::Signature& signature = revision.signatures(0);
  EXPECT_EQ(signature.signer(), "dr-a");
  EXPECT_EQ(signature.meaning(), v1::SIGNATURE_MEANING_AUTHORSHIP);
  EXPECT_EQ(signature.digest(), revision.digest());
  EXPECT_THAT(signature.attesting_system(), IsEmpty());
  EXPECT_EQ(api::FromProto(signature.sign_time()), fixture_.clock().Now());
  EXPECT_EQ(rules::Sha256Hex(revision.signed_bytes()), revision.digest());
}

TEST_F(SignRevisionTest, ASystemAttestsForWhomItNames) {
  ASSERT_OK(Create());
  v1::SignRevisionRequest request = SignRequest(1, v1::SIGNER_ROLE_CLINICIAN);
  EXPECT_THAT(Do(&PlanHandlers::SignRevision, System(), request), HasViolation("signer"));
  request.set_signer("dr-a");
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision,
                       Do(&PlanHandlers::SignRevision, System(), request));
  EXPECT_EQ(revision.signatures(0).signer(), "dr-a");
  EXPECT_EQ(revision.signatures(0).attesting_system(), "ehr");
  request.set_role(v1::SIGNER_ROLE_SUPERVISOR);
  request.set_meaning(v1::SIGNATURE_MEANING_APPROVAL);
  request.set_signer("dr-s");
  EXPECT_THAT(Do(&PlanHandlers::SignRevision, Staff("dr-a"), request), HasViolation("signer"));
}

TEST_F(SignRevisionTest, ParticipantsAreNotToldOfWarnings) {
  ASSERT_OK(Create(Content(kAvoids)));
  EXPECT_THAT(Sign(Staff(), 1, v1::SIGNER_ROLE_CLINICIAN),
              IsError(kFailed, Reason::kWarningUnanswered));
  const auto refused = Sign(Ben(), 1, v1::SIGNER_ROLE_PARTICIPANT);
  EXPECT_THAT(refused, IsError(kFailed, Reason::kStateNotAllowed));
  EXPECT_THAT(MetadataOf(refused.status()), IsEmpty());
}

TEST_F(SignRevisionTest, ParticipantsAgreeInTheirOwnName) {
  ASSERT_OK(Create());
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision, Sign(Ben(), 1, v1::SIGNER_ROLE_PARTICIPANT));
  EXPECT_EQ(revision.signatures(0).signer(), "ben");
  EXPECT_THAT(Sign(Ben(), 1, v1::SIGNER_ROLE_CLINICIAN), kNotAllowed);
  EXPECT_THAT(Sign(Staff(), 1, v1::SIGNER_ROLE_PARTICIPANT), kNotAllowed);
  EXPECT_THAT(Sign(Anna(), 1, v1::SIGNER_ROLE_PARTICIPANT), kNotFound);
}

TEST_F(SignRevisionTest, NeedsTheDigestTheRoleAndTheLatestRevision) {
  ASSERT_OK(Create());
  v1::SignRevisionRequest request = SignRequest(1, v1::SIGNER_ROLE_CLINICIAN);
  request.set_digest(std::string(64, '0'));
  EXPECT_THAT(Do(&PlanHandlers::SignRevision, Staff(), request), kWrongState);
  EXPECT_THAT(Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_SUPERVISOR), kWrongState);
  ASSERT_OK(Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_CLINICIAN));
  EXPECT_THAT(Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_CLINICIAN),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  ASSERT_OK(Revise(Content("Two.")));
  EXPECT_THAT(Sign(Staff("dr-s"), 1, v1::SIGNER_ROLE_SUPERVISOR), kWrongState);
  ASSERT_OK(Transition(v1::PLAN_STATUS_REVOKED));
  EXPECT_THAT(Sign(Staff("dr-a"), 2, v1::SIGNER_ROLE_CLINICIAN), kWrongState);
}

TEST_F(AnswerWarningTest, IsNeededBeforeSigning) {
  ASSERT_OK(Create(Content(kAvoids)));
  ASSERT_OK_AND_ASSIGN(const v1::Revision before, GetRevision(Staff()));
  ASSERT_THAT(before.warnings(), SizeIs(1));
  EXPECT_EQ(before.warnings(0).field(), "summary");
  EXPECT_EQ(before.content().summary(), kAvoids);  // nothing is rewritten
  EXPECT_THAT(Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_CLINICIAN),
              IsError(kFailed, Reason::kWarningUnanswered));
  EXPECT_THAT(Transition(v1::PLAN_STATUS_ACTIVE), IsError(kFailed, Reason::kWarningUnanswered));
  ASSERT_OK_AND_ASSIGN(const v1::Revision after, Answer(Staff("dr-s"), "w1"));
  EXPECT_EQ(after.warnings(0).answer().answered_by().subject(), "dr-s");
  EXPECT_EQ(after.warnings(0).answer().kind(), v1::WARNING_ANSWER_KIND_OPPOSITE);
  EXPECT_OK(Sign(Staff("dr-a"), 1, v1::SIGNER_ROLE_CLINICIAN));
}

TEST_F(AnswerWarningTest, IsASupervisorsOrInASoloPracticeTheClinicians) {
  ASSERT_OK(Create(Content(kAvoids)));
  EXPECT_THAT(Answer(Staff("dr-a"), "w1"), kNotAllowed);
  episodes_.settings.set_solo_practice(true);
  EXPECT_OK(Answer(Staff("dr-a"), "w1"));
}

TEST_F(AnswerWarningTest, NeedsAReasonAnExistingWarningAndIsGivenOnce) {
  ASSERT_OK(Create(Content(kAvoids)));
  EXPECT_THAT(Answer(Staff("dr-s"), "w2"), HasViolation("warning"));
  v1::AnswerWarningRequest request;
  request.set_name(RevisionNameOf(1));
  request.set_warning("w1");
  request.mutable_answer()->set_kind(v1::WARNING_ANSWER_KIND_OPPOSITE);
  EXPECT_THAT(Do(&PlanHandlers::AnswerWarning, Staff("dr-s"), request),
              HasViolation("answer.reason"));
  ASSERT_OK(Answer(Staff("dr-s"), "w1"));
  EXPECT_THAT(Answer(Staff("dr-s"), "w1"), kWrongState);
}

TEST_F(AnswerWarningTest, ASystemNamesWhoAnswers) {
  ASSERT_OK(Create(Content(kAvoids)));
  v1::AnswerWarningRequest request;
  request.set_name(RevisionNameOf(1));
  request.set_warning("w1");
  request.mutable_answer()->set_kind(v1::WARNING_ANSWER_KIND_OPPOSITE);
  request.mutable_answer()->set_reason("It says so.");
  EXPECT_THAT(Do(&PlanHandlers::AnswerWarning, System(), request), HasViolation("staff"));
  request.set_staff("dr-a");
  EXPECT_THAT(Do(&PlanHandlers::AnswerWarning, System(), request), kNotAllowed);
  request.set_staff("dr-s");
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision,
                       Do(&PlanHandlers::AnswerWarning, System(), request));
  EXPECT_EQ(revision.warnings(0).answer().attesting_system(), "ehr");
}

TEST_F(AnswerWarningTest, StaysWithTheTextInTheNextRevision) {
  ASSERT_OK(Create(Content(kAvoids)));
  ASSERT_OK(Answer(Staff("dr-s"), "w1"));
  v1::PlanContent content = Content(kAvoids);
  content.set_review_interval_days(30);
  ASSERT_OK_AND_ASSIGN(v1::Revision revision, Revise(content));
  ASSERT_EQ(revision.warnings_size(), 1);
  EXPECT_TRUE(revision.warnings(0).has_answer());
  ASSERT_OK_AND_ASSIGN(revision, Revise(Content("We use holding therapy.")));
  ASSERT_EQ(revision.warnings_size(), 1);
  EXPECT_FALSE(revision.warnings(0).has_answer());
}

TEST_F(AnswerWarningTest, APracticesOwnTechniqueIsPartOfWhatThePlanSays) {
  v1::CreateTechniqueRequest request;
  request.set_parent("practices/p1");
  request.set_technique_id("calm-place");
  *request.mutable_technique() = FromText<v1::Technique>(R"(
      title: "A calm place" family: TECHNIQUE_FAMILY_OTHER
      description: "Imagining a calm place. Nobody is restrained; the child decides."
      populations: POPULATION_ADULT)");
  ASSERT_OK(Do(&PlanHandlers::CreateTechnique, Staff(), request));
  v1::PlanContent content = Content();
  content.add_techniques()->set_technique("practices/p1/techniques/calm-place");
  ASSERT_OK(Create(content));
  EXPECT_EQ(GetRevision(Staff())->warnings_size(), 0);

  request.set_technique_id("bad-idea");
  request.mutable_technique()->set_description("The child must ask permission for everything.");
  ASSERT_OK_AND_ASSIGN(const v1::Technique technique,
                       Do(&PlanHandlers::CreateTechnique, Staff(), request));
  EXPECT_EQ(technique.warnings_size(), 1);
  content.add_techniques()->set_technique(technique.name());
  ASSERT_OK_AND_ASSIGN(const v1::Revision revision, Revise(content));
  ASSERT_EQ(revision.warnings_size(), 1);
  EXPECT_EQ(revision.warnings(0).field(), technique.name());
}

}  // namespace
}  // namespace securebase::plans
