#include "services/outcomes/rules/series.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/api/timestamp.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using testing::Form;
using testing::Instrument;
using testing::kGap;
using ::testing::SizeIs;

absl::Time Day(int day) { return absl::UnixEpoch() + absl::Hours(24 * day); }

// The point of a form that was answered and recorded on `day`.
v1::SeriesPoint PointOf(absl::string_view instrument, const std::string& name, int day,
                        const Form& form) {
  v1::Assessment assessment;
  assessment.set_name(name);
  *assessment.mutable_answered_time() = api::ToProto(Day(day));
  *assessment.mutable_create_time() = api::ToProto(Day(day));
  *assessment.mutable_result() = testing::ScoreForm(instrument, form);
  return MakePoint(assessment);
}

// A PHQ-9 of this total, nothing: too much is missing to score it.
Form Phq9(std::optional<int> total) {
  if (!total.has_value()) {
    return Form(9, kGap);
  }
  Form form(9, 0);
  for (int i = 0; i < 9; ++i) {
    form[static_cast<size_t>(i)] = std::clamp(*total - 3 * i, 0, 3);
  }
  return form;
}

// The series of PHQ-9s "a0", "a1" ... a week apart.
v1::Series Phq9Series(const std::vector<std::optional<int>>& totals,
                      const std::string& chosen_baseline = "") {
  v1::Series series;
  series.set_chosen_baseline(chosen_baseline);
  for (size_t i = 0; i < totals.size(); ++i) {
    EXPECT_OK(AddPoint(
        Instrument("phq-9"), {}, "",
        PointOf("phq-9", absl::StrCat("a", i), static_cast<int>(i) * 7, Phq9(totals[i])), series));
  }
  return series;
}

const v1::ScaleSummary& Total(const v1::Series& series) {
  const v1::ScaleSummary* summary = FindSummary(series, "total");
  EXPECT_NE(summary, nullptr);
  return summary != nullptr ? *summary : v1::ScaleSummary::default_instance();
}

TEST(SeriesOrderTest, AnsweredThenRecordedThenByName) {
  const auto point = [](int answered_ns, int recorded, const std::string& name) {
    v1::SeriesPoint made;
    made.mutable_answered_time()->set_seconds(100);
    made.mutable_answered_time()->set_nanos(answered_ns);
    made.mutable_recorded_time()->set_seconds(recorded);
    made.set_assessment(name);
    return made;
  };
  const std::vector<v1::SeriesPoint> ordered = {point(0, 9, "z"), point(1, 5, "z"),
                                                point(1, 6, "a"), point(1, 6, "b")};
  for (size_t a = 0; a < ordered.size(); ++a) {
    for (size_t b = 0; b < ordered.size(); ++b) {
      EXPECT_EQ(PrecedesInSeries(ordered[a], ordered[b]), a < b) << a << " " << b;
    }
  }
}

TEST(SeriesOrderTest, WhatWasAnsweredAtTheSameTimeNeedsAReadingOfTheWholeSeries) {
  v1::Series series;
  EXPECT_TRUE(ExtendsSeries(series, PointOf("phq-9", "a0", -7, Phq9(1))));
  series = Phq9Series({10, 10});  // the latest on day 7
  EXPECT_FALSE(ExtendsSeries(series, PointOf("phq-9", "b", 6, Phq9(1))));
  EXPECT_FALSE(ExtendsSeries(series, PointOf("phq-9", "b", 7, Phq9(1))));
  EXPECT_TRUE(ExtendsSeries(series, PointOf("phq-9", "b", 8, Phq9(1))));
}

TEST(MakePointTest, WhatCouldNotBeScoredHasNoValueAndIsNotZero) {
  const v1::SeriesPoint none = PointOf("phq-9", "a0", 0, Phq9(0));
  ASSERT_NE(FindScalePoint(none, "total"), nullptr);
  EXPECT_TRUE(FindScalePoint(none, "total")->has_value());
  EXPECT_EQ(FindScalePoint(none, "total")->value(), 0);
  const v1::SeriesPoint gaps = PointOf("phq-9", "a1", 0, Phq9(kGap));
  ASSERT_NE(FindScalePoint(gaps, "total"), nullptr);
  EXPECT_FALSE(FindScalePoint(gaps, "total")->has_value());
  EXPECT_EQ(FindScalePoint(gaps, "total")->status(), v1::SCALE_STATUS_UNSCORABLE);
}

