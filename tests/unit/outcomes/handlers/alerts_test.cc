#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/testing/hooked_store.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlertsTest : public testing::OutcomesFixture {
 protected:
  std::vector<v1::Alert> AlertsOf(v1::AlertKind kind) {
    return Alerts("kinds: " + v1::AlertKind_Name(kind));
  }
  absl::Status Amend(const std::string& name, const std::string& instrument,
                     const std::vector<int>& answers) {
    v1::AmendAssessmentRequest request;
    request.set_name(name);
    *request.mutable_answers() = Request(instrument, answers).assessment().answers();
    return Do(&OutcomeHandlers::AmendAssessment, Staff(), request).status();
  }
  // WAI-SR answers of this item mean, of 12 items.
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitAlliance(const std::string& who, int answer) {
    v1::SubmitAssessmentRequest request = Request("wai-sr", std::vector<int>(12, answer));
    request.mutable_assessment()->set_subject(who);
    request.mutable_assessment()->set_informant(who);
    fixture_.clock().Advance(absl::Hours(24));
    *request.mutable_assessment()->mutable_answered_time() = api::ToProto(fixture_.clock().Now());
    return Submit(request);
  }
};

std::vector<v1::AlertEventKind> Events(const v1::Alert& alert) {
  std::vector<v1::AlertEventKind> kinds;
  for (const v1::AlertEvent& event : alert.events()) {
    kinds.push_back(event.kind());
  }
  return kinds;
}

TEST_F(AlertsTest, ARepeatJoinsAndAWorseAnswerResetsTheAcknowledgement) {
  ASSERT_OK(SubmitPhq9(10, 1));
  const std::string name = Alerts()[0].name();
  ASSERT_OK(Acknowledge(name));
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK(SubmitPhq9(10, 1));
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_FALSE(Alerts()[0].has_open_time());
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK(SubmitPhq9(10, 3));
  ASSERT_THAT(Alerts(), SizeIs(1));
  const v1::Alert alert = Alerts()[0];
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_VERY_HIGH);
  EXPECT_EQ(api::FromProto(alert.open_time()), fixture_.clock().Now());
  EXPECT_EQ(api::FromProto(alert.escalate_time()), fixture_.clock().Now() + absl::Hours(24));
  EXPECT_THAT(alert.sources(), SizeIs(3));
  EXPECT_THAT(Events(alert),
              ElementsAre(v1::ALERT_EVENT_KIND_RAISED, v1::ALERT_EVENT_KIND_ACKNOWLEDGED,
                          v1::ALERT_EVENT_KIND_JOINED, v1::ALERT_EVENT_KIND_WORSENED));
}

TEST_F(AlertsTest, NoRiskNowLeavesTheAlertAndAfterItsResolutionANewOneIsRaised) {
  ASSERT_OK(SubmitPhq9(10, 1));
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK(SubmitPhq9(10, 0));
  const std::string first = Alerts()[0].name();
  EXPECT_EQ(Alerts()[0].state(), v1::ALERT_STATE_OPEN);
  ASSERT_OK(Acknowledge(first));
  ASSERT_OK(Resolve(first));
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK(SubmitPhq9(10, 1));
  const std::vector<v1::Alert> open = Alerts("states: ALERT_STATE_OPEN");
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_NE(open[0].name(), first);
  EXPECT_THAT(open[0].sources(), SizeIs(1));
}

