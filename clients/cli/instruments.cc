#include "clients/cli/instruments.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/error.h"
#include "services/platform/base/nearest.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

namespace v1 = outcomes::v1;

// Items that must have a place: unscored ones at the end may be left out altogether.
int NeededItems(const v1::InstrumentDefinition& definition) {
  int count = definition.items_size();
  while (count > 0 && definition.items(count - 1).unscored()) {
    --count;
  }
  return count;
}

}  // namespace

absl::StatusOr<outcomes::v1::InstrumentDefinition> FindBuiltIn(const std::string& id) {
  SB_ASSIGN_OR_RETURN(const outcomes::Catalogue catalogue, outcomes::BuiltInCatalogue());
  const outcomes::v1::InstrumentDefinition* definition = catalogue.Find(absl::AsciiStrToLower(id));
  if (definition == nullptr) {
    std::vector<std::string> ids;
    for (const outcomes::v1::InstrumentDefinition* known : catalogue.Newest()) {
      ids.push_back(known->id());
    }
    const std::string meant = DidYouMean(id, ids);
    return MakeError(
        absl::StatusCode::kNotFound, Reason::kNotFound,
        absl::StrCat("there is no instrument \"", id, "\"", meant, meant.empty() ? ";" : "",
                     " `securebase catalogue list` lists "
                     "them"));
  }
  return *definition;
}

absl::StatusOr<std::vector<outcomes::v1::Answer>> ParseAnswers(
    const v1::InstrumentDefinition& definition, const std::string& text) {
  const std::vector<std::string> places = absl::StrSplit(text, ',');
  const int given = static_cast<int>(places.size());
  const int all = definition.items_size();
  const int needed = NeededItems(definition);
  if (given != all && given != needed) {
    return InvalidFields(
        {{"--answers", absl::StrCat(definition.abbreviation(), " has ", all, " items",
                                    needed == all ? "" : absl::StrCat(" (", needed, " scored)"),
                                    ", but ", given, " places are given; leave a place empty for ",
                                    "an item that is not answered")}});
  }
  std::vector<FieldViolation> violations;
  std::vector<v1::Answer> answers;
  for (int i = 0; i < given; ++i) {
    v1::Answer& answer = answers.emplace_back();
    answer.set_item(definition.items(i).id());
    const std::string place = absl::AsciiStrToLower(absl::StripAsciiWhitespace(places[i]));
    double value = 0;
    if (place.empty()) {
      answer.set_not_answered(true);
    } else if (place == "na") {
      answer.set_not_applicable(true);
    } else if (place.find_first_not_of("+-.0123456789e") == std::string::npos &&
               absl::SimpleAtod(place, &value)) {  // which would read "0x1" and "inf" too
      answer.set_value(value);
    } else {
      violations.push_back({absl::StrCat("answers[", i, "]"),
                            absl::StrCat("item ", answer.item(), " takes a whole number")});
    }
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  return answers;
}

}  // namespace securebase::cli
