#include "services/outcomes/rules/change.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using testing::Instrument;

v1::ChangeVerdict Change(const std::string& instrument, const std::string& scale, double from,
                         double to, const std::string& policy = "") {
  absl::StatusOr<v1::ChangeVerdict> verdict =
      ClassifyChange(Instrument(instrument), scale, from, to, {.policy = policy});
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  return verdict.ok() ? *verdict : v1::ChangeVerdict();
}

v1::Verdict VerdictOf(const std::string& instrument, double from, double to,
                      const std::string& policy = "") {
  return Change(instrument, "total", from, to, policy).verdict();
}

constexpr v1::Verdict kRecovered = v1::VERDICT_RECOVERED;
constexpr v1::Verdict kImproved = v1::VERDICT_RELIABLY_IMPROVED;
constexpr v1::Verdict kNoChange = v1::VERDICT_NO_RELIABLE_CHANGE;
constexpr v1::Verdict kWorse = v1::VERDICT_RELIABLY_DETERIORATED;
constexpr v1::Verdict kInsufficient = v1::VERDICT_INSUFFICIENT_DATA;

v1::ChangeInputs Inputs(double sd, double r, double mean_clinical, double sd_clinical,
                        double mean_norm, double sd_norm) {
  v1::ChangeInputs inputs;
  inputs.set_sd(sd);
  inputs.set_reliability(r);
  inputs.set_mean_clinical(mean_clinical);
  inputs.set_sd_clinical(sd_clinical);
  inputs.set_mean_norm(mean_norm);
  inputs.set_sd_norm(sd_norm);
  return inputs;
}

// The worked example of Jacobson & Truax 1991: clinical mean 40, functional mean 60, SD 7.5 in
// both, reliability .80; a client moves from 32.5 to 47.5: RC = 15/4.74 = 3.16.
TEST(JacobsonTruaxTest, WorkedExample) {
  EXPECT_NEAR(StandardError(7.5, 0.80), 3.35, 0.005);
  EXPECT_NEAR(std::sqrt(2.0) * StandardError(7.5, 0.80), 4.74, 0.005);
  EXPECT_NEAR((47.5 - 32.5) / (std::sqrt(2.0) * StandardError(7.5, 0.80)), 3.16, 0.005);
  const v1::ChangeInputs inputs = Inputs(7.5, 0.80, 40, 7.5, 60, 7.5);
  const v1::Direction better = v1::DIRECTION_HIGHER_BETTER;
  EXPECT_DOUBLE_EQ(*JacobsonTruaxCutOff(inputs, v1::CUT_OFF_METHOD_A, better), 55);
  EXPECT_DOUBLE_EQ(*JacobsonTruaxCutOff(inputs, v1::CUT_OFF_METHOD_B, better), 45);
  EXPECT_DOUBLE_EQ(*JacobsonTruaxCutOff(inputs, v1::CUT_OFF_METHOD_C, better), 50);
}

// Unequal SDs tell b with the norm SD from the known fault of taking the clinical one.
TEST(JacobsonTruaxTest, CutOffBTakesTheNormSd) {
  const v1::ChangeInputs inputs = Inputs(7.7, 0.9, 19.7, 7.7, 4.7, 4.8);
  const v1::Direction worse = v1::DIRECTION_HIGHER_WORSE;
  EXPECT_NEAR(*JacobsonTruaxCutOff(inputs, v1::CUT_OFF_METHOD_A, worse), 4.3, 1e-9);
  EXPECT_NEAR(*JacobsonTruaxCutOff(inputs, v1::CUT_OFF_METHOD_B, worse), 14.3, 1e-9);
}

TEST(JacobsonTruaxTest, ACutOffNeedsItsFigures) {
  v1::ChangeInputs inputs;
  for (const v1::CutOffMethod method :
       {v1::CUT_OFF_METHOD_A, v1::CUT_OFF_METHOD_B, v1::CUT_OFF_METHOD_C}) {
    EXPECT_FALSE(JacobsonTruaxCutOff(inputs, method, v1::DIRECTION_HIGHER_WORSE).has_value());
  }
}

