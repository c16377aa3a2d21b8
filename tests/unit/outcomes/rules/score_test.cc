#include "services/outcomes/rules/score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "services/outcomes/rules/numbers.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using testing::Answers;
using ::testing::ElementsAre;
using testing::Form;
using testing::Instrument;
using testing::kGap;
using testing::RandomForm;
using testing::ScaleOf;
using testing::ScoreForm;

Form Repeat(int count, int value) {
  return Form(static_cast<size_t>(count), std::optional<int>(value));
}

TEST(ScoreTest, Phq9SumsNineItemsAndNamesTheBand) {
  const v1::ScaleScore score = ScaleOf("phq-9", {1, 2, 2, 1, 3, 0, 2, 1, 0});
  EXPECT_EQ(score.value(), 12);
  EXPECT_EQ(score.status(), v1::SCALE_STATUS_SCORED);
  EXPECT_EQ(score.band(), "moderate");
  EXPECT_EQ(score.reason(), "");
  EXPECT_FALSE(score.provisional());
}

// Kroenke, Spitzer & Williams 2001: 5, 10, 15 and 20 are the lower ends.
// HL7, US Behavioral Health Profiles, QuestionnaireResponse phq-9-example-1: a total of 12.
TEST(ScoreTest, Phq9ExampleOfHl7) {
  const v1::ScaleScore total = ScaleOf("phq-9", {2, 2, 2, 2, 1, 1, 2, 0, 0, 1});
  EXPECT_EQ(total.value(), 12);
  EXPECT_EQ(total.band(), "moderate");
}

TEST(ScoreTest, Phq9BandsBeginAtTheirLowerBounds) {
  const std::vector<std::pair<int, std::string>> cases = {{0, "none-minimal"},
                                                          {4, "none-minimal"},
                                                          {5, "mild"},
                                                          {9, "mild"},
                                                          {10, "moderate"},
                                                          {14, "moderate"},
                                                          {15, "moderately severe"},
                                                          {19, "moderately severe"},
                                                          {20, "severe"},
                                                          {27, "severe"}};
  for (const auto& [total, band] : cases) {
    Form form = Repeat(9, 0);
    for (int i = 0, left = total; i < 9; ++i) {
      form[i] = std::min(left, 3);
      left -= *form[i];
    }
    const v1::ScaleScore score = ScaleOf("phq-9", form);
    EXPECT_EQ(score.value(), total);
    EXPECT_EQ(score.band(), band) << total;
  }
}

// 13 on eight items is 14.625: not rounded, and still in a band.
TEST(ScoreTest, Phq9TakesTheMeanForUpToTwoMissingItemsWithoutRounding) {
  const v1::ScaleScore one = ScaleOf("phq-9", {2, 2, 2, 2, 2, 2, 1, 0, kGap});
  EXPECT_EQ(one.value(), 14.625);
  EXPECT_EQ(one.status(), v1::SCALE_STATUS_PRORATED);
  EXPECT_EQ(one.band(), "moderate");
  EXPECT_TRUE(one.provisional());
  EXPECT_THAT(one.derivation().provisional_facts(), ElementsAre("missing rule"));
  EXPECT_THAT(one.derivation().missing_items(), ElementsAre("9"));
  const v1::ScaleScore two = ScaleOf("phq-9", {kGap, 2, 2, 2, 2, 2, 1, 0, kGap});
  EXPECT_NEAR(two.value(), 11.0 * 9 / 7, 1e-12);
  const v1::ScaleScore three = ScaleOf("phq-9", {kGap, kGap, 2, 2, 2, 2, 1, 0, kGap});
  EXPECT_EQ(three.status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(three.reason_code(), v1::SCALE_REASON_TOO_MANY_MISSING);
  EXPECT_FALSE(three.has_value());
  EXPECT_EQ(three.band(), "");
}

TEST(ScoreTest, NothingAnsweredIsNeverAScore) {
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    ASSERT_OK_AND_ASSIGN(const v1::ScoringResult result, Score(*definition, {}, {}));
    for (const v1::ScaleScore& score : result.scales()) {
      EXPECT_EQ(score.status(), v1::SCALE_STATUS_UNSCORABLE) << definition->id() << score.id();
      EXPECT_FALSE(score.has_value()) << definition->id() << " " << score.id();
      EXPECT_NE(score.reason(), "") << definition->id() << " " << score.id();
    }
    for (const v1::RiskAnswer& risk : result.risk_answers()) {
      EXPECT_EQ(risk.state(), v1::RISK_STATE_NOT_ANSWERED) << definition->id();
    }
  }
}

