#include "services/platform/auth/token_verifier.h"

#include <openssl/sha.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/scopes.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

using ::google::protobuf::Struct;

constexpr absl::string_view kRefusalUrl = "securebase/token-refusal";
constexpr absl::Duration kMaxLeeway = absl::Seconds(30);
constexpr size_t kMaxSubject = 200;
constexpr double kLastSecond = 253402300799;  // the end of the year 9999

Reason ReasonFor(TokenRefusal refusal) {
  switch (refusal) {
    case TokenRefusal::kMissing:
      return Reason::kTokenMissing;
    case TokenRefusal::kExpired:
    case TokenRefusal::kNotYetValid:
      return Reason::kTokenExpired;
    default:
      return Reason::kTokenInvalid;
  }
}

absl::string_view MessageFor(Reason reason) {
  switch (reason) {
    case Reason::kTokenMissing:
      return "the call has no token; send metadata \"authorization: Bearer <token>\"";
    case Reason::kTokenExpired:
      return "the token has expired or is not valid yet; get a new one, and check the clocks";
    default:
      return "the token cannot be verified; get one from the configured issuer for this service";
  }
}

absl::Status Refuse(TokenRefusal refusal) {
  const Reason reason = ReasonFor(refusal);
  absl::Status status = MakeError(absl::StatusCode::kUnauthenticated, reason, MessageFor(reason));
  status.SetPayload(kRefusalUrl, absl::Cord(TokenRefusalName(refusal)));
  return status;
}

bool IsAccessTokenType(absl::string_view type) {
  // RFC 9068, section 4, and RFC 7519, section 5.1: media types, compared without case.
  return absl::EqualsIgnoreCase(type, "at+jwt") ||
         absl::EqualsIgnoreCase(type, "application/at+jwt") || absl::EqualsIgnoreCase(type, "JWT");
}

bool IsPrintable(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxSubject &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); });
}

std::optional<PrincipalKind> KindOf(absl::string_view name) {
  for (const PrincipalKind kind :
       {PrincipalKind::kSystem, PrincipalKind::kStaff, PrincipalKind::kParticipant}) {
    if (name == PrincipalKindName(kind)) {
      return kind;
    }
  }
  return std::nullopt;
}

// A NumericDate of RFC 7519: seconds since 1970, fractions allowed. False when the claim is there
// and is none; without the claim `time` stays as it is.
bool ReadTime(const Struct& claims, absl::string_view name, absl::Time& time) {
  if (FindMember(claims, name) == nullptr) {
    return true;
  }
  const std::optional<double> seconds = NumberMember(claims, name);
  if (!seconds.has_value() || !(*seconds >= 0 && *seconds <= kLastSecond)) {
    return false;
  }
  time = absl::UnixEpoch() + absl::Seconds(*seconds);
  return true;
}

}  // namespace

absl::string_view TokenRefusalName(TokenRefusal refusal) {
  switch (refusal) {
    case TokenRefusal::kNone:
      return "none";
    case TokenRefusal::kMissing:
      return "missing";
    case TokenRefusal::kMalformed:
      return "malformed";
    case TokenRefusal::kTooLarge:
      return "too_large";
    case TokenRefusal::kType:
      return "type";
    case TokenRefusal::kCritical:
      return "critical";
    case TokenRefusal::kUnknownKey:
      return "unknown_key";
    case TokenRefusal::kAlgorithm:
      return "algorithm";
    case TokenRefusal::kSignature:
      return "signature";
    case TokenRefusal::kIssuer:
      return "issuer";
    case TokenRefusal::kAudience:
      return "audience";
    case TokenRefusal::kExpired:
      return "expired";
    case TokenRefusal::kNotYetValid:
      return "not_yet_valid";
    case TokenRefusal::kClaims:
      return "claims";
  }
  return "none";
}

