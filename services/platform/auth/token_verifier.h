#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/auth/jwks.h"
#include "services/platform/auth/principal.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"

namespace securebase::auth {

// Where an issuer puts what makes a principal. Top-level members of the token's payload.
struct ClaimNames {
  std::string practice = "practice";    // a resource id
  std::string kind = "principal_kind";  // "system", "staff" or "participant"
  std::string patient = "patient";      // the EHR's patient id; needed of participants only
  std::string scope = "scope";          // a space-separated string, or an array
};

struct TokenVerifierOptions {
  std::string issuer;    // the exact `iss`
  std::string audience;  // must be `aud` or one of it
  ClaimNames claims;
  absl::Duration leeway = absl::Seconds(30);  // for exp, nbf and iat; at most 30 s is used
  absl::Duration cache_ttl = absl::Seconds(60);
  int cache_entries = 10000;
};

// Why a token was refused, for metrics and our own log. The caller is told only the reason
// (TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED), so that nobody is led through the checks.
enum class TokenRefusal {
  kNone,
  kMissing,
  kMalformed,
  kTooLarge,
  kType,
  kCritical,
  kUnknownKey,
  kAlgorithm,
  kSignature,
  kIssuer,
  kAudience,
  kExpired,
  kNotYetValid,
  kClaims,
};
// "unknown_key"; one of a fixed set, fit for a metric's label.
absl::string_view TokenRefusalName(TokenRefusal refusal);
// What Verify put into its error; kNone for any other status.
TokenRefusal TokenRefusalOf(const absl::Status& status);

// The largest token that is looked at. gRPC of this age breaks calls with more metadata than 8 KB.
inline constexpr size_t kMaxTokenBytes = 4096;

// The token of an `authorization` header, "Bearer <token>". UNAUTHENTICATED (TOKEN_MISSING) if
// there is none of that form.
absl::StatusOr<absl::string_view> BearerToken(absl::string_view authorization);

// Verifies access tokens: JWS compact form, RFC 7515 and 7519, with the advice of RFC 8725. Thread-
// safe; made once and called for every call.
//
// A token is accepted when its header says typ at+jwt or JWT, no `crit`, and the `alg` of the key
// with its `kid`; its signature is that key's; `iss` and `aud` are ours; `exp` is ahead, `nbf` and
// `iat` (if any) are not; and it names a principal: `sub` (1 to 200 printable ASCII characters),
// practice, kind and, for participants, the patient. A token cannot make somebody a service: those
// are known by their certificates.
//
// The SHA-256 of an accepted token is remembered for `cache_ttl`, because verifying costs more than
// most calls; exp, nbf and iat are checked every time, and a reload of the keys forgets everything.
class TokenVerifier {
 public:
  // `keys` and `clock` must outlive the verifier.
  TokenVerifier(TokenVerifierOptions options, JwksFile& keys, const Clock& clock);

  // The caller, or UNAUTHENTICATED as above.
  absl::StatusOr<Principal> Verify(absl::string_view token);

 private:
  using Digest = std::array<unsigned char, 32>;
  struct Verified {
    Principal principal;
    absl::Time expires;
    absl::Time not_before;  // the later of nbf and iat
    absl::Time verified;
  };

  absl::StatusOr<Verified> VerifyUncached(absl::string_view token, const JwkSet& keys) const;
  absl::StatusOr<Verified> ReadClaims(absl::string_view payload) const;
  absl::Status CheckTimes(const Verified& verified, absl::Time now) const;
  std::shared_ptr<const Verified> Recall(const Digest& digest,
                                         const std::shared_ptr<const JwkSet>& keys, absl::Time now);
  void Remember(const Digest& digest, const std::shared_ptr<const JwkSet>& keys, absl::Time now,
                std::shared_ptr<const Verified> verified);

  const TokenVerifierOptions options_;
  JwksFile& keys_;
  const Clock& clock_;
  Mutex mutex_;
  std::shared_ptr<const JwkSet> cache_keys_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, std::shared_ptr<const Verified>> cache_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::auth
