#include "services/platform/auth/token_minter.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/base/error.h"
#include "services/platform/base/json.h"

namespace securebase::auth {
namespace {

constexpr unsigned kRsaBits = 2048;
constexpr int kP256Bytes = 32;

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string BignumParam(EVP_PKEY* key, const char* name, int size) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) {
    return "";
  }
  const BignumPtr owned(number);
  std::string bytes(static_cast<size_t>(size == 0 ? BN_num_bytes(number) : size), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
               static_cast<int>(bytes.size()));
  return EncodeBase64Url(bytes);
}

bool Fits(Algorithm algorithm, EVP_PKEY* key) {
  switch (algorithm) {
    case Algorithm::kRs256:
    case Algorithm::kPs256:
      return EVP_PKEY_is_a(key, "RSA") == 1;
    case Algorithm::kEs256:
      return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) == 8 * kP256Bytes;
    case Algorithm::kEdDsa:
      return EVP_PKEY_is_a(key, "ED25519") == 1;
  }
  return false;
}

}  // namespace

TokenSigner::TokenSigner(Algorithm algorithm, std::string kid, std::shared_ptr<EVP_PKEY> key)
    : algorithm_(algorithm), kid_(std::move(kid)), key_(std::move(key)) {}

absl::StatusOr<TokenSigner> TokenSigner::Generate(Algorithm algorithm, std::string kid) {
  PkeyPtr key;
  switch (algorithm) {
    case Algorithm::kRs256:
    case Algorithm::kPs256:
      key.reset(EVP_RSA_gen(kRsaBits));
      break;
    case Algorithm::kEs256:
      key.reset(EVP_EC_gen("P-256"));
      break;
    case Algorithm::kEdDsa:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
      break;
  }
  if (key == nullptr) {
    return Internal("key generation failed");
  }
  return TokenSigner(algorithm, std::move(kid), std::shared_ptr<EVP_PKEY>(std::move(key)));
}

absl::StatusOr<TokenSigner> TokenSigner::FromPem(Algorithm algorithm, std::string kid,
                                                 absl::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // An empty pass phrase: without one OpenSSL would ask at the terminal.
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, const_cast<char*>("")));
  if (key == nullptr || !Fits(algorithm, key.get())) {
    return absl::InvalidArgumentError(
        absl::StrCat("is not an unencrypted private key for ", AlgorithmName(algorithm)));
  }
  return TokenSigner(algorithm, std::move(kid), std::shared_ptr<EVP_PKEY>(std::move(key)));
}

std::string TokenSigner::PrivateKeyPem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return BioText(bio.get());
}

std::string TokenSigner::PublicKeyPem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PUBKEY(bio.get(), key_.get());
  return BioText(bio.get());
}

std::string TokenSigner::PublicJwk() const {
  std::string members;
  switch (algorithm_) {
    case Algorithm::kRs256:
    case Algorithm::kPs256:
      members =
          absl::StrCat(R"("kty": "RSA", "n": ")", BignumParam(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0),
                       R"(", "e": ")", BignumParam(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0), "\"");
      break;
    case Algorithm::kEs256:
      members = absl::StrCat(R"("kty": "EC", "crv": "P-256", "x": ")",
                             BignumParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kP256Bytes),
                             R"(", "y": ")",
                             BignumParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kP256Bytes), "\"");
      break;
    case Algorithm::kEdDsa: {
      unsigned char raw[32];
      size_t size = sizeof(raw);
      EVP_PKEY_get_raw_public_key(key_.get(), raw, &size);
      members = absl::StrCat(
          R"("kty": "OKP", "crv": "Ed25519", "x": ")",
          EncodeBase64Url(absl::string_view(reinterpret_cast<const char*>(raw), size)), "\"");
      break;
    }
  }
  return absl::StrCat("{\"kid\": ", JsonString(kid_), R"(, "use": "sig", "alg": ")",
                      AlgorithmName(algorithm_), "\", ", members, "}");
}

std::string TokenSigner::Sign(absl::string_view bytes) const {
  const DigestPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  EVP_DigestSignInit(context.get(), &key_context,
                     algorithm_ == Algorithm::kEdDsa ? nullptr : EVP_sha256(), nullptr, key_.get());
  if (algorithm_ == Algorithm::kPs256) {
    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST);
  }
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t size = 0;
  EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size());
  std::string signature(size, '\0');
  EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                 bytes.size());
  signature.resize(size);
  if (algorithm_ != Algorithm::kEs256) {
    return signature;
  }
  const auto* der = reinterpret_cast<const unsigned char*>(signature.data());
  const EcdsaSignaturePtr parsed(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size)));
  std::string raw(size_t{2} * kP256Bytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), out, kP256Bytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), out + kP256Bytes, kP256Bytes);
  return raw;
}

std::string FormatJwkSet(const std::vector<TokenSigner>& signers) {
  return absl::StrCat("{\"keys\": [\n  ",
                      absl::StrJoin(signers, ",\n  ",
                                    [](std::string* out, const TokenSigner& signer) {
                                      out->append(signer.PublicJwk());
                                    }),
                      "\n]}\n");
}

std::string FormatClaims(const TokenRequest& request) {
  std::vector<std::string> members;
  const auto text = [&](absl::string_view name, absl::string_view value) {
    if (!value.empty()) {
      members.push_back(absl::StrCat(JsonString(name), ":", JsonString(value)));
    }
  };
  const auto time = [&](absl::string_view name, absl::Time value) {
    members.push_back(absl::StrCat(JsonString(name), ":", absl::ToUnixSeconds(value)));
  };
  text("iss", request.issuer);
  text("aud", request.audience);
  text("sub", request.subject);
  time("iat", request.issued);
  time("exp", request.issued + request.lifetime);
  text(request.claims.practice, request.practice);
  text(request.claims.kind, PrincipalKindName(request.kind));
  text(request.claims.patient, request.patient);
  text(request.claims.scope, request.scope);
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

std::string MintToken(const TokenSigner& signer, const TokenRequest& request) {
  return SignJws(signer,
                 absl::StrCat(R"({"typ":"at+jwt","alg":")", AlgorithmName(signer.algorithm()),
                              R"(","kid":)", JsonString(signer.kid()), "}"),
                 FormatClaims(request));
}

std::string SignJws(const TokenSigner& signer, absl::string_view header_json,
                    absl::string_view payload) {
  const std::string body =
      absl::StrCat(EncodeBase64Url(header_json), ".", EncodeBase64Url(payload));
  return absl::StrCat(body, ".", EncodeBase64Url(signer.Sign(body)));
}

}  // namespace securebase::auth