TEST(AddPointTest, TheFirstScoredIsTheBaselineAndAGapIsNot) {
  const v1::Series series = Phq9Series({kGap, 20, kGap, 12});
  const v1::ScaleSummary& total = Total(series);
  EXPECT_EQ(series.assessment_count(), 4);
  EXPECT_EQ(total.count(), 2);
  EXPECT_EQ(total.count_from_baseline(), 2);
  EXPECT_EQ(total.baseline().assessment(), "a1");
  EXPECT_EQ(total.baseline_reason(), v1::BASELINE_REASON_FIRST_SCORED);
  EXPECT_EQ(total.previous().assessment(), "a1");
  EXPECT_EQ(total.latest().assessment(), "a3");
  EXPECT_EQ(total.verdict().verdict(), v1::VERDICT_RELIABLY_IMPROVED);
}

// The latest value stands when the newest form cannot be scored, but its date does not.
TEST(AddPointTest, AGapAtTheEndLeavesTheLatestValueAndMovesTheDate) {
  const v1::Series series = Phq9Series({20, 12, kGap});
  EXPECT_EQ(Total(series).latest().assessment(), "a1");
  EXPECT_EQ(api::FromProto(series.latest_answered_time()), Day(14));
}

TEST(AddPointTest, OneValueIsNoChange) {
  EXPECT_EQ(Total(Phq9Series({20})).verdict().verdict(), v1::VERDICT_INSUFFICIENT_DATA);
}

TEST(AddPointTest, TheBestIsTheEarliestOfTheLowestWhereHigherIsWorse) {
  EXPECT_EQ(Total(Phq9Series({20, 8, 12, 8})).best().assessment(), "a1");
}

TEST(AddPointTest, TheBestIsTheHighestWhereHigherIsBetterAndNoneWhereNeitherIs) {
  v1::Series alliance;
  v1::Series mentalizing;
  for (int i = 0; i < 3; ++i) {
    const std::string name = absl::StrCat("a", i);
    ASSERT_OK(AddPoint(Instrument("wai-sr"), {}, "",
                       PointOf("wai-sr", name, i, Form(12, i == 1 ? 4 : 3)), alliance));
    ASSERT_OK(AddPoint(Instrument("rfq-8"), {}, "", PointOf("rfq-8", name, i, Form(8, 3 + i)),
                       mentalizing));
  }
  EXPECT_EQ(Total(alliance).best().assessment(), "a1");
  ASSERT_NE(FindSummary(mentalizing, "rfq_c"), nullptr);
  EXPECT_EQ(FindSummary(mentalizing, "rfq_c")->count(), 3);
  EXPECT_FALSE(FindSummary(mentalizing, "rfq_c")->has_best());
}

TEST(AddPointTest, FromAChosenBaselineEverythingBeginsAnew) {
  const v1::ScaleSummary total = Total(Phq9Series({8, 20, 18, 16}, "a1"));
  EXPECT_EQ(total.baseline().assessment(), "a1");
  EXPECT_EQ(total.baseline_reason(), v1::BASELINE_REASON_CHOSEN);
  EXPECT_EQ(total.first().assessment(), "a0");
  EXPECT_EQ(total.best().value(), 16);  // and not the 8 before it
  EXPECT_EQ(total.count(), 4);
  EXPECT_EQ(total.count_from_baseline(), 3);
  EXPECT_EQ(total.verdict().from(), 20);
}

TEST(AddPointTest, AChosenBaselineThatHasNoScoreIsSaidAndTheFirstScoredStands) {
  const v1::ScaleSummary total = Total(Phq9Series({20, kGap, 12}, "a1"));
  EXPECT_EQ(total.baseline().assessment(), "a0");
  EXPECT_EQ(total.baseline_reason(), v1::BASELINE_REASON_CHOSEN_UNSCORED);
}

TEST(AddPointTest, AProratedValueSaysSo) {
  Form form = Phq9(12);
  form[8] = kGap;
  v1::Series series;
  ASSERT_OK(AddPoint(Instrument("phq-9"), {}, "", PointOf("phq-9", "a0", 0, form), series));
  EXPECT_TRUE(Total(series).latest().prorated());
  EXPECT_FALSE(Total(Phq9Series({12})).latest().prorated());
}

