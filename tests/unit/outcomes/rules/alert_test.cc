#include "services/outcomes/rules/alert.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::IsError;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Property;
using ::testing::SizeIs;

constexpr absl::Duration kDelay = absl::Hours(24);

// `hours` after the first answer.
AlertMoment At(int hours) { return {absl::UnixEpoch() + absl::Hours(hours), {}, kDelay}; }

int HoursOf(const google::protobuf::Timestamp& time) {
  return static_cast<int>(absl::ToInt64Hours(api::FromProto(time) - absl::UnixEpoch()));
}

Finding Risk(v1::RiskLevel level) {
  Finding finding;
  finding.kind = v1::ALERT_KIND_RISK;
  finding.risk_level = level;
  return finding;
}

Finding RiskOn(const std::string& item, v1::RiskLevel level) {
  Finding finding = Risk(level);
  v1::RiskAnswer answer;
  answer.set_item(item);
  answer.set_level(level);
  finding.risk_answers = {answer};
  return finding;
}

Finding Deterioration() {
  Finding finding;
  finding.kind = v1::ALERT_KIND_DETERIORATION;
  finding.scale = "total";
  finding.rule = "against the baseline";
  finding.verdict.set_instrument("phq-9");
  finding.provisional = true;
  return finding;
}

v1::SeriesPoint PointOf(int number) {
  v1::SeriesPoint point;
  point.set_assessment(absl::StrCat("a", number));
  return point;
}

v1::Alert Raised(const Finding& finding) {
  v1::Alert alert;
  AddAlertSource(finding, PointOf(0), At(0), alert);
  return alert;
}

std::vector<std::string> EventsOf(const v1::Alert& alert) {
  std::vector<std::string> words;
  for (const v1::AlertEvent& event : alert.events()) {
    words.push_back(v1::AlertEventKind_Name(event.kind()).substr(strlen("ALERT_EVENT_KIND_")));
  }
  return words;
}

TEST(AlertRulesTest, Transitions) {
  std::string table;
  for (const v1::AlertState from :
       {v1::ALERT_STATE_OPEN, v1::ALERT_STATE_ACKNOWLEDGED, v1::ALERT_STATE_RESOLVED}) {
    table += AlertStateWord(from) + " ->";
    for (const v1::AlertState to : AllowedTransitions(from)) {
      table += " " + AlertStateWord(to);
    }
    table += "\n";
  }
  securebase::testing::ExpectGolden("outcomes/alert_transitions.txt", table);
}

TEST(AlertRulesTest, ARiskAnswerOpensAnAlertThatEscalatesAndSaysWhatItIsNot) {
  const v1::Alert alert = Raised(RiskOn("9", v1::RISK_LEVEL_HIGH));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_HIGH);
  EXPECT_EQ(HoursOf(alert.open_time()), 0);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 24);
  EXPECT_EQ(alert.notice(), kNoEmergencyService);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED"));
  ASSERT_THAT(alert.sources(), SizeIs(1));
  EXPECT_EQ(alert.sources(0).risk_answers(0).item(), "9");
}

TEST(AlertRulesTest, OtherAlertsDoNotEscalateAndKeepTheirDerivation) {
  const v1::Alert alert = Raised(Deterioration());
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_FALSE(alert.has_escalate_time());
  EXPECT_THAT(alert.notice(), IsEmpty());
  EXPECT_EQ(alert.verdict().instrument(), "phq-9");
  EXPECT_EQ(alert.scale(), "total");
  EXPECT_TRUE(alert.provisional());
  EXPECT_FALSE(alert.house_rule());
  EXPECT_FALSE(Raised(Risk(v1::RISK_LEVEL_HIGH)).has_verdict());
}

TEST(AlertRulesTest, ARepeatDoesNotReopenWhatSomebodyHasSeen) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  ASSERT_OK(AcknowledgeAlert("called", At(1), alert));
  AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(1), At(2), alert);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_FALSE(alert.has_escalate_time());
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "ACKNOWLEDGED", "JOINED"));
}