// Evans' own implementation and its test (psyctc.org, R package CECPfuns, getRCIfromSDandAlpha):
// SD 7.5 and a reliability of .8 give 9.29692548, with z = 1.95996398 where the authors' is 1.96.
TEST(JacobsonTruaxTest, ThresholdOfEvansImplementation) {
  EXPECT_NEAR(ReliableChangeThreshold(7.5, 0.8, 95) / 1.96 * 1.9599639845, 9.2969254846, 1e-9);
}

// Thresholds that follow from published figures: CORE-10 User Manual (90 % gives the published 6,
// c the published 11), GAD-7 (Beard & Björgvinsson 2014; Hinz 2017), PHQ-9 (Kroenke 2001).
TEST(JacobsonTruaxTest, ThresholdsFromPublishedFigures) {
  EXPECT_NEAR(ReliableChangeThreshold(7.7, 0.9, 90), 5.6646, 5e-5);
  EXPECT_NEAR(ReliableChangeThreshold(7.7, 0.9, 95), 6.7493, 5e-5);
  EXPECT_NEAR(ReliableChangeThreshold(5.62, 0.83, 95), 6.4229, 5e-5);
  EXPECT_NEAR(ReliableChangeThreshold(6.1, 0.84, 95), 6.7633, 5e-5);
  EXPECT_NEAR(ReliableChangeThreshold(15.06, 0.82, 95), 17.7106, 5e-5);
  const v1::ChangeVerdict core = Change("core-10", "total", 20, 10, "jacobson-truax-95");
  EXPECT_NEAR(core.threshold(), 6.7493, 5e-5);
  EXPECT_NEAR(core.cut_off().value(), 10.46, 5e-5);
  EXPECT_NEAR(core.standard_error(), 2.435, 5e-4);
  EXPECT_TRUE(core.policy_named());
  const v1::ChangeVerdict gad = Change("gad-7", "total", 14, 6, "jacobson-truax-95");
  EXPECT_NEAR(gad.threshold(), 6.4229, 5e-5);
  EXPECT_NEAR(gad.cut_off().value(), 6.3078, 5e-5);
  EXPECT_EQ(gad.verdict(), kRecovered);
}

// Each side of every threshold and cut-off of every default policy.
TEST(ClassifyChangeTest, Phq9DefaultIsNhs) {
  EXPECT_EQ(VerdictOf("phq-9", 15, 9), kRecovered);
  EXPECT_EQ(VerdictOf("phq-9", 16, 10), kImproved);  // 10 is still caseness
  EXPECT_EQ(VerdictOf("phq-9", 16, 9.99), kRecovered);
  EXPECT_EQ(VerdictOf("phq-9", 15, 10), kNoChange);
  EXPECT_EQ(VerdictOf("phq-9", 14, 9), kNoChange);  // crosses without a reliable change
  EXPECT_EQ(VerdictOf("phq-9", 9, 3), kImproved);   // began on the functional side
  EXPECT_EQ(VerdictOf("phq-9", 10, 4), kRecovered);
  EXPECT_EQ(VerdictOf("phq-9", 9, 15), kWorse);
  EXPECT_EQ(VerdictOf("phq-9", 9, 14.9), kNoChange);
  EXPECT_EQ(VerdictOf("phq-9", 14.625, 8.625), kRecovered);  // pro-rated values compare as they are
}

TEST(ClassifyChangeTest, Gad7DefaultIsNhs) {
  EXPECT_EQ(VerdictOf("gad-7", 11, 7), kRecovered);
  EXPECT_EQ(VerdictOf("gad-7", 12, 8), kImproved);
  EXPECT_EQ(VerdictOf("gad-7", 8, 4), kRecovered);
  EXPECT_EQ(VerdictOf("gad-7", 7, 3), kImproved);
  EXPECT_EQ(VerdictOf("gad-7", 11, 8), kNoChange);
  EXPECT_EQ(VerdictOf("gad-7", 3, 7), kWorse);
  EXPECT_EQ(VerdictOf("gad-7", 11, 7, "jacobson-truax-95"), kNoChange);
}

