#include "services/platform/auth/jwks.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

using ::google::protobuf::Struct;

constexpr int kMinRsaBits = 2048;  // RFC 7518, sections 3.3 and 3.5
constexpr int kMaxRsaBits = 8192;  // verification time grows with the square
constexpr size_t kP256Bytes = 32;
constexpr size_t kEd25519Bytes = 32;

// RFC 7518 section 6 and RFC 8037: `d` of EC, RSA and OKP; the rest of RSA; `k` of symmetric keys.
constexpr absl::string_view kPrivateMembers[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

absl::Status Bad(absl::string_view kid, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("key \"", kid, "\" ", what));
}

absl::StatusOr<std::string> BytesMember(const Struct& jwk, absl::string_view kid,
                                        absl::string_view name) {
  const std::optional<std::string> text = StringMember(jwk, name);
  std::optional<std::string> bytes;
  if (text.has_value()) {
    bytes = DecodeBase64Url(*text);
  }
  if (!bytes.has_value() || bytes->empty()) {
    return Bad(kid, absl::StrCat("needs the member \"", name, "\" in base64url"));
  }
  return *bytes;
}

BignumPtr ToBignum(absl::string_view bytes) {
  return BignumPtr(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                             static_cast<int>(bytes.size()), nullptr));
}

PkeyPtr FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PkeyPtr(key);
}

absl::StatusOr<PkeyPtr> RsaKey(const Struct& jwk, absl::string_view kid) {
  SB_ASSIGN_OR_RETURN(const std::string n, BytesMember(jwk, kid, "n"));
  SB_ASSIGN_OR_RETURN(const std::string e, BytesMember(jwk, kid, "e"));
  const BignumPtr modulus = ToBignum(n);
  const BignumPtr exponent = ToBignum(e);
  if (modulus == nullptr || exponent == nullptr) {
    return Bad(kid, "cannot be read");
  }
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return Bad(
        kid, absl::StrCat("has ", bits, " bits; RSA keys need ", kMinRsaBits, " to ", kMaxRsaBits));
  }
  if (!BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get()) ||
      BN_num_bits(exponent.get()) > 64) {
    return Bad(kid, "is not a valid RSA key");
  }
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return FromParams("RSA", builder.get());
}

absl::StatusOr<PkeyPtr> P256Key(const Struct& jwk, absl::string_view kid) {
  SB_ASSIGN_OR_RETURN(const std::string x, BytesMember(jwk, kid, "x"));
  SB_ASSIGN_OR_RETURN(const std::string y, BytesMember(jwk, kid, "y"));
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) {
    return Bad(kid, "needs \"x\" and \"y\" of 32 bytes each");
  }
  const std::string point = absl::StrCat("\x04", x, y);  // uncompressed
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return FromParams("EC", builder.get());
}

absl::StatusOr<PkeyPtr> Ed25519Key(const Struct& jwk, absl::string_view kid) {
  SB_ASSIGN_OR_RETURN(const std::string x, BytesMember(jwk, kid, "x"));
  if (x.size() != kEd25519Bytes) {
    return Bad(kid, "needs \"x\" of 32 bytes");
  }
  return PkeyPtr(EVP_PKEY_new_raw_public_key(
      EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(x.data()), x.size()));
}

// What a key of this kind signs with, or none if we have no use for it.
std::optional<Algorithm> AlgorithmOf(const Struct& jwk) {
  const std::string kty = StringMember(jwk, "kty").value_or("");
  const std::string crv = StringMember(jwk, "crv").value_or("");
  const std::optional<std::string> alg = StringMember(jwk, "alg");
  if (StringMember(jwk, "use").value_or("sig") != "sig") {
    return std::nullopt;
  }
  if (kty == "RSA") {
    if (alg == "PS256") {
      return Algorithm::kPs256;
    }
    return alg.value_or("RS256") == "RS256" ? std::optional(Algorithm::kRs256) : std::nullopt;
  }
  if (kty == "EC" && crv == "P-256") {
    return alg.value_or("ES256") == "ES256" ? std::optional(Algorithm::kEs256) : std::nullopt;
  }
  if (kty == "OKP" && crv == "Ed25519") {
    return alg.value_or("EdDSA") == "EdDSA" ? std::optional(Algorithm::kEdDsa) : std::nullopt;
  }
  return std::nullopt;
}

absl::StatusOr<PkeyPtr> PublicKey(const Struct& jwk, absl::string_view kid, Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
    case Algorithm::kPs256:
      return RsaKey(jwk, kid);
    case Algorithm::kEs256:
      return P256Key(jwk, kid);
    case Algorithm::kEdDsa:
      return Ed25519Key(jwk, kid);
  }
  return Bad(kid, "is of an unknown kind");
}