TEST(AlertRulesTest, AWorseAnswerReopensAndTheTimeBeginsAnew) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_RAISED));
  ASSERT_OK(AcknowledgeAlert("", At(1), alert));
  AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(1), At(10), alert);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(HoursOf(alert.open_time()), 10);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 34);
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_HIGH);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "ACKNOWLEDGED", "WORSENED"));
}

TEST(AlertRulesTest, WorseIsWhatIsAboveAllBeforeAndNotOnlyAboveTheLast) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_VERY_HIGH));
  AddAlertSource(Risk(v1::RISK_LEVEL_RAISED), PointOf(1), At(1), alert);
  ASSERT_OK(AcknowledgeAlert("", At(2), alert));
  AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(2), At(3), alert);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_VERY_HIGH);
}

TEST(AlertRulesTest, AWorseAnswerMakesNobodyWaitLonger) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_RAISED));
  AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(1), At(10), alert);
  EXPECT_EQ(HoursOf(alert.open_time()), 0);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 24);
  AlertMoment shorter = At(11);
  shorter.escalation_delay = absl::Hours(2);
  AddAlertSource(Risk(v1::RISK_LEVEL_VERY_HIGH), PointOf(2), shorter, alert);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 13);
}

TEST(AlertRulesTest, WhatWasEscalatedAndIsWorseNowIsEscalatedOnceMore) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_RAISED));
  EscalateAlert({"dr-lead"}, At(24), alert);
  EXPECT_FALSE(alert.has_escalate_time());
  AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(1), At(24), alert);
  EXPECT_EQ(HoursOf(alert.open_time()), 0);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 48);
  EXPECT_THAT(alert.escalated_to(), ElementsAre("dr-lead"));
}

TEST(AlertRulesTest, AnAssessmentIsOneSourceAsItIsNow) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_VERY_HIGH));
  AddAlertSource(Risk(v1::RISK_LEVEL_RAISED), PointOf(0), At(1), alert);
  EXPECT_THAT(alert.sources(), SizeIs(1));
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_RAISED);
}

TEST(AlertRulesTest, TheLevelOfAnAlertDoesNotFallWithTheNumberOfItsSources) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_VERY_HIGH));
  std::vector<FoundAt> found = {{Risk(v1::RISK_LEVEL_VERY_HIGH), PointOf(0)}};
  for (int i = 1; i <= kMaxAlertSources; ++i) {
    AddAlertSource(Risk(v1::RISK_LEVEL_RAISED), PointOf(i), At(0), alert);
    found.push_back({Risk(v1::RISK_LEVEL_RAISED), PointOf(i)});
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(alert.sources(), SizeIs(kMaxAlertSources));
    EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_VERY_HIGH);
    EXPECT_EQ(alert.sources(0).assessment(), "a0");
    EXPECT_EQ(alert.sources().rbegin()->assessment(), PointOf(kMaxAlertSources).assessment());
    CorrectAlert(found, "a1", At(0), alert);
  }
}

TEST(AlertRulesTest, OfManySourcesOfOneLevelTheOldestGoes) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  for (int i = 1; i <= kMaxAlertSources; ++i) {
    AddAlertSource(Risk(v1::RISK_LEVEL_HIGH), PointOf(i), At(i), alert);
  }
  EXPECT_THAT(alert.sources(), SizeIs(kMaxAlertSources));
  EXPECT_EQ(alert.sources(0).assessment(), "a1");
}

TEST(AlertRulesTest, OfManyEventsTheFirstAndTheLatestStay) {
  v1::Alert alert = Raised(Deterioration());
  for (int i = 1; i <= kMaxAlertEvents; ++i) {
    AddAlertSource(Deterioration(), PointOf(i), At(i), alert);
  }
  ASSERT_THAT(alert.events(), SizeIs(kMaxAlertEvents));
  EXPECT_EQ(alert.events(0).kind(), v1::ALERT_EVENT_KIND_RAISED);
  EXPECT_EQ(alert.events(1).assessment(), "a2");
  EXPECT_EQ(alert.events().rbegin()->assessment(), PointOf(kMaxAlertEvents).assessment());
}

