#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace securebase::storage {

// Numbers as varints (7 bits a byte, least significant first), strings with their length before
// them; Int64 in 8 bytes, little endian, two's complement.
void AppendVarint(std::string& out, uint32_t value);
void AppendString(std::string& out, absl::string_view value);
void AppendInt64(std::string& out, int64_t value);

// Reads them back. After the first thing that does not fit every later call fails too, so that a
// caller may look at ok() once. Never reads beyond the bytes given.
class Decoder {
 public:
  explicit Decoder(absl::string_view bytes) : rest_(bytes) {}

  uint32_t Varint();           // 0 when it fails
  absl::string_view String();  // "" when it fails; points into the bytes given
  int64_t Int64();             // 0 when it fails

  bool ok() const { return ok_; }
  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
  bool ok_ = true;
};

}  // namespace securebase::storage