TokenRefusal TokenRefusalOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRefusalUrl);
  if (payload.has_value()) {
    for (int i = 0; i <= static_cast<int>(TokenRefusal::kClaims); ++i) {
      const auto refusal = static_cast<TokenRefusal>(i);
      if (*payload == TokenRefusalName(refusal)) {
        return refusal;
      }
    }
  }
  return TokenRefusal::kNone;
}

absl::StatusOr<absl::string_view> BearerToken(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return Refuse(TokenRefusal::kMissing);
  }
  const absl::string_view token = absl::StripAsciiWhitespace(authorization.substr(kScheme.size()));
  if (token.empty()) {
    return Refuse(TokenRefusal::kMissing);
  }
  return token;
}

TokenVerifier::TokenVerifier(TokenVerifierOptions options, JwksFile& keys, const Clock& clock)
    : options_(std::move(options)), keys_(keys), clock_(clock) {}

absl::StatusOr<Principal> TokenVerifier::Verify(absl::string_view token) {
  if (token.empty()) {
    return Refuse(TokenRefusal::kMissing);
  }
  if (token.size() > kMaxTokenBytes) {
    return Refuse(TokenRefusal::kTooLarge);
  }
  const std::shared_ptr<const JwkSet> keys = keys_.Current();
  const absl::Time now = clock_.Now();
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  if (const auto verified = Recall(digest, keys, now); verified != nullptr) {
    SB_RETURN_IF_ERROR(CheckTimes(*verified, now));
    return verified->principal;
  }
  SB_ASSIGN_OR_RETURN(Verified verified, VerifyUncached(token, *keys));
  SB_RETURN_IF_ERROR(CheckTimes(verified, now));
  verified.verified = now;
  Principal principal = verified.principal;
  Remember(digest, keys, now, std::make_shared<const Verified>(std::move(verified)));
  return principal;
}

absl::StatusOr<TokenVerifier::Verified> TokenVerifier::VerifyUncached(absl::string_view token,
                                                                      const JwkSet& keys) const {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3) {
    return Refuse(TokenRefusal::kMalformed);
  }
  const std::optional<std::string> header_json = DecodeBase64Url(parts[0]);
  const std::optional<std::string> payload = DecodeBase64Url(parts[1]);
  const std::optional<std::string> signature = DecodeBase64Url(parts[2]);
  if (!header_json.has_value() || !payload.has_value() || !signature.has_value()) {
    return Refuse(TokenRefusal::kMalformed);
  }
  const absl::StatusOr<Struct> header = ParseJsonObject(*header_json);
  if (!header.ok()) {
    return Refuse(TokenRefusal::kMalformed);
  }
  if (!IsAccessTokenType(StringMember(*header, "typ").value_or(""))) {
    return Refuse(TokenRefusal::kType);
  }
  if (FindMember(*header, "crit") != nullptr) {
    return Refuse(TokenRefusal::kCritical);  // RFC 7515, section 4.1.11: we understand none
  }
  if (FindMember(*header, "kid") != nullptr && !StringMember(*header, "kid").has_value()) {
    return Refuse(TokenRefusal::kMalformed);
  }
  const VerificationKey* key = keys.Find(StringMember(*header, "kid").value_or(""));
  if (key == nullptr) {
    return Refuse(TokenRefusal::kUnknownKey);
  }
  if (StringMember(*header, "alg").value_or("") != AlgorithmName(key->algorithm)) {
    return Refuse(TokenRefusal::kAlgorithm);
  }
  if (!VerifySignature(*key, token.substr(0, parts[0].size() + 1 + parts[1].size()), *signature)) {
    return Refuse(TokenRefusal::kSignature);
  }
  return ReadClaims(*payload);
}