TEST(ClassifyChangeTest, Core10AndCoreOm) {
  EXPECT_EQ(VerdictOf("core-10", 17, 11), kImproved);
  EXPECT_EQ(VerdictOf("core-10", 16, 10), kRecovered);
  EXPECT_EQ(VerdictOf("core-10", 16, 10.5), kNoChange);
  EXPECT_EQ(VerdictOf("core-10", 16, 10, "jacobson-truax-95"), kNoChange);
  EXPECT_TRUE(Change("core-10", "total", 16, 10).provisional());
  EXPECT_EQ(VerdictOf("core-om", 15, 10), kImproved);
  EXPECT_EQ(VerdictOf("core-om", 14.9, 9.9), kRecovered);
  EXPECT_EQ(VerdictOf("core-om", 14, 9.1), kNoChange);
  EXPECT_TRUE(Change("core-om", "total", 16, 10).provisional());
}

TEST(ClassifyChangeTest, Pcl5PoliciesDiffer) {
  EXPECT_EQ(VerdictOf("pcl-5", 43, 28), kRecovered);
  EXPECT_EQ(VerdictOf("pcl-5", 44, 29), kImproved);
  EXPECT_EQ(VerdictOf("pcl-5", 28, 13), kImproved);  // 28 is functional
  EXPECT_EQ(VerdictOf("pcl-5", 43, 29), kNoChange);
  EXPECT_EQ(VerdictOf("pcl-5", 43, 28, "marx-2022-sample-2"), kNoChange);
  EXPECT_EQ(VerdictOf("pcl-5", 46, 28, "marx-2022-sample-2"), kRecovered);
  const v1::ChangeVerdict low = Change("pcl-5", "total", 50, 20, "nhs-talking-therapies");
  EXPECT_EQ(low.verdict(), kInsufficient);
  EXPECT_EQ(low.reason_code(), v1::CHANGE_REASON_LOW_CONFIDENCE);
}

TEST(ClassifyChangeTest, RdasMustExceedAndHigherIsBetter) {
  EXPECT_EQ(VerdictOf("rdas", 40, 51.58), kNoChange);  // equal is not more
  EXPECT_EQ(VerdictOf("rdas", 40, 51.59), kRecovered);
  EXPECT_EQ(VerdictOf("rdas", 35, 47), kImproved);
  EXPECT_EQ(VerdictOf("rdas", 47.31, 60), kImproved);  // 47.31 is not below
  EXPECT_EQ(VerdictOf("rdas", 60, 48.42), kNoChange);
  EXPECT_EQ(VerdictOf("rdas", 60, 48), kWorse);
}

// Exactly these scales have a default; all others wait for a norm.
TEST(ClassifyChangeTest, AllOtherScalesAreInsufficientData) {
  std::vector<std::string> with_default;
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    for (const v1::Scale& scale : definition->scales()) {
      const v1::ChangeVerdict verdict =
          Change(definition->id(), scale.id(), scale.min(), scale.max());
      if (verdict.verdict() != kInsufficient) {
        with_default.push_back(definition->id() + "/" + scale.id());
        EXPECT_TRUE(verdict.has_threshold());
        EXPECT_FALSE(verdict.policy_named());
      } else {
        EXPECT_FALSE(verdict.has_threshold()) << definition->id();
        EXPECT_NE(verdict.reason(), "");
      }
    }
  }
  EXPECT_THAT(with_default, ::testing::ElementsAre("core-10/total", "core-om/total", "gad-7/total",
                                                   "pcl-5/total", "phq-9/total", "rdas/total"));
}

TEST(ClassifyChangeTest, NonMonotoneScalesGetNoArrow) {
  const v1::ChangeVerdict verdict = Change("rfq-8", "rfq_c", 1, 3);
  EXPECT_EQ(verdict.reason_code(), v1::CHANGE_REASON_NON_MONOTONE);
  EXPECT_FALSE(verdict.arrow_allowed());
  EXPECT_TRUE(Change("rfq-8", "rfq_u", 1, 3).arrow_allowed());
  EXPECT_FALSE(Change("prfq", "cms", 1, 3).arrow_allowed());
  EXPECT_FALSE(Change("prfq", "ic", 1, 3).arrow_allowed());
  EXPECT_EQ(Change("ace-10", "total", 0, 10).reason_code(), v1::CHANGE_REASON_NOT_AN_OUTCOME);
}

