#include "clients/cli/instruments.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {

absl::StatusOr<outcomes::v1::InstrumentDefinition> FindBuiltIn(const std::string& id) {
  SB_ASSIGN_OR_RETURN(const outcomes::Catalogue catalogue, outcomes::BuiltInCatalogue());
  const outcomes::v1::InstrumentDefinition* definition = catalogue.Find(absl::AsciiStrToLower(id));
  if (definition == nullptr) {
    return MakeError(absl::StatusCode::kNotFound, Reason::kNotFound,
                     absl::StrCat("there is no instrument \"", id,
                                  "\"; `securebase catalogue list` lists them"));
  }
  return *definition;
}

}  // namespace securebase::cli