absl::StatusOr<TokenVerifier::Verified> TokenVerifier::ReadClaims(absl::string_view payload) const {
  const absl::StatusOr<Struct> claims = ParseJsonObject(payload);
  if (!claims.ok()) {
    return Refuse(TokenRefusal::kMalformed);
  }
  if (StringMember(*claims, "iss") != options_.issuer) {
    return Refuse(TokenRefusal::kIssuer);
  }
  const std::vector<std::string> audiences =
      StringsMember(*claims, "aud").value_or(std::vector<std::string>());
  if (std::find(audiences.begin(), audiences.end(), options_.audience) == audiences.end()) {
    return Refuse(TokenRefusal::kAudience);
  }
  Verified verified;
  absl::Time issued = absl::InfinitePast();
  verified.expires = absl::InfiniteFuture();
  verified.not_before = absl::InfinitePast();
  if (!ReadTime(*claims, "exp", verified.expires) ||
      !ReadTime(*claims, "nbf", verified.not_before) || !ReadTime(*claims, "iat", issued) ||
      verified.expires == absl::InfiniteFuture()) {
    return Refuse(TokenRefusal::kClaims);
  }
  verified.not_before = std::max(verified.not_before, issued);

  Principal& principal = verified.principal;
  const ClaimNames& names = options_.claims;
  const std::optional<PrincipalKind> kind = KindOf(StringMember(*claims, names.kind).value_or(""));
  principal.practice = StringMember(*claims, names.practice).value_or("");
  principal.subject = StringMember(*claims, "sub").value_or("");
  if (!kind.has_value() || !IsValidId(principal.practice) || !IsPrintable(principal.subject)) {
    return Refuse(TokenRefusal::kClaims);
  }
  principal.kind = *kind;
  if (principal.kind == PrincipalKind::kParticipant) {
    principal.patient = StringMember(*claims, names.patient).value_or("");
    if (!IsPrintable(principal.patient)) {
      return Refuse(TokenRefusal::kClaims);
    }
  }
  if (FindMember(*claims, names.scope) != nullptr) {
    const std::optional<std::vector<std::string>> scopes = StringsMember(*claims, names.scope);
    if (!scopes.has_value()) {
      return Refuse(TokenRefusal::kClaims);
    }
    principal.grants = ParseScopes(absl::StrJoin(*scopes, " "), principal.kind);
  }
  return verified;
}

absl::Status TokenVerifier::CheckTimes(const Verified& verified, absl::Time now) const {
  const absl::Duration leeway = std::min(options_.leeway, kMaxLeeway);
  if (now >= verified.expires + leeway) {
    return Refuse(TokenRefusal::kExpired);
  }
  if (now + leeway < verified.not_before) {
    return Refuse(TokenRefusal::kNotYetValid);
  }
  return absl::OkStatus();
}

std::shared_ptr<const TokenVerifier::Verified> TokenVerifier::Recall(
    const Digest& digest, const std::shared_ptr<const JwkSet>& keys, absl::Time now) {
  MutexLock lock(mutex_);
  if (cache_keys_ != keys) {
    return nullptr;
  }
  const auto entry = cache_.find(digest);
  if (entry == cache_.end() || now >= entry->second->verified + options_.cache_ttl ||
      now < entry->second->verified) {
    return nullptr;
  }
  return entry->second;
}

void TokenVerifier::Remember(const Digest& digest, const std::shared_ptr<const JwkSet>& keys,
                             absl::Time now, std::shared_ptr<const Verified> verified) {
  MutexLock lock(mutex_);
  if (cache_keys_ != keys) {
    // All entries are of the same keys. A call that began before a reload may come here after it
    // and empty the cache once more: that costs time, never safety.
    cache_.clear();
    cache_keys_ = keys;
  }
  if (cache_.size() >= static_cast<size_t>(options_.cache_entries)) {
    absl::erase_if(cache_, [&](const auto& entry) {
      return now >= entry.second->verified + options_.cache_ttl;
    });
  }
  if (cache_.size() >= static_cast<size_t>(options_.cache_entries)) {
    cache_.clear();  // only holders of valid tokens get here; verifying again is all it costs
  }
  cache_[digest] = std::move(verified);
}

}  // namespace securebase::auth
