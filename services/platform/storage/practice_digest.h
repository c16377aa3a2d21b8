#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "services/platform/storage/codec.h"
#include "services/platform/storage/export_place.h"
#include "services/platform/storage/store.h"

// What tells whether two copies of a practice hold the same.
namespace securebase::storage {

// How much of each part a copy holds, and a digest of all of it. Equal digests are equal contents,
// whatever the stores: it is the SHA-256 of AppendCopyItem of every item in an export's order.
struct PracticeSummary {
  std::string practice;
  std::array<int64_t, kExportParts> counts{};  // by ExportPart
  std::string digest;                          // 32 bytes

  int64_t Count(ExportPart part) const { return counts[static_cast<size_t>(part)]; }
  int64_t items() const;
};
bool operator==(const PracticeSummary& a, const PracticeSummary& b);

// An item in bytes: the number of its part, then its fields in the order of their declarations.
void AppendCopyItem(std::string& out, const CopyItem& item);
// Nullopt, and the decoder is not ok, when the bytes are none. Never crashes on any input.
std::optional<CopyItem> ReadCopyItem(Decoder& decoder);

// Collects a practice's summary while its items pass by. Idempotency keys that expire at
// `keys_after` or before do not count: between two readings of a store they go by themselves.
class PracticeDigest {
 public:
  PracticeDigest(std::string practice, absl::Time keys_after);

  void Add(const CopyItem& item);
  PracticeSummary Finish() &&;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const absl::Time keys_after_;
  PracticeSummary summary_;
  std::unique_ptr<EVP_MD_CTX, Free> sha256_;
  std::string bytes_;  // of one item, kept for its capacity
};

}  // namespace securebase::storage