TEST(ScoreTest, WithoutAPublishedRuleAGapMakesAScaleUnscorable) {
  const v1::ScaleScore score = ScaleOf("gad-7", {1, 1, 1, 1, 1, 1, kGap});
  EXPECT_EQ(score.status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(score.reason_code(), v1::SCALE_REASON_NO_MISSING_RULE);
}

TEST(ScoreTest, HouseRuleNeedsEightyPercentAndTheDefinitionsConsent) {
  v1::InstrumentDefinition definition = Instrument("ras");  // seven items, mean, 4 and 7 reversed
  const std::vector<v1::Answer> six = Answers(definition, {5, 4, 3, 2, 1, 5, kGap});
  ASSERT_OK_AND_ASSIGN(v1::ScoringResult result, Score(definition, six, {}));
  EXPECT_EQ(ScaleOf(result, "total").status(), v1::SCALE_STATUS_UNSCORABLE);
  definition.set_house_missing_rule(true);
  ASSERT_OK_AND_ASSIGN(result, Score(definition, six, {}));
  EXPECT_EQ(ScaleOf(result, "total").status(), v1::SCALE_STATUS_PRORATED);
  EXPECT_NEAR(ScaleOf(result, "total").value(), (5 + 4 + 3 + 4 + 1 + 5) / 6.0, 1e-12);
  EXPECT_TRUE(ScaleOf(result, "total").derivation().house_rule());
  // 5 of 7 is 71 %.
  ASSERT_OK_AND_ASSIGN(result,
                       Score(definition, Answers(definition, {5, 4, 3, 2, 1, kGap, kGap}), {}));
  EXPECT_EQ(ScaleOf(result, "total").reason_code(), v1::SCALE_REASON_TOO_MANY_MISSING);
}

TEST(ScoreTest, HouseRuleNeverAppliesAcrossUnequalRangesRecodesOrWeights) {
  for (const auto& [id, scale] : std::vector<std::pair<std::string, std::string>>{
           {"csi-16", "total"}, {"rfq-8", "rfq_c"}, {"itq", "ptsd_sum"}, {"rq", "model_of_self"}}) {
    v1::InstrumentDefinition definition = Instrument(id);
    definition.set_house_missing_rule(true);
    Form form;
    for (const v1::Item& item : definition.items()) {
      form.push_back(item.max());
    }
    form[0] = kGap;
    ASSERT_OK_AND_ASSIGN(const v1::ScoringResult result,
                         Score(definition, Answers(definition, form), {}));
    EXPECT_EQ(ScaleOf(result, scale).status(), v1::SCALE_STATUS_UNSCORABLE) << id;
  }
}

// Every pattern of missing items of every scale with a rule: scored exactly when it allows for it.
TEST(ScoreTest, EveryMissingPatternFollowsItsRule) {
  std::mt19937 random(7);
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    for (const v1::Scale& scale : definition->scales()) {
      if (!scale.has_missing_rule() || scale.items_size() > 12) {
        continue;
      }
      for (unsigned pattern = 0; pattern < (1U << scale.items_size()); ++pattern) {
        Form form = RandomForm(*definition, 0, random);
        int missing = 0;
        for (int i = 0; i < scale.items_size(); ++i) {
          if ((pattern >> i & 1) != 0) {
            ++missing;
            for (int item = 0; item < definition->items_size(); ++item) {
              if (definition->items(item).id() == scale.items(i)) {
                form[item] = kGap;
              }
            }
          }
        }
        ASSERT_OK_AND_ASSIGN(const v1::ScoringResult result,
                             Score(*definition, Answers(*definition, form), {}));
        const v1::ScaleScore score = ScaleOf(result, scale.id());
        const v1::ScaleStatus expected = missing == 0 ? v1::SCALE_STATUS_SCORED
                                         : missing <= scale.missing_rule().max_missing()
                                             ? v1::SCALE_STATUS_PRORATED
                                             : v1::SCALE_STATUS_UNSCORABLE;
        ASSERT_EQ(score.status(), expected) << definition->id() << " " << scale.id() << pattern;
        if (score.has_value()) {
          EXPECT_TRUE(Holds(score.value(), v1::COMPARATOR_AT_LEAST, scale.min()) &&
                      Holds(score.value(), v1::COMPARATOR_AT_MOST, scale.max()));
        }
      }
    }
  }
}

