#include "services/goals/rules/scores.h"

#include <cmath>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace securebase::goals {
namespace {

using ::securebase::testing::IsError;

// T scores of equally weighted scales by the sum of their levels, worked out apart from this code
// from 50 + 10·sum / sqrt(0.7·n + 0.3·n²), to two decimals.
struct KeyEntry {
  int scales;
  int sum;
  double t;
};
constexpr KeyEntry kEqualWeights[] = {
    {1, -2, 30.00},  {1, -1, 40.00}, {1, 0, 50.00},  {1, 1, 60.00}, {1, 2, 70.00},
    {2, -4, 25.19},  {2, -1, 43.80}, {2, 1, 56.20},  {2, 2, 62.40}, {2, 4, 74.81},
    {3, -6, 22.61},  {3, -3, 36.31}, {3, 0, 50.00},  {3, 1, 54.56}, {3, 3, 63.69},
    {3, 6, 77.39},   {4, -8, 20.98}, {4, -4, 35.49}, {4, 1, 53.63}, {4, 8, 79.02},
    {5, -10, 19.85}, {5, -5, 34.92}, {5, 1, 53.02},  {5, 5, 65.08}, {5, 10, 80.15},
};

// Levels of `scales` scales that add up to `sum`.
std::vector<WeightedLevel> LevelsWithSum(int scales, int sum, double weight) {
  std::vector<WeightedLevel> goals(scales, WeightedLevel{weight, 0});
  for (int i = 0; sum != 0; i = (i + 1) % scales) {
    const int step = sum > 0 ? 1 : -1;
    goals[i].level += step;
    sum -= step;
  }
  return goals;
}

TEST(GasTScoreTest, EqualWeights) {
  for (const KeyEntry& entry : kEqualWeights) {
    ASSERT_OK_AND_ASSIGN(const double t, GasTScore(LevelsWithSum(entry.scales, entry.sum, 1)));
    EXPECT_NEAR(t, entry.t, 0.005) << entry.scales << " scales, sum " << entry.sum;
  }
}

// Turner-Stokes & Williams 2010, Clinical Rehabilitation 24(1):66–73, print median and quartiles of
// the baseline of 243 patients with one to six goals: 34.9 and 35.5 with every goal at −1 (five and
// four goals), 19.8, 21.0 and 22.6 with every goal at −2 (five, four and three goals).
TEST(GasTScoreTest, AgreesWithPublishedBaselines) {
  const struct {
    int goals;
    int level;
    double published;
  } cases[] = {{5, -1, 34.9}, {4, -1, 35.5}, {5, -2, 19.8}, {4, -2, 21.0}, {3, -2, 22.6}};
  for (const auto& c : cases) {
    ASSERT_OK_AND_ASSIGN(const double t,
                         GasTScore(std::vector<WeightedLevel>(c.goals, WeightedLevel{1, c.level})));
    EXPECT_NEAR(t, c.published, 0.05) << c.goals << " goals at " << c.level;
  }
}

TEST(GasTScoreTest, OnlyTheProportionsOfWeightsCount) {
  for (const double weight : {0.01, 2.0, 100.0}) {
    ASSERT_OK_AND_ASSIGN(const double t, GasTScore(LevelsWithSum(3, 3, weight)));
    EXPECT_NEAR(t, 63.69, 0.005) << weight;
  }
}

TEST(GasTScoreTest, WeightsCount) {
  // By hand: Σwx = 4 − 1 = 3, Σw² = 17, Σw = 5; sqrt(0.7·17 + 0.3·25) = sqrt(19.4) = 4.404543.
  ASSERT_OK_AND_ASSIGN(const double t, GasTScore({{4, 1}, {1, -1}}));
  EXPECT_NEAR(t, 50 + 30 / 4.404543, 1e-5);
}

TEST(GasTScoreTest, RefusesWhatIsNoGoal) {
  const auto invalid = IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields);
  EXPECT_THAT(GasTScore({}), invalid);
  EXPECT_THAT(GasTScore({{0, 1}}), invalid);
  EXPECT_THAT(GasTScore({{-1, 1}}), invalid);
  EXPECT_THAT(GasTScore({{std::numeric_limits<double>::quiet_NaN(), 1}}), invalid);
  EXPECT_THAT(GasTScore({{1, 3}}), invalid);
  EXPECT_THAT(GasTScore({{1, -3}}), invalid);
}

TEST(JudgeGboChangeTest, EveryBoundaryOfTheReliableChange) {
  const struct {
    double difference;
    v1::ChangeJudgement judgement;
  } cases[] = {
      {-10, v1::CHANGE_JUDGEMENT_RELIABLY_DETERIORATED},
      {-2.46, v1::CHANGE_JUDGEMENT_RELIABLY_DETERIORATED},
      {-2.45, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},
      {-2, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},
      {0, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},
      {2, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},
      {2.45, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},
      {49.0 / 20 + 1e-12, v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE},  // of a mean, rounded
      {2.46, v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED},
      {3, v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED},
      {10, v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(JudgeGboChange(c.difference).judgement(), c.judgement) << c.difference;
  }
}

TEST(MeetsTest, RoundingDecidesNothing) {
  const double sum = 0.1 + 0.2;  // a little more than 0.3
  EXPECT_FALSE(Meets(sum, outcomes::v1::COMPARATOR_EXCEEDS, 0.3));
  EXPECT_TRUE(Meets(sum, outcomes::v1::COMPARATOR_AT_MOST, 0.3));
  EXPECT_TRUE(Meets(-sum, outcomes::v1::COMPARATOR_AT_LEAST, -0.3));
  EXPECT_FALSE(Meets(-sum, outcomes::v1::COMPARATOR_BELOW, -0.3));
  EXPECT_FALSE(Meets(1, outcomes::v1::COMPARATOR_UNSPECIFIED, 0));
}

TEST(JudgeGboChangeTest, ExplainsItself) {
  const v1::RatingChange change = JudgeGboChange(3);
  EXPECT_EQ(change.difference(), 3);
  EXPECT_EQ(change.threshold(), 2.45);
  EXPECT_EQ(change.comparator(), outcomes::v1::COMPARATOR_EXCEEDS);
  EXPECT_TRUE(change.provisional());
  EXPECT_EQ(change.source(), "Edbrooke-Childs et al. 2015");
}

TEST(GoalDefaultsTest, WeightOneAndTargetTen) {
  EXPECT_EQ(Weight(v1::GasMeasure()), 1);
  EXPECT_EQ(Target(v1::GboMeasure()), 10);
  v1::GasMeasure gas;
  gas.set_anchor(v1::GAS_ANCHOR_MINUS_TWO);
  EXPECT_EQ(StartLevel(gas), -2);
  gas.set_anchor(v1::GAS_ANCHOR_MINUS_ONE);
  EXPECT_EQ(StartLevel(gas), -1);
}

}  // namespace
}  // namespace securebase::goals
