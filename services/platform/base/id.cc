#include "services/platform/base/id.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace securebase {

std::string UuidGenerator::NewId() { return FormatUuidV7(absl::Now(), RandomBytes(10)); }

std::string FormatUuidV7(absl::Time time, absl::string_view random_bytes) {
  const auto millis = static_cast<uint64_t>(absl::ToUnixMillis(time));
  std::string bytes;
  for (int shift = 40; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((millis >> shift) & 0xff));
  }
  bytes.append(std::string(random_bytes.substr(0, 10)));
  bytes.resize(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x70);  // version 7
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // variant
  const std::string hex = absl::BytesToHexString(bytes);
  const absl::string_view view = hex;
  return absl::StrCat(view.substr(0, 8), "-", view.substr(8, 4), "-", view.substr(12, 4), "-",
                      view.substr(16, 4), "-", view.substr(20));
}

std::string RandomBytes(int size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t n = getrandom(&bytes[filled], bytes.size() - filled, 0);
    if (n < 0 && errno != EINTR) {
      abort();  // a kernel without randomness: an impossible state, not an error to handle
    }
    filled += n > 0 ? static_cast<size_t>(n) : 0;
  }
  return bytes;
}

}  // namespace securebase
