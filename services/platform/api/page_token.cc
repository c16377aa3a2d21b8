#include "services/platform/api/page_token.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::api {
namespace {

// A sealed token is: this, when it expires (seconds since 1970, 8 bytes big endian), the cursor.
constexpr char kVersion = 1;
constexpr size_t kHeadBytes = 9;

// What the token is bound to. Each part ends with NUL, which none of them can hold, and the digest
// has a fixed length, so that different parts never run together to the same text.
std::string Binding(const Call& call, const google::protobuf::Message& request) {
  const std::string nul(1, '\0');
  return absl::StrCat("page", nul, call.practice(), nul,
                      auth::PrincipalKindName(call.principal.kind), nul, call.principal.subject,
                      nul, call.method, nul, Fingerprint(request));
}

absl::Status Invalid() {
  return MakeError(
      absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken,
      "the page token is damaged, too old, or of another list, filter or caller; start "
      "again without one");
}

}  // namespace

absl::StatusOr<std::string> PageTokens::Make(const Call& call,
                                             const google::protobuf::Message& request,
                                             absl::string_view cursor) const {
  std::string plain(1, kVersion);
  const auto expires = static_cast<uint64_t>(absl::ToUnixSeconds(call.time + kLifetime));
  for (int shift = 56; shift >= 0; shift -= 8) {
    plain.push_back(static_cast<char>((expires >> shift) & 0xff));
  }
  absl::StrAppend(&plain, cursor);
  SB_ASSIGN_OR_RETURN(const std::string sealed,
                      keyring_.Current()->Seal(plain, Binding(call, request)));
  return auth::EncodeBase64Url(sealed);
}

absl::StatusOr<std::string> PageTokens::Open(const Call& call,
                                             const google::protobuf::Message& request,
                                             absl::string_view token) const {
  if (token.empty()) {
    return std::string();
  }
  const std::optional<std::string> sealed = auth::DecodeBase64Url(token);
  if (!sealed.has_value()) {
    return Invalid();
  }
  const absl::StatusOr<std::string> plain =
      keyring_.Current()->Open(*sealed, Binding(call, request));
  if (!plain.ok() || plain->size() <= kHeadBytes || (*plain)[0] != kVersion) {
    return Invalid();
  }
  uint64_t expires = 0;
  for (size_t i = 1; i < kHeadBytes; ++i) {
    expires = expires << 8 | static_cast<uint8_t>((*plain)[i]);
  }
  if (call.time >= absl::FromUnixSeconds(static_cast<int64_t>(expires))) {
    return Invalid();
  }
  return plain->substr(kHeadBytes);
}

}  // namespace securebase::api
