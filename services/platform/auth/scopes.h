#pragma once

#include <set>

#include "absl/strings/string_view.h"
#include "services/platform/auth/principal.h"

namespace securebase::auth {

// What a space-separated scope string grants a principal of this kind. SMART App Launch 2.0.0,
// "Scopes for requesting FHIR Resources": "<context>/<resource>.<permissions>", permissions a
// subset of "cruds" in that order. Version 1's ".read" (r, s), ".write" (c, u, d) and ".*" are
// understood too.
//
// Only the context of the kind counts: system/ for systems and services, user/ for staff,
// patient/ for participants, so that a token cannot reach further than what it stands for.
// Anything else (openid, launch/patient, a permission out of order, a constraint "?x=y", which we
// could not enforce) grants nothing and is no error.
std::set<Grant> ParseScopes(absl::string_view scopes, PrincipalKind kind);

// The context whose scopes count for a principal of this kind.
ScopeContext ContextOf(PrincipalKind kind);

}  // namespace securebase::auth
