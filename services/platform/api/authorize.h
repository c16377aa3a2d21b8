#pragma once

#include "absl/status/status.h"
#include "services/platform/api/method_policy.h"
#include "services/platform/auth/principal.h"

namespace securebase::api {

// Whether `principal` may call the method at all; which records it sees is decided later, by its
// AccessView. PERMISSION_DENIED:
//   PRINCIPAL_NOT_ALLOWED  this kind of caller may never: a participant where the policy does not
//                          allow them, staff or a participant on a practice-wide method; metadata
//                          `kind`
//   SCOPE_MISSING          the token grants none of the scopes; metadata `needed` lists them,
//                          "system/Goal.r" where it must be a system scope
absl::Status Authorize(const auth::Principal& principal, const MethodPolicy& policy);

}  // namespace securebase::api
