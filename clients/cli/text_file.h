#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace securebase::cli {

// All of a file. INVALID_ARGUMENT when it cannot be read.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Reads `message` from Protocol Buffers' text format. INVALID_ARGUMENT with "file:line" of every
// syntax error.
absl::Status ParseTextFile(absl::string_view file, absl::string_view text,
                           google::protobuf::Message& message);

}  // namespace securebase::cli
