#pragma once

#include <istream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cli/online/import.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"

namespace securebase::cli {

// The wording of one version of an instrument from a file, as one request without parent.
//
//   NDJSON  a line is an InstrumentTexts in proto3 JSON
//   CSV     a header row "language,part,id,text"; part is "item" (id: the item's), "answer" (id:
//   its
//           value), "title" or "instructions" (no id)
//
// `licence_statement` stands for those that have none. INVALID_ARGUMENT with every line that is
// wrong as far as the file alone can tell.
absl::StatusOr<outcomes::v1::ImportInstrumentTextsRequest> ReadTexts(
    std::istream& in, ImportFormat format, absl::string_view file,
    const std::string& licence_statement);

}  // namespace securebase::cli
