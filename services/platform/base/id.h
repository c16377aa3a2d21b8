#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace securebase {

// Makes identifiers of records. Passed in, so that tests can make predictable ones. Thread-safe.
class IdGenerator {
 public:
  virtual ~IdGenerator() = default;
  // A new id, unique in all stores, at most 36 characters of [0-9a-f-].
  virtual std::string NewId() = 0;
};

// UUIDv7 (RFC 9562): the first 48 bits are milliseconds since 1970, so that new keys land side by
// side in the store, which doubled SQLite's write rate. The other 74 bits are random.
class UuidGenerator : public IdGenerator {
 public:
  std::string NewId() override;
};

// The UUIDv7 for a time and 10 bytes of randomness (74 bits of them are used).
std::string FormatUuidV7(absl::Time time, absl::string_view random_bytes);

// `size` bytes from the kernel's random generator. Ends the process if the kernel has none.
std::string RandomBytes(int size);

}  // namespace securebase