// JWS has r and s of 32 bytes each, one after the other (RFC 7518, section 3.4); OpenSSL wants DER.
std::optional<std::string> EcdsaToDer(absl::string_view raw) {
  if (raw.size() != 2 * kP256Bytes) {
    return std::nullopt;
  }
  const EcdsaSignaturePtr signature(ECDSA_SIG_new());
  BignumPtr r = ToBignum(raw.substr(0, kP256Bytes));
  BignumPtr s = ToBignum(raw.substr(kP256Bytes));
  if (signature == nullptr || r == nullptr || s == nullptr ||
      ECDSA_SIG_set0(signature.get(), r.release(), s.release()) != 1) {
    return std::nullopt;
  }
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  if (length <= 0) {
    return std::nullopt;
  }
  std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

absl::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256:
      return "RS256";
    case Algorithm::kPs256:
      return "PS256";
    case Algorithm::kEs256:
      return "ES256";
    case Algorithm::kEdDsa:
      return "EdDSA";
  }
  return "";
}

bool VerifySignature(const VerificationKey& key, absl::string_view signed_bytes,
                     absl::string_view signature) {
  std::string der;
  if (key.algorithm == Algorithm::kEs256) {
    std::optional<std::string> converted = EcdsaToDer(signature);
    if (!converted.has_value()) {
      return false;
    }
    der = *std::move(converted);
    signature = der;
  }
  const DigestPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  const EVP_MD* digest = key.algorithm == Algorithm::kEdDsa ? nullptr : EVP_sha256();
  bool good = context != nullptr && EVP_DigestVerifyInit(context.get(), &key_context, digest,
                                                         nullptr, key.key.get()) == 1;
  if (good && key.algorithm == Algorithm::kPs256) {
    good = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  good = good && EVP_DigestVerify(
                     context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                     signature.size(), reinterpret_cast<const unsigned char*>(signed_bytes.data()),
                     signed_bytes.size()) == 1;
  if (!good) {
    ERR_clear_error();  // a refusal must not show up as the cause of a later failure
  }
  return good;
}

absl::StatusOr<JwkSet> JwkSet::Parse(absl::string_view json) {
  SB_ASSIGN_OR_RETURN(const Struct document, ParseJsonObject(json));
  const google::protobuf::Value* keys = FindMember(document, "keys");
  if (keys == nullptr || !keys->has_list_value()) {
    return absl::InvalidArgumentError("is not a JWK set: it needs an array \"keys\"");
  }
  JwkSet set;
  std::set<std::string> kids;
  for (const google::protobuf::Value& element : keys->list_value().values()) {
    if (!element.has_struct_value()) {
      return absl::InvalidArgumentError("has an element of \"keys\" that is not an object");
    }
    const Struct& jwk = element.struct_value();
    const std::string kid = StringMember(jwk, "kid").value_or("");
    for (const absl::string_view name : kPrivateMembers) {
      if (FindMember(jwk, name) != nullptr) {
        return Bad(kid, absl::StrCat("holds the private member \"", name,
                                     "\"; replace the key pair and publish the public part only"));
      }
    }
    const std::optional<Algorithm> algorithm = AlgorithmOf(jwk);
    if (!algorithm.has_value()) {
      continue;
    }
    if (!kids.insert(kid).second) {
      return Bad(kid, "appears twice; every key needs a \"kid\" of its own");
    }
    SB_ASSIGN_OR_RETURN(PkeyPtr key, PublicKey(jwk, kid, *algorithm));
    const PkeyContextPtr check(key == nullptr ? nullptr : EVP_PKEY_CTX_new(key.get(), nullptr));
    if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
      ERR_clear_error();
      return Bad(kid, "is not a valid public key");
    }
    set.keys_.push_back({kid, *algorithm, std::shared_ptr<EVP_PKEY>(std::move(key))});
  }
  if (set.keys_.empty()) {
    return absl::InvalidArgumentError(
        "has no usable key; it needs one for RS256, PS256, ES256 or EdDSA");
  }
  return set;
}

const VerificationKey* JwkSet::Find(absl::string_view kid) const {
  if (kid.empty()) {
    return keys_.size() == 1 ? &keys_.front() : nullptr;
  }
  for (const VerificationKey& key : keys_) {
    if (key.kid == kid) {
      return &key;
    }
  }
  return nullptr;
}

absl::StatusOr<std::unique_ptr<JwksFile>> OpenJwksFile(std::string path, const Clock& clock,
                                                       ReloadCallback on_reload) {
  return JwksFile::Open(std::move(path), Secrecy::kPublic, &JwkSet::Parse, clock,
                        std::move(on_reload));
}

}  // namespace securebase::auth
