#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/outcomes/rules/catalogue.h"

namespace securebase::cli {

// The built-in definition of `id`, copied; NOT_FOUND names the command that lists them.
absl::StatusOr<outcomes::v1::InstrumentDefinition> FindBuiltIn(const std::string& id);

}  // namespace securebase::cli
