// Keeps the table of docs/clinical/instruments.md equal to the definitions.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/outcomes/rules/numbers.h"
#include "tests/testing/golden.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

std::string Arrow(v1::Direction direction) {
  switch (direction) {
    case v1::DIRECTION_HIGHER_WORSE:
      return "↓";
    case v1::DIRECTION_HIGHER_BETTER:
      return "↑";
    default:
      return "·";
  }
}

std::string Missing(const v1::Scale& scale) {
  if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
    return "as parts";
  }
  return scale.has_missing_rule() ? absl::StrCat(scale.missing_rule().max_missing()) : "-";
}

std::string Change(const v1::Scale& scale) {
  for (const v1::ChangePolicy& policy : scale.change_policies()) {
    if (policy.is_default()) {
      return absl::StrCat(ComparatorWords(policy.comparator()), " ",
                          FormatNumber(policy.threshold()), ", clinical ",
                          ComparatorWords(policy.cut_off().clinical()), " ",
                          FormatNumber(policy.cut_off().value()));
    }
  }
  return "-";
}

// "B, C, D" where all say the same, "emotional 2; total as parts" where not.
std::string PerScale(const v1::InstrumentDefinition& definition,
                     std::string (*text)(const v1::Scale&)) {
  std::vector<std::string> parts;
  bool same = true;
  for (const v1::Scale& scale : definition.scales()) {
    same = same && text(scale) == text(definition.scales(0));
    parts.push_back(absl::StrCat(scale.id(), " ", text(scale)));
  }
  return same ? text(definition.scales(0)) : absl::StrJoin(parts, "; ");
}

std::string Words(const google::protobuf::EnumDescriptor* type, int number,
                  absl::string_view prefix) {
  return absl::AsciiStrToLower(type->FindValueByNumber(number)->name().substr(prefix.size()));
}

std::string TableOfCatalogue() {
  std::string table =
      "\n| id | instrument | authors | scales | missing | change | risk items | licence | "
      "confidence "
      "|\n|---|---|---|---|---|---|---|---|---|\n";
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    std::vector<std::string> scales;
    for (const v1::Scale& scale : definition->scales()) {
      scales.push_back(absl::StrCat(scale.id(), " (", FormatNumber(scale.min()), " to ",
                                    FormatNumber(scale.max()), ") ", Arrow(scale.direction())));
    }
    std::vector<std::string> risks;
    for (const v1::RiskItem& risk : definition->risk_items()) {
      risks.push_back(absl::StrCat(risk.item(), " from ", risk.steps(0).at_least(),
                                   risk.house_rule() ? " (house rule)" : ""));
    }
    absl::StrAppend(
        &table, "| ", definition->id(), " | ", definition->abbreviation(), " | ",
        definition->authors_year(), " | ", absl::StrJoin(scales, ", "), " | ",
        PerScale(*definition, Missing), " | ", PerScale(*definition, Change), " | ",
        risks.empty() ? "-" : absl::StrJoin(risks, ", "), " | ",
        Words(v1::LicenceDecision_descriptor(), definition->licence().decision(),
              "LICENCE_DECISION_"),
        ": ", definition->licence().status(), " | ",
        Words(type::v1::Confidence_descriptor(), definition->confidence(), "CONFIDENCE_"), " |\n");
  }
  return absl::StrCat(table, "\n");
}

TEST(InstrumentsDocTest, TheTableIsThatOfTheCatalogue) {
  const std::string page =
      ::securebase::testing::ReadRepositoryFile("docs/clinical/instruments.md");
  const size_t start = page.find("rewrites it -->\n");
  const size_t end = page.find("<!-- end -->");
  ASSERT_NE(start, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t after = start + std::string("rewrites it -->\n").size();
  ::securebase::testing::ExpectGolden(
      "../../docs/clinical/instruments.md",
      absl::StrCat(page.substr(0, after), TableOfCatalogue(), page.substr(end)));
}

}  // namespace
}  // namespace securebase::outcomes
