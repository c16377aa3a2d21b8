#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace securebase {

// The 32 bytes of SHA-256.
std::string Sha256(absl::string_view bytes);

}  // namespace securebase
