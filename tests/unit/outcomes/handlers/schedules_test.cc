#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/timed_work.h"
#include "tests/testing/hooked_store.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);

class SchedulesTest : public testing::OutcomesFixture {
 protected:
  v1::CreateScheduleRequest ScheduleRequest(const std::string& id = "s1") {
    v1::CreateScheduleRequest request;
    request.set_parent("practices/p1");
    request.set_schedule_id(id);
    v1::Schedule& schedule = *request.mutable_schedule();
    schedule.set_episode(testing::kCouple);
    schedule.set_instrument(testing::InstrumentName("phq-9"));
    schedule.set_subject("ann");
    schedule.set_informant("ann");
    return request;
  }
  absl::StatusOr<v1::Schedule> Create(const v1::CreateScheduleRequest& request) {
    return Do(&OutcomeHandlers::CreateSchedule, Staff(), request);
  }
  absl::StatusOr<v1::Schedule> Get(const api::Call& call, const std::string& id = "s1") {
    v1::GetScheduleRequest request;
    request.set_name("practices/p1/schedules/" + id);
    return Do(&OutcomeHandlers::GetSchedule, call, request);
  }
  absl::StatusOr<v1::Schedule> End(const std::string& id = "s1", const std::string& etag = "") {
    v1::EndScheduleRequest request;
    request.set_name("practices/p1/schedules/" + id);
    request.set_reason("plan-ended");
    request.set_etag(etag);
    return Do(&OutcomeHandlers::EndSchedule, Staff(), request);
  }
  std::vector<v1::DueAssessment> Due(const api::Call& call, const std::string& filter = "") {
    const auto response = Do<v1::ListDueAssessmentsRequest>(
        &OutcomeHandlers::ListDueAssessments, call, "parent: 'practices/p1' " + filter);
    EXPECT_OK(response);
    return {response->due().begin(), response->due().end()};
  }
  TimedWorkReport RunTimedWork() {
    TimedWork work(database_, fixture_.clock(), fixture_.ids());
    const auto report = work.Run();
    EXPECT_OK(report);
    EXPECT_EQ(report->failed, 0);
    return *report;
  }
  std::vector<v1::Alert> OverdueAlerts() { return Alerts("kinds: ALERT_KIND_OVERDUE"); }
};

TEST_F(SchedulesTest, TakesCadenceWindowAndExpiryFromInstrumentAndHouseRules) {
  ASSERT_OK_AND_ASSIGN(const v1::Schedule schedule, Create(ScheduleRequest()));
  EXPECT_EQ(schedule.status(), v1::SCHEDULE_STATUS_ACTIVE);
  EXPECT_EQ(schedule.cadence_weeks(), 1);
  EXPECT_EQ(schedule.window_days(), 2);
  EXPECT_EQ(schedule.expiry_days(), 5);
  EXPECT_EQ(schedule.informant_role(), v1::INFORMANT_SELF);
  EXPECT_EQ(schedule.time_zone(), "UTC");
  EXPECT_EQ(api::FromProto(schedule.start_time()), fixture_.clock().Now());
  EXPECT_EQ(api::FromProto(schedule.next_check_time()), fixture_.clock().Now() + 5 * kDay);
}

TEST_F(SchedulesTest, EveryViolationIsReportedAtOnce) {
  v1::CreateScheduleRequest request = ScheduleRequest();
  request.mutable_schedule()->set_informant("nobody");
  request.mutable_schedule()->set_relationship_target("partner");
  request.mutable_schedule()->set_window_days(3);
  request.mutable_schedule()->set_expiry_days(5);
  *request.mutable_schedule()->mutable_start_time() =
      api::ToProto(fixture_.clock().Now() - 8 * kDay);
  const auto refused = Create(request);
  EXPECT_THAT(refused, HasViolation("schedule.informant"));
  EXPECT_THAT(refused, HasViolation("schedule.relationship_target"));
  EXPECT_THAT(refused, HasViolation("schedule.expiry_days"));
  EXPECT_THAT(refused, HasViolation("schedule.start_time"));
  request.mutable_schedule()->set_instrument(testing::InstrumentName("no-such"));
  EXPECT_THAT(Create(request), HasViolation("schedule.instrument"));
}