TEST_F(AlertsTest, NothingIsResolvedUnseenAndEachStepSaysWho) {
  ASSERT_OK(SubmitPhq9(10, 1));
  const v1::Alert raised = Alerts()[0];
  const auto unseen = Resolve(raised.name());
  EXPECT_THAT(unseen,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(unseen.status())["allowed"], "ACKNOWLEDGED");
  ASSERT_OK_AND_ASSIGN(const v1::Alert acknowledged, Acknowledge(raised.name()));
  EXPECT_EQ(acknowledged.events(1).actor().subject(), "dr-lee");
  EXPECT_EQ(acknowledged.events(1).note_code(), "called-patient");
  EXPECT_THAT(Acknowledge(raised.name()),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  v1::ResolveAlertRequest stale;
  stale.set_name(raised.name());
  stale.set_etag(raised.etag());
  EXPECT_THAT(Do(&OutcomeHandlers::ResolveAlert, Staff(), stale),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  EXPECT_OK(Resolve(raised.name()));
  EXPECT_THAT(Acknowledge(raised.name()),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
}

TEST_F(AlertsTest, WhoMayNotSeeTheSourcesDoesNotSeeTheAlert) {
  ASSERT_OK(SubmitPhq9(10, 1));
  v1::GetAlertRequest get;
  get.set_name(Alerts()[0].name());
  EXPECT_THAT(Do(&OutcomeHandlers::GetAlert, Staff("dr-other"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_OK(Do(&OutcomeHandlers::GetAlert, Staff(), get));
  const auto list = Do<v1::ListAlertsRequest>(&OutcomeHandlers::ListAlerts, Staff("dr-other"),
                                              "parent: 'practices/p1'");
  EXPECT_THAT(list->alerts(), IsEmpty());
  v1::AcknowledgeAlertRequest acknowledge;
  acknowledge.set_name(get.name());
  EXPECT_THAT(Do(&OutcomeHandlers::AcknowledgeAlert, Staff("dr-other"), acknowledge),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(AlertsTest, ReliableDeteriorationIsRaisedWithItsDerivation) {
  const auto response = SubmitWeekly({10, 16});
  ASSERT_THAT(response.alerts(), SizeIs(1));
  const v1::Alert& alert = response.alerts(0);
  EXPECT_EQ(alert.kind(), v1::ALERT_KIND_DETERIORATION);
  EXPECT_EQ(alert.scale(), "total");
  EXPECT_EQ(alert.verdict().verdict(), v1::VERDICT_RELIABLY_DETERIORATED);
  EXPECT_EQ(alert.verdict().threshold(), 6);
  EXPECT_FALSE(alert.house_rule());
  EXPECT_THAT(alert.rule(), HasSubstr("against the baseline"));
  SubmitWeekly({17});
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_DETERIORATION), SizeIs(1)) << "a repeat joins";
}

TEST_F(AlertsTest, LosingWhatWasGainedIsADeteriorationByHouseRule) {
  const auto response = SubmitWeekly({20, 8, 19});
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_DETERIORATION), SizeIs(1));
  EXPECT_TRUE(AlertsOf(v1::ALERT_KIND_DETERIORATION)[0].house_rule());
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_DETERIORATION)[0].verdict().from(), 8);
}

TEST_F(AlertsTest, NotOnTrackIsJudgedAtTheFourthAssessment) {
  SubmitWeekly({18, 18, 17});
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), IsEmpty());
  SubmitWeekly({16});
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), SizeIs(1));
  EXPECT_TRUE(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK)[0].house_rule());
}

TEST_F(AlertsTest, HalfOfTheThresholdGainedIsOnTrack) {
  SubmitWeekly({18, 18, 17, 15});
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), IsEmpty());
}

// What is over stays to be seen, but presses no longer; and comes back by itself.
TEST_F(AlertsTest, WhatTheLatestAssessmentNoLongerSaysEases) {
  SubmitWeekly({18, 18, 18, 18});
  EXPECT_EQ(Caseload(Staff())->entries(0).urgency(), v1::URGENCY_NOT_ON_TRACK);
  SubmitWeekly({8});
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), SizeIs(1));
  const v1::Alert eased = AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK)[0];
  EXPECT_EQ(eased.state(), v1::ALERT_STATE_OPEN) << "nobody has seen it";
  EXPECT_EQ(api::FromProto(eased.eased_time()), fixture_.clock().Now());
  EXPECT_EQ(Events(eased).back(), v1::ALERT_EVENT_KIND_EASED);
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(Staff()));
  EXPECT_EQ(caseload.entries(0).urgency(), v1::URGENCY_NONE);
  EXPECT_TRUE(caseload.entries(0).alerts(0).eased());
  EXPECT_EQ(caseload.entries(0).alerts(0).subject(), "ann");
  // A form without a score says nothing about it.
  fixture_.clock().Advance(absl::Hours(24 * 7));
  ASSERT_OK(Submit(Request("phq-9", {3, -1, -1, -1, -1, -1, -1, -1, 0})));
  EXPECT_TRUE(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK)[0].has_eased_time());
  SubmitWeekly({18});
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), SizeIs(1)) << "the same alert";
  EXPECT_FALSE(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK)[0].has_eased_time());
  EXPECT_EQ(Events(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK)[0]).back(), v1::ALERT_EVENT_KIND_JOINED);
}

