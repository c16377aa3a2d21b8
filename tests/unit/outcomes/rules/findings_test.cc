#include "services/outcomes/rules/findings.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/api/timestamp.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Instrument;
using ::testing::IsEmpty;
using testing::kGap;
using testing::ScoreForm;

// Made of one value of one scale each, `step` apart; judged at the last.
struct Judged {
  v1::Series series;
  PointSignals signals;
};

Judged Judge(const v1::InstrumentDefinition& definition, const std::string& scale,
             const std::vector<std::optional<double>>& values, int cadence_weeks = 1,
             absl::Duration step = absl::Hours(7 * 24), const std::string& chosen_baseline = "") {
  Judged judged;
  judged.series.set_chosen_baseline(chosen_baseline);
  v1::SeriesPoint point;
  for (size_t i = 0; i < values.size(); ++i) {
    point.Clear();
    point.set_assessment(absl::StrCat("a", i));
    *point.mutable_answered_time() = api::ToProto(absl::UnixEpoch() + static_cast<int>(i) * step);
    v1::ScalePoint& value = *point.add_scales();
    value.set_scale(scale);
    if (values[i].has_value()) {
      value.set_value(*values[i]);
    }
    EXPECT_OK(AddPoint(definition, {}, "", point, judged.series));
  }
  auto signals = JudgePoint(definition, {}, point, cadence_weeks, SignalRules(), judged.series);
  EXPECT_OK(signals);
  if (signals.ok()) {
    judged.signals = *std::move(signals);
  }
  return judged;
}

Judged JudgePhq9(const std::vector<std::optional<double>>& values, int cadence_weeks = 1,
                 absl::Duration step = absl::Hours(7 * 24)) {
  return Judge(Instrument("phq-9"), "total", values, cadence_weeks, step);
}

// WAI-SR totals of 12 items, so that 6 points are half a point of the item mean.
Judged JudgeAlliance(const std::vector<std::optional<double>>& values) {
  return Judge(Instrument("wai-sr"), "total", values);
}

std::vector<std::string> KindsOf(const Judged& judged) {
  std::vector<std::string> kinds;
  for (const Finding& finding : judged.signals.findings) {
    kinds.push_back(v1::AlertKind_Name(finding.kind).substr(strlen("ALERT_KIND_")));
  }
  return kinds;
}

TEST(FindRiskTest, NamesTheItemsAndTheHighestLevel) {
  testing::Form form(34, 0);
  form[5] = 1;   // item 6: raised
  form[15] = 3;  // item 16: very high
  const auto finding = FindRisk(ScoreForm("core-om", form));
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->kind, v1::ALERT_KIND_RISK);
  EXPECT_EQ(finding->risk_level, v1::RISK_LEVEL_VERY_HIGH);
  EXPECT_THAT(finding->risk_answers, ElementsAre(::testing::Property(&v1::RiskAnswer::item, "6"),
                                                 ::testing::Property(&v1::RiskAnswer::item, "16")));
  EXPECT_THAT(finding->rule, HasSubstr("item 6, 16;"));
  EXPECT_EQ(finding->scale, "");
}

TEST(FindRiskTest, ARiskItemThatWasNotAnsweredIsNoRiskAnswer) {
  testing::Form form(9, 3);
  form[8] = kGap;
  EXPECT_FALSE(FindRisk(ScoreForm("phq-9", form)).has_value());
  form[8] = 1;  // the least that counts
  EXPECT_TRUE(FindRisk(ScoreForm("phq-9", form)).has_value());
}

TEST(JudgePointTest, ADeteriorationSaysAgainstWhatAndByWhichRule) {
  const Judged judged = JudgePhq9({5, 11});
  ASSERT_THAT(KindsOf(judged), ElementsAre("DETERIORATION"));
  const Finding& finding = judged.signals.findings[0];
  EXPECT_EQ(finding.scale, "total");
  EXPECT_EQ(finding.verdict.from(), 5);
  EXPECT_EQ(finding.verdict.to(), 11);
  EXPECT_FALSE(finding.house_rule);
  EXPECT_THAT(finding.rule, HasSubstr("against the baseline"));
  EXPECT_THAT(KindsOf(JudgePhq9({5, 10})), IsEmpty());
  EXPECT_THAT(KindsOf(JudgePhq9({11, 5})), IsEmpty());
}

