#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace securebase::storage {

// CRC-32C (Castagnoli), RFC 3720 appendix B.4: of "123456789" it is 0xe3069283.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace securebase::storage
