#include "services/platform/rpc/authenticator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "securebase/type/v1/acting_for.pb.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/auth/token_verifier.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::rpc {
namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid, message);
}

}  // namespace

Authenticator::Authenticator(VerifyToken verify_token,
                             std::map<std::string, std::string> peer_services)
    : verify_token_(std::move(verify_token)), peer_services_(std::move(peer_services)) {}

absl::StatusOr<auth::Principal> Authenticator::Authenticate(const Credentials& credentials) const {
  if (credentials.ambiguous) {
    return Invalid(absl::StrCat("send one header ", api::kAuthorizationKey, " or ",
                                api::kActingForKey, ", and send it once"));
  }
  if (credentials.has_acting_for) {
    return AuthenticateService(credentials);
  }
  SB_ASSIGN_OR_RETURN(const absl::string_view token, auth::BearerToken(credentials.authorization));
  return verify_token_(token);
}

absl::StatusOr<auth::Principal> Authenticator::AuthenticateService(
    const Credentials& credentials) const {
  if (credentials.has_authorization) {
    return Invalid(absl::StrCat("send either a token or ", api::kActingForKey, ", not both"));
  }
  for (const std::string& name : credentials.certificate_names) {
    const auto peer = peer_services_.find(name);
    if (peer == peer_services_.end()) {
      continue;
    }
    type::v1::ActingFor acting_for;
    if (!acting_for.ParseFromString(credentials.acting_for)) {
      return Invalid(absl::StrCat("the metadata ", api::kActingForKey, " cannot be read"));
    }
    return api::FromActingFor(acting_for, peer->second);
  }
  return Invalid(absl::StrCat("only a service with its own client certificate may send ",
                              api::kActingForKey, "; send a token instead"));
}

}  // namespace securebase::rpc
