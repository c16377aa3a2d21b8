#include "services/goals/rules/series.h"

#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {
namespace {

outcomes::v1::Series Phq9(const std::string& id, double latest, int64_t answered) {
  outcomes::v1::Series series;
  series.set_name("practices/p1/series/" + id);
  series.set_instrument("practices/p1/instruments/phq-9");
  series.set_subject("anna");
  series.set_informant("anna");
  series.set_informant_role(outcomes::v1::INFORMANT_SELF);
  series.mutable_latest_answered_time()->set_seconds(answered);
  outcomes::v1::ScaleSummary& total = *series.add_scales();
  total.set_scale("total");
  total.set_count(5);  // two before the baseline
  total.set_count_from_baseline(3);
  total.mutable_baseline()->set_value(20);
  total.mutable_previous()->set_value(15);
  total.mutable_latest()->set_value(latest);
  total.mutable_latest()->mutable_answered_time()->set_seconds(answered);
  total.mutable_verdict()->set_verdict(outcomes::v1::VERDICT_RELIABLY_IMPROVED);
  total.mutable_verdict()->set_provisional(true);
  return series;
}

TEST(LinkedSeriesTest, TakesTheScalesSummary) {
  const v1::SeriesPoint point = LinkedSeries(ScaleGoal().scale(), {Phq9("s1", 12, 7)});
  EXPECT_EQ(point.series(), "practices/p1/series/s1");
  EXPECT_EQ(point.baseline(), 20);
  EXPECT_EQ(point.previous(), 15);
  EXPECT_EQ(point.latest(), 12);
  EXPECT_EQ(point.latest_time().seconds(), 7);
  EXPECT_EQ(point.count(), 3);
  EXPECT_EQ(point.verdict(), outcomes::v1::VERDICT_RELIABLY_IMPROVED);
  EXPECT_TRUE(point.provisional());
}

TEST(LinkedSeriesTest, OfSeveralTheOneAnsweredLast) {
  EXPECT_EQ(
      LinkedSeries(ScaleGoal().scale(), {Phq9("de", 12, 7), Phq9("en", 9, 8), Phq9("v2", 11, 6)})
          .series(),
      "practices/p1/series/en");
}

TEST(LinkedSeriesTest, EveryPartOfTheKeyCounts) {
  const auto linked = [](const v1::ScaleMeasure& scale) {
    return !LinkedSeries(scale, {Phq9("s1", 12, 7)}).series().empty();
  };
  v1::ScaleMeasure scale = ScaleGoal().scale();
  EXPECT_TRUE(linked(scale));
  scale.set_instrument("phq-2");
  EXPECT_FALSE(linked(scale));
  scale = ScaleGoal().scale();
  scale.set_subject("ben");
  EXPECT_FALSE(linked(scale));
  scale = ScaleGoal().scale();
  scale.set_informant("ben");
  EXPECT_FALSE(linked(scale));
  scale.set_informant("");  // a clinician
  EXPECT_FALSE(linked(scale));
  scale = ScaleGoal().scale();
  scale.set_relationship_target("partner");
  EXPECT_FALSE(linked(scale));
}

TEST(LinkedSeriesTest, WithoutAnInformantTheCliniciansAssessments) {
  outcomes::v1::Series series = Phq9("s1", 12, 7);
  series.set_informant("dr-a");
  series.set_informant_role(outcomes::v1::INFORMANT_CLINICIAN);
  v1::ScaleMeasure scale = ScaleGoal().scale();
  scale.set_informant("");
  EXPECT_EQ(LinkedSeries(scale, {series}).latest(), 12);
}

TEST(LinkedSeriesTest, NothingWithoutSeriesOrValue) {
  EXPECT_FALSE(LinkedSeries(ScaleGoal().scale(), {}).has_latest());
  outcomes::v1::Series empty = Phq9("s1", 12, 7);
  empty.mutable_scales(0)->clear_latest();
  EXPECT_FALSE(LinkedSeries(ScaleGoal().scale(), {empty}).has_latest());
  v1::ScaleMeasure other_scale = ScaleGoal().scale();
  other_scale.set_scale("difficulty");
  EXPECT_FALSE(LinkedSeries(other_scale, {Phq9("s1", 12, 7)}).has_latest());
}

}  // namespace
}  // namespace securebase::goals
