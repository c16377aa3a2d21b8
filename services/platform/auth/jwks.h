#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/auth/reloaded_file.h"

namespace securebase::auth {

// The signature algorithms of RFC 7518 and RFC 8037 that we accept; all are asymmetric.
enum class Algorithm { kRs256, kPs256, kEs256, kEdDsa };

// "RS256", "PS256", "ES256", "EdDSA".
absl::string_view AlgorithmName(Algorithm algorithm);

// A public key that may sign tokens. What it may be used with is decided here, never by a token.
struct VerificationKey {
  std::string kid;
  Algorithm algorithm = Algorithm::kEdDsa;
  std::shared_ptr<EVP_PKEY> key;
};

// Whether `signature`, as a JWS carries it, is this key's over `signed_bytes`.
bool VerifySignature(const VerificationKey& key, absl::string_view signed_bytes,
                     absl::string_view signature);

// A set of public keys. Immutable, so safe to share between threads.
class JwkSet {
 public:
  // Parses an RFC 7517 JWK set. Usable keys are RSA of 2048 to 8192 bits (RS256, or PS256 if `alg`
  // says so), EC P-256 (ES256) and OKP Ed25519 (EdDSA). Keys for other uses or of unknown kinds are
  // skipped, as section 5 asks. INVALID_ARGUMENT when no usable key is left, when one is weak,
  // malformed or not a point of its curve, when two share a kid, when several lack one, or when any
  // key has private members: a private or shared key does not belong here and is now exposed.
  static absl::StatusOr<JwkSet> Parse(absl::string_view json);

  // The key with that kid; with an empty `kid`, the key of a set that has only one. Else null.
  const VerificationKey* Find(absl::string_view kid) const;

  const std::vector<VerificationKey>& keys() const { return keys_; }

 private:
  std::vector<VerificationKey> keys_;
};

// The JWK set of a file, following its changes.
using JwksFile = ReloadedFile<JwkSet>;
absl::StatusOr<std::unique_ptr<JwksFile>> OpenJwksFile(std::string path, const Clock& clock,
                                                       ReloadCallback on_reload);

}  // namespace securebase::auth
