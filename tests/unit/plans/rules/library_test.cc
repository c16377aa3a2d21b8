#include "services/plans/rules/library.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsError;
using ::testing::StartsWith;

constexpr char kTechnique[] = R"(
techniques { name: "techniques/t" title: "T" family: TECHNIQUE_FAMILY_OTHER description: "D"
             populations: POPULATION_ADULT })";
constexpr char kEntry[] = R"(
entries { id: "p/adult" problem: "p" title: "P" population: POPULATION_ADULT goal_themes: "g"
          techniques: "t" source: "S"
          measures { instruments: "i" cadence_weeks: 1 respondent: RESPONDENT_SELF } })";

absl::StatusOr<PlanLibrary> Load(absl::string_view text) {
  return PlanLibrary::Load({{"a.textproto", text}});
}

TEST(PlanLibraryTest, ReadsFilesThatAddUp) {
  ASSERT_OK_AND_ASSIGN(const PlanLibrary library,
                       PlanLibrary::Load({{"a.textproto", kTechnique}, {"b.textproto", kEntry}}));
  EXPECT_TRUE(library.FindTechnique("t")->built_in());
  EXPECT_EQ(library.FindTechnique("u"), nullptr);
  EXPECT_EQ(library.FindEntry("p", v1::POPULATION_ADULT)->title(), "P");
  EXPECT_EQ(library.FindEntry("p", v1::POPULATION_COUPLE), nullptr);
}

TEST(PlanLibraryTest, SaysWhereAFileDoesNotParse) {
  const auto library = Load("techniques {\n  title: 7\n}\n");
  EXPECT_THAT(library, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(std::string(library.status().message()), StartsWith("a.textproto:2:"));
}

// Each change to a good library makes a bad one, and the error says which element it is.
TEST(PlanLibraryTest, RefusesWhatContradictsItself) {
  const std::string good = absl::StrCat(kTechnique, kEntry);
  ASSERT_OK(Load(good));
  struct Case {
    const char* from;
    const char* to;
    const char* says;
  };
  for (const Case& c : std::vector<Case>{
           {"techniques: \"t\"", "techniques: \"u\"", "entries[p/adult]: there is no technique"},
           {"cadence_weeks: 1", "cadence_weeks: 0", "cadence_weeks from 1 to 104"},
           {"respondent: RESPONDENT_SELF", "", "respondent"},
           {"source: \"S\"", "", "source must be set"},
           {"description: \"D\"", "", "techniques[techniques/t]: title, description"},
           {"name: \"techniques/t\"", "name: \"t\"", "name must be"},
           {"title: \"T\"", "title: \"T\" problems: \"q\"", "no entry has the problem \"q\""}}) {
    const auto library = Load(absl::StrReplaceAll(good, {{c.from, c.to}}));
    EXPECT_THAT(library, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid))
        << c.from;
    EXPECT_THAT(std::string(library.status().message()), HasSubstr(c.says));
  }
  EXPECT_THAT(std::string(Load(absl::StrCat(good, kTechnique)).status().message()),
              HasSubstr("occurs twice"));
  EXPECT_THAT(std::string(Load(absl::StrCat(good, kEntry)).status().message()),
              HasSubstr("occurs twice"));
}

TEST(PlanLibraryTest, RefusesARuleWithoutExactlyOneThreshold) {
  for (const char* threshold : {"", "at_least: 1 at_most: 2"}) {
    EXPECT_THAT(Load(absl::StrCat("rules { id: \"r\" instrument: \"i\" scale: \"s\" reason: \"R\" "
                                  "source: \"S\" ",
                                  threshold, "}")),
                IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  }
}

TEST(PlanLibraryTest, RefusesABuiltInTechniqueThatItsOwnGuardFinds) {
  const std::string guard = R"(
guard_terms { id: "x" coercive_practice: COERCIVE_PRACTICE_HUMILIATION phrases: "d" code: true
              reference: "R" })";
  EXPECT_THAT(Load(absl::StrCat(kTechnique, guard)),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
}

TEST(BuiltInLibraryTest, LoadsAndRequiresScreeningOfCouplesOnly) {
  ASSERT_OK_AND_ASSIGN(const PlanLibrary library, PlanLibrary::LoadBuiltIn());
  EXPECT_EQ(library.data().techniques_size(), 14);
  EXPECT_THAT(library.RequirementsFor(v1::POPULATION_COUPLE),
              ElementsAre(v1::REQUIREMENT_SCREEN_PARTNERS_ALONE));
  EXPECT_THAT(library.RequirementsFor(v1::POPULATION_ADULT), IsEmpty());
  EXPECT_EQ(library.data().version().size(), 64);
}

// What a person reads of the library; a change of it shows up here.
TEST(BuiltInLibraryTest, IsTheTableOfTheDocumentation) {
  ASSERT_OK_AND_ASSIGN(const PlanLibrary library, PlanLibrary::LoadBuiltIn());
  std::string text = "# problem/population: techniques | measures (weeks)\n";
  for (const v1::LibraryEntry& entry : library.data().entries()) {
    absl::StrAppend(&text, entry.id(), ": ", absl::StrJoin(entry.techniques(), ", "), " |");
    for (const v1::LibraryMeasure& measure : entry.measures()) {
      absl::StrAppend(&text, " ", absl::StrJoin(measure.instruments(), " or "), " (",
                      measure.cadence_weeks(), ")");
    }
    absl::StrAppend(&text, "\n");
  }
  absl::StrAppend(&text, "\n# rule: when | source\n");
  for (const v1::SuggestionRule& rule : library.data().rules()) {
    absl::StrAppend(&text, rule.id(), ": ", rule.instrument(), " ", rule.scale(),
                    rule.has_at_least()  ? absl::StrCat(" >= ", rule.at_least())
                    : rule.has_at_most() ? absl::StrCat(" <= ", rule.at_most())
                                         : absl::StrCat(" < ", rule.below()),
                    " | ", rule.source(), "\n");
  }
  testing::ExpectGolden("plan_library.txt", text);
}

// The instruments are another service's data; this test alone reads both.
TEST(BuiltInLibraryTest, NamesInstrumentsAndScalesOfTheCatalogue) {
  ASSERT_OK_AND_ASSIGN(const PlanLibrary library, PlanLibrary::LoadBuiltIn());
  const auto definition = [](const std::string& id) {
    return testing::ReadRepositoryFile(
        absl::StrCat("services/outcomes/data/instruments/", id, ".textproto"));
  };
  std::set<std::string> instruments;
  for (const v1::LibraryEntry& entry : library.data().entries()) {
    for (const v1::LibraryMeasure& measure : entry.measures()) {
      instruments.insert(measure.instruments().begin(), measure.instruments().end());
    }
  }
  for (const v1::LibraryMeasure& measure : library.data().alliance_measures()) {
    instruments.insert(measure.instruments().begin(), measure.instruments().end());
  }
  for (const v1::Technique& technique : library.data().techniques()) {
    instruments.insert(technique.instruments().begin(), technique.instruments().end());
  }
  for (const std::string& id : instruments) {
    EXPECT_THAT(definition(id), HasSubstr(absl::StrCat("id: \"", id, "\"")));
  }
  for (const v1::SuggestionRule& rule : library.data().rules()) {
    EXPECT_THAT(definition(rule.instrument()),
                HasSubstr(absl::StrCat("id: \"", rule.scale(), "\"")))
        << rule.id();
  }
}

}  // namespace
}  // namespace securebase::plans::rules
