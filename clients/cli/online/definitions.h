#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/online/connection.h"
#include "securebase/outcomes/v1/instrument.pb.h"

namespace securebase::cli {

// The definition behind an instrument's name: a built-in one without asking anybody, one of the
// practice's own from the server. `version` 0: the active one. Errors are those of FindBuiltIn and
// of GetInstrument.
absl::StatusOr<outcomes::v1::InstrumentDefinition> FindDefinition(Connections& connections,
                                                                  const std::string& instrument,
                                                                  int version);

}  // namespace securebase::cli