TEST(JudgePointTest, ALostGainIsComparedWithTheBestAndIsOurRule) {
  const Judged judged = JudgePhq9({20, 8, 14});
  ASSERT_THAT(KindsOf(judged), ElementsAre("DETERIORATION"));
  EXPECT_EQ(judged.signals.findings[0].verdict.from(), 8);
  EXPECT_TRUE(judged.signals.findings[0].house_rule);
  EXPECT_THAT(judged.signals.findings[0].rule, HasSubstr("against the best value so far"));
  EXPECT_THAT(KindsOf(JudgePhq9({20, 8, 13})), IsEmpty());
}

// What was better before the baseline that a clinician chose is another story.
TEST(JudgePointTest, NothingBeforeAChosenBaselineCounts) {
  const v1::InstrumentDefinition& phq9 = Instrument("phq-9");
  const std::vector<std::optional<double>> values = {20, 8, 19, 19};
  EXPECT_THAT(KindsOf(Judge(phq9, "total", values, 4)), ElementsAre("DETERIORATION"));
  EXPECT_THAT(KindsOf(Judge(phq9, "total", values, 4, absl::Hours(7 * 24), "a2")), IsEmpty());
}

TEST(JudgePointTest, ASeriesWithoutRoomToDeteriorateSaysSoUntilItsBaselineHasRoom) {
  const auto cannot_detect = [](const std::vector<std::optional<double>>& values) {
    return FindSummary(JudgePhq9(values).series, "total")->cannot_detect_deterioration();
  };
  EXPECT_TRUE(cannot_detect({22, 22}));
  EXPECT_FALSE(cannot_detect({21, 21}));  // 27 would be a reliable deterioration
  EXPECT_FALSE(cannot_detect({22}));      // nothing to compare yet
}

TEST(JudgePointTest, AFormThatCannotBeScoredSaysNothingNew) {
  EXPECT_THAT(KindsOf(JudgePhq9({5, 11, kGap})), IsEmpty());
}

TEST(JudgePointTest, NotOnTrackFromTheFourthOnCountsGapsOut) {
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18})), IsEmpty());
  const Judged judged = JudgePhq9({18, 18, 18, 16});
  ASSERT_THAT(KindsOf(judged), ElementsAre("NOT_ON_TRACK"));
  EXPECT_TRUE(judged.signals.findings[0].house_rule);
  EXPECT_EQ(judged.signals.findings[0].rule, "gained 2 by assessment 4, less than 3");
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, kGap, 16})), IsEmpty());
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 15})), IsEmpty());  // half of 6
}

TEST(JudgePointTest, WorseAndNotOnTrackAreTwoFindings) {
  EXPECT_THAT(KindsOf(JudgePhq9({15, 15, 15, 21})), ElementsAre("DETERIORATION", "NOT_ON_TRACK"));
}

TEST(JudgePointTest, TheScheduleDecidesHowOftenAMeasureIsGiven) {
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 18}, 2, absl::Hours(60 * 24))),
              ElementsAre("NOT_ON_TRACK"));
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 18}, 3)), IsEmpty());
}

TEST(JudgePointTest, WithoutAScheduleTheMeanDistanceDecidesWithTwoDaysOfGrace) {
  const absl::Duration fortnight_and_two = absl::Hours(16 * 24);
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 18}, 0, fortnight_and_two)),
              ElementsAre("NOT_ON_TRACK"));
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 18}, 0, fortnight_and_two + absl::Seconds(1))),
              IsEmpty());
  EXPECT_THAT(KindsOf(JudgePhq9({18, 18, 18, 18}, 0, absl::Hours(24))),
              ElementsAre("NOT_ON_TRACK"));
}

