#include "services/outcomes/rules/catalogue.h"

#include <cmath>
#include <functional>
#include <limits>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::IsError;
using testing::BuiltIn;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using testing::Instrument;

TEST(CatalogueTest, HoldsEveryInstrumentThatShips) {
  std::vector<std::string> ids;
  for (const v1::InstrumentDefinition* definition : BuiltIn().Newest()) {
    ids.push_back(definition->id());
  }
  EXPECT_THAT(ids, ::testing::ElementsAre(
                       "ace-10", "bpses", "brs", "core-10", "core-om", "csi-16", "csi-4", "dar-5",
                       "ders-16", "ders-18", "ders-36", "ecr-r", "ecr-rs", "ecr-s", "ffmq-15",
                       "gad-2", "gad-7", "itq", "k10", "k6", "kpcs", "maas", "parental-stress",
                       "pcl-5", "phq-2", "phq-9", "prfq", "pss-10", "raas", "ras", "rdas", "rfq-8",
                       "rq", "rses", "sdq", "wai-sr", "who-5"));
}

TEST(CatalogueTest, FindsByIdAndVersion) {
  EXPECT_EQ(BuiltIn().Find("phq-9")->version(), 1);
  EXPECT_EQ(BuiltIn().Find("phq-9", 1)->id(), "phq-9");
  EXPECT_EQ(BuiltIn().Find("phq-9", 2), nullptr);
  EXPECT_EQ(BuiltIn().Find("phq-99"), nullptr);
  EXPECT_EQ(BuiltIn().Find("phq-99", 1), nullptr);
}

// Facts that are easily got wrong, each stated by its source.
TEST(CatalogueTest, KnownTraps) {
  EXPECT_EQ(Instrument("phq-9").loinc_panel(), "44249-1");
  EXPECT_EQ(Instrument("phq-2").loinc_panel(), "");  // never the panel of another form
  EXPECT_EQ(Instrument("pcl-5").loinc_panel(), "101697-1");
  EXPECT_EQ(FindScale(Instrument("pcl-5"), "total")->loinc(), "101698-9");
  EXPECT_EQ(FindScale(Instrument("gad-2"), "total")->loinc(), "");
  EXPECT_EQ(FindItem(Instrument("csi-16"), "1")->max(), 6);
  EXPECT_EQ(FindItem(Instrument("csi-16"), "2")->max(), 5);
  EXPECT_EQ(FindItem(Instrument("rdas"), "11")->max(), 4);
  for (const char* id : {"rses", "pss-10", "wai-sr", "ecr-r", "ras"}) {
    for (const v1::Scale& scale : Instrument(id).scales()) {
      EXPECT_TRUE(scale.band_sets().empty()) << id << ": its bands are not validated";
    }
  }
  for (const v1::InstrumentDefinition* definition : BuiltIn().Newest()) {
    EXPECT_FALSE(definition->house_missing_rule()) << definition->id();
    for (const v1::Item& item : definition->items()) {
      EXPECT_NE(item.loinc(), "70221-7");
      EXPECT_NE(item.loinc(), "70273-8");
    }
  }
}

TEST(CatalogueTest, RefusesTwoFilesOfTheSameVersion) {
  const std::string text = Instrument("gad-2").Utf8DebugString();
  const auto result = Catalogue::FromFiles({{"a.textproto", text}, {"b.textproto", text}});
  EXPECT_THAT(result, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("b.textproto"));
}

TEST(CatalogueTest, KeepsVersionsApart) {
  v1::InstrumentDefinition second = Instrument("gad-2");
  second.set_version(2);
  const std::string one = Instrument("gad-2").Utf8DebugString();
  const std::string two = second.Utf8DebugString();
  ASSERT_OK_AND_ASSIGN(const Catalogue catalogue,
                       Catalogue::FromFiles({{"a.textproto", two}, {"b.textproto", one}}));
  EXPECT_EQ(catalogue.Find("gad-2")->version(), 2);
  EXPECT_EQ(catalogue.Find("gad-2", 1)->version(), 1);
  EXPECT_EQ(catalogue.Newest().size(), 1);
}

