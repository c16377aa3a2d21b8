#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/outcomes/rules/alert.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::SizeIs;

class AssessmentsTest : public testing::OutcomesFixture {
 protected:
  absl::StatusOr<v1::ListAssessmentsResponse> List(const std::string& filter) {
    return Do<v1::ListAssessmentsRequest, v1::ListAssessmentsResponse>(
        &OutcomeHandlers::ListAssessments, Staff(), "parent: 'practices/p1' " + filter);
  }
  int CountStored() {
    return List(absl::StrCat("episode: '", testing::kCouple, "'"))->assessments_size();
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> Amend(const v1::Assessment& assessment,
                                                     const std::vector<int>& answers,
                                                     const std::string& etag = "") {
    v1::AmendAssessmentRequest request;
    request.set_name(assessment.name());
    *request.mutable_answers() = Request("phq-9", answers).assessment().answers();
    request.set_reason("typing-error");
    request.set_etag(etag);
    return Do(&OutcomeHandlers::AmendAssessment, Staff(), request);
  }
  absl::StatusOr<v1::Assessment> Withdraw(const v1::Assessment& assessment) {
    v1::MarkAssessmentEnteredInErrorRequest request;
    request.set_name(assessment.name());
    request.set_reason("wrong-patient");
    return Do(&OutcomeHandlers::MarkAssessmentEnteredInError, Staff(), request);
  }
};

TEST_F(AssessmentsTest, ASubmissionIsScoredAtOnceAndBeginsASeries) {
  ASSERT_OK_AND_ASSIGN(const v1::SubmitAssessmentResponse response, SubmitPhq9(13));
  const v1::Assessment& assessment = response.assessment();
  EXPECT_EQ(assessment.status(), v1::ASSESSMENT_STATUS_COMPLETED);
  EXPECT_EQ(assessment.informant_role(), v1::INFORMANT_SELF);
  EXPECT_EQ(assessment.recorded_by().subject(), "dr-lee");
  EXPECT_EQ(assessment.result().scales(0).value(), 13);
  EXPECT_THAT(response.alerts(), SizeIs(0));
  EXPECT_EQ(response.notice(), "");
  ASSERT_THAT(response.risk_answers(), SizeIs(1));
  EXPECT_EQ(response.risk_answers(0).state(), v1::RISK_STATE_ABSENT);
  ASSERT_THAT(response.verdicts(), SizeIs(1));
  EXPECT_EQ(response.verdicts(0).verdict(), v1::VERDICT_INSUFFICIENT_DATA);

  ASSERT_OK_AND_ASSIGN(const v1::GetSeriesResponse series, GetSeries(Staff(), assessment.series()));
  EXPECT_EQ(series.series().assessment_count(), 1);
  EXPECT_EQ(series.series().scales(0).baseline().value(), 13);
  ASSERT_THAT(series.points(), SizeIs(1));
  EXPECT_TRUE(series.points(0).baseline());
}

TEST_F(AssessmentsTest, ARiskAnswerIsInTheReplyWithItsAlertAlsoOfAnIncompleteForm) {
  ASSERT_OK_AND_ASSIGN(const auto response,
                       Submit(Request("phq-9", {-1, -1, -1, -1, 0, 0, 0, 0, 2})));
  EXPECT_EQ(response.assessment().result().scales(0).status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(response.risk_answers(0).state(), v1::RISK_STATE_PRESENT);
  EXPECT_EQ(response.notice(), kNoEmergencyService);
  ASSERT_THAT(response.alerts(), SizeIs(1));
  EXPECT_EQ(response.alerts(0).kind(), v1::ALERT_KIND_RISK);
  EXPECT_EQ(response.alerts(0).state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(response.alerts(0).notice(), kNoEmergencyService);
  EXPECT_THAT(response.alerts(0).data_subjects(), ElementsAre("ann"));
}

TEST_F(AssessmentsTest, AnUnansweredRiskItemIsNeverNoRisk) {
  ASSERT_OK_AND_ASSIGN(const auto response, Submit(Request("phq-9", {1, 1, 1, 1, 1, 1, 1, 1, -1})));
  EXPECT_EQ(response.risk_answers(0).state(), v1::RISK_STATE_NOT_ANSWERED);
}

TEST_F(AssessmentsTest, EveryViolationIsReportedAtOnceAndNothingIsStored) {
  v1::SubmitAssessmentRequest request = Request("phq-9", {0, 0, 0, 7, 0, 0, 0, 0, 9});
  request.mutable_assessment()->set_subject("nobody");
  request.mutable_assessment()->set_relationship_target("partner");
  request.mutable_assessment()->set_coding("unknown");
  const auto response = Submit(request);
  EXPECT_THAT(response, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(response, HasViolation("assessment.subject"));
  EXPECT_THAT(response, HasViolation("assessment.relationship_target"));
  EXPECT_THAT(response, HasViolation("assessment.coding"));
  request.mutable_assessment()->clear_coding();
  const auto again = Submit(request);
  EXPECT_THAT(again, HasViolation("assessment.answers[3].value"));
  EXPECT_THAT(again, HasViolation("assessment.answers[8].value"));
  EXPECT_EQ(CountStored(), 0);
  EXPECT_THAT(Alerts(), SizeIs(0));
}

TEST_F(AssessmentsTest, TheInstrumentMustExistAndBeForTheInformant) {
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(5));
  request.mutable_assessment()->set_instrument(testing::InstrumentName("no-such"));
  EXPECT_THAT(Submit(request), HasViolation("assessment.instrument"));
  request = Request("phq-9", testing::Phq9(5));
  request.mutable_assessment()->set_informant("bob");
  EXPECT_THAT(Submit(request), HasViolation("assessment.informant"));
  request.mutable_assessment()->set_informant("ann");
  request.mutable_assessment()->set_informant_role(v1::INFORMANT_PARENT);
  EXPECT_THAT(Submit(request), HasViolation("assessment.informant_role"));
  request.mutable_assessment()->clear_informant_role();
  request.mutable_assessment()->set_schedule("practices/p1/schedules/none");
  EXPECT_THAT(Submit(request), HasViolation("assessment.schedule"));
}

TEST_F(AssessmentsTest, AFinishedEpisodeTakesWhatWasAnsweredBeforeItsEnd) {
  ASSERT_OK(SubmitPhq9(18));
  fixture_.clock().Advance(absl::Hours(24 * 7));
  ASSERT_OK(CloseEpisode(testing::kCouple));
  EXPECT_OK(SubmitPhq9(12)) << "answered in the moment it ended";
  fixture_.clock().Advance(absl::Hours(24));
  EXPECT_THAT(SubmitPhq9(5),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  // The paper of the last session, typed in the day after.
  ASSERT_OK_AND_ASSIGN(const auto late, SubmitPhq9(14, 1, absl::Hours(25)));
  EXPECT_THAT(late.alerts(), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto series, GetSeries(Staff(), late.assessment().series()));
  EXPECT_THAT(series.points(), SizeIs(3));
  EXPECT_EQ(series.points(1).scales(0).value(), 14);
}

TEST_F(AssessmentsTest, WhatStaffMayNotSeeIsNotFound) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(5));
  const auto submitted =
      Do(&OutcomeHandlers::SubmitAssessment, Staff("dr-other"), Request("phq-9", testing::Phq9(5)));
  EXPECT_THAT(submitted, IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  v1::GetAssessmentRequest get;
  get.set_name(response.assessment().name());
  EXPECT_OK(Do(&OutcomeHandlers::GetAssessment, Staff(), get));
  EXPECT_THAT(Do(&OutcomeHandlers::GetAssessment, Staff("dr-other"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(handlers_.GetAssessment(System("p2"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(GetSeries(Staff("dr-other"), response.assessment().series()),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(AssessmentsTest, AParticipantSubmitsTheirOwnAndSeesNoConclusions) {
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(20, 1));
  request.set_request_id("r1");
  const auto response = Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request);
  ASSERT_OK(response);
  EXPECT_THAT(response->alerts(), SizeIs(0));
  EXPECT_THAT(response->verdicts(), SizeIs(0));
  EXPECT_EQ(response->notice(), kNoEmergencyService);
  EXPECT_THAT(Alerts(), SizeIs(1)) << "clinicians see it";
  EXPECT_THAT(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-2"), request),
              HasViolation("assessment.informant"));
  const auto again = Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request);
  ASSERT_OK(again);
  EXPECT_EQ(again->assessment().name(), response->assessment().name());
}

TEST_F(AssessmentsTest, APartnerSeesNothingUntilItIsDisclosed) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(5));
  v1::GetAssessmentRequest get;
  get.set_name(response.assessment().name());
  EXPECT_OK(Do(&OutcomeHandlers::GetAssessment, Patient("ehr-1"), get));
  EXPECT_THAT(Do(&OutcomeHandlers::GetAssessment, Patient("ehr-2"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK(Disclose("ann", "bob"));
  EXPECT_OK(Do(&OutcomeHandlers::GetAssessment, Patient("ehr-2"), get));
  EXPECT_OK(GetSeries(Patient("ehr-2"), response.assessment().series()));
}

TEST_F(AssessmentsTest, ARepeatedSubmissionHappensOnce) {
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(13, 1));
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const auto first, Submit(request));
  ASSERT_OK_AND_ASSIGN(const auto again, Submit(request));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(CountStored(), 1);
  EXPECT_EQ(Alerts()[0].sources_size(), 1);
  request.mutable_assessment()->mutable_answers(0)->set_value(0);
  EXPECT_THAT(Submit(request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(AssessmentsTest, ABatchIsAllOrNothingAndInOrder) {
  v1::BatchSubmitAssessmentsRequest batch;
  batch.set_parent("practices/p1");
  for (const int total : {20, 12, 5}) {
    *batch.add_submissions()->mutable_assessment() =
        Request("phq-9", testing::Phq9(total), absl::Hours(total)).assessment();
  }
  v1::BatchSubmitAssessmentsRequest bad = batch;
  bad.mutable_submissions(1)->mutable_assessment()->mutable_answers(0)->set_value(4);
  bad.mutable_submissions(2)->mutable_assessment()->mutable_answers(3)->set_item("no-such");
  const auto refused = Do(&OutcomeHandlers::BatchSubmitAssessments, Staff(), bad);
  EXPECT_THAT(refused, HasViolation("submissions[1].assessment.answers[0].value"));
  EXPECT_THAT(refused, HasViolation("submissions[2].assessment.answers[3].item"));
  EXPECT_EQ(CountStored(), 0);

  ASSERT_OK_AND_ASSIGN(const auto done,
                       Do(&OutcomeHandlers::BatchSubmitAssessments, Staff(), batch));
  ASSERT_THAT(done.responses(), SizeIs(3));
  EXPECT_EQ(done.responses(2).verdicts(0).verdict(), v1::VERDICT_RECOVERED);
  EXPECT_EQ(done.responses(2).verdicts(0).from(), 20);
  EXPECT_EQ(CountStored(), 3);
}

// What a repeat gets is guarded by one episode: staff who have left another one would still be
// shown what was submitted there.
TEST_F(AssessmentsTest, ABatchIsOfOneEpisode) {
  v1::BatchSubmitAssessmentsRequest batch;
  batch.set_parent("practices/p1");
  for (const char* episode : {testing::kCouple, testing::kFamily, testing::kCouple}) {
    v1::Assessment& assessment = *batch.add_submissions()->mutable_assessment();
    assessment = Request("phq-9", testing::Phq9(5)).assessment();
    assessment.set_episode(episode);
    if (episode == testing::kFamily) {
      assessment.set_subject("mum");
      assessment.set_informant("mum");
    }
  }
  const auto refused = Do(&OutcomeHandlers::BatchSubmitAssessments, Staff(), batch);
  EXPECT_THAT(refused, HasViolation("submissions[1].assessment.episode"));
  EXPECT_THAT(ViolationsOf(refused.status()), SizeIs(1));
  batch.mutable_submissions()->DeleteSubrange(1, 1);
  EXPECT_OK(Do(&OutcomeHandlers::BatchSubmitAssessments, Staff(), batch));
}

// Else the answer would tell which records there are, and what one patient takes another one's form
// could not have.
TEST_F(AssessmentsTest, ParticipantsChooseNoIds) {
  const auto not_allowed =
      IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed);
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(5));
  request.set_assessment_id("a1");
  EXPECT_THAT(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request), not_allowed);
  request.clear_assessment_id();
  type::v1::ExternalIdentifier& identifier =
      *request.mutable_assessment()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("form-7");
  EXPECT_THAT(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request), not_allowed);
  v1::BatchSubmitAssessmentsRequest batch;
  batch.set_parent("practices/p1");
  *batch.add_submissions()->mutable_assessment() = Request("phq-9", testing::Phq9(5)).assessment();
  *batch.add_submissions()->mutable_assessment() = request.assessment();
  EXPECT_THAT(Do(&OutcomeHandlers::BatchSubmitAssessments, Patient("ehr-1"), batch), not_allowed);
  EXPECT_EQ(CountStored(), 0);
  request.mutable_assessment()->clear_external_identifiers();
  request.set_request_id("once");
  ASSERT_OK(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request));
  EXPECT_OK(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request));
  EXPECT_EQ(CountStored(), 1);
}

TEST_F(AssessmentsTest, ALanguageIsOneHoweverItIsWritten) {
  const auto in = [&](const std::string& language) {
    v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(5));
    request.mutable_assessment()->set_language(language);
    return Submit(request);
  };
  ASSERT_OK_AND_ASSIGN(const auto first, in("en-US"));
  EXPECT_EQ(first.assessment().language(), "en-US");
  ASSERT_OK_AND_ASSIGN(const auto second, in("EN-us"));
  EXPECT_EQ(second.assessment().language(), "en-US");
  EXPECT_EQ(second.assessment().series(), first.assessment().series());
  EXPECT_THAT(in("en_US"), HasViolation("assessment.language"));
  ASSERT_OK_AND_ASSIGN(const auto german, in("de"));
  EXPECT_NE(german.assessment().series(), first.assessment().series());
}

TEST_F(AssessmentsTest, WhatWasAnsweredBeforeThereWereFormsIsRefused) {
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(5));
  request.mutable_assessment()->mutable_answered_time()->set_seconds(-62135596800);  // year 1
  EXPECT_THAT(Submit(request), HasViolation("assessment.answered_time"));
  ASSERT_OK_AND_ASSIGN(const auto stored, SubmitPhq9(5));
  v1::AmendAssessmentRequest amend;
  amend.set_name(stored.assessment().name());
  *amend.mutable_answers() = request.assessment().answers();
  *amend.mutable_answered_time() = request.assessment().answered_time();
  amend.set_reason("typing-error");
  EXPECT_THAT(Do(&OutcomeHandlers::AmendAssessment, Staff(), amend), HasViolation("answered_time"));
}

TEST_F(AssessmentsTest, AnAmendmentKeepsHistoryAndItsSeriesAndAlertsFollow) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(20, 1));
  EXPECT_THAT(Amend(response.assessment(), testing::Phq9(10), "\"stale\""),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const auto amended, Amend(response.assessment(), testing::Phq9(10),
                                                 response.assessment().etag()));
  EXPECT_EQ(amended.assessment().status(), v1::ASSESSMENT_STATUS_AMENDED);
  EXPECT_EQ(amended.assessment().result().scales(0).value(), 10);
  ASSERT_THAT(amended.alerts(), SizeIs(1));
  EXPECT_EQ(amended.alerts(0).state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(amended.alerts(0).events().rbegin()->kind(), v1::ALERT_EVENT_KIND_CEASED);

  v1::GetAssessmentRequest get;
  get.set_name(response.assessment().name());
  ASSERT_OK_AND_ASSIGN(const auto stored, Do(&OutcomeHandlers::GetAssessment, Staff(), get));
  ASSERT_THAT(stored.revisions(), SizeIs(1));
  EXPECT_EQ(stored.revisions(0).result().scales(0).value(), 20);
  EXPECT_EQ(stored.revisions(0).reason(), "typing-error");
  ASSERT_OK_AND_ASSIGN(const auto series, GetSeries(Staff(), stored.series()));
  EXPECT_EQ(series.series().scales(0).latest().value(), 10);
  EXPECT_EQ(series.series().assessment_count(), 1);

  const auto wrong = Amend(response.assessment(), {9, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_THAT(wrong, HasViolation("answers[0].value"));
}

TEST_F(AssessmentsTest, WhatWasEnteredInErrorLeavesItsSeriesAndMovesTheBaseline) {
  ASSERT_OK_AND_ASSIGN(const auto first, SubmitPhq9(20));
  fixture_.clock().Advance(absl::Hours(24 * 7));
  ASSERT_OK_AND_ASSIGN(const auto second, SubmitPhq9(12));
  EXPECT_EQ(second.verdicts(0).verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  ASSERT_OK_AND_ASSIGN(const auto withdrawn, Withdraw(first.assessment()));
  EXPECT_EQ(withdrawn.status(), v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR);
  ASSERT_OK_AND_ASSIGN(const auto series, GetSeries(Staff(), withdrawn.series()));
  EXPECT_EQ(series.series().assessment_count(), 1);
  EXPECT_EQ(series.series().scales(0).baseline().assessment(), second.assessment().name());
  EXPECT_EQ(series.series().scales(0).verdict().verdict(), v1::VERDICT_INSUFFICIENT_DATA);
  EXPECT_EQ(series.series().baseline_move().from_assessment(), first.assessment().name());
  EXPECT_EQ(series.series().baseline_move().to_assessment(), second.assessment().name());
  EXPECT_THAT(Withdraw(first.assessment()),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_THAT(Amend(first.assessment(), testing::Phq9(10)),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(CountStored(), 1);
  EXPECT_EQ(List(absl::StrCat("episode: '", testing::kCouple, "' include_entered_in_error: true"))
                ->assessments_size(),
            2);
}

TEST_F(AssessmentsTest, ALateFormTakesItsPlaceMovesTheBaselineAndSaysSo) {
  ASSERT_OK_AND_ASSIGN(const auto first, SubmitPhq9(12));
  const absl::Time before_late = fixture_.clock().Now();
  fixture_.clock().Advance(absl::Hours(24 * 7));
  ASSERT_OK_AND_ASSIGN(const auto late, SubmitPhq9(22, 0, absl::Hours(24 * 14)));
  EXPECT_TRUE(late.baseline_moved());
  EXPECT_EQ(late.verdicts(0).from(), 22);
  EXPECT_EQ(late.verdicts(0).to(), 12);
  EXPECT_EQ(late.verdicts(0).verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  v1::GetSeriesRequest request;
  request.set_name(late.assessment().series());
  ASSERT_OK_AND_ASSIGN(const auto now, Do(&OutcomeHandlers::GetSeries, Staff(), request));
  ASSERT_THAT(now.points(), SizeIs(2));
  EXPECT_EQ(now.points(0).assessment(), late.assessment().name());
  EXPECT_EQ(now.series().baseline_move().from_assessment(), first.assessment().name());
  *request.mutable_as_of() = api::ToProto(before_late);
  ASSERT_OK_AND_ASSIGN(const auto then, Do(&OutcomeHandlers::GetSeries, Staff(), request));
  ASSERT_THAT(then.points(), SizeIs(1));
  EXPECT_EQ(then.series().scales(0).baseline().value(), 12);
}

TEST_F(AssessmentsTest, AnAgeOutOfRangeIsStoredButNotScored) {
  v1::SubmitAssessmentRequest request = Request("sdq", std::vector<int>(25, 1));
  v1::Assessment& assessment = *request.mutable_assessment();
  assessment.set_episode(testing::kFamily);
  assessment.set_subject("kim");
  assessment.set_informant("mum");
  assessment.set_age_months(12);
  ASSERT_OK_AND_ASSIGN(const auto response, Submit(request));
  EXPECT_EQ(response.assessment().informant_role(), v1::INFORMANT_PARENT);
  for (const v1::ScaleScore& scale : response.assessment().result().scales()) {
    EXPECT_EQ(scale.reason_code(), v1::SCALE_REASON_AGE_OUT_OF_RANGE);
  }
}

TEST_F(AssessmentsTest, InformantsLanguagesAndTargetsMakeSeriesOfTheirOwn) {
  std::set<std::string> series;
  v1::SubmitAssessmentRequest request = Request("ecr-rs", std::vector<int>(9, 2));
  EXPECT_THAT(Submit(request), HasViolation("assessment.relationship_target"));
  for (const std::string target : {"partner", "mother"}) {
    request.mutable_assessment()->set_relationship_target(target);
    ASSERT_OK_AND_ASSIGN(const auto response, Submit(request));
    series.insert(response.assessment().series());
  }
  request.mutable_assessment()->set_language("de");
  ASSERT_OK_AND_ASSIGN(const auto german, Submit(request));
  series.insert(german.assessment().series());
  request.mutable_assessment()->set_subject("bob");
  request.mutable_assessment()->set_informant("bob");
  ASSERT_OK_AND_ASSIGN(const auto bob, Submit(request));
  series.insert(bob.assessment().series());
  EXPECT_THAT(series, SizeIs(4));
}

TEST_F(AssessmentsTest, ExternalIdentifiersAreUniqueAndFindTheAssessment) {
  v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(5));
  auto& identifier = *request.mutable_assessment()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("q-17");
  ASSERT_OK_AND_ASSIGN(const auto response, Submit(request));
  EXPECT_THAT(Submit(request), IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  const std::string filter =
      "external_identifier { system: 'https://ehr.example.org' value: 'q-17' }";
  ASSERT_OK_AND_ASSIGN(const auto found, List(filter));
  ASSERT_THAT(found.assessments(), SizeIs(1));
  EXPECT_EQ(found.assessments(0).name(), response.assessment().name());
  EXPECT_EQ(Do<v1::ListAssessmentsRequest>(&OutcomeHandlers::ListAssessments, Staff("dr-other"),
                                           "parent: 'practices/p1' " + filter)
                ->assessments_size(),
            0);
  ASSERT_OK(Withdraw(response.assessment()));
  EXPECT_OK(Submit(request)) << "what was withdrawn may be entered again";
}

TEST_F(AssessmentsTest, ListsPageByAnsweredTimeTheLatestFirst) {
  SubmitWeekly({5, 6, 7, 8, 9});
  std::vector<double> seen;
  std::string token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page,
                         List(absl::StrCat("episode: '", testing::kCouple, "' page_size: 2 ",
                                           "page_token: '", token, "'")));
    for (const v1::Assessment& assessment : page.assessments()) {
      seen.push_back(assessment.result().scales(0).value());
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(seen, ElementsAre(9, 8, 7, 6, 5));
  EXPECT_THAT(List(""), HasViolation("episode"));
  EXPECT_THAT(List("episode: 'practices/p1/episodes/e1' page_token: 'AAAA'"),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
}

}  // namespace
}  // namespace securebase::outcomes