TEST(AddPointTest, TheAttachmentPointMovesFromTheChosenBaseline) {
  v1::Series series;
  series.set_chosen_baseline("a1");
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(AddPoint(Instrument("ecr-rs"), {}, "",
                       PointOf("ecr-rs", absl::StrCat("a", i), i, Form(9, i + 1)), series));
  }
  const v1::SeriesPoint second = PointOf("ecr-rs", "a1", 1, Form(9, 2));
  ASSERT_TRUE(second.has_attachment_point());
  EXPECT_EQ(series.attachment().baseline().SerializeAsString(),
            second.attachment_point().SerializeAsString());
  EXPECT_EQ(series.attachment().count(), 3);
}

TEST(AddPointTest, ASeriesThatIsClearedAndReadAgainIsTheSame) {
  const std::vector<std::optional<int>> totals = {20, kGap, 8, 19, 8};
  v1::Series series = Phq9Series(totals, "a2");
  const std::string before = series.SerializeAsString();
  ClearSummary(Instrument("phq-9"), series);
  EXPECT_EQ(series.chosen_baseline(), "a2");
  EXPECT_EQ(series.assessment_count(), 0);
  EXPECT_FALSE(Total(series).has_baseline());
  for (size_t i = 0; i < totals.size(); ++i) {
    ASSERT_OK(AddPoint(
        Instrument("phq-9"), {}, "",
        PointOf("phq-9", absl::StrCat("a", i), static_cast<int>(i) * 7, Phq9(totals[i])), series));
  }
  EXPECT_EQ(series.SerializeAsString(), before);
}