TEST(ScoreTest, CoreOmAllowsGapsByScale) {
  Form form = Repeat(34, 1);
  form[1] = kGap;  // P
  form[0] = kGap;  // F
  form[3] = kGap;  // W
  v1::ScoringResult result = ScoreForm("core-om", form);
  EXPECT_EQ(ScaleOf(result, "P").status(), v1::SCALE_STATUS_PRORATED);
  EXPECT_EQ(ScaleOf(result, "F").status(), v1::SCALE_STATUS_PRORATED);
  EXPECT_EQ(ScaleOf(result, "W").status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(ScaleOf(result, "R").status(), v1::SCALE_STATUS_SCORED);
  EXPECT_EQ(ScaleOf(result, "total").status(), v1::SCALE_STATUS_PRORATED);
  form[5] = kGap;  // R: the fourth
  result = ScoreForm("core-om", form);
  EXPECT_EQ(ScaleOf(result, "R").status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(ScaleOf(result, "total").status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(ScaleOf(result, "non_risk").status(), v1::SCALE_STATUS_PRORATED);
}

// All 1 but for the eight reversed items, which become 3: (26 + 8·3)/34·10.
TEST(ScoreTest, CoreOmClinicalScoreIsTheMeanTimesTen) {
  EXPECT_NEAR(ScaleOf("core-om", Repeat(34, 1)).value(), 50.0 / 34 * 10, 1e-12);
  EXPECT_EQ(ScaleOf("core-om", Repeat(34, 1), "W").value(), (1 + 1 + 3 + 3) / 4.0 * 10);
}

TEST(ScoreTest, Core10ReversesItemsTwoAndThree) {
  EXPECT_EQ(ScaleOf("core-10", Repeat(10, 0)).value(), 8);
  const v1::ScaleScore score = ScaleOf("core-10", {0, 4, 4, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(score.value(), 0);
  EXPECT_THAT(score.derivation().reversed_items(), ElementsAre("2", "3"));
  EXPECT_NEAR(ScaleOf("core-10", {kGap, 0, 0, 1, 1, 1, 1, 1, 1, 1}).value(), 15.0 * 10 / 9, 1e-12);
}

TEST(ScoreTest, NamedCodingsComeBackToTheItemsOwn) {
  const auto total = [](const std::string& id, const Form& form, const std::string& coding) {
    return ScaleOf(id, form, "total", {.coding = coding}).value();
  };
  EXPECT_EQ(total("core-10", Repeat(10, 0), "printed"), 0);
  EXPECT_EQ(total("rses", Repeat(10, 1), "one-to-four"), total("rses", Repeat(10, 0), ""));
  EXPECT_EQ(total("k10", Repeat(10, 0), "zero-to-four"), 10);
  EXPECT_EQ(total("k6", Repeat(6, 1), "paper"), 24);
  EXPECT_EQ(total("pss-10", Repeat(10, 4), "loinc"), 40);
  EXPECT_EQ(total("rdas", {5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 4, 5, 5, 5}, "frequency"), 69);
  EXPECT_EQ(total("csi-16", {6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0, 5, 0, 0, 5, 0}, "position"), 81);
}

// SDQ score sheet: scaled up pro-rata and rounded from three of five on.
TEST(ScoreTest, SdqProratesAndRoundsScalesAndNeedsAllFourForTheTotal) {
  Form form = Repeat(25, 0);
  for (const int item : {3, 8, 13}) {
    form[item - 1] = 1;
  }
  form[15] = kGap;
  form[23] = kGap;  // emotional: 3 of 5 items, sum 3, pro-rated 5
  v1::ScoringResult result = ScoreForm("sdq", form, {.informant = v1::INFORMANT_PARENT});
  EXPECT_EQ(ScaleOf(result, "emotional").value(), 5);
  EXPECT_EQ(ScaleOf(result, "conduct").value(), 2);        // item 7 reversed
  EXPECT_EQ(ScaleOf(result, "hyperactivity").value(), 4);  // items 21 and 25
  EXPECT_EQ(ScaleOf(result, "peer").value(), 4);           // items 11 and 14
  EXPECT_EQ(ScaleOf(result, "total").value(), 15);
  EXPECT_EQ(ScaleOf(result, "total").status(), v1::SCALE_STATUS_PRORATED);
  form[7] = kGap;
  result = ScoreForm("sdq", form, {.informant = v1::INFORMANT_PARENT});
  EXPECT_EQ(ScaleOf(result, "emotional").status(), v1::SCALE_STATUS_UNSCORABLE);
  EXPECT_EQ(ScaleOf(result, "total").reason_code(), v1::SCALE_REASON_PART_UNSCORABLE);
}

TEST(ScoreTest, SdqRoundsHalvesUpwards) {
  Form form = Repeat(25, 0);
  form[2] = 2;
  form[7] = 2;
  form[12] = 2;
  form[15] = kGap;  // 6 of four items: 7.5
  EXPECT_EQ(ScaleOf("sdq", form, "emotional").value(), 8);
  form[2] = 1;  // 5 of four items: 6.25
  EXPECT_EQ(ScaleOf("sdq", form, "emotional").value(), 6);
}

TEST(ScoreTest, SdqBandsDependOnInformantAndAge) {
  Form form = Repeat(25, 0);
  for (const int reversed : {7, 11, 14, 21, 25}) {
    form[reversed - 1] = 2;
  }
  for (const int item : {3, 8, 13, 16, 24, 2, 10}) {
    form[item - 1] = 2;  // total 14
  }
  const auto band = [&](v1::Informant informant, std::optional<int> age) {
    return ScaleOf("sdq", form, "total", {informant, age, ""}).band();
  };
  EXPECT_EQ(ScaleOf("sdq", form).value(), 14);
  EXPECT_EQ(band(v1::INFORMANT_PARENT, 100), "slightly raised");
  EXPECT_EQ(band(v1::INFORMANT_TEACHER, 100), "slightly raised");
  EXPECT_EQ(band(v1::INFORMANT_SELF, 140), "close to average");
  EXPECT_EQ(band(v1::INFORMANT_UNSPECIFIED, 100), "");
  EXPECT_EQ(band(v1::INFORMANT_PARENT, 47), "");  // the form for 2-4 years: no bands
  EXPECT_EQ(band(v1::INFORMANT_PARENT, 48), "slightly raised");
}

TEST(ScoreTest, OutOfAgeRangeIsUnscoredWithTheReason) {
  const auto status = [](const std::string& id, v1::Informant informant, int age) {
    const v1::InstrumentDefinition& definition = Instrument(id);
    Form form;
    for (const v1::Item& item : definition.items()) {
      form.push_back(item.min());
    }
    const v1::ScoringResult result = ScoreForm(id, form, {informant, age, ""});
    return result.scales(0).reason_code();
  };
  const v1::ScaleReason out = v1::SCALE_REASON_AGE_OUT_OF_RANGE;
  const v1::ScaleReason in = v1::SCALE_REASON_UNSPECIFIED;
  EXPECT_EQ(status("sdq", v1::INFORMANT_PARENT, 23), out);
  EXPECT_EQ(status("sdq", v1::INFORMANT_PARENT, 24), in);
  EXPECT_EQ(status("sdq", v1::INFORMANT_PARENT, 215), in);
  EXPECT_EQ(status("sdq", v1::INFORMANT_PARENT, 216), out);
  EXPECT_EQ(status("sdq", v1::INFORMANT_SELF, 131), out);
  EXPECT_EQ(status("sdq", v1::INFORMANT_SELF, 132), in);
  EXPECT_EQ(status("kpcs", v1::INFORMANT_PARENT, 13), out);
  EXPECT_EQ(status("kpcs", v1::INFORMANT_PARENT, 12), in);
  EXPECT_EQ(status("prfq", v1::INFORMANT_PARENT, 72), out);
  EXPECT_EQ(status("prfq", v1::INFORMANT_PARENT, 71), in);
  EXPECT_EQ(status("phq-9", v1::INFORMANT_SELF, 200), in);
}

TEST(ScoreTest, RiskIsEvaluatedWhateverBecomesOfTheScales) {
  v1::InstrumentDefinition definition = Instrument("phq-9");
  v1::AgeLimit& limit = *definition.add_age_limits();
  limit.set_min_months(216);
  limit.set_max_months(1500);
  const Form form = {kGap, kGap, kGap, kGap, kGap, kGap, kGap, kGap, 2};
  ASSERT_OK_AND_ASSIGN(const v1::ScoringResult result,
                       Score(definition, Answers(definition, form), {.age_months = 100}));
  EXPECT_EQ(ScaleOf(result, "total").reason_code(), v1::SCALE_REASON_AGE_OUT_OF_RANGE);
  EXPECT_EQ(result.risk_answers(0).state(), v1::RISK_STATE_PRESENT);
  EXPECT_EQ(result.risk_answers(0).level(), v1::RISK_LEVEL_HIGH);
}

TEST(ScoreTest, RiskItemsHaveTheirThresholdsAndLevels) {
  struct Case {
    std::string instrument;
    int item;
    std::vector<v1::RiskLevel> levels;  // by answer from the item's minimum; 0: absent
  };
  const v1::RiskLevel none = v1::RISK_LEVEL_UNSPECIFIED;
  const v1::RiskLevel raised = v1::RISK_LEVEL_RAISED;
  const v1::RiskLevel high = v1::RISK_LEVEL_HIGH;
  const v1::RiskLevel very = v1::RISK_LEVEL_VERY_HIGH;
  std::vector<Case> cases = {{"phq-9", 9, {none, raised, high, very}},
                             {"core-10", 6, {none, raised, high, very, very}},
                             {"dar-5", 4, {none, none, raised, high, very}}};
  for (const int item : {6, 9, 16, 22, 24, 34}) {
    cases.push_back({"core-om", item, {none, raised, high, very, very}});
  }
  for (const Case& test : cases) {
    const v1::Item& item = Instrument(test.instrument).items(test.item - 1);
    for (size_t i = 0; i < test.levels.size(); ++i) {
      Form form(static_cast<size_t>(test.item), kGap);
      form[test.item - 1] = item.min() + static_cast<int>(i);
      const v1::ScoringResult result = ScoreForm(test.instrument, form);
      const auto risk =
          std::find_if(result.risk_answers().begin(), result.risk_answers().end(),
                       [&](const v1::RiskAnswer& answer) { return answer.item() == item.id(); });
      ASSERT_NE(risk, result.risk_answers().end()) << test.instrument;
      EXPECT_EQ(risk->level(), test.levels[i]) << test.instrument << " " << i;
      EXPECT_EQ(risk->state(),
                test.levels[i] == none ? v1::RISK_STATE_ABSENT : v1::RISK_STATE_PRESENT);
      EXPECT_EQ(risk->house_rule(), test.instrument == "dar-5");
    }
  }
}

TEST(ScoreTest, ItqAlgorithm) {
  const auto states = [](const Form& form) {
    const v1::ScoringResult result = ScoreForm("itq", form);
    return std::pair(result.diagnostics(0).state(), result.diagnostics(1).state());  // cptsd, ptsd
  };
  const v1::DiagnosticState met = v1::DIAGNOSTIC_STATE_MET;
  const v1::DiagnosticState not_met = v1::DIAGNOSTIC_STATE_NOT_MET;
  const v1::DiagnosticState open = v1::DIAGNOSTIC_STATE_UNDETERMINED;
  const Form ptsd = {2, 0, 0, 2, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(states(ptsd), std::pair(not_met, met));
  Form complex = ptsd;
  for (const int item : {10, 12, 15, 18}) {  // C1, C3, C6, C9
    complex[item - 1] = 2;
  }
  EXPECT_EQ(states(complex), std::pair(met, not_met));
  Form no_impairment = complex;
  no_impairment[7] = 1;
  EXPECT_EQ(states(no_impairment), std::pair(not_met, not_met));
  Form gap = complex;
  gap[8] = kGap;
  EXPECT_EQ(states(gap), std::pair(open, open));
  EXPECT_EQ(ScaleOf("itq", complex, "ptsd_sum").value(), 6);  // without P7 to P9
  EXPECT_EQ(ScaleOf("itq", complex, "dso_sum").value(), 6);
  EXPECT_EQ(ScaleOf("itq", complex).value(), 12);
}

TEST(ScoreTest, Phq9SyndromesCountItemNineFromOne) {
  const auto states = [](const Form& form) {
    const v1::ScoringResult result = ScoreForm("phq-9", form);
    return std::pair(result.diagnostics(0).state() == v1::DIAGNOSTIC_STATE_MET,
                     result.diagnostics(1).state() == v1::DIAGNOSTIC_STATE_MET);  // mds, ods
  };
  EXPECT_EQ(states({2, 0, 2, 2, 2, 0, 0, 0, 1}), std::pair(true, false));
  EXPECT_EQ(states({2, 0, 2, 2, 2, 0, 0, 0, 0}), std::pair(false, true));
  EXPECT_EQ(states({1, 1, 2, 2, 2, 2, 2, 2, 1}), std::pair(false, false));  // no core symptom
  EXPECT_EQ(states({2, 0, 0, 0, 0, 0, 0, 0, 0}), std::pair(false, false));  // one symptom
}

TEST(ScoreTest, Pcl5SymptomCriteria) {
  Form form = Repeat(20, 0);
  for (const int item : {1, 6, 8, 9, 15, 16}) {
    form[item - 1] = 2;
  }
  EXPECT_EQ(ScoreForm("pcl-5", form).diagnostics(0).state(), v1::DIAGNOSTIC_STATE_MET);
  form[8] = 1;  // one D item only
  EXPECT_EQ(ScoreForm("pcl-5", form).diagnostics(0).state(), v1::DIAGNOSTIC_STATE_NOT_MET);
}

TEST(ScoreTest, KpcsScoresNotApplicableAsTwo) {
  const v1::InstrumentDefinition& definition = Instrument("kpcs");
  std::vector<v1::Answer> answers = Answers(definition, Repeat(15, 3));
  answers[0].set_not_applicable(true);
  ASSERT_OK_AND_ASSIGN(const v1::ScoringResult result, Score(definition, answers, {}));
  EXPECT_EQ(ScaleOf(result, "total").value(), 44);
  answers[1].set_not_applicable(true);
  EXPECT_THAT(Score(definition, answers, {}), HasViolation("answers[1].not_applicable"));
}

TEST(ScoreTest, EcrScalesMakeAPointAndNoTotal) {
  Form form = Repeat(36, 1);
  const v1::ScoringResult result = ScoreForm("ecr-r", form);
  EXPECT_EQ(result.scales_size(), 2);
  // Anxiety: 16 items at 1, two reversed to 7. Avoidance: 6 at 1, twelve reversed.
  EXPECT_NEAR(result.attachment_point().anxiety(), (16 + 14) / 18.0, 1e-12);
  EXPECT_NEAR(result.attachment_point().avoidance(), (6 + 84) / 18.0, 1e-12);
  form[0] = kGap;
  EXPECT_FALSE(ScoreForm("ecr-r", form).has_attachment_point());
}

// WHO-5: the raw sum of 0 to 25 times four.
TEST(ScoreTest, Who5IsAPercentage) {
  EXPECT_EQ(ScaleOf("who-5", {5, 5, 5, 5, 5}).value(), 100);
  EXPECT_EQ(ScaleOf("who-5", {3, 3, 3, 2, 2}).value(), 52);
  EXPECT_EQ(ScaleOf("who-5", {3, 3, 3, 2, 2}).band(), "above cut-off");
  EXPECT_EQ(ScaleOf("who-5", {3, 3, 2, 2, 2}).band(), "poor well-being - reduced");
  EXPECT_EQ(ScaleOf("who-5", {2, 2, 1, 1, 1}).band(), "likely depression (ICD) - low");
}

TEST(ScoreTest, InvalidAnswersAreAllReportedAtOnce) {
  const v1::InstrumentDefinition& definition = Instrument("phq-9");
  std::vector<v1::Answer> answers = Answers(definition, {4, 0, -1, 0});
  answers[1].set_value(1.5);
  answers.push_back(answers[3]);
  answers.emplace_back().set_item("11");
  const auto result =
      Score(definition, answers,
            {.informant = v1::INFORMANT_TEACHER, .age_months = -1, .coding = "printed"});
  EXPECT_THAT(result, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  for (const char* field :
       {"answers[0].value", "answers[1].value", "answers[2].value", "answers[4].item",
        "answers[5].item", "informant", "age_months", "coding"}) {
    EXPECT_THAT(result, HasViolation(field));
  }
  EXPECT_EQ(ViolationsOf(result.status()).size(), 8);
}

TEST(ScoreTest, ViolationsSpeakInTheCodingThatWasUsed) {
  const v1::InstrumentDefinition& definition = Instrument("rses");
  const auto result = Score(definition, Answers(definition, {0}), {.coding = "one-to-four"});
  ASSERT_EQ(ViolationsOf(result.status()).size(), 1);
  EXPECT_EQ(ViolationsOf(result.status())[0].description, "item 1 takes whole numbers from 1 to 4");
}

TEST(ScoreTest, NotANumberIsRefused) {
  const v1::InstrumentDefinition& definition = Instrument("phq-9");
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity(), 1e300}) {
    std::vector<v1::Answer> answers = Answers(definition, {0});
    answers[0].set_value(value);
    EXPECT_THAT(Score(definition, answers, {}), HasViolation("answers[0].value"));
  }
}

TEST(ScoreTest, TheOrderOfAFormDoesNotMatter) {
  std::mt19937 random(11);
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    for (int round = 0; round < 10; ++round) {
      std::vector<v1::Answer> answers = Answers(*definition, RandomForm(*definition, 8, random));
      ASSERT_OK_AND_ASSIGN(const v1::ScoringResult in_order, Score(*definition, answers, {}));
      std::shuffle(answers.begin(), answers.end(), random);
      ASSERT_OK_AND_ASSIGN(const v1::ScoringResult shuffled, Score(*definition, answers, {}));
      EXPECT_TRUE(MessageDifferencer::Equals(in_order, shuffled)) << definition->id();
    }
  }
}

// A step of one answer towards an item's key never moves a plain scale the other way.
TEST(ScoreTest, ScalesAreMonotoneInTheirItems) {
  std::mt19937 random(13);
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    for (const v1::Scale& scale : definition->scales()) {
      if (!scale.recodes().empty() || !scale.weights().empty()) {
        continue;
      }
      const Form low = RandomForm(*definition, 0, random);
      ASSERT_OK_AND_ASSIGN(const v1::ScoringResult before,
                           Score(*definition, Answers(*definition, low), {}));
      for (int i = 0; i < definition->items_size(); ++i) {
        const std::string& item = definition->items(i).id();
        if (*low[i] == definition->items(i).max() ||
            std::find(scale.items().begin(), scale.items().end(), item) == scale.items().end()) {
          continue;
        }
        Form high = low;
        high[i] = *high[i] + 1;
        ASSERT_OK_AND_ASSIGN(const v1::ScoringResult after,
                             Score(*definition, Answers(*definition, high), {}));
        const bool reversed = std::find(scale.reversed().begin(), scale.reversed().end(), item) !=
                              scale.reversed().end();
        const double step =
            ScaleOf(after, scale.id()).value() - ScaleOf(before, scale.id()).value();
        EXPECT_GT(reversed ? -step : step, 0) << definition->id() << " " << scale.id() << item;
      }
    }
  }
}

TEST(ScoreTest, ItemMeanUndoesSumsAndMultipliers) {
  const auto mean_of = [](const char* instrument, const char* scale, double value) {
    return ItemMean(Instrument(instrument), *FindScale(Instrument(instrument), scale), value);
  };
  EXPECT_EQ(mean_of("wai-sr", "total", 48), 4);
  EXPECT_EQ(mean_of("wai-sr", "bond", 18), 4.5);
  EXPECT_EQ(mean_of("core-om", "total", 20), 2);
  EXPECT_EQ(mean_of("ras", "total", 4.5), 4.5);
}

TEST(NumbersTest, ToleratesTheDustOfSubtraction) {
  EXPECT_FALSE(Holds(60 - 48.42, v1::COMPARATOR_EXCEEDS, 11.58));
  EXPECT_TRUE(Holds(60 - 48.41, v1::COMPARATOR_EXCEEDS, 11.58));
  EXPECT_TRUE(Holds(20.1 - 14.1, v1::COMPARATOR_AT_LEAST, 6));
  EXPECT_FALSE(Holds(5.999, v1::COMPARATOR_AT_LEAST, 6));
  EXPECT_FALSE(Holds(47.31, v1::COMPARATOR_BELOW, 47.31));
  EXPECT_TRUE(Holds(28, v1::COMPARATOR_AT_MOST, 28));
  EXPECT_FALSE(Holds(1, v1::COMPARATOR_UNSPECIFIED, 0));
}

TEST(NumbersTest, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(FormatNumber(14.625), "14.625");
  EXPECT_EQ(FormatNumber(6), "6");
  EXPECT_EQ(FormatNumber(-0.00001), "0");
  EXPECT_EQ(FormatNumber(100), "100");
}

}  // namespace
}  // namespace securebase::outcomes