TEST(JudgePointTest, ARuptureIsAFallByHalfAPointOrAMeanBelowThree) {
  EXPECT_THAT(KindsOf(JudgeAlliance({54, 49})), IsEmpty());
  const Judged fell = JudgeAlliance({54, 48});
  ASSERT_THAT(KindsOf(fell), ElementsAre("ALLIANCE_RUPTURE"));
  EXPECT_EQ(fell.signals.findings[0].rule, "the item mean fell by 0.5, at least 0.5");
  EXPECT_TRUE(fell.signals.findings[0].house_rule);
  EXPECT_FALSE(fell.signals.alliance_repaired);
  EXPECT_THAT(KindsOf(JudgeAlliance({36})), IsEmpty());
  const Judged low = JudgeAlliance({30});
  ASSERT_THAT(KindsOf(low), ElementsAre("ALLIANCE_RUPTURE"));
  EXPECT_EQ(low.signals.findings[0].rule, "the item mean is 2.5, below 3");
  const Judged both = JudgeAlliance({42, 30});
  ASSERT_THAT(KindsOf(both), ElementsAre("ALLIANCE_RUPTURE"));
  EXPECT_THAT(both.signals.findings[0].rule, AllOf(HasSubstr("fell by 1"), HasSubstr("is 2.5")));
}

// A mean that has stopped to fall is not yet what was there before.
TEST(JudgePointTest, ARuptureIsRepairedLessThanAFallBelowTheBest) {
  EXPECT_FALSE(JudgeAlliance({54, 42, 42}).signals.alliance_repaired);
  EXPECT_FALSE(JudgeAlliance({54, 42, 48}).signals.alliance_repaired);  // exactly a fall below
  EXPECT_TRUE(JudgeAlliance({54, 42, 49}).signals.alliance_repaired);
  EXPECT_FALSE(JudgeAlliance({35, 24, 35}).signals.alliance_repaired);  // still below the floor
}

TEST(JudgePointTest, OnlyAllianceMeasuresHaveRuptures) {
  v1::InstrumentDefinition definition = Instrument("wai-sr");
  definition.set_domain(v1::DOMAIN_RELATIONSHIP);
  const Judged judged = Judge(definition, "total", {54, 24});
  EXPECT_THAT(KindsOf(judged), IsEmpty());
  EXPECT_FALSE(judged.signals.alliance_repaired);
}

TEST(AllianceItemMeanTest, IsOfTheLatestValueOfAnAllianceMeasure) {
  const v1::InstrumentDefinition& wai = Instrument("wai-sr");
  EXPECT_EQ(AllianceItemMean(wai, JudgeAlliance({48, 36}).series), 3);
  EXPECT_EQ(AllianceItemMean(wai, JudgeAlliance({48, kGap}).series), 4);
  EXPECT_FALSE(AllianceItemMean(wai, JudgeAlliance({kGap}).series).has_value());
  EXPECT_FALSE(AllianceItemMean(wai, v1::Series()).has_value());
  EXPECT_FALSE(AllianceItemMean(Instrument("phq-9"), JudgePhq9({18}).series).has_value());
}

TEST(FindSplitTest, ADifferenceOfOnePointWhicheverIsHigher) {
  const v1::InstrumentDefinition& wai = Instrument("wai-sr");
  const auto split = FindSplit(wai, 4.5, 3.5, SignalRules());
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->kind, v1::ALERT_KIND_ALLIANCE_SPLIT);
  EXPECT_EQ(split->scale, "total");
  EXPECT_TRUE(split->house_rule);
  EXPECT_EQ(split->rule, "two members' item means differ by 1, at least 1");
  EXPECT_EQ(FindSplit(wai, 3.5, 4.5, SignalRules())->rule, split->rule);
  EXPECT_FALSE(FindSplit(wai, 4.5, 3.6, SignalRules()).has_value());
}

}  // namespace
}  // namespace securebase::outcomes