TEST(ClassifyChangeTest, AMissingScoreIsInsufficientData) {
  ASSERT_OK_AND_ASSIGN(const v1::ChangeVerdict verdict,
                       ClassifyChange(Instrument("phq-9"), "total", 12, std::nullopt, {}));
  EXPECT_EQ(verdict.verdict(), kInsufficient);
  EXPECT_EQ(verdict.reason_code(), v1::CHANGE_REASON_NO_SCORE);
  EXPECT_FALSE(verdict.has_difference());
}

TEST(ClassifyChangeTest, BadInputIsRefusedAtOnce) {
  const v1::InstrumentDefinition& phq9 = Instrument("phq-9");
  const auto result = ClassifyChange(phq9, "total", 28, -1, {.policy = "nobody-knows"});
  EXPECT_THAT(result, HasViolation("from"));
  EXPECT_THAT(result, HasViolation("to"));
  EXPECT_THAT(result, HasViolation("policy"));
  EXPECT_THAT(ClassifyChange(phq9, "mood", 1, 2, {}), HasViolation("scale"));
  EXPECT_THAT(ClassifyChange(phq9, "total", std::nan(""), 2, {}), HasViolation("from"));
}

v1::Norm AnxietyNorm() {
  v1::Norm norm;
  norm.set_name("practices/p1/norms/our-clinic");
  norm.set_instrument("practices/p1/instruments/ecr-r");
  norm.set_instrument_version(1);
  norm.set_scale("anxiety");
  *norm.mutable_inputs() = Inputs(1.1, 0.92, 4.4, 1.1, 3.2, 1.0);
  norm.set_sample_size(30);
  norm.set_confidence_level(95);
  norm.set_cut_off_method(v1::CUT_OFF_METHOD_C);
  norm.set_population("adults at intake");
  norm.set_source("own data, report 3");
  norm.set_approved_by("staff-7");
  norm.set_confidence(type::v1::CONFIDENCE_MEDIUM);
  return norm;
}

TEST(ClassifyChangeTest, AnApprovedNormJudgesWhereNothingIsPublished) {
  const v1::Norm norm = AnxietyNorm();
  ASSERT_OK_AND_ASSIGN(const v1::ChangeVerdict verdict,
                       ClassifyChange(Instrument("ecr-r"), "anxiety", 5, 3.5, {.norm = &norm}));
  const double threshold = 1.96 * std::sqrt(2.0) * 1.1 * std::sqrt(0.08);
  EXPECT_DOUBLE_EQ(verdict.threshold(), threshold);
  EXPECT_NEAR(verdict.cut_off().value(), (1.0 * 4.4 + 1.1 * 3.2) / 2.1, 1e-12);
  EXPECT_EQ(verdict.verdict(), kRecovered);
  EXPECT_EQ(verdict.policy(), "our-clinic");
  EXPECT_FALSE(verdict.provisional()) << "somebody has vouched for it";
  EXPECT_EQ(verdict.approved_norm(), norm.name());
  EXPECT_EQ(verdict.approved_by(), "staff-7");
  EXPECT_EQ(verdict.source(), "own data, report 3 (adults at intake; n = 30)");
  EXPECT_EQ(verdict.norm().sd(), 1.1);
  // Equality with a computed threshold is not reliable.
  ASSERT_OK_AND_ASSIGN(
      const v1::ChangeVerdict equal,
      ClassifyChange(Instrument("ecr-r"), "anxiety", 5, 5 - threshold, {.norm = &norm}));
  EXPECT_EQ(equal.verdict(), kNoChange);
}

TEST(ClassifyChangeTest, ANormMustFitAndBeApproved) {
  const auto with = [](const std::function<void(v1::Norm&)>& change) {
    v1::Norm norm = AnxietyNorm();
    change(norm);
    return ClassifyChange(Instrument("ecr-r"), "anxiety", 5, 3, {.norm = &norm});
  };
  EXPECT_THAT(with([](auto& norm) { norm.set_scale("avoidance"); }), HasViolation("norm"));
  EXPECT_THAT(with([](auto& norm) { norm.set_instrument_version(2); }), HasViolation("norm"));
  EXPECT_THAT(with([](auto& norm) { norm.clear_approved_by(); }), HasViolation("norm.approved_by"));
  ASSERT_OK_AND_ASSIGN(const v1::ChangeVerdict low,
                       with([](auto& norm) { norm.set_confidence(type::v1::CONFIDENCE_LOW); }));
  EXPECT_EQ(low.reason_code(), v1::CHANGE_REASON_LOW_CONFIDENCE);
}

