#include "services/platform/auth/principal.h"

#include <tuple>

#include "absl/strings/str_cat.h"

namespace securebase::auth {
namespace {

struct NeededScope {
  absl::string_view resource;
  char permission;
};

// "Goal.r" split up; a permission of 0 matches no grant.
NeededScope SplitNeeded(absl::string_view needed) {
  const size_t dot = needed.rfind('.');
  if (dot == absl::string_view::npos || dot + 2 != needed.size()) {
    return {needed, '\0'};
  }
  return {needed.substr(0, dot), needed[dot + 1]};
}

bool Covers(const Grant& grant, const NeededScope& needed) {
  return grant.permission == needed.permission &&
         (grant.resource == "*" || grant.resource == needed.resource);
}

}  // namespace

absl::string_view PrincipalKindName(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kSystem:
      return "system";
    case PrincipalKind::kStaff:
      return "staff";
    case PrincipalKind::kParticipant:
      return "participant";
    case PrincipalKind::kService:
      return "service";
  }
  return "unknown";
}

bool operator<(const Grant& a, const Grant& b) {
  return std::tie(a.context, a.resource, a.permission) <
         std::tie(b.context, b.resource, b.permission);
}

bool operator==(const Grant& a, const Grant& b) {
  return std::tie(a.context, a.resource, a.permission) ==
         std::tie(b.context, b.resource, b.permission);
}

bool HasScope(const Principal& principal, absl::string_view needed) {
  const NeededScope split = SplitNeeded(needed);
  for (const Grant& grant : principal.grants) {
    if (Covers(grant, split)) {
      return true;
    }
  }
  return false;
}

bool HasPracticeWideScope(const Principal& principal, absl::string_view needed) {
  if (principal.kind != PrincipalKind::kSystem && principal.kind != PrincipalKind::kService) {
    return false;
  }
  const NeededScope split = SplitNeeded(needed);
  for (const Grant& grant : principal.grants) {
    if (grant.context == ScopeContext::kSystem && Covers(grant, split)) {
      return true;
    }
  }
  return false;
}

std::string FormatPrincipal(const Principal& principal) {
  std::string text = absl::StrCat(PrincipalKindName(principal.kind), ":", principal.subject);
  if (!principal.via_service.empty()) {
    absl::StrAppend(&text, " via ", principal.via_service);
  }
  return text;
}

}  // namespace securebase::auth