// A correction of the latest form eases an alert, one of an earlier form does not.
TEST_F(AlertsTest, ACorrectionEasesWhatTheLatestFormNoLongerSays) {
  SubmitWeekly({10, 17});
  const auto last = SubmitWeekly({17});
  v1::AmendAssessmentRequest amend;
  amend.set_name(last.assessment().name());
  *amend.mutable_answers() = Request("phq-9", testing::Phq9(11)).assessment().answers();
  ASSERT_OK(Do(&OutcomeHandlers::AmendAssessment, Staff(), amend));
  const v1::Alert alert = AlertsOf(v1::ALERT_KIND_DETERIORATION)[0];
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN) << "17 in the second week still stands";
  EXPECT_TRUE(alert.has_eased_time());
  EXPECT_THAT(alert.sources(), SizeIs(1));
}

TEST_F(AlertsTest, AMonthlyMeasureIsNotJudgedByTheFourth) {
  for (int i = 0; i < 4; ++i) {
    fixture_.clock().Advance(absl::Hours(24 * 28));
    ASSERT_OK(SubmitPhq9(18));
  }
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), IsEmpty());
}

// House rule: what comes two days late each time is still given fortnightly.
TEST_F(AlertsTest, WithoutAScheduleFortnightlyIsWhatComesWithinSixteenDays) {
  const auto submit = [&](const std::string& who, int days) {
    for (int i = 0; i < 4; ++i) {
      fixture_.clock().Advance(absl::Hours(24 * days));
      v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(18));
      request.mutable_assessment()->set_subject(who);
      request.mutable_assessment()->set_informant(who);
      ASSERT_OK(Submit(request));
    }
  };
  submit("ann", 17);
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), IsEmpty());
  submit("bob", 16);
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_NOT_ON_TRACK), SizeIs(1));
}

TEST_F(AlertsTest, ALateFormMakesAnAlertCeaseThatNoLongerHolds) {
  SubmitWeekly({10, 17});
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_DETERIORATION), SizeIs(1));
  // The true beginning was 16: 17 is no deterioration from there.
  ASSERT_OK_AND_ASSIGN(const auto late, SubmitPhq9(16, 0, absl::Hours(24 * 30)));
  EXPECT_TRUE(late.baseline_moved());
  const v1::Alert alert = AlertsOf(v1::ALERT_KIND_DETERIORATION)[0];
  // From the best value, 10, it still is: by house rule, and the alert says so.
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_TRUE(alert.house_rule());
  EXPECT_EQ(Events(alert).back(), v1::ALERT_EVENT_KIND_CORRECTED);

  v1::MarkAssessmentEnteredInErrorRequest withdraw;
  withdraw.set_name(alert.verdict().from() == 10 ? alert.sources(0).assessment() : "");
  ASSERT_OK(Do(&OutcomeHandlers::MarkAssessmentEnteredInError, Staff(), withdraw));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_DETERIORATION)[0].state(), v1::ALERT_STATE_RESOLVED);
}

TEST_F(AlertsTest, ACorrectionUpwardsReopensWhatWasAcknowledged) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(10, 1));
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  v1::AmendAssessmentRequest amend;
  amend.set_name(response.assessment().name());
  *amend.mutable_answers() = Request("phq-9", testing::Phq9(12, 3)).assessment().answers();
  ASSERT_OK(Do(&OutcomeHandlers::AmendAssessment, Staff(), amend));
  ASSERT_THAT(Alerts(), SizeIs(1));
  EXPECT_EQ(Alerts()[0].state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(Alerts()[0].risk_level(), v1::RISK_LEVEL_VERY_HIGH);
  EXPECT_THAT(Alerts()[0].sources(), SizeIs(1));
}

TEST_F(AlertsTest, ACorrectionDoesNotRaiseAgainWhatWasResolvedUnlessItIsWorse) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(10, 1));
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  ASSERT_OK(Resolve(Alerts()[0].name()));
  v1::AmendAssessmentRequest amend;
  amend.set_name(response.assessment().name());
  *amend.mutable_answers() = Request("phq-9", testing::Phq9(12, 1)).assessment().answers();
  ASSERT_OK(Do(&OutcomeHandlers::AmendAssessment, Staff(), amend));
  EXPECT_THAT(Alerts("states: ALERT_STATE_OPEN"), IsEmpty());
  *amend.mutable_answers() = Request("phq-9", testing::Phq9(12, 2)).assessment().answers();
  ASSERT_OK(Do(&OutcomeHandlers::AmendAssessment, Staff(), amend));
  EXPECT_THAT(Alerts("states: ALERT_STATE_OPEN"), SizeIs(1));
}