// One input of low confidence makes no verdict, however sure the others are.
TEST(ClassifyChangeTest, AVerdictIsAsSureAsTheLeastSureOfItsInputs) {
  const auto change = [](const std::function<void(v1::Scale&)>& spoil) {
    v1::InstrumentDefinition phq9 = Instrument("phq-9");
    spoil(*phq9.mutable_scales(0));
    return ClassifyChange(phq9, phq9.scales(0).id(), 20, 5, {}).value();
  };
  EXPECT_FALSE(change([](v1::Scale&) {}).provisional());
  for (const auto& set : std::vector<std::function<void(v1::Scale&, type::v1::Confidence)>>{
           [](auto&scale, auto confidence) { scale.set_confidence(confidence); },
           [](auto&scale, auto confidence) {
             scale.mutable_change_policies(0)->set_confidence(confidence);
           },
           [](auto&scale, auto confidence) {
             scale.mutable_change_policies(0)->mutable_cut_off()->set_confidence(confidence);
           }}) {
    const auto medium = change([&](auto& scale) { set(scale, type::v1::CONFIDENCE_MEDIUM); });
    EXPECT_EQ(medium.verdict(), kRecovered);
    EXPECT_TRUE(medium.provisional());
    const auto low = change([&](auto& scale) { set(scale, type::v1::CONFIDENCE_LOW); });
    EXPECT_EQ(low.verdict(), kInsufficient);
    EXPECT_EQ(low.reason_code(), v1::CHANGE_REASON_LOW_CONFIDENCE);
  }
}

TEST(ClassifyChangeTest, ANormDoesNotReplaceTheDefaultUnlessNamed) {
  v1::Norm norm = AnxietyNorm();
  norm.set_instrument("practices/p1/instruments/phq-9");
  norm.set_scale("total");
  *norm.mutable_inputs() = Inputs(6, 0.9, 15, 6, 4, 4);
  const v1::InstrumentDefinition& phq9 = Instrument("phq-9");
  ASSERT_OK_AND_ASSIGN(v1::ChangeVerdict verdict,
                       ClassifyChange(phq9, "total", 16, 10, {.norm = &norm}));
  EXPECT_EQ(verdict.policy(), "nhs-talking-therapies");
  EXPECT_EQ(verdict.approved_norm(), "") << "the norm did not decide";
  ASSERT_OK_AND_ASSIGN(
      verdict, ClassifyChange(phq9, "total", 16, 10, {.policy = "our-clinic", .norm = &norm}));
  EXPECT_EQ(verdict.policy(), "our-clinic");
  EXPECT_TRUE(verdict.policy_named());
}

TEST(ClassifyChangeTest, ANormMayApproveTheDefaultAsItIs) {
  v1::Norm norm;
  norm.set_name("practices/p1/norms/we-trust-barkham");
  norm.set_instrument("practices/p1/instruments/core-10");
  norm.set_instrument_version(1);
  norm.set_scale("total");
  norm.set_policy("barkham-90");
  norm.set_approved_by("staff-7");
  const v1::InstrumentDefinition& core10 = Instrument("core-10");
  ASSERT_OK_AND_ASSIGN(v1::ChangeVerdict verdict, ClassifyChange(core10, "total", 20, 10, {}));
  EXPECT_TRUE(verdict.provisional());
  ASSERT_OK_AND_ASSIGN(verdict, ClassifyChange(core10, "total", 20, 10, {.norm = &norm}));
  EXPECT_FALSE(verdict.provisional());
  EXPECT_EQ(verdict.policy(), "barkham-90");
  EXPECT_EQ(verdict.approved_norm(), norm.name());
  EXPECT_EQ(verdict.verdict(), kRecovered);
  // Its approval says nothing of another policy.
  ASSERT_OK_AND_ASSIGN(verdict, ClassifyChange(core10, "total", 20, 10,
                                               {.policy = "jacobson-truax-95", .norm = &norm}));
  EXPECT_EQ(verdict.approved_norm(), "");
}

