#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/auth/jwks.h"
#include "services/platform/auth/principal.h"
#include "services/platform/auth/token_verifier.h"

// Making tokens: for the CLI's `securebase token`, the demo and tests. The services only verify.
namespace securebase::auth {

// A key pair that signs tokens. Immutable, so safe to share between threads.
class TokenSigner {
 public:
  // A new key pair; RSA has 2048 bits.
  static absl::StatusOr<TokenSigner> Generate(Algorithm algorithm, std::string kid);
  // From an unencrypted PKCS#8 PEM; INVALID_ARGUMENT when it is none or not for that algorithm.
  static absl::StatusOr<TokenSigner> FromPem(Algorithm algorithm, std::string kid,
                                             absl::string_view pem);

  const std::string& kid() const { return kid_; }
  Algorithm algorithm() const { return algorithm_; }
  std::string PrivateKeyPem() const;  // a secret: write it with WritePrivateFile
  std::string PublicKeyPem() const;
  std::string PublicJwk() const;  // one JSON object

  // The JWS signature over `bytes`.
  std::string Sign(absl::string_view bytes) const;

 private:
  TokenSigner(Algorithm algorithm, std::string kid, std::shared_ptr<EVP_PKEY> key);

  Algorithm algorithm_;
  std::string kid_;
  std::shared_ptr<EVP_PKEY> key_;
};

// A JWK set of the signers' public keys.
std::string FormatJwkSet(const std::vector<TokenSigner>& signers);

// Who a token is for and how long.
struct TokenRequest {
  std::string issuer;
  std::string audience;
  std::string practice;
  PrincipalKind kind = PrincipalKind::kStaff;
  std::string subject;
  std::string patient;  // participants
  std::string scope;    // space-separated SMART scopes
  absl::Time issued;
  absl::Duration lifetime = absl::Minutes(15);
  ClaimNames claims;
};

// The payload for a request, as JSON.
std::string FormatClaims(const TokenRequest& request);

// A signed token, typ at+jwt.
std::string MintToken(const TokenSigner& signer, const TokenRequest& request);

// A JWS of any header and payload, so that tests can make bad ones.
std::string SignJws(const TokenSigner& signer, absl::string_view header_json,
                    absl::string_view payload);

}  // namespace securebase::auth
