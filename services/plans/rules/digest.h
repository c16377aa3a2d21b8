#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace securebase::plans::rules {

// SHA-256 as 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

// The message's bytes, the same for equal messages within one release. What is signed is kept as
// these bytes and never made again, so that it need not be the same in the next.
std::string DeterministicBytes(const google::protobuf::Message& message);

}  // namespace securebase::plans::rules