PairSums SumsOf(const std::vector<double>& before, const std::vector<double>& after) {
  PairSums sums;
  for (size_t i = 0; i < before.size(); ++i) {
    sums.Add(before[i], after[i]);
  }
  return sums;
}

TEST(EffectSizeTest, CohenAndHedges) {
  // Before: mean 18, SD 2 (n − 1); after: mean 14. d = 2, df = 4, g = 2·(1 − 3/15).
  const PairSums pairs = SumsOf({16, 16, 18, 20, 20}, {12, 13, 14, 15, 16});
  ASSERT_OK_AND_ASSIGN(const v1::EffectSize effect,
                       ComputeEffectSize(pairs, v1::DIRECTION_HIGHER_WORSE));
  EXPECT_EQ(effect.n(), 5);
  EXPECT_DOUBLE_EQ(effect.mean_before(), 18);
  EXPECT_DOUBLE_EQ(effect.mean_after(), 14);
  EXPECT_DOUBLE_EQ(effect.sd_before(), 2);
  EXPECT_DOUBLE_EQ(effect.d(), 2);
  EXPECT_DOUBLE_EQ(effect.g(), 2 * (1 - 3.0 / 15));
  ASSERT_OK_AND_ASSIGN(const v1::EffectSize turned,
                       ComputeEffectSize(pairs, v1::DIRECTION_HIGHER_BETTER));
  EXPECT_DOUBLE_EQ(turned.d(), -2);
}

TEST(EffectSizeTest, NeedsThreePairsThatDiffer) {
  const auto reason = Reason::kStateNotAllowed;
  const auto code = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(ComputeEffectSize(PairSums(), v1::DIRECTION_HIGHER_WORSE), IsError(code, reason));
  EXPECT_THAT(ComputeEffectSize(SumsOf({1, 2}, {1, 2}), v1::DIRECTION_HIGHER_WORSE),
              IsError(code, reason));
  EXPECT_THAT(ComputeEffectSize(SumsOf({3, 3, 3}, {1, 2, 3}), v1::DIRECTION_HIGHER_WORSE),
              IsError(code, reason));
  EXPECT_THAT(ComputeEffectSize(SumsOf({0.1, 0.1, 0.1}, {1, 2, 3}), v1::DIRECTION_HIGHER_WORSE),
              IsError(code, reason));
  EXPECT_THAT(ComputeEffectSize(SumsOf({1, 2, 3}, {1, 2, 3}), v1::DIRECTION_NON_MONOTONE),
              HasViolation("direction"));
}

// Against the textbook's two passes, on pairs that come and go in any order.
TEST(PairSumsTest, DependOnWhatIsInThemAlone) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> value(0, 100);
  std::vector<std::pair<double, double>> kept;
  PairSums sums;
  for (int i = 0; i < 100000; ++i) {
    const std::pair<double, double> pair = {value(random), value(random) / 3};
    sums.Add(pair.first, pair.second);
    if (i % 3 == 0) {
      sums.Remove(pair.first, pair.second);
    } else {
      kept.push_back(pair);
    }
  }
  std::shuffle(kept.begin(), kept.end(), random);
  PairSums again;
  double mean = 0;
  for (const auto& [before, after] : kept) {
    again.Add(before, after);
    mean += before / static_cast<double>(kept.size());
  }
  EXPECT_TRUE(sums == again);
  double squares = 0;
  for (const auto& [before, after] : kept) {
    squares += (before - mean) * (before - mean);
  }
  EXPECT_NEAR(sums.MeanBefore(), mean, 1e-6);
  EXPECT_NEAR(sums.VarianceBefore(), squares / static_cast<double>(kept.size() - 1), 1e-4);
  // A spread of a thousandth at the far end of what a value may be.
  const PairSums far = SumsOf({131071, 131071.001, 131071.002}, {0, 0, 0});
  EXPECT_NEAR(far.VarianceBefore(), 1e-6, 2e-9);
}

struct Paired {
  bool improvement;
  bool deterioration;
  bool recovery;
  bool reliable_recovery;
};

