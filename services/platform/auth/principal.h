#pragma once

#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace securebase::auth {

enum class PrincipalKind { kSystem, kStaff, kParticipant, kService };

// "system", "staff", "participant", "service".
absl::string_view PrincipalKindName(PrincipalKind kind);

// What a token's SMART v2 scopes grant, already split up: "user/Goal.rs" grants {kUser, "Goal",
// 'r'} and {kUser, "Goal", 's'}.
enum class ScopeContext { kSystem, kUser, kPatient };
struct Grant {
  ScopeContext context;
  std::string resource;  // "Goal", "*" for every one
  char permission;       // one of c r u d s
};
bool operator<(const Grant& a, const Grant& b);
bool operator==(const Grant& a, const Grant& b);

// Who a call is made for, from its verified token or client certificate. Never stored on a
// connection.
struct Principal {
  std::string practice;
  PrincipalKind kind = PrincipalKind::kParticipant;  // the least, until somebody says otherwise
  std::string subject;                               // the token's `sub`: opaque
  std::string patient;  // participants only: their EHR patient id; patient data, never logged
  std::set<Grant> grants;
  std::string via_service;  // "plans": that service calls, on behalf of this principal
};

// Whether some grant gives `needed`, "Goal.r": that resource (or "*") and that permission.
bool HasScope(const Principal& principal, absl::string_view needed);

// Sees the whole practice: a system or a service with the scope in the `system/` context.
bool HasPracticeWideScope(const Principal& principal, absl::string_view needed);

// "staff:dr-a", "staff:dr-a via plans": for logs and audit. No patient data.
std::string FormatPrincipal(const Principal& principal);

}  // namespace securebase::auth
