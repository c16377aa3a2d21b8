#include "services/outcomes/rules/own_instrument.h"

#include <functional>
#include <random>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "services/outcomes/rules/publication.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/episodes/builders.h"
#include "tests/unit/outcomes/own_definition.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using episodes::testing::FromText;
using testing::BuiltIn;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::OwnDefinition;

auto FieldIs(const std::string& field) { return ::testing::Field(&FieldViolation::field, field); }

std::vector<FieldViolation> CheckOwn(const std::function<void(v1::InstrumentDefinition&)>& change) {
  v1::InstrumentDefinition definition = OwnDefinition();
  change(definition);
  return CheckOwnDefinition(definition, BuiltIn());
}

TEST(OwnDefinitionTest, CannotBeTakenForABuiltInOne) {
  EXPECT_THAT(CheckOwn([](auto&) {}), IsEmpty());
  for (const char* id : {"phq-9", "closeness", "Own-closeness", "own-", "own-Closeness", "own"}) {
    EXPECT_THAT(CheckOwn([&](auto& d) { d.set_id(id); }), ElementsAre(FieldIs("id"))) << id;
  }
  for (const char* name : {"PHQ-9", "phq-9", " Phq-9 "}) {
    EXPECT_THAT(CheckOwn([&](auto& d) { d.set_abbreviation(name); }),
                ElementsAre(FieldIs("abbreviation")))
        << name;
  }
}

TEST(OwnDefinitionTest, AllThatIsWrongIsSaidAtOnce) {
  const auto violations = CheckOwn([](v1::InstrumentDefinition& d) {
    d.set_id("closeness");
    d.mutable_scales(0)->set_items(2, "7");
    d.mutable_scales(0)->set_max(20);
    d.mutable_risk_items(0)->clear_source();
  });
  EXPECT_THAT(violations, Contains(FieldIs("id")));
  EXPECT_THAT(violations, Contains(FieldIs("scales[0].items[2]")));
  EXPECT_THAT(violations, Contains(FieldIs("scales[0].reversed[0]")));
  EXPECT_THAT(violations, Contains(FieldIs("items[2]"))) << "it is on no scale any more";
  EXPECT_THAT(violations, Contains(FieldIs("risk_items[0].source")));
}

TEST(OwnDefinitionTest, AForgottenNumberIsNoZero) {
  const auto violations = CheckOwn([](v1::InstrumentDefinition& d) {
    d.mutable_items(1)->clear_min();
    d.mutable_scales(0)->clear_min();
    d.mutable_scales(0)->add_cut_offs()->set_clinical(v1::COMPARATOR_AT_LEAST);
  });
  EXPECT_THAT(violations, Contains(FieldIs("items[1].min")));
  EXPECT_THAT(violations, Contains(FieldIs("scales[0].min")));
  EXPECT_THAT(violations, Contains(FieldIs("scales[0].cut_offs[0].value")));
}

TEST(OwnDefinitionTest, NoBuiltInFileMayHaveAnIdOfPractices) {
  const std::string text = OwnDefinition().Utf8DebugString();
  const auto catalogue = Catalogue::FromFiles({{"x.textproto", text}});
  EXPECT_THAT(catalogue, securebase::testing::IsError(absl::StatusCode::kInvalidArgument,
                                                      Reason::kDefinitionInvalid));
}

TEST(OwnDefinitionTest, AHugeTableWithoutItsLinesIsRefusedInNoTime) {
  v1::InstrumentDefinition definition = OwnDefinition();
  for (v1::Item& item : *definition.mutable_items()) {
    item.set_min(-1000);
    item.set_max(1000);
  }
  v1::Scale& scale = *definition.mutable_scales(0);
  scale.clear_reversed();
  v1::Recode& recode = *scale.add_recodes();
  *recode.mutable_items() = scale.items();
  recode.add_values()->set_answer(-1000);
  EXPECT_LT(CheckDefinition(definition).size(), 20u)
      << "one for each item, not one for each answer";
}

