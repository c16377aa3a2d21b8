// Answers. The first line of an input is instrument, informant (a number), age in months and
// coding, divided by blanks; the second line "item=value" pairs divided by commas, "item" alone for
// one that is not answered and "item=na" for one that is not applicable.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/change.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/score.h"
#include "tests/fuzz/check.h"

namespace securebase::outcomes {
namespace {

bool Within(const v1::Scale& scale, double value) {
  return Holds(value, v1::COMPARATOR_AT_LEAST, scale.min()) &&
         Holds(value, v1::COMPARATOR_AT_MOST, scale.max());
}

void CheckScale(const v1::InstrumentDefinition& definition, const v1::Scale& scale,
                const v1::ScaleScore& score) {
  FUZZ_CHECK(score.id() == scale.id());
  FUZZ_CHECK(score.has_value() == (score.status() != v1::SCALE_STATUS_UNSCORABLE));
  FUZZ_CHECK(score.reason().empty() == (score.status() == v1::SCALE_STATUS_SCORED));
  if (!score.has_value()) {
    FUZZ_CHECK(score.band().empty());
    return;
  }
  FUZZ_CHECK(Within(scale, score.value()));
  FUZZ_CHECK(!score.derivation().contributions().empty());
  // What scoring yields, change takes.
  FUZZ_CHECK(ClassifyChange(definition, scale.id(), score.value(), scale.min(), {}).ok());
}

std::vector<v1::Answer> ParseAnswers(absl::string_view text) {
  std::vector<v1::Answer> answers;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<std::string> sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    v1::Answer& answer = answers.emplace_back();
    answer.set_item(sides[0]);
    double value = 0;
    if (sides.size() < 2) {
      answer.set_not_answered(true);
    } else if (sides[1] == "na") {
      answer.set_not_applicable(true);
    } else if (absl::SimpleAtod(sides[1], &value)) {
      answer.set_value(value);
    }
  }
  return answers;
}

void TestOneInput(absl::string_view input) {
  static const Catalogue& catalogue = *new Catalogue(*BuiltInCatalogue());
  const std::vector<std::string> lines = absl::StrSplit(input, absl::MaxSplits('\n', 2));
  const std::vector<std::string> head = absl::StrSplit(lines[0], ' ');
  const v1::InstrumentDefinition* definition = catalogue.Find(head[0]);
  if (definition == nullptr) {
    definition = catalogue.Find("sdq");
  }
  ScoringContext context;
  int number = 0;
  if (head.size() > 1 && absl::SimpleAtoi(head[1], &number)) {
    context.informant = static_cast<v1::Informant>(number);
  }
  if (head.size() > 2 && absl::SimpleAtoi(head[2], &number)) {
    context.age_months = number;
  }
  if (head.size() > 3) {
    context.coding = head[3];
  }
  const std::vector<v1::Answer> answers = ParseAnswers(lines.size() > 1 ? lines[1] : "");
  const absl::StatusOr<v1::ScoringResult> result = Score(*definition, answers, context);
  if (!result.ok()) {
    FUZZ_CHECK(ReasonOf(result.status()) == Reason::kInvalidFields);
    FUZZ_CHECK(!ViolationsOf(result.status()).empty());
    return;
  }
  FUZZ_CHECK(result->scales_size() == definition->scales_size());
  FUZZ_CHECK(result->risk_answers_size() == definition->risk_items_size());
  for (int i = 0; i < result->scales_size(); ++i) {
    CheckScale(*definition, definition->scales(i), result->scales(i));
  }
}

}  // namespace
}  // namespace securebase::outcomes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::outcomes::TestOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
