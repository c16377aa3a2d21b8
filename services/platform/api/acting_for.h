#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/type/v1/acting_for.pb.h"
#include "services/platform/auth/principal.h"

namespace securebase::api {

// Names of the metadata that our services and clients exchange.
inline constexpr char kAuthorizationKey[] = "authorization";
inline constexpr char kActingForKey[] = "securebase-acting-for-bin";  // an ActingFor, serialized
inline constexpr char kTraceparentKey[] = "traceparent";              // W3C Trace Context
inline constexpr char kCallIdKey[] = "securebase-call-id";            // trailing

// What a service sends when it calls another one for `principal`.
type::v1::ActingFor ToActingFor(const auth::Principal& principal);

// The principal of a call by `service`. UNAUTHENTICATED (TOKEN_INVALID) when the practice is no id,
// the subject or the kind is missing, or a participant has no patient.
absl::StatusOr<auth::Principal> FromActingFor(const type::v1::ActingFor& acting_for,
                                              absl::string_view service);

}  // namespace securebase::api