// Random ways of spoiling any built-in definition: the place is always the one that was spoilt, and
// every place that is named is one that the definition has.
class Spoiler {
 public:
  explicit Spoiler(uint32_t seed) : random_(seed) {}

  int Pick(int below) { return std::uniform_int_distribution<>(0, below - 1)(random_); }

  // Spoils something and returns where; "" if this definition has nothing of the kind.
  std::string Spoil(v1::InstrumentDefinition& d) {
    const int s = Pick(d.scales_size());
    v1::Scale& scale = *d.mutable_scales(s);
    const std::string at_scale = absl::StrCat("scales[", s, "]");
    switch (Pick(14)) {
      case 0: {
        const int i = Pick(d.items_size());
        d.mutable_items(i)->set_id("not an id");
        return absl::StrCat("items[", i, "].id");
      }
      case 1: {
        const int i = Pick(d.items_size());
        d.mutable_items(i)->set_max(d.items(i).min() - Pick(3));
        return absl::StrCat("items[", i, "].max");
      }
      case 2: {
        if (d.items_size() < 2) {
          return "";
        }
        const int i = 1 + Pick(d.items_size() - 1);
        d.mutable_items(i)->set_id(d.items(Pick(i)).id());
        return absl::StrCat("items[", i, "].id");
      }
      case 3: {
        if (scale.items().empty()) {
          return "";
        }
        const int i = Pick(scale.items_size());
        scale.set_items(i, "nowhere");
        return absl::StrCat(at_scale, ".items[", i, "]");
      }
      case 4: {
        if (scale.items().empty()) {
          return "";
        }
        scale.add_items(scale.items(Pick(scale.items_size())));
        return absl::StrCat(at_scale, ".items[", scale.items_size() - 1, "]");
      }
      case 5:
        if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
          return "";
        }
        scale.add_reversed("nowhere");
        return absl::StrCat(at_scale, ".reversed[", scale.reversed_size() - 1, "]");
      case 6:
        scale.set_max(scale.max() + 1 + Pick(5));
        return at_scale + ".max";
      case 7:
        scale.clear_direction();
        return at_scale + ".direction";
      case 8: {
        if (scale.band_sets().empty()) {
          return "";
        }
        const int b = Pick(scale.band_sets_size());
        v1::BandSet& set = *scale.mutable_band_sets(b);
        const int i = 1 + Pick(set.bands_size() - 1);
        set.mutable_bands(i)->set_lower_bound(set.bands(i - 1).lower_bound());
        return absl::StrCat(at_scale, ".band_sets[", b, "].bands[", i, "].lower_bound");
      }
      case 9: {
        if (scale.change_policies().empty()) {
          return "";
        }
        const int i = Pick(scale.change_policies_size());
        scale.mutable_change_policies(i)->set_threshold(-1 - Pick(3));
        return absl::StrCat(at_scale, ".change_policies[", i, "].threshold");
      }
      case 10: {
        if (d.diagnostic_rules().empty()) {
          return "";
        }
        const int i = Pick(d.diagnostic_rules_size());
        d.mutable_diagnostic_rules(i)->add_all_of("nowhere");
        return absl::StrCat("diagnostic_rules[", i, "].all_of[",
                            d.diagnostic_rules(i).all_of_size() - 1, "]");
      }
      case 11: {
        if (d.risk_items().empty()) {
          return "";
        }
        const int i = Pick(d.risk_items_size());
        d.mutable_risk_items(i)->mutable_steps(0)->set_at_least(2000);
        return absl::StrCat("risk_items[", i, "].steps[0].at_least");
      }
      case 12: {
        if (scale.cut_offs().empty()) {
          return "";
        }
        const int i = Pick(scale.cut_offs_size());
        scale.mutable_cut_offs(i)->clear_source();
        return absl::StrCat(at_scale, ".cut_offs[", i, "].source");
      }
      default:
        if (!scale.has_missing_rule()) {
          return "";
        }
        scale.mutable_missing_rule()->set_max_missing(200);
        return at_scale + ".missing_rule.max_missing";
    }
  }

 private:
  std::mt19937 random_;
};

