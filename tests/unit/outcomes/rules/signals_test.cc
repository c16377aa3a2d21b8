#include "services/outcomes/rules/signals.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/outcomes/rules/findings.h"
#include "services/outcomes/rules/series.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using ::testing::ElementsAre;
using testing::Instrument;
using testing::kGap;
using testing::ScoreForm;

absl::Time Day(int day) { return absl::UnixEpoch() + absl::Hours(24 * day); }

std::vector<SeriesEntry> Series(const std::vector<std::optional<double>>& values) {
  std::vector<SeriesEntry> entries;
  for (size_t i = 0; i < values.size(); ++i) {
    entries.push_back({absl::StrCat("a", i), Day(static_cast<int>(i) * 7),
                       Day(static_cast<int>(i) * 7), values[i]});
  }
  return entries;
}

TEST(SeriesTest, BestIsTheEarliestOfTheBestFromTheBaselineOn) {
  const v1::Scale& phq9 = *FindScale(Instrument("phq-9"), "total");
  EXPECT_EQ(*BestEntry(phq9, Series({2, 20, 8, kGap, 8, 19}), 1), 2);
  const v1::Scale& csi = *FindScale(Instrument("csi-16"), "total");
  EXPECT_EQ(*BestEntry(csi, Series({20, 40, 30}), 0), 1);
  EXPECT_FALSE(BestEntry(*FindScale(Instrument("rfq-8"), "rfq_c"), Series({1, 2}), 0).has_value());
}

TEST(RiskTest, TheHighestLevelCountsAndGapsAreNamed) {
  testing::Form form(34, 0);
  form[5] = 1;   // item 6: raised
  form[15] = 3;  // item 16: very high
  form[33] = kGap;
  const auto signal = EvaluateRisk(ScoreForm("core-om", form));
  ASSERT_TRUE(signal.has_value());
  EXPECT_EQ(signal->level, v1::RISK_LEVEL_VERY_HIGH);
  EXPECT_EQ(signal->present.size(), 2);
  EXPECT_THAT(signal->not_answered, ElementsAre("34"));
  EXPECT_TRUE(signal->provisional);
  EXPECT_FALSE(signal->house_rule);
}

TEST(RiskTest, NoRiskAnswerAndNoAnswerMakeNoAlert) {
  EXPECT_FALSE(EvaluateRisk(ScoreForm("phq-9", testing::Form(9, 0))).has_value());
  EXPECT_FALSE(EvaluateRisk(ScoreForm("phq-9", testing::Form(9, kGap))).has_value());
}