// 6 points are enough for NHS Talking Therapies, and not beyond Jacobson and Truax's threshold.
TEST(JudgeByPolicyTest, ANamedPolicyJudgesTheWholeSeriesAndAnUnknownOneIsTheDefault) {
  v1::Series series = Phq9Series({16, 10});
  EXPECT_EQ(Total(series).verdict().verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  ASSERT_OK(JudgeByPolicy(Instrument("phq-9"), {}, "jacobson-truax-95", series));
  EXPECT_EQ(Total(series).verdict().policy(), "jacobson-truax-95");
  EXPECT_NE(Total(series).verdict().verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  ASSERT_OK(JudgeByPolicy(Instrument("phq-9"), {}, "of-another-scale", series));
  EXPECT_EQ(Total(series).verdict().policy(), "nhs-talking-therapies");
}

TEST(PolicyForTest, IsAPolicyOfTheScaleOrItsNorm) {
  const v1::Scale& scale = HeadlineScale(Instrument("phq-9"));
  Norms norms(1);
  norms[0].set_name("practices/p1/norms/ours");
  norms[0].set_scale("total");
  EXPECT_EQ(PolicyFor(scale, norms, "ours"), "ours");
  EXPECT_EQ(PolicyFor(scale, {}, "ours"), "");
  EXPECT_EQ(PolicyFor(scale, norms, "jacobson-truax-95"), "jacobson-truax-95");
  EXPECT_EQ(PolicyFor(scale, norms, ""), "");
  norms[0].set_scale("another");
  EXPECT_EQ(PolicyFor(scale, norms, "ours"), "");
}

TEST(HeadlineScaleTest, IsTheOneWithADefaultPolicyElseTheTotalElseTheFirst) {
  EXPECT_EQ(HeadlineScale(Instrument("phq-9")).id(), "total");
  EXPECT_EQ(HeadlineScale(Instrument("wai-sr")).id(), "total");  // its last
  EXPECT_EQ(HeadlineScale(Instrument("rfq-8")).id(), Instrument("rfq-8").scales(0).id());
  v1::InstrumentDefinition definition = Instrument("wai-sr");
  definition.mutable_scales(1)->add_change_policies()->set_id("other");
  EXPECT_EQ(HeadlineScale(definition).id(), "total");
  definition.mutable_scales(1)->mutable_change_policies(0)->set_is_default(true);
  EXPECT_EQ(HeadlineScale(definition).id(), definition.scales(1).id());
}

TEST(FindBaselineMoveTest, OnlyABaselineThatWasThereCanMove) {
  const v1::Series before = Phq9Series({20, 12});
  const v1::Series after = Phq9Series({kGap, 12, 10});
  EXPECT_FALSE(FindBaselineMove(before, before).has_value());
  EXPECT_FALSE(FindBaselineMove(Phq9Series({kGap}), before).has_value());
  const auto move = FindBaselineMove(before, after);
  ASSERT_TRUE(move.has_value());
  EXPECT_EQ(move->scale(), "total");
  EXPECT_EQ(move->from_assessment(), "a0");
  EXPECT_EQ(move->to_assessment(), "a1");
  // One that is gone has moved as well.
  EXPECT_EQ(FindBaselineMove(before, Phq9Series({kGap}))->to_assessment(), "");
}

// Recorded on day 10, corrected on day 20 and on day 30, entered in error on day 40.
v1::Assessment WithHistory() {
  v1::Assessment assessment;
  assessment.set_name("a");
  *assessment.mutable_create_time() = api::ToProto(Day(10));
  *assessment.mutable_answered_time() = api::ToProto(Day(3));
  assessment.set_age_months(400);
  for (int i = 0; i < 2; ++i) {
    v1::AssessmentRevision& revision = *assessment.add_revisions();
    *revision.mutable_answered_time() = api::ToProto(Day(1 + i));
    *revision.mutable_end_time() = api::ToProto(Day(20 + 10 * i));
  }
  assessment.set_status(v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR);
  *assessment.mutable_status_time() = api::ToProto(Day(40));
  return assessment;
}

TEST(AsOfTest, AnAssessmentIsWhatWasRecordedThen) {
  const absl::Duration tick = absl::Microseconds(1);
  const v1::Assessment assessment = WithHistory();
  EXPECT_FALSE(AssessmentAsOf(assessment, Day(10) - tick).has_value());
  const struct {
    absl::Time as_of;
    int answered;
    v1::AssessmentStatus status;
  } expected[] = {
      {Day(10), 1, v1::ASSESSMENT_STATUS_COMPLETED},
      {Day(20) - tick, 1, v1::ASSESSMENT_STATUS_COMPLETED},
      {Day(20), 2, v1::ASSESSMENT_STATUS_AMENDED},
      {Day(30) - tick, 2, v1::ASSESSMENT_STATUS_AMENDED},
      {Day(30), 3, v1::ASSESSMENT_STATUS_AMENDED},
      {Day(40) - tick, 3, v1::ASSESSMENT_STATUS_AMENDED},
  };
  for (const auto& moment : expected) {
    const auto then = AssessmentAsOf(assessment, moment.as_of);
    ASSERT_TRUE(then.has_value()) << absl::FormatTime(moment.as_of);
    EXPECT_EQ(api::FromProto(then->answered_time()), Day(moment.answered));
    EXPECT_EQ(then->status(), moment.status) << absl::FormatTime(moment.as_of);
    EXPECT_EQ(then->has_age_months(), moment.answered == 3);
  }
  EXPECT_FALSE(AssessmentAsOf(assessment, Day(40)).has_value());
}

TEST(AsOfTest, WhatWasNeverCorrectedWasCompleteUntilTheError) {
  v1::Assessment assessment = WithHistory();
  assessment.clear_revisions();
  const auto then = AssessmentAsOf(assessment, Day(39));
  ASSERT_TRUE(then.has_value());
  EXPECT_EQ(then->status(), v1::ASSESSMENT_STATUS_COMPLETED);
}

TEST(AsOfTest, TheBaselineIsTheOneLastChosenByThen) {
  v1::Series series;
  for (int i = 1; i <= 2; ++i) {
    v1::BaselineChoice& choice = *series.add_baseline_choices();
    choice.set_assessment(absl::StrCat("a", i));
    *choice.mutable_time() = api::ToProto(Day(i));
  }
  series.set_chosen_baseline("a2");
  *series.mutable_baseline_move()->mutable_time() = api::ToProto(Day(2));
  ForgetBaselinesAfter(Day(2), series);
  EXPECT_EQ(series.chosen_baseline(), "a2");
  EXPECT_TRUE(series.has_baseline_move());
  ForgetBaselinesAfter(Day(2) - absl::Microseconds(1), series);
  EXPECT_EQ(series.chosen_baseline(), "a1");
  EXPECT_THAT(series.baseline_choices(), SizeIs(1));
  EXPECT_FALSE(series.has_baseline_move());
  ForgetBaselinesAfter(Day(0), series);
  EXPECT_EQ(series.chosen_baseline(), "");
}

}  // namespace
}  // namespace securebase::outcomes