// Whether `path` leads from the definition to a field; an index may be one that exists.
bool Leads(const google::protobuf::Message& root, const std::string& path) {
  const google::protobuf::Message* message = &root;
  for (const std::string& step : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    const std::vector<std::string> parts = absl::StrSplit(step, absl::ByAnyChar("[]"));
    const auto* field = message->GetDescriptor()->FindFieldByName(parts[0]);
    if (field == nullptr) {
      return false;
    }
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      return parts.size() == 1 ||
             std::stoi(parts[1]) < message->GetReflection()->FieldSize(*message, field);
    }
    if (!field->is_repeated()) {
      message = &message->GetReflection()->GetMessage(*message, field);
    } else if (parts.size() > 1) {
      const int index = std::stoi(parts[1]);
      if (index >= message->GetReflection()->FieldSize(*message, field)) {
        return false;
      }
      message = &message->GetReflection()->GetRepeatedMessage(*message, field, index);
    }
  }
  return true;
}

TEST(OwnDefinitionTest, WhateverIsSpoiltIsRefusedWithItsPlace) {
  const std::vector<const v1::InstrumentDefinition*> all = BuiltIn().Newest();
  Spoiler spoiler(20261122);
  int spoilt = 0;
  for (int round = 0; round < 3000; ++round) {
    v1::InstrumentDefinition definition =
        *all[static_cast<size_t>(spoiler.Pick(static_cast<int>(all.size())))];
    definition.set_id("own-" + definition.id());
    definition.set_abbreviation("ours");
    ASSERT_THAT(CheckOwnDefinition(definition, BuiltIn()), IsEmpty()) << definition.id();
    const std::string place = spoiler.Spoil(definition);
    if (place.empty()) {
      continue;
    }
    ++spoilt;
    const std::vector<FieldViolation> violations = CheckOwnDefinition(definition, BuiltIn());
    EXPECT_THAT(violations, Contains(FieldIs(place))) << definition.id();
    for (const FieldViolation& violation : violations) {
      EXPECT_TRUE(Leads(definition, violation.field)) << violation.field;
      EXPECT_FALSE(violation.description.empty());
    }
  }
  EXPECT_GT(spoilt, 1000);
}

v1::InstrumentTexts Texts() {
  return FromText<v1::InstrumentTexts>(R"pb(
    language: "de-CH"
    licence_statement: "our own"
    items { item: "1" text: "Item one" }
    items { item: "2" text: "Item two" }
    items { item: "3" text: "Item three" }
    items { item: "4" text: "Item four" }
    answers { value: 0 text: "never" }
    answers { value: 4 text: "always" }
    answers { value: 4 text: "very" items: "4" })pb");
}

TEST(TextsTest, MustFitTheDefinition) {
  const auto with = [](const std::function<void(v1::InstrumentTexts&)>& change) {
    v1::InstrumentTexts texts = Texts();
    change(texts);
    return CheckTexts(OwnDefinition(), texts);
  };
  EXPECT_THAT(with([](auto&) {}), IsEmpty());
  for (const char* tag : {"", "d", "de_CH", "de-", "4e", "de-123456789", "-de"}) {
    EXPECT_THAT(with([&](auto& t) { t.set_language(tag); }), ElementsAre(FieldIs("language")))
        << tag;
  }
  EXPECT_THAT(with([](auto& t) { t.mutable_items(1)->set_item("9"); }),
              ElementsAre(FieldIs("items[1].item"), FieldIs("items")));
  EXPECT_THAT(with([](auto& t) { t.mutable_items(1)->set_item("1"); }),
              ElementsAre(FieldIs("items[1].item"), FieldIs("items")));
  EXPECT_THAT(with([](auto& t) { t.mutable_answers(0)->set_value(5); }),
              ElementsAre(FieldIs("answers[0].value")));
  EXPECT_THAT(with([](auto& t) { t.mutable_answers(1)->set_value(0); }),
              ElementsAre(FieldIs("answers[1].value")));
  EXPECT_THAT(with([](auto& t) { t.mutable_answers(2)->set_value(5); }),
              ElementsAre(FieldIs("answers[2].items[0]")));
  EXPECT_THAT(with([](auto& t) { t.mutable_answers(2)->set_items(0, "9"); }),
              ElementsAre(FieldIs("answers[2].items[0]")));
  EXPECT_THAT(with([](auto& t) { *t.add_answers() = t.answers(2); }),
              ElementsAre(FieldIs("answers[3].items[0]")));
}