TEST(AlertRulesTest, NothingIsClosedUnseenAndARefusalChangesNothing) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  const std::string before = alert.SerializeAsString();
  EXPECT_THAT(ResolveAlert("safe", At(1), alert),
              AllOf(IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed),
                    Property(&absl::Status::message, HasSubstr("ACKNOWLEDGED"))));
  EXPECT_EQ(alert.SerializeAsString(), before);
  ASSERT_OK(AcknowledgeAlert("called", At(1), alert));
  EXPECT_FALSE(alert.has_open_time());
  EXPECT_FALSE(alert.has_escalate_time());
  EXPECT_FALSE(AcknowledgeAlert("", At(2), alert).ok());
  ASSERT_OK(ResolveAlert("safe", At(3), alert));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(alert.events(1).note_code(), "called");
  EXPECT_EQ(alert.events(2).note_code(), "safe");
  EXPECT_FALSE(AcknowledgeAlert("", At(4), alert).ok());
}

TEST(AlertRulesTest, WhatAPersonResolvedIsSettledAtThatLevelAndNotAbove) {
  v1::Alert alert = Raised(RiskOn("9", v1::RISK_LEVEL_HIGH));
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_HIGH), PointOf(0)));
  ASSERT_OK(AcknowledgeAlert("", At(1), alert));
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_HIGH), PointOf(0)));
  ASSERT_OK(ResolveAlert("", At(2), alert));
  EXPECT_TRUE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_HIGH), PointOf(0)));
  EXPECT_TRUE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_RAISED), PointOf(0)));
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_VERY_HIGH), PointOf(0)));
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("8", v1::RISK_LEVEL_RAISED), PointOf(0)));
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_HIGH), PointOf(1)));
}

TEST(AlertRulesTest, WhatCeasedByACorrectionNobodyHasSettled) {
  v1::Alert alert = Raised(RiskOn("9", v1::RISK_LEVEL_HIGH));
  CeaseAlert("a0", At(1), alert);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_FALSE(alert.has_escalate_time());
  EXPECT_FALSE(IsSettledBy(alert, RiskOn("9", v1::RISK_LEVEL_HIGH), PointOf(0)));
}

TEST(AlertRulesTest, ACorrectionThatLeavesNothingMakesItCease) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  EXPECT_TRUE(CorrectAlert({}, "a0", At(1), alert));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "CEASED"));
}

TEST(AlertRulesTest, ACorrectionThatChangesNothingIsNoEvent) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  EXPECT_FALSE(CorrectAlert({{Risk(v1::RISK_LEVEL_HIGH), PointOf(0)}}, "a0", At(1), alert));
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED"));
}

TEST(AlertRulesTest, ACorrectionDownwardsLeavesTheAcknowledgement) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_HIGH));
  ASSERT_OK(AcknowledgeAlert("", At(1), alert));
  EXPECT_TRUE(CorrectAlert({{Risk(v1::RISK_LEVEL_RAISED), PointOf(0)}}, "a0", At(2), alert));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_EQ(alert.risk_level(), v1::RISK_LEVEL_RAISED);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "ACKNOWLEDGED", "CORRECTED"));
}

TEST(AlertRulesTest, ACorrectionUpwardsReopens) {
  v1::Alert alert = Raised(Risk(v1::RISK_LEVEL_RAISED));
  ASSERT_OK(AcknowledgeAlert("", At(1), alert));
  EXPECT_TRUE(CorrectAlert({{Risk(v1::RISK_LEVEL_HIGH), PointOf(0)}}, "a0", At(2), alert));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(HoursOf(alert.escalate_time()), 26);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "ACKNOWLEDGED", "CORRECTED", "WORSENED"));
}

