#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase::storage {

// What stands around every stored value, so that encryption, erasure of one person's data and
// rolling upgrades need no migration of everything. Readers accept what this and the previous
// release wrote.
struct Envelope {
  uint32_t schema_version = 1;        // of the payload
  uint32_t key_id = 0;                // 0: not encrypted
  std::string episode;                // whose access rules apply; empty: the practice's
  std::vector<std::string> subjects;  // participants whose data this is; empty: nobody's
  std::string payload;
};

// Format: 'S' 'B', format version (1), then schema version, key id, episode, subjects and payload,
// numbers as varints and strings with their length before them, then CRC32C of all before it (4
// bytes, little endian).
std::string SealEnvelope(const Envelope& envelope);

// DATA_LOSS when the bytes are damaged (the checksum, a length, trailing bytes) or of a format this
// release does not read. Never crashes on any input.
absl::StatusOr<Envelope> OpenEnvelope(absl::string_view bytes);

}  // namespace securebase::storage