TEST_F(SchedulesTest, TheSameMeasureIsScheduledOnceAtATime) {
  ASSERT_OK(Create(ScheduleRequest()));
  EXPECT_THAT(Create(ScheduleRequest("s2")),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  v1::CreateScheduleRequest other = ScheduleRequest("s2");
  other.mutable_schedule()->set_subject("bob");
  other.mutable_schedule()->set_informant("bob");
  EXPECT_OK(Create(other));
  ASSERT_OK(End());
  EXPECT_OK(Create(ScheduleRequest("s3")));
}

TEST_F(SchedulesTest, ARepeatedRequestGivesTheFirstResult) {
  v1::CreateScheduleRequest request = ScheduleRequest("");
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Schedule first, Create(request));
  ASSERT_OK_AND_ASSIGN(const v1::Schedule again, Create(request));
  EXPECT_EQ(again.name(), first.name());
  request.mutable_schedule()->set_cadence_weeks(2);
  EXPECT_THAT(Create(request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(SchedulesTest, AClosedEpisodeIsRefusedAndAnInvisibleOneNotFound) {
  EXPECT_THAT(Do(&OutcomeHandlers::CreateSchedule, Staff("dr-other"), ScheduleRequest()),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK(CloseEpisode(testing::kCouple));
  EXPECT_THAT(Create(ScheduleRequest()),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST_F(SchedulesTest, EndsOnceAndTheEtagCounts) {
  ASSERT_OK_AND_ASSIGN(const v1::Schedule created, Create(ScheduleRequest()));
  EXPECT_THAT(End("s1", "\"stale\""), IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK_AND_ASSIGN(const v1::Schedule ended, End("s1", created.etag()));
  EXPECT_EQ(ended.status(), v1::SCHEDULE_STATUS_COMPLETED);
  EXPECT_EQ(ended.end_reason(), "plan-ended");
  EXPECT_THAT(End(), IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_THAT(Due(Staff()), IsEmpty());
}

TEST_F(SchedulesTest, WhatIsOpenIsDueUntilItIsAnswered) {
  ASSERT_OK(Create(ScheduleRequest()));
  ASSERT_THAT(Due(Staff()), SizeIs(1));
  EXPECT_EQ(Due(Staff())[0].state(), v1::DUE_STATE_DUE);
  EXPECT_THAT(Due(Patient("ehr-1")), SizeIs(1));
  EXPECT_THAT(Due(Patient("ehr-2")), IsEmpty());
  EXPECT_THAT(Due(Staff(), "informant: 'bob'"), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto answered, SubmitPhq9(5));
  EXPECT_EQ(answered.assessment().schedule(), "practices/p1/schedules/s1");
  EXPECT_THAT(Due(Staff()), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const v1::Schedule schedule, Get(Staff()));
  EXPECT_EQ(schedule.answered_through(), 0);
  fixture_.clock().Advance(5 * kDay);
  ASSERT_THAT(Due(Staff()), SizeIs(1)) << "two days before the next";
  EXPECT_EQ(Due(Staff())[0].occurrence(), 1);
}

TEST_F(SchedulesTest, WhatWasAnsweredBeforeItBeganAnswersNothing) {
  ASSERT_OK(Create(ScheduleRequest()));
  ASSERT_OK_AND_ASSIGN(const auto early, SubmitPhq9(5, 0, 10 * kDay));
  EXPECT_EQ(early.assessment().schedule(), "");
  EXPECT_THAT(Due(Staff()), SizeIs(1));
}

TEST_F(SchedulesTest, LooksAheadWhenAsked) {
  ASSERT_OK(Create(ScheduleRequest()));
  ASSERT_OK(SubmitPhq9(5));
  v1::ListDueAssessmentsRequest request;
  request.set_parent("practices/p1");
  *request.mutable_until() = api::ToProto(fixture_.clock().Now() + 10 * kDay);
  const auto due = Do(&OutcomeHandlers::ListDueAssessments, Staff(), request);
  ASSERT_THAT(due->due(), SizeIs(1));
  EXPECT_EQ(due->due(0).state(), v1::DUE_STATE_UPCOMING);
}

TEST_F(SchedulesTest, MissesInARowRaiseOneAlertThatALateAnswerEnds) {
  ASSERT_OK(Create(ScheduleRequest()));
  fixture_.clock().Advance(5 * kDay);
  EXPECT_EQ(RunTimedWork().missed, 1);
  EXPECT_THAT(OverdueAlerts(), IsEmpty()) << "one is not yet a row of two";
  EXPECT_EQ(Due(Staff())[0].state(), v1::DUE_STATE_OVERDUE);
  EXPECT_EQ(RunTimedWork().missed, 0);
  fixture_.clock().Advance(7 * kDay);
  EXPECT_EQ(RunTimedWork().missed, 1);
  ASSERT_THAT(OverdueAlerts(), SizeIs(1));
  EXPECT_EQ(OverdueAlerts()[0].missed_in_a_row(), 2);
  EXPECT_EQ(OverdueAlerts()[0].schedule(), "practices/p1/schedules/s1");
  EXPECT_THAT(OverdueAlerts()[0].data_subjects(), ElementsAre("ann"));
  fixture_.clock().Advance(7 * kDay);
  RunTimedWork();
  ASSERT_THAT(OverdueAlerts(), SizeIs(1));
  EXPECT_EQ(OverdueAlerts()[0].missed_in_a_row(), 3);
  ASSERT_OK(SubmitPhq9(5));
  EXPECT_EQ(OverdueAlerts()[0].state(), v1::ALERT_STATE_RESOLVED);
}

TEST_F(SchedulesTest, AnAnswerWithdrawnIsOwedAgain) {
  ASSERT_OK(Create(ScheduleRequest()));
  ASSERT_OK_AND_ASSIGN(const auto answered, SubmitPhq9(5));
  EXPECT_THAT(Due(Staff()), IsEmpty());
  v1::MarkAssessmentEnteredInErrorRequest withdraw;
  withdraw.set_name(answered.assessment().name());
  ASSERT_OK(Do(&OutcomeHandlers::MarkAssessmentEnteredInError, Staff(), withdraw));
  EXPECT_THAT(Due(Staff()), SizeIs(1));
}

TEST_F(SchedulesTest, EndingAScheduleEndsItsOverdueAlert) {
  ASSERT_OK(Create(ScheduleRequest()));
  fixture_.clock().Advance(30 * kDay);
  RunTimedWork();
  ASSERT_THAT(OverdueAlerts(), SizeIs(1));
  EXPECT_EQ(OverdueAlerts()[0].state(), v1::ALERT_STATE_OPEN);
  ASSERT_OK(End());
  EXPECT_EQ(OverdueAlerts()[0].state(), v1::ALERT_STATE_RESOLVED);
}

TEST_F(SchedulesTest, ListsByEpisodeAndIdentifier) {
  v1::CreateScheduleRequest request = ScheduleRequest();
  auto& identifier = *request.mutable_schedule()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("order-9");
  ASSERT_OK(Create(request));
  const auto list = [&](const std::string& filter) {
    return Do<v1::ListSchedulesRequest>(&OutcomeHandlers::ListSchedules, Staff(),
                                        "parent: 'practices/p1' " + filter)
        ->schedules_size();
  };
  EXPECT_EQ(list(""), 1);
  EXPECT_EQ(list("episode: 'practices/p1/episodes/e2'"), 0);
  EXPECT_EQ(list("external_identifier { system: 'https://ehr.example.org' value: 'order-9' }"), 1);
  EXPECT_EQ(list("external_identifier { system: 'https://ehr.example.org' value: 'order-8' }"), 0);
  ASSERT_OK(End());
  EXPECT_EQ(list(""), 0);
  EXPECT_EQ(list("include_ended: true"), 1);
}

TEST_F(SchedulesTest, RiskThatNobodyAcknowledgesIsEscalatedOnce) {
  ASSERT_OK(SubmitPhq9(10, 2));
  fixture_.clock().Advance(absl::Hours(24) - absl::Seconds(1));
  TimedWorkReport report = RunTimedWork();
  EXPECT_EQ(report.escalated, 0);
  EXPECT_EQ(report.oldest_risk, fixture_.clock().Now() - absl::Hours(24) + absl::Seconds(1));
  fixture_.clock().Advance(absl::Seconds(1));
  EXPECT_EQ(RunTimedWork().escalated, 1);
  EXPECT_EQ(RunTimedWork().escalated, 0);
  ASSERT_THAT(Alerts("escalated: true"), SizeIs(1));
  EXPECT_EQ(Alerts()[0].events(1).kind(), v1::ALERT_EVENT_KIND_ESCALATED);
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  EXPECT_EQ(RunTimedWork().oldest_risk, std::nullopt);
}

TEST_F(SchedulesTest, AScheduleThatCannotBeReadKeepsNeitherRiskNorOtherSchedulesWaiting) {
  ASSERT_OK(Create(ScheduleRequest()));
  v1::CreateScheduleRequest other = ScheduleRequest("s2");
  other.mutable_schedule()->set_instrument(testing::InstrumentName("gad-7"));
  ASSERT_OK(Create(other));
  ASSERT_OK(SubmitPhq9(10, 2));
  fixture_.clock().Advance(15 * kDay);
  securebase::testing::HookedStore store(fixture_.store());
  store.FailReadsOf("schedules/s1");
  const records::Database database({&store, &access_, &fixture_.page_tokens(), &fixture_.ids()});
  TimedWork work(database, fixture_.clock(), fixture_.ids());
  ASSERT_OK_AND_ASSIGN(const TimedWorkReport report, work.Run());
  EXPECT_EQ(report.escalated, 1);
  EXPECT_EQ(report.missed, 1);
  EXPECT_EQ(report.failed, 1);
  EXPECT_TRUE(absl::IsUnavailable(report.first_failure)) << report.first_failure;
  EXPECT_EQ(RunTimedWork().missed, 1) << "the lease was given up, and the other one is left";
}

// The clock was set back between two alerts of one cause: the later one has the earlier time.
TEST_F(SchedulesTest, AnAlertIsFoundThoughAnEarlierOneHasALaterTime) {
  const std::string cause = AlertCause(v1::ALERT_KIND_OVERDUE, "practices/p1/schedules/s1", "");
  const auto create = [&](int number, v1::AlertState state) {
    v1::Alert alert;
    alert.set_name(absl::StrCat("practices/p1/alerts/", cause, "-", number));
    alert.set_episode(testing::kCouple);
    alert.set_kind(v1::ALERT_KIND_OVERDUE);
    alert.set_state(state);
    return database_.Transact<v1::Alert>(
        Staff(), alert, [&](records::Write& write) { return write.Create(AlertKind(), alert); });
  };
  ASSERT_OK(create(1, v1::ALERT_STATE_RESOLVED));
  fixture_.clock().Advance(-absl::Hours(1));
  ASSERT_OK(create(2, v1::ALERT_STATE_OPEN));
  ASSERT_OK(database_.Transact<v1::Alert>(
      Staff(), v1::Alert(), [&](records::Write& write) -> absl::StatusOr<v1::Alert> {
        SB_ASSIGN_OR_RETURN(const auto alert, FindUnresolved(write, cause));
        EXPECT_TRUE(alert.has_value());
        return alert.value_or(v1::Alert());
      }));
}

// dr-chief treats nobody of the couple. From the escalation on they see the alert and what is
// recorded about ann, not about bob; once it is resolved, nothing.
TEST_F(SchedulesTest, WhomARiskIsEscalatedToSeesItUntilItIsResolved) {
  const auto update = testing::FromText<episodes::v1::UpdatePracticeSettingsRequest>(R"pb(
    settings {
      name: "practices/p1/settings"
      house_rules { escalation_staff: "dr-chief" escalation_staff: "dr-lee" }
    }
    update_mask { paths: "house_rules" }
  )pb");
  ASSERT_OK(episodes_.UpdatePracticeSettings(System(), update));
  const api::Call chief = Staff("dr-chief");
  ASSERT_OK_AND_ASSIGN(const auto submitted, SubmitPhq9(10, 2));
  v1::SubmitAssessmentRequest bobs = Request("phq-9", testing::Phq9(12));
  bobs.mutable_assessment()->set_subject("bob");
  bobs.mutable_assessment()->set_informant("bob");
  ASSERT_OK_AND_ASSIGN(const auto of_bob, Submit(bobs));
  v1::GetAlertRequest get;
  get.set_name(submitted.alerts(0).name());
  v1::GetAssessmentRequest of_ann;
  of_ann.set_name(submitted.assessment().name());
  EXPECT_THAT(Do(&OutcomeHandlers::GetAlert, chief, get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(Caseload(chief)->entries(), IsEmpty());

  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_EQ(RunTimedWork().escalated, 1);
  ASSERT_OK_AND_ASSIGN(const v1::Alert alert, Do(&OutcomeHandlers::GetAlert, chief, get));
  EXPECT_THAT(alert.escalated_to(), ElementsAre("dr-chief", "dr-lee"));
  EXPECT_OK(Do(&OutcomeHandlers::GetAssessment, chief, of_ann));
  v1::GetAssessmentRequest hidden;
  hidden.set_name(of_bob.assessment().name());
  EXPECT_THAT(Do(&OutcomeHandlers::GetAssessment, chief, hidden),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(chief));
  ASSERT_THAT(caseload.entries(), SizeIs(1));
  EXPECT_EQ(caseload.entries(0).urgency(), v1::URGENCY_RISK);
  EXPECT_TRUE(caseload.entries(0).alerts(0).escalated());
  EXPECT_THAT(caseload.entries(0).series(), SizeIs(1)) << "ann's, not bob's";
  episodes::v1::GetEpisodeRequest read;
  read.set_name(testing::kCouple);
  const auto episode = episodes_.GetEpisode(chief, read);
  ASSERT_OK(episode);
  ASSERT_THAT(episode->covers(), SizeIs(1)) << "dr-lee treats them anyway";
  EXPECT_EQ(episode->covers(0).staff(), "dr-chief");
  EXPECT_EQ(episode->covers(0).alert(), alert.name());
  EXPECT_THAT(episode->covers(0).subjects(), ElementsAre("ann"));
  EXPECT_THAT(episodes_.GetEpisode(Patient("ehr-1"), read)->covers(), IsEmpty());
  EXPECT_THAT(Do(&OutcomeHandlers::GetAlert, Staff("dr-other"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));

  v1::AcknowledgeAlertRequest acknowledge;
  acknowledge.set_name(alert.name());
  acknowledge.set_note_code("called-patient");
  ASSERT_OK_AND_ASSIGN(const v1::Alert seen,
                       Do(&OutcomeHandlers::AcknowledgeAlert, chief, acknowledge));
  EXPECT_EQ(seen.events(2).actor().subject(), "dr-chief");
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK(SubmitPhq9(10, 3));
  EXPECT_OK(Do(&OutcomeHandlers::GetAlert, chief, get)) << "worse now: no reason to look away";
  ASSERT_OK(Acknowledge(alert.name()));
  ASSERT_OK(Resolve(alert.name()));
  EXPECT_THAT(Do(&OutcomeHandlers::GetAlert, chief, get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(Do(&OutcomeHandlers::GetAssessment, chief, of_ann),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(Caseload(chief)->entries(), IsEmpty());
  EXPECT_THAT(episodes_.GetEpisode(System(), read)->covers(), IsEmpty());
}

TEST_F(SchedulesTest, WhatAnAssessmentNoLongerSaysEndsTheSightOfItToo) {
  const auto update = testing::FromText<episodes::v1::UpdatePracticeSettingsRequest>(R"pb(
    settings {
      name: "practices/p1/settings"
      house_rules { escalation_staff: "dr-chief" }
    }
    update_mask { paths: "house_rules" }
  )pb");
  ASSERT_OK(episodes_.UpdatePracticeSettings(System(), update));
  ASSERT_OK_AND_ASSIGN(const auto submitted, SubmitPhq9(10, 2));
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_EQ(RunTimedWork().escalated, 1);
  v1::GetAlertRequest get;
  get.set_name(submitted.alerts(0).name());
  ASSERT_OK(Do(&OutcomeHandlers::GetAlert, Staff("dr-chief"), get));
  v1::MarkAssessmentEnteredInErrorRequest withdraw;
  withdraw.set_name(submitted.assessment().name());
  ASSERT_OK(Do(&OutcomeHandlers::MarkAssessmentEnteredInError, Staff(), withdraw));
  EXPECT_THAT(Do(&OutcomeHandlers::GetAlert, Staff("dr-chief"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

// Nobody is reminded of a form, or reported for missing it, once treatment has ended.
TEST_F(SchedulesTest, AClosedEpisodeOwesNothing) {
  ASSERT_OK(Create(ScheduleRequest()));
  ASSERT_THAT(Due(Staff()), SizeIs(1));
  ASSERT_OK(CloseEpisode(testing::kCouple));
  EXPECT_THAT(Due(Staff()), IsEmpty());
  fixture_.clock().Advance(30 * kDay);
  RunTimedWork();
  EXPECT_THAT(OverdueAlerts(), IsEmpty());
  v1::GetScheduleRequest get;
  get.set_name("practices/p1/schedules/s1");
  ASSERT_OK_AND_ASSIGN(const auto schedule, Do(&OutcomeHandlers::GetSchedule, Staff(), get));
  EXPECT_EQ(schedule.status(), v1::SCHEDULE_STATUS_COMPLETED);
  EXPECT_EQ(schedule.end_reason(), "episode-closed");
  EXPECT_EQ(RunTimedWork().missed, 0) << "it is not looked at again";
}

TEST_F(SchedulesTest, AnAcknowledgedRiskIsNotEscalated) {
  ASSERT_OK(SubmitPhq9(10, 2));
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  fixture_.clock().Advance(absl::Hours(48));
  EXPECT_EQ(RunTimedWork().escalated, 0);
}

TEST_F(SchedulesTest, AReplicaThatHoldsTheLeaseKeepsTheOthersOut) {
  ASSERT_OK(SubmitPhq9(10, 2));
  fixture_.clock().Advance(absl::Hours(25));
  ASSERT_OK(fixture_.store().AcquireLease({}, "p1", "outcomes-timed-work", "another replica",
                                          absl::Minutes(2)));
  EXPECT_EQ(RunTimedWork().escalated, 0);
  fixture_.clock().Advance(absl::Minutes(3));
  EXPECT_EQ(RunTimedWork().escalated, 1);
}

}  // namespace
}  // namespace securebase::outcomes
