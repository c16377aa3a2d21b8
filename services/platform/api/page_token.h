#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "services/platform/api/call.h"
#include "services/platform/auth/keyring.h"

namespace securebase::api {

// Page tokens (AIP-158). A token is a cursor of the store, encrypted because its bytes may hold
// what the caller may not see, and bound to the practice, the principal, the method and the query:
// every field of the request but page_token, page_size and request_id. Thread-safe.
class PageTokens {
 public:
  static constexpr absl::Duration kLifetime = absl::Hours(72);

  // `keyring` must outlive the object.
  explicit PageTokens(auth::KeyringFile& keyring) : keyring_(keyring) {}

  // The token that continues after `cursor`, which is not empty; base64url. INTERNAL only.
  absl::StatusOr<std::string> Make(const Call& call, const google::protobuf::Message& request,
                                   absl::string_view cursor) const;

  // The cursor of `token`, empty for an empty token: the first page. INVALID_ARGUMENT
  // (INVALID_PAGE_TOKEN) when it is damaged, older than kLifetime at the call's time, or of another
  // practice, principal, method or query; which of these is not said.
  absl::StatusOr<std::string> Open(const Call& call, const google::protobuf::Message& request,
                                   absl::string_view token) const;

 private:
  auth::KeyringFile& keyring_;
};

}  // namespace securebase::api