TEST(AlertRulesTest, WhatHasEasedStandsUntilItIsSaidAgain) {
  v1::Alert alert = Raised(Deterioration());
  EXPECT_FALSE(SetEased(false, "a1", At(1), alert));
  EXPECT_TRUE(SetEased(true, "a1", At(1), alert));
  EXPECT_FALSE(SetEased(true, "a2", At(2), alert));
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(HoursOf(alert.eased_time()), 1);
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "EASED"));
  v1::Alert again = alert;
  AddAlertSource(Deterioration(), PointOf(3), At(3), again);
  EXPECT_FALSE(again.has_eased_time());
  EXPECT_TRUE(SetEased(false, "a3", At(3), alert));
  EXPECT_FALSE(alert.has_eased_time());
}

TEST(AlertRulesTest, MissesRaiseOnceThenJoinAndCountOn) {
  v1::Alert alert;
  AddMisses(2, At(0), alert);
  EXPECT_EQ(alert.kind(), v1::ALERT_KIND_OVERDUE);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_OPEN);
  EXPECT_FALSE(alert.has_escalate_time());
  EXPECT_TRUE(alert.house_rule());
  ASSERT_OK(AcknowledgeAlert("", At(1), alert));
  AddMisses(3, At(2), alert);
  EXPECT_EQ(alert.state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_EQ(alert.missed_in_a_row(), 3);
  EXPECT_EQ(alert.rule(), "3 missed in a row");
  EXPECT_THAT(EventsOf(alert), ElementsAre("RAISED", "ACKNOWLEDGED", "JOINED"));
}

// `open_hours` 0: it waits no longer.
v1::AlertSummary Summary(bool eased, v1::AlertKind kind, v1::AlertState state, v1::RiskLevel level,
                         int open_hours, const std::string& name) {
  v1::AlertSummary summary;
  summary.set_eased(eased);
  summary.set_kind(kind);
  summary.set_state(state);
  summary.set_risk_level(level);
  summary.set_alert(name);
  if (open_hours > 0) {
    *summary.mutable_open_time() = api::ToProto(At(open_hours).time);
  }
  return summary;
}

// Each differs from the one before in what decides there, and is ahead of it in all that counts
// less.
TEST(AlertRulesTest, AClinicianMeetsTheMostUrgentFirst) {
  constexpr auto kOpen = v1::ALERT_STATE_OPEN;
  constexpr auto kSeen = v1::ALERT_STATE_ACKNOWLEDGED;
  constexpr auto kRisk = v1::ALERT_KIND_RISK;
  constexpr auto kVery = v1::RISK_LEVEL_VERY_HIGH;
  constexpr auto kRaised = v1::RISK_LEVEL_RAISED;
  const std::vector<v1::AlertSummary> ordered = {
      Summary(false, kRisk, kOpen, kVery, 8, "b"),
      Summary(false, kRisk, kOpen, kVery, 8, "c"),    // the name
      Summary(false, kRisk, kOpen, kVery, 9, "a"),    // waits less long
      Summary(false, kRisk, kOpen, kRaised, 1, "a"),  // is of a lower level
      Summary(false, kRisk, kSeen, kVery, 0, "a"),    // somebody has seen it
      Summary(false, v1::ALERT_KIND_DETERIORATION, kOpen, kVery, 1, "a"),
      Summary(false, v1::ALERT_KIND_NOT_ON_TRACK, kOpen, kVery, 1, "a"),
      Summary(false, v1::ALERT_KIND_ALLIANCE_RUPTURE, kOpen, kVery, 1, "a"),
      Summary(false, v1::ALERT_KIND_ALLIANCE_SPLIT, kOpen, kVery, 1, "a"),
      Summary(false, v1::ALERT_KIND_OVERDUE, kOpen, kVery, 1, "a"),
      Summary(true, kRisk, kOpen, kVery, 1, "a"),  // has eased
  };
  for (size_t a = 0; a < ordered.size(); ++a) {
    for (size_t b = 0; b < ordered.size(); ++b) {
      EXPECT_EQ(MoreUrgent(ordered[a], ordered[b]), a < b) << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace securebase::outcomes
