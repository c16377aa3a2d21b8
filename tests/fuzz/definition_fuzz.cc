// Definitions of instruments in text format, as a practice may send them. What passes the check can
// be scored: with the least answers, with the greatest, and with none.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/score.h"
#include "tests/fuzz/check.h"

namespace securebase::outcomes {
namespace {

void CheckScoring(const v1::InstrumentDefinition& definition,
                  const std::vector<v1::Answer>& answers) {
  const absl::StatusOr<v1::ScoringResult> result = Score(definition, answers, {});
  FUZZ_CHECK(result.ok());
  for (int i = 0; i < result->scales_size(); ++i) {
    const v1::ScaleScore& score = result->scales(i);
    FUZZ_CHECK(score.has_value() != answers.empty());
    if (score.has_value()) {
      FUZZ_CHECK(Holds(score.value(), v1::COMPARATOR_AT_LEAST, definition.scales(i).min()));
      FUZZ_CHECK(Holds(score.value(), v1::COMPARATOR_AT_MOST, definition.scales(i).max()));
    }
  }
}

void TestOneInput(absl::string_view input) {
  const absl::StatusOr<v1::InstrumentDefinition> definition = ParseDefinition("input", input);
  if (!definition.ok()) {
    FUZZ_CHECK(ReasonOf(definition.status()) == Reason::kDefinitionInvalid);
    FUZZ_CHECK(!ViolationsOf(definition.status()).empty());
    return;
  }
  std::vector<v1::Answer> least;
  std::vector<v1::Answer> greatest;
  for (const v1::Item& item : definition->items()) {
    v1::Answer answer;
    answer.set_item(item.id());
    answer.set_value(item.min());
    least.push_back(answer);
    answer.set_value(item.max());
    greatest.push_back(answer);
  }
  CheckScoring(*definition, least);
  CheckScoring(*definition, greatest);
  CheckScoring(*definition, {});
}

}  // namespace
}  // namespace securebase::outcomes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::outcomes::TestOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