TEST(TextsTest, AnUnscoredItemMayGoWithoutOne) {
  v1::InstrumentTexts texts;
  texts.set_language("en");
  const v1::InstrumentDefinition& phq9 = testing::Instrument("phq-9");
  for (int i = 0; i < 9; ++i) {
    texts.add_items()->set_item(phq9.items(i).id());
  }
  EXPECT_THAT(CheckTexts(phq9, texts), IsEmpty());
}

TEST(FollowVersionTest, TheInstrumentKnowsWhichVersionIsActive) {
  v1::Instrument instrument;
  FollowVersion(1, v1::PUBLICATION_STATUS_UNSPECIFIED, v1::PUBLICATION_STATUS_DRAFT, instrument);
  EXPECT_EQ(instrument.status(), v1::PUBLICATION_STATUS_DRAFT);
  EXPECT_EQ(instrument.newest_version(), 1);
  FollowVersion(1, v1::PUBLICATION_STATUS_DRAFT, v1::PUBLICATION_STATUS_ACTIVE, instrument);
  EXPECT_EQ(instrument.active_version(), 1);
  FollowVersion(2, v1::PUBLICATION_STATUS_UNSPECIFIED, v1::PUBLICATION_STATUS_DRAFT, instrument);
  EXPECT_EQ(instrument.status(), v1::PUBLICATION_STATUS_ACTIVE);
  EXPECT_EQ(instrument.newest_version(), 2);
  FollowVersion(2, v1::PUBLICATION_STATUS_DRAFT, v1::PUBLICATION_STATUS_RETIRED, instrument);
  EXPECT_EQ(instrument.active_version(), 1) << "a draft that is thrown away changes nothing";
  FollowVersion(1, v1::PUBLICATION_STATUS_ACTIVE, v1::PUBLICATION_STATUS_RETIRED, instrument);
  EXPECT_EQ(instrument.active_version(), 0);
  EXPECT_EQ(instrument.status(), v1::PUBLICATION_STATUS_RETIRED);
}

TEST(MayScoreTest, ARetiredVersionScoresWhatWasAnsweredBefore) {
  v1::InstrumentVersion version;
  const auto at = [](int day) { return absl::UnixEpoch() + absl::Hours(24 * day); };
  const auto move = [&](v1::PublicationStatus status, int day) {
    version.set_status(status);
    AddChange(status, at(day), type::v1::Actor(), "", *version.mutable_changes());
  };
  move(v1::PUBLICATION_STATUS_DRAFT, 1);
  EXPECT_FALSE(MayScore(version, at(1)));
  move(v1::PUBLICATION_STATUS_ACTIVE, 2);
  EXPECT_TRUE(MayScore(version, at(0))) << "a paper form of before may be entered";
  move(v1::PUBLICATION_STATUS_RETIRED, 3);
  EXPECT_TRUE(MayScore(version, at(2)));
  EXPECT_FALSE(MayScore(version, at(3)));
  v1::InstrumentVersion discarded;
  AddChange(v1::PUBLICATION_STATUS_DRAFT, at(1), type::v1::Actor(), "",
            *discarded.mutable_changes());
  AddChange(v1::PUBLICATION_STATUS_RETIRED, at(2), type::v1::Actor(), "",
            *discarded.mutable_changes());
  discarded.set_status(v1::PUBLICATION_STATUS_RETIRED);
  EXPECT_FALSE(MayScore(discarded, at(0)));
}

}  // namespace
}  // namespace securebase::outcomes