TEST(ParseDefinitionTest, SyntaxErrorsNameFileAndLine) {
  const auto result = ParseDefinition("x.textproto", "id: \"x\"\nversion: 1\nnonsense: 3\n");
  EXPECT_THAT(result, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(ViolationsOf(result.status()),
              Contains(Field(&FieldViolation::field, "x.textproto:3")));
}

TEST(ParseDefinitionTest, ContradictionsNameFileLineAndField) {
  const auto result =
      ParseDefinition("x.textproto", R"pb(id: "x"
                                          version: 1
                                          title: "X"
                                          abbreviation: "X"
                                          domain: DOMAIN_SYMPTOMS
                                          licence { decision: LICENCE_DECISION_PRACTICE }
                                          sources: "ours"
                                          confidence: CONFIDENCE_HIGH
                                          informants: INFORMANT_SELF
                                          items { id: "1" min: 0 max: 3 }
                                          items { id: "2" min: 0 max: 3 }
                                          scales {
                                            id: "total"
                                            name: "Total"
                                            method: SCORING_METHOD_SUM
                                            items: [ "1", "2" ]
                                            reversed: "3"
                                            min: 0
                                            max: 6
                                            direction: DIRECTION_HIGHER_WORSE
                                            confidence: CONFIDENCE_HIGH
                                            source: "ours"
                                          }
      )pb");
  ASSERT_EQ(ViolationsOf(result.status()).size(), 1) << result.status();
  EXPECT_EQ(ViolationsOf(result.status())[0],
            (FieldViolation{"x.textproto:17", "scales[0].reversed[0] is not on the scale"}));
}

// Each way of spoiling a good definition is found, with its place.
TEST(CheckDefinitionTest, EveryBadMutationIsRefusedWithItsPlace) {
  using D = v1::InstrumentDefinition;
  struct Mutation {
    std::string instrument;
    std::function<void(D&)> spoil;
    std::string field;
  };
  const auto total = [](D& d) { return d.mutable_scales(d.scales_size() - 1); };
  const std::vector<Mutation> mutations = {
      {"phq-9", [](D& d) { d.set_id("phq 9"); }, "id"},
      {"phq-9", [](D& d) { d.set_version(0); }, "version"},
      {"phq-9", [](D& d) { d.clear_title(); }, "title"},
      {"phq-9", [](D& d) { d.clear_abbreviation(); }, "abbreviation"},
      {"phq-9", [](D& d) { d.clear_domain(); }, "domain"},
      {"phq-9", [](D& d) { d.clear_licence(); }, "licence.decision"},
      {"phq-9", [](D& d) { d.clear_sources(); }, "sources"},
      {"phq-9", [](D& d) { d.clear_confidence(); }, "confidence"},
      {"phq-9", [](D& d) { d.clear_informants(); }, "informants"},
      {"phq-9", [](D& d) { d.add_informants(v1::INFORMANT_SELF); }, "informants[1]"},
      {"phq-9", [](D& d) { d.add_informants(v1::INFORMANT_UNSPECIFIED); }, "informants[1]"},
      {"phq-9", [](D& d) { d.set_loinc_panel("44249-2"); }, "loinc_panel"},
      {"phq-9", [](D& d) { d.mutable_answer_codes(0)->set_loinc("6568-5"); },
       "answer_codes[0].loinc"},
      {"sdq", [](D& d) { d.mutable_age_limits(0)->set_min_months(300); },
       "age_limits[0].max_months"},
      {"sdq", [](D& d) { d.mutable_age_limits(0)->add_informants(v1::INFORMANT_PARTNER); },
       "age_limits[0].informants[2]"},
      {"ecr-rs", [](D& d) { d.add_relationship_targets("mother"); }, "relationship_targets[5]"},
      {"phq-9", [](D& d) { d.mutable_items(1)->set_id("1"); }, "items[1].id"},
      {"phq-9", [](D& d) { d.mutable_items(1)->set_min(3); }, "items[1].max"},
      {"phq-9", [](D& d) { d.mutable_items(1)->set_not_applicable_value(4); },
       "items[1].not_applicable_value"},
      {"phq-9", [](D& d) { d.mutable_items(1)->set_loinc("44255-9"); }, "items[1].loinc"},
      {"rfq-8", [](D& d) { d.mutable_items(0)->set_max(std::numeric_limits<int>::max()); },
       "items[0].min"},
      {"rses",
       [](D& d) {
         d.mutable_codings(0)->mutable_transforms(0)->set_multiplier(
             std::numeric_limits<int>::min());
       },
       "codings[0].transforms[0].multiplier"},
      {"phq-9", [=](D& d) { total(d)->set_multiplier(std::nan("")); }, "scales[0].multiplier"},
      {"phq-9",
       [=](D& d) {
         total(d)->mutable_change_policies(1)->mutable_inputs()->set_mean_norm(
             std::numeric_limits<double>::infinity());
       },
       "scales[0].change_policies[1].inputs.mean_norm"},
      {"phq-9", [](D& d) { d.mutable_items(9)->set_unscored(false); }, "items[9]"},
      {"phq-9", [](D& d) { d.mutable_items(8)->set_unscored(true); }, "items[8]"},
      {"rses", [](D& d) { d.mutable_codings(0)->mutable_transforms(0)->set_multiplier(2); },
       "codings[0].transforms[0].multiplier"},
      {"rses", [](D& d) { d.mutable_codings(0)->clear_transforms(); }, "codings[0].transforms"},
      {"pss-10", [](D& d) { d.mutable_codings(0)->mutable_transforms(0)->add_items("11"); },
       "codings[0].transforms[0].items[4]"},
      {"pcl-5", [](D& d) { d.mutable_scales(1)->set_id("B"); }, "scales[1].id"},
      {"phq-9", [=](D& d) { total(d)->clear_name(); }, "scales[0].name"},
      {"phq-9", [=](D& d) { total(d)->clear_method(); }, "scales[0].method"},
      {"phq-9", [=](D& d) { total(d)->clear_direction(); }, "scales[0].direction"},
      {"phq-9", [=](D& d) { total(d)->clear_source(); }, "scales[0].source"},
      {"phq-9", [=](D& d) { total(d)->clear_confidence(); }, "scales[0].confidence"},
      {"phq-9", [=](D& d) { total(d)->set_loinc("44261-7"); }, "scales[0].loinc"},
      {"phq-9", [=](D& d) { total(d)->clear_items(); }, "scales[0].items"},
      {"phq-9", [=](D& d) { total(d)->add_items("1"); }, "scales[0].items[9]"},
      {"phq-9", [=](D& d) { total(d)->add_items("12"); }, "scales[0].items[9]"},
      {"phq-9", [=](D& d) { total(d)->add_scales("total"); }, "scales[0].scales"},
      {"phq-9", [=](D& d) { total(d)->set_max(26); }, "scales[0].max"},
      {"phq-9", [=](D& d) { total(d)->set_min(1); }, "scales[0].min"},
      {"who-5", [=](D& d) { total(d)->set_multiplier(5); }, "scales[0].max"},
      {"rses", [=](D& d) { total(d)->add_reversed("2"); }, "scales[0].reversed[5]"},
      {"pcl-5", [](D& d) { d.mutable_scales(0)->add_reversed("6"); }, "scales[0].reversed[0]"},
      {"rq", [=](D& d) { total(d)->mutable_weights(0)->set_weight(0); },
       "scales[7].weights[0].weight"},
      {"rq", [=](D& d) { total(d)->mutable_weights(1)->set_item("1"); },
       "scales[7].weights[1].item"},
      {"rq", [=](D& d) { total(d)->set_method(v1::SCORING_METHOD_MEAN); }, "scales[7].weights"},
      {"rfq-8",
       [](D& d) { d.mutable_scales(0)->mutable_recodes(0)->mutable_values()->RemoveLast(); },
       "scales[0].recodes[0].values"},
      {"rfq-8", [](D& d) { d.mutable_scales(0)->add_reversed("1"); },
       "scales[0].recodes[0].items[0]"},
      {"rfq-8",
       [](D& d) {
         *d.mutable_scales(0)->mutable_recodes(0)->add_values() = d.scales(0).recodes(0).values(0);
       },
       "scales[0].recodes[0].values[7]"},
      {"sdq", [=](D& d) { total(d)->set_scales(0, "later"); }, "scales[5].scales[0]"},
      {"sdq", [=](D& d) { total(d)->set_scales(0, "total"); }, "scales[5].scales[0]"},
      {"sdq", [=](D& d) { total(d)->set_scales(0, "peer"); }, "scales[5].scales[3]"},
      {"sdq", [=](D& d) { total(d)->add_items("1"); }, "scales[5].items"},
      {"phq-9", [=](D& d) { total(d)->mutable_missing_rule()->clear_method(); },
       "scales[0].missing_rule.method"},
      {"phq-9", [=](D& d) { total(d)->mutable_missing_rule()->set_max_missing(9); },
       "scales[0].missing_rule.max_missing"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_missing_rule()->set_confidence(type::v1::CONFIDENCE_LOW); },
       "scales[0].missing_rule.confidence"},
      {"phq-2", [=](D& d) { total(d)->mutable_missing_rule()->set_max_missing(1); },
       "scales[0].missing_rule.max_missing"},
      {"csi-16",
       [=](D& d) {
         *total(d)->mutable_missing_rule() = Instrument("phq-9").scales(0).missing_rule();
       },
       "scales[0].missing_rule"},
      {"phq-9", [=](D& d) { total(d)->mutable_band_sets(0)->mutable_bands(0)->set_lower_bound(1); },
       "scales[0].band_sets[0].bands[0].lower_bound"},
      {"phq-9", [=](D& d) { total(d)->mutable_band_sets(0)->mutable_bands(2)->set_lower_bound(5); },
       "scales[0].band_sets[0].bands[2].lower_bound"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_band_sets(0)->mutable_bands(4)->set_lower_bound(28); },
       "scales[0].band_sets[0].bands[4].lower_bound"},
      {"phq-9", [=](D& d) { total(d)->mutable_band_sets(0)->mutable_bands(2)->clear_label(); },
       "scales[0].band_sets[0].bands[2].label"},
      {"phq-9", [=](D& d) { total(d)->mutable_band_sets(0)->clear_source(); },
       "scales[0].band_sets[0].source"},
      {"sdq", [=](D& d) { total(d)->mutable_band_sets(0)->set_min_months(300); },
       "scales[5].band_sets[0].max_months"},
      {"phq-9", [=](D& d) { total(d)->mutable_cut_offs(0)->set_value(28); },
       "scales[0].cut_offs[0].value"},
      {"phq-9", [=](D& d) { total(d)->mutable_cut_offs(0)->set_clinical(v1::COMPARATOR_BELOW); },
       "scales[0].cut_offs[0].clinical"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_change_policies(0)->mutable_cut_off()->clear_source(); },
       "scales[0].change_policies[0].cut_off.source"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_change_policies(0)->mutable_cut_off()->clear_confidence(); },
       "scales[0].change_policies[0].cut_off.confidence"},
      {"phq-9", [=](D& d) { total(d)->mutable_change_policies(1)->set_is_default(true); },
       "scales[0].change_policies[1].is_default"},
      {"phq-9",
       [=](D& d) {
         total(d)->mutable_change_policies(0)->set_confidence(type::v1::CONFIDENCE_LOW);
       },
       "scales[0].change_policies[0].is_default"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_change_policies(0)->set_comparator(v1::COMPARATOR_BELOW); },
       "scales[0].change_policies[0].comparator"},
      {"phq-9", [=](D& d) { total(d)->mutable_change_policies(0)->clear_threshold(); },
       "scales[0].change_policies[0].threshold"},
      {"phq-9", [=](D& d) { total(d)->mutable_change_policies(0)->set_threshold(0); },
       "scales[0].change_policies[0].threshold"},
      {"phq-9", [=](D& d) { total(d)->mutable_change_policies(0)->set_confidence_level(99); },
       "scales[0].change_policies[0].confidence_level"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_change_policies(1)->mutable_inputs()->set_reliability(1); },
       "scales[0].change_policies[1].inputs.reliability"},
      {"phq-9",
       [=](D& d) { total(d)->mutable_change_policies(1)->mutable_inputs()->clear_sd_norm(); },
       "scales[0].change_policies[1].inputs"},
      {"phq-9",
       [=](D& d) {
         total(d)->mutable_change_policies(0)->set_cut_off_method(v1::CUT_OFF_METHOD_C);
       },
       "scales[0].change_policies[0].cut_off_method"},
      {"phq-9", [=](D& d) { total(d)->set_direction(v1::DIRECTION_NON_MONOTONE); },
       "scales[0].change_policies[0]"},
      {"phq-9", [=](D& d) { d.set_not_an_outcome(true); }, "scales[0].change_policies[0]"},
      {"ecr-r",
       [](D& d) { d.mutable_scales(0)->set_attachment_axis(v1::ATTACHMENT_AXIS_AVOIDANCE); },
       "scales[1].attachment_axis"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(0)->clear_count(); }, "diagnostic_rules[0]"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(8)->set_all_of(0, "ptsd"); },
       "diagnostic_rules[8].all_of[0]"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(1)->set_id("re"); }, "diagnostic_rules[1].id"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(0)->mutable_count()->set_at_least(5); },
       "diagnostic_rules[0].count.at_least"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(0)->mutable_count()->set_min_count(3); },
       "diagnostic_rules[0].count.min_count"},
      {"itq", [](D& d) { d.mutable_diagnostic_rules(0)->mutable_count()->set_items(0, "X"); },
       "diagnostic_rules[0].count.items[0]"},
      {"phq-9", [](D& d) { d.mutable_diagnostic_rules(2)->mutable_count()->set_max_count(1); },
       "diagnostic_rules[2].count.max_count"},
      {"pcl-5", [](D& d) { d.mutable_diagnostic_rules(4)->set_reported(false); },
       "diagnostic_rules"},
      {"phq-9", [](D& d) { d.mutable_risk_items(0)->set_item("11"); }, "risk_items[0].item"},
      {"phq-9", [](D& d) { d.mutable_risk_items(0)->clear_steps(); }, "risk_items[0].steps"},
      {"phq-9", [](D& d) { d.mutable_risk_items(0)->clear_kind(); }, "risk_items[0].kind"},
      {"phq-9", [](D& d) { d.mutable_risk_items(0)->mutable_steps(0)->set_at_least(0); },
       "risk_items[0].steps[0].at_least"},
      {"phq-9", [](D& d) { d.mutable_risk_items(0)->mutable_steps(1)->set_at_least(1); },
       "risk_items[0].steps[1]"},
      {"phq-9",
       [](D& d) { d.mutable_risk_items(0)->mutable_steps(1)->set_level(v1::RISK_LEVEL_RAISED); },
       "risk_items[0].steps[1]"},
  };
  for (const Mutation& mutation : mutations) {
    v1::InstrumentDefinition definition = Instrument(mutation.instrument);
    ASSERT_TRUE(CheckDefinition(definition).empty()) << mutation.instrument;
    mutation.spoil(definition);
    EXPECT_THAT(CheckDefinition(definition),
                Contains(Field(&FieldViolation::field, mutation.field)))
        << mutation.instrument << " " << mutation.field;
    // The same through a file: the place is a line of it.
    const auto parsed = ParseDefinition("spoilt.textproto", definition.Utf8DebugString());
    ASSERT_FALSE(parsed.ok()) << mutation.field;
    EXPECT_TRUE(absl::StartsWith(ViolationsOf(parsed.status())[0].field, "spoilt.textproto:"));
  }
}

// Nothing that is not even a definition may crash the check.
TEST(CheckDefinitionTest, AnEmptyDefinitionIsRefused) {
  EXPECT_FALSE(CheckDefinition(v1::InstrumentDefinition()).empty());
  v1::InstrumentDefinition scale_only;
  scale_only.add_scales()->set_method(v1::SCORING_METHOD_MEAN);
  EXPECT_FALSE(CheckDefinition(scale_only).empty());
}

}  // namespace
}  // namespace securebase::outcomes