TEST(RiskTest, ALevelIsOursAndSaysSo) {
  const v1::ScoringResult result = ScoreForm("phq-9", {0, 0, 0, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(FindRisk(result)->rule, "risk answer on item 9; its level is a house rule");
  EXPECT_THAT(result.notes(), ElementsAre("the level of a risk answer is a house rule"));
  EXPECT_TRUE(ScoreForm("phq-9", testing::Form(9, 0)).notes().empty());
}

TEST(RiskTest, AThresholdThatIsOursSaysSo) {
  const auto signal = EvaluateRisk(ScoreForm("dar-5", {kGap, kGap, kGap, 3, kGap}));
  ASSERT_TRUE(signal.has_value());
  EXPECT_TRUE(signal->house_rule);
  EXPECT_FALSE(EvaluateRisk(ScoreForm("dar-5", {5, 5, 5, 2, 5})).has_value());
}

DeteriorationSignal Deterioration(const std::string& instrument,
                                  const std::vector<std::optional<double>>& values,
                                  size_t baseline = 0) {
  absl::StatusOr<DeteriorationSignal> signal =
      EvaluateDeterioration(Instrument(instrument), "total", Series(values), baseline, {});
  EXPECT_TRUE(signal.ok()) << signal.status();
  return signal.ok() ? *signal : DeteriorationSignal();
}

TEST(DeteriorationTest, AgainstTheBaseline) {
  EXPECT_EQ(Deterioration("phq-9", {10, 15}).state, DeteriorationState::kNone);
  const DeteriorationSignal worse = Deterioration("phq-9", {10, 16});
  EXPECT_EQ(worse.state, DeteriorationState::kDeteriorated);
  EXPECT_EQ(worse.compared_with, "a0");
  EXPECT_FALSE(worse.house_rule);
}

// 20, 8, 19: about the same as at the start, but what was gained is lost.
TEST(DeteriorationTest, ReliableLossFromTheBestSoFar) {
  const DeteriorationSignal lost = Deterioration("phq-9", {20, 8, 19});
  EXPECT_EQ(lost.state, DeteriorationState::kLostGain);
  EXPECT_EQ(lost.compared_with, "a1");
  EXPECT_EQ(lost.verdict.from(), 8);
  EXPECT_TRUE(lost.house_rule);
  EXPECT_EQ(Deterioration("phq-9", {20, 8, 13}).state, DeteriorationState::kNone);
  EXPECT_EQ(Deterioration("phq-9", {20, 8, 19, kGap}).state, DeteriorationState::kLostGain);
  EXPECT_EQ(Deterioration("phq-9", {20, 8, 19, 9}).state, DeteriorationState::kNone);
}

TEST(DeteriorationTest, CannotDetectWhereTheScaleLeavesNoRoom) {
  EXPECT_EQ(Deterioration("phq-9", {22, 22}).state, DeteriorationState::kCannotDetect);
  EXPECT_EQ(Deterioration("phq-9", {21, 21}).state, DeteriorationState::kNone);
  EXPECT_EQ(Deterioration("phq-9", {25, 8, 19}).state, DeteriorationState::kLostGain);
  EXPECT_EQ(Deterioration("rdas", {11.58, 12}).state, DeteriorationState::kCannotDetect);
  EXPECT_EQ(Deterioration("rdas", {11.6, 12}).state, DeteriorationState::kNone);
}

TEST(DeteriorationTest, WithoutAThresholdOrASecondValueThereIsNoSignal) {
  EXPECT_EQ(Deterioration("csi-16", {60, 10}).state, DeteriorationState::kInsufficient);
  EXPECT_EQ(Deterioration("phq-9", {10}).state, DeteriorationState::kInsufficient);
  EXPECT_EQ(Deterioration("phq-9", {10, kGap}).state, DeteriorationState::kInsufficient);
}

std::optional<OnTrackSignal> OnTrack(const std::vector<std::optional<double>>& values,
                                     int cadence_weeks = 1, const SignalRules& rules = {}) {
  auto signal =
      EvaluateOnTrack(Instrument("phq-9"), "total", Series(values), 0, cadence_weeks, {}, rules);
  EXPECT_TRUE(signal.ok()) << signal.status();
  return signal.ok() ? *signal : std::nullopt;
}

TEST(OnTrackTest, FromTheFourthAssessmentHalfTheThresholdMustBeGained) {
  EXPECT_FALSE(OnTrack({18, 18, 18}).has_value());
  EXPECT_TRUE(OnTrack({18, 18, 18, 16})->not_on_track);   // 2 of 3
  EXPECT_FALSE(OnTrack({18, 18, 18, 15})->not_on_track);  // exactly half
  EXPECT_FALSE(OnTrack({18, 18, kGap, 18}).has_value());  // three scored
  EXPECT_TRUE(OnTrack({18, 9, 9, 9, 18})->not_on_track);
  EXPECT_FALSE(OnTrack({11, 11, 11, 9})->not_on_track);  // no longer in the clinical range
  EXPECT_EQ(OnTrack({18, 18, 18, 16})->needed, 3);
  EXPECT_EQ(OnTrack({18, 18, 18, 16})->gained, 2);
  EXPECT_EQ(OnTrack({18, 18, 18, 16})->assessments, 4);
}

TEST(OnTrackTest, OnlyClinicalBaselinesAndFrequentMeasures) {
  EXPECT_FALSE(OnTrack({9, 18, 18, 18}).has_value());
  EXPECT_FALSE(OnTrack({18, 18, 18, 18}, 3).has_value());
  EXPECT_FALSE(OnTrack({18, 18, 18, 18}, 0).has_value());
  EXPECT_TRUE(OnTrack({18, 18, 18, 18}, 2)->not_on_track);
}

TEST(OnTrackTest, APracticeMaySetItsOwnFigures) {
  SignalRules rules;
  rules.on_track_assessments = 2;
  rules.on_track_fraction = 1;
  EXPECT_TRUE(OnTrack({18, 13}, 1, rules)->not_on_track);
  EXPECT_FALSE(OnTrack({18, 12}, 1, rules)->not_on_track);
}

TEST(AllianceTest, RuptureIsAFallOrALowMean) {
  const SignalRules rules;
  EXPECT_EQ(EvaluateAlliance(std::nullopt, 3.0, rules), AllianceState::kSound);
  EXPECT_EQ(EvaluateAlliance(std::nullopt, 2.99, rules), AllianceState::kLow);
  EXPECT_EQ(EvaluateAlliance(4.2, 3.7, rules), AllianceState::kFell);
  EXPECT_EQ(EvaluateAlliance(4.2, 3.71, rules), AllianceState::kSound);
  EXPECT_EQ(EvaluateAlliance(3.4, 2.9, rules), AllianceState::kFellAndLow);
  EXPECT_EQ(EvaluateAlliance(2.5, 2.9, rules), AllianceState::kLow);
}

// WAI-SR with the sum of its three parts for a total.
v1::InstrumentDefinition AllianceOfParts() {
  v1::InstrumentDefinition definition = Instrument("wai-sr");
  for (v1::Scale& scale : *definition.mutable_scales()) {
    if (scale.id() == "total") {
      scale.set_method(v1::SCORING_METHOD_SUM_OF_SCALES);
      scale.clear_items();
      for (const v1::Scale& part : Instrument("wai-sr").scales()) {
        if (part.id() != "total") {
          scale.add_scales(part.id());
        }
      }
    }
  }
  return definition;
}

v1::Series AllianceSeries(const v1::InstrumentDefinition& definition, double total) {
  v1::Series series;
  v1::ScaleSummary& summary = *series.add_scales();
  summary.set_scale(HeadlineScale(definition).id());
  summary.mutable_latest()->set_assessment("a1");
  summary.mutable_latest()->set_value(total);
  *summary.mutable_baseline() = summary.latest();
  return series;
}

TEST(AllianceTest, ATotalOfPartsIsReadPerItemToo) {
  const v1::InstrumentDefinition definition = AllianceOfParts();
  ASSERT_EQ(HeadlineScale(definition).id(), "total");
  v1::Series series = AllianceSeries(definition, 24);  // 12 items of 2: below the floor of 3
  EXPECT_EQ(AllianceItemMean(definition, series), 2);
  v1::SeriesPoint point;
  point.set_assessment("a1");
  const auto signals = JudgePoint(definition, {}, point, 0, SignalRules(), series);
  ASSERT_OK(signals);
  ASSERT_EQ(signals->findings.size(), 1);
  EXPECT_EQ(signals->findings[0].kind, v1::ALERT_KIND_ALLIANCE_RUPTURE);
}

TEST(AllianceTest, AClinicianIsNoMemberToBeAtOddsWith) {
  const v1::InstrumentDefinition& definition = Instrument("wai-sr");
  v1::Series series = AllianceSeries(definition, 48);
  EXPECT_EQ(AllianceItemMean(definition, series), 4);
  series.set_informant_role(v1::INFORMANT_CLINICIAN);
  EXPECT_FALSE(AllianceItemMean(definition, series).has_value());
}

TEST(AllianceTest, SplitIsADifferenceOfOnePointBetweenAnyTwo) {
  const SignalRules rules;
  EXPECT_FALSE(IsAllianceSplit({}, rules));
  EXPECT_FALSE(IsAllianceSplit({3}, rules));
  EXPECT_FALSE(IsAllianceSplit({4.5, 3.6, 4.0}, rules));
  EXPECT_TRUE(IsAllianceSplit({4.5, 4.0, 3.5}, rules));
}

}  // namespace
}  // namespace securebase::outcomes
