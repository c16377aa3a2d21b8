#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace securebase {

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so the result is
// always valid JSON.
std::string JsonString(absl::string_view text);

}  // namespace securebase