// Nobody has seen what ceased by a correction: it is raised when a correction brings it back.
TEST_F(AlertsTest, WhatCeasedByACorrectionIsRaisedWhenItComesBack) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(10, 1));
  const std::string name = response.assessment().name();
  ASSERT_OK(Amend(name, "phq-9", testing::Phq9(10, 3)));
  ASSERT_OK(Amend(name, "phq-9", testing::Phq9(10, 0)));
  EXPECT_EQ(Alerts()[0].state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(Events(Alerts()[0]).back(), v1::ALERT_EVENT_KIND_CEASED);
  ASSERT_OK(Amend(name, "phq-9", testing::Phq9(10, 1)));
  const std::vector<v1::Alert> open = Alerts("states: ALERT_STATE_OPEN");
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open[0].sources(0).assessment(), name);
  EXPECT_EQ(Caseload(Staff())->entries(0).urgency(), v1::URGENCY_RISK);
}

TEST_F(AlertsTest, ADeteriorationThatACorrectionBringsBackIsRaised) {
  const std::string name = SubmitWeekly({10, 17}).assessment().name();
  ASSERT_OK(Amend(name, "phq-9", testing::Phq9(10)));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_DETERIORATION)[0].state(), v1::ALERT_STATE_RESOLVED);
  ASSERT_OK(Amend(name, "phq-9", testing::Phq9(17)));
  EXPECT_THAT(Alerts("states: ALERT_STATE_OPEN"), SizeIs(1));
}

TEST_F(AlertsTest, ABaselineChosenAwayAndBackRaisesTheDeteriorationAgain) {
  const auto last = SubmitWeekly({10, 17});
  const auto choose = [&](const std::string& assessment) {
    v1::SetSeriesBaselineRequest request;
    request.set_name(last.assessment().series());
    request.set_assessment(assessment);
    request.set_reason("start-of-therapy");
    return Do(&OutcomeHandlers::SetSeriesBaseline, Staff(), request).status();
  };
  ASSERT_OK(choose(last.assessment().name()));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_DETERIORATION)[0].state(), v1::ALERT_STATE_RESOLVED);
  ASSERT_OK(choose(""));
  EXPECT_THAT(Alerts("states: ALERT_STATE_OPEN"), SizeIs(1));
}

// Another answer is another risk, though its level is no higher.
TEST_F(AlertsTest, ACorrectionToAnotherRiskItemIsRaised) {
  std::vector<int> answers(34, 0);
  answers[5] = 1;
  ASSERT_OK_AND_ASSIGN(const auto response, Submit(Request("core-om", answers)));
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  ASSERT_OK(Resolve(Alerts()[0].name()));
  answers[5] = 0;
  answers[15] = 1;
  ASSERT_OK(Amend(response.assessment().name(), "core-om", answers));
  const std::vector<v1::Alert> open = Alerts("states: ALERT_STATE_OPEN");
  ASSERT_THAT(open, SizeIs(1));
  EXPECT_EQ(open[0].sources(0).risk_answers(0).item(), "16");
}

// A late form says something new; what was resolved meanwhile stays so.
TEST_F(AlertsTest, ALateFormDoesNotBringBackWhatWasResolved) {
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(10, 3));
  ASSERT_OK(Acknowledge(Alerts()[0].name()));
  ASSERT_OK(Resolve(Alerts()[0].name()));
  ASSERT_OK_AND_ASSIGN(const auto late, SubmitPhq9(10, 1, absl::Hours(24 * 14)));
  const auto expect_the_late_one_alone = [&] {
    const std::vector<v1::Alert> open = Alerts("states: ALERT_STATE_OPEN");
    ASSERT_THAT(open, SizeIs(1));
    EXPECT_EQ(open[0].risk_level(), v1::RISK_LEVEL_RAISED);
    ASSERT_THAT(open[0].sources(), SizeIs(1));
    EXPECT_EQ(open[0].sources(0).assessment(), late.assessment().name());
  };
  expect_the_late_one_alone();
  ASSERT_OK(SubmitPhq9(9, 0, absl::Hours(24 * 7)));  // another reading of the whole series
  expect_the_late_one_alone();
}

TEST_F(AlertsTest, AWorseAnswerDoesNotPostponeTheEscalation) {
  ASSERT_OK_AND_ASSIGN(const auto first, SubmitPhq9(10, 1));
  const v1::Alert raised = Alerts()[0];
  fixture_.clock().Advance(absl::Hours(20));
  ASSERT_OK(SubmitPhq9(10, 2));
  EXPECT_EQ(Events(Alerts()[0]).back(), v1::ALERT_EVENT_KIND_WORSENED);
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK(Amend(first.assessment().name(), "phq-9", testing::Phq9(10, 3)));
  const v1::Alert worse = Alerts()[0];
  EXPECT_EQ(worse.risk_level(), v1::RISK_LEVEL_VERY_HIGH);
  EXPECT_EQ(api::FromProto(worse.open_time()), api::FromProto(raised.open_time()));
  EXPECT_EQ(api::FromProto(worse.escalate_time()), api::FromProto(raised.escalate_time()));
}

