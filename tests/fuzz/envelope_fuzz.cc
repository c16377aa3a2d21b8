// Stored records. An input is what follows the magic and the format version: it gets a right
// checksum, so that damage behind the checksum is reached too, and is also opened as it is.
#include <cstddef>
#include <cstdint>

#include "services/platform/storage/crc32c.h"
#include "services/platform/storage/envelope.h"
#include "tests/fuzz/check.h"

namespace {

using ::securebase::storage::Envelope;
using ::securebase::storage::OpenEnvelope;
using ::securebase::storage::SealEnvelope;

void Check(absl::string_view bytes) {
  const auto envelope = OpenEnvelope(bytes);
  if (!envelope.ok()) {
    FUZZ_CHECK(envelope.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  const auto again = OpenEnvelope(SealEnvelope(*envelope));
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(again->schema_version == envelope->schema_version);
  FUZZ_CHECK(again->key_id == envelope->key_id);
  FUZZ_CHECK(again->episode == envelope->episode);
  FUZZ_CHECK(again->subjects == envelope->subjects);
  FUZZ_CHECK(again->payload == envelope->payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  Check(input);
  std::string bytes = "SB\x01" + input;
  const uint32_t crc = securebase::storage::Crc32c(bytes);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>(crc >> shift & 0xff));
  }
  Check(bytes);
  return 0;
}