// NHS Talking Therapies manual: what the pair of measures adds up to.
TEST(PairedOutcomeTest, FollowsTheNhsManual) {
  const auto outcome = [](double phq_from, double phq_to, double gad_from, double gad_to) {
    const auto result = NhsPairedOutcome(Change("phq-9", "total", phq_from, phq_to),
                                         Change("gad-7", "total", gad_from, gad_to), 2);
    EXPECT_OK(result);
    return *result;
  };
  const auto expect = [](const v1::PairedOutcome& actual, const Paired& expected) {
    EXPECT_EQ(actual.reliable_improvement(), expected.improvement);
    EXPECT_EQ(actual.reliable_deterioration(), expected.deterioration);
    EXPECT_EQ(actual.nhs_recovery(), expected.recovery);
    EXPECT_EQ(actual.nhs_reliable_recovery(), expected.reliable_recovery);
  };
  expect(outcome(15, 9, 12, 7), {true, false, true, true});
  expect(outcome(15, 9, 12, 8), {true, false, false, false});  // anxiety still at caseness
  expect(outcome(15, 8, 7, 7), {true, false, true, true});     // one at caseness is enough
  expect(outcome(10, 9, 8, 7), {false, false, true, false});   // recovery without reliable change
  expect(outcome(15, 9, 3, 7), {false, false, true, false});   // one better, the other worse
  expect(outcome(9, 15, 8, 12), {false, true, false, false});
  expect(outcome(9, 15, 12, 8), {false, false, false, false});  // both ways: no reliable change
  expect(outcome(9, 3, 7, 3), {true, false, false, false});     // never at caseness
}

TEST(PairedOutcomeTest, TheDenominatorNeedsCasenessAndTwoContacts) {
  const v1::ChangeVerdict phq = Change("phq-9", "total", 10, 5);
  const v1::ChangeVerdict gad = Change("gad-7", "total", 5, 5);
  EXPECT_FALSE(NhsPairedOutcome(phq, gad, std::nullopt)->has_in_denominator());
  EXPECT_FALSE(NhsPairedOutcome(phq, gad, 1)->in_denominator());
  EXPECT_TRUE(NhsPairedOutcome(phq, gad, 2)->in_denominator());
  EXPECT_FALSE(NhsPairedOutcome(Change("phq-9", "total", 9, 5), gad, 5)->in_denominator());
}

TEST(PairedOutcomeTest, NeedsMeasuresWithCaseness) {
  const v1::ChangeVerdict phq = Change("phq-9", "total", 10, 5);
  EXPECT_THAT(NhsPairedOutcome(phq, Change("rdas", "total", 40, 60), 2), HasViolation("anxiety"));
  EXPECT_THAT(NhsPairedOutcome(Change("who-5", "total", 40, 60), phq, 2),
              HasViolation("depression"));
}

v1::AttachmentPoint Point(double anxiety, double avoidance) {
  v1::AttachmentPoint point;
  point.set_anxiety(anxiety);
  point.set_avoidance(avoidance);
  return point;
}

TEST(PlaneTest, MovesPerAxisWithALength) {
  const v1::PlaneVector vector = MoveOnPlane(Point(5, 4), Point(2, 8));
  EXPECT_EQ(vector.anxiety(), -3);
  EXPECT_EQ(vector.avoidance(), 4);
  EXPECT_EQ(vector.length(), 5);
}

TEST(PlaneTest, GlobalAttachmentIsTheMeanOfTheRelationships) {
  EXPECT_FALSE(GlobalAttachment({}).has_value());
  const auto global = GlobalAttachment({Point(2, 3), Point(4, 6)});
  EXPECT_EQ(global->anxiety(), 3);
  EXPECT_EQ(global->avoidance(), 4.5);
}

TEST(InformantGapTest, ComparesWithTheStandardErrorsOfBoth) {
  const v1::InformantGap gap = CompareInformants(20, 12, 3, 4);
  EXPECT_EQ(gap.gap(), -8);
  EXPECT_DOUBLE_EQ(gap.threshold(), 1.96 * 5);
  EXPECT_FALSE(gap.exceeds());
  EXPECT_TRUE(CompareInformants(20, 10, 3, 4).exceeds());
  EXPECT_FALSE(CompareInformants(20, 10, 3, std::nullopt).has_exceeds());
  EXPECT_FALSE(CompareInformants(20, 10, std::nullopt, 4).has_threshold());
}

}  // namespace
}  // namespace securebase::outcomes
