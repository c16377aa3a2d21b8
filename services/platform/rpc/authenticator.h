#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/auth/principal.h"

namespace securebase::rpc {

// What a call brings to say who makes it. Read off the call each time: what gRPC knows of a
// connection belongs to all of its calls.
struct Credentials {
  bool ambiguous = false;  // one of the headers came more than once
  bool has_authorization = false;
  std::string authorization;  // the header, "Bearer …"
  bool has_acting_for = false;
  std::string acting_for;  // the serialized securebase.type.v1.ActingFor
  // Subject alternative names of the client certificate, verified by TLS; empty without one. Only
  // looked at for has_acting_for.
  std::vector<std::string> certificate_names;
};

// Turns credentials into a principal. Immutable, so that all threads share it.
class Authenticator {
 public:
  // Verifies a token, as auth::TokenVerifier::Verify does; thread-safe.
  using VerifyToken = std::function<absl::StatusOr<auth::Principal>(absl::string_view token)>;

  // `peer_services`: certificate name -> the service that presents it ("plans").
  Authenticator(VerifyToken verify_token, std::map<std::string, std::string> peer_services);

  // A caller with a token is who its token says. A service is who its certificate says, and names
  // the principal it acts for. UNAUTHENTICATED:
  //   TOKEN_MISSING  neither of the two
  //   TOKEN_INVALID  the token is not ours; somebody without a service's certificate claims to act
  //                  for another; both at once, or one twice, which would leave open whose call
  //                  it is
  //   TOKEN_EXPIRED
  absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) const;

 private:
  absl::StatusOr<auth::Principal> AuthenticateService(const Credentials& credentials) const;

  const VerifyToken verify_token_;
  const std::map<std::string, std::string> peer_services_;
};

}  // namespace securebase::rpc
