#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/auth/reloaded_file.h"

namespace securebase::auth {

// The symmetric keys of a deployment: one seals, all of them open. Immutable, so safe to share
// between threads. Its file is JSON:
//
//   {"active": 2, "keys": [{"id": 1, "key": "<32 bytes in base64>"},
//                          {"id": 2, "created": "2026-01-01T09:00:00Z", "key": "..."}]}
//
// "created" is for people alone and may be missing.
//
// Sealing is XAES-256-GCM (C2SP), AES-256-GCM with a derived key per nonce: its random 24-byte
// nonces may be used 2^80 times, where GCM's own 12 bytes end at 2^32 (NIST SP 800-38D, 8.3), which
// page tokens would reach in weeks. A sealed text is
//
//   version (1 byte, 1) | key id (4 bytes, big endian) | nonce (24) | ciphertext | tag (16)
//
// and version and key id are authenticated along with the associated data.
class Keyring {
 public:
  static constexpr size_t kOverhead = 1 + 4 + 24 + 16;

  // INVALID_ARGUMENT, never quoting a key, when the form is wrong, an id is not 1 to 2^32-1 or
  // appears twice, a key is not 32 bytes, or the active key is missing.
  static absl::StatusOr<Keyring> Parse(absl::string_view json);

  uint32_t active_id() const { return active_id_; }
  bool Has(uint32_t id) const { return keys_.count(id) != 0; }

  // Encrypts with the active key. `associated_data` is not stored: Open needs the same. INTERNAL
  // only if OpenSSL fails.
  absl::StatusOr<std::string> Seal(absl::string_view plaintext,
                                   absl::string_view associated_data) const;

  // What was sealed. INVALID_ARGUMENT when it is damaged, of another key or another
  // `associated_data`; which of these is not said.
  absl::StatusOr<std::string> Open(absl::string_view sealed,
                                   absl::string_view associated_data) const;

 private:
  uint32_t active_id_ = 0;
  std::map<uint32_t, std::string> keys_;
};

// A new keyring file's contents, with one random key of id 1.
std::string GenerateKeyring(absl::Time now);

// `keyring` with a new active key in front; of the earlier ones the `keep` latest stay, to open
// what they sealed. Errors are those of Parse, and FAILED_PRECONDITION when ids have run out.
absl::StatusOr<std::string> RotateKeyring(absl::string_view keyring, int keep, absl::Time now);

// A key without itself.
struct KeyDescription {
  uint32_t id = 0;
  bool active = false;
  std::optional<absl::Time> created;
};

// The keys of a keyring file's contents, in its order. Errors are those of Parse.
absl::StatusOr<std::vector<KeyDescription>> DescribeKeyring(absl::string_view keyring);

// The keyring of a file that only its owner may read, following its changes.
using KeyringFile = ReloadedFile<Keyring>;
absl::StatusOr<std::unique_ptr<KeyringFile>> OpenKeyringFile(std::string path, const Clock& clock,
                                                             ReloadCallback on_reload);

namespace internal {
// XAES-256-GCM itself: ciphertext and tag. `key` is 32 bytes, `nonce` 24. Empty if OpenSSL fails.
std::string XaesSeal(absl::string_view key, absl::string_view nonce, absl::string_view plaintext,
                     absl::string_view associated_data);
}  // namespace internal

}  // namespace securebase::auth
