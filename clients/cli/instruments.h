#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "services/outcomes/rules/catalogue.h"

namespace securebase::cli {

// The built-in definition of `id`, copied; NOT_FOUND names the command that lists them.
absl::StatusOr<outcomes::v1::InstrumentDefinition> FindBuiltIn(const std::string& id);

// Answers in the order of the instrument's items, separated by commas: "1,0,2,,3"; an empty place
// is not answered, "na" is not applicable. Unscored items at the end may be left out altogether.
// INVALID_ARGUMENT for another number of places, and for each place that is no number.
absl::StatusOr<std::vector<outcomes::v1::Answer>> ParseAnswers(
    const outcomes::v1::InstrumentDefinition& definition, const std::string& text);

}  // namespace securebase::cli