TEST_F(AlertsTest, AnAllianceRuptureStaysOpenUntilRepaired) {
  ASSERT_OK(SubmitAlliance("ann", 4));
  ASSERT_OK(SubmitAlliance("ann", 3));
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_RUPTURE), SizeIs(1));
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_RUPTURE)[0].rule(), HasSubstr("fell by 1"));
  ASSERT_OK(SubmitAlliance("ann", 3));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_ALLIANCE_RUPTURE)[0].state(), v1::ALERT_STATE_OPEN)
      << "no further fall, and not repaired either";
  ASSERT_OK(SubmitAlliance("ann", 4));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_ALLIANCE_RUPTURE)[0].state(), v1::ALERT_STATE_RESOLVED);
}

TEST_F(AlertsTest, ASplitAllianceRestsOnBothAndIsSeenByNobodyWhoMayNotSeeBoth) {
  ASSERT_OK(SubmitAlliance("ann", 5));
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT), IsEmpty());
  ASSERT_OK(SubmitAlliance("bob", 4));
  ASSERT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT), SizeIs(1));
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT)[0].data_subjects(),
              ::testing::UnorderedElementsAre("ann", "bob"));
  v1::GetAlertRequest get;
  get.set_name(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT)[0].name());
  EXPECT_THAT(handlers_.GetAlert(Patient("ehr-1"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK(SubmitAlliance("bob", 5));
  EXPECT_EQ(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT)[0].state(), v1::ALERT_STATE_RESOLVED);
}

// Two members answer at the same time: each transaction begins before the other's has ended, so
// that neither sees what the other brings, unless it is made to begin anew.
class RacingAlliancesTest : public AlertsTest {
 protected:
  static v1::SubmitAssessmentRequest Alliance(v1::SubmitAssessmentRequest request,
                                              const std::string& who) {
    request.mutable_assessment()->set_subject(who);
    request.mutable_assessment()->set_informant(who);
    return request;
  }
  // Bob's, and in the midst of it ann's.
  void Race(const std::vector<int>& of_ann, const std::vector<int>& of_bob) {
    const v1::SubmitAssessmentRequest ann = Alliance(Request("wai-sr", of_ann), "ann");
    const v1::SubmitAssessmentRequest bob = Alliance(Request("wai-sr", of_bob), "bob");
    int scans = 0;
    store_.OnScan([&](absl::string_view index) {
      if (index == "series-by-episode" && ++scans == 1) {
        EXPECT_OK(handlers_.SubmitAssessment(Staff(), ann));
      }
    });
    EXPECT_OK(racing_.SubmitAssessment(Staff(), bob));
    EXPECT_GT(scans, 1) << "it should have begun anew";
  }
  static std::vector<int> Answers(int first, int second) {
    std::vector<int> answers(6, first);
    answers.insert(answers.end(), 6, second);
    return answers;
  }

  // Answers what was there before the hook ran, as a read that began earlier does.
  class EarlyReadStore : public securebase::testing::HookedStore {
   public:
    using HookedStore::HookedStore;
    absl::StatusOr<storage::ScanPage> Scan(const storage::Context& context,
                                           const storage::ScanRequest& request) override {
      auto page = CountingStore::Scan(context, request);
      (void)HookedStore::Scan(context, request);
      return page;
    }
  };
  EarlyReadStore store_{fixture_.store()};
  records::Database racing_database_{{&store_, &access_, &fixture_.page_tokens(), &fixture_.ids()}};
  OutcomeHandlers racing_{racing_database_, *catalogue_, projections_};
};

TEST_F(RacingAlliancesTest, TwoFirstAnswersAtOnceAreCompared) {
  Race(Answers(5, 5), Answers(4, 4));
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT), SizeIs(1));
}

TEST_F(RacingAlliancesTest, TwoLaterAnswersAtOnceAreCompared) {
  ASSERT_OK(SubmitAlliance("ann", 4));
  ASSERT_OK(SubmitAlliance("bob", 4));
  fixture_.clock().Advance(absl::Hours(24));
  Race(Answers(5, 4), Answers(4, 3));
  EXPECT_THAT(AlertsOf(v1::ALERT_KIND_ALLIANCE_SPLIT), SizeIs(1));
}

}  // namespace
}  // namespace securebase::outcomes
