#include "services/platform/auth/scopes.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace securebase::auth {
namespace {

constexpr absl::string_view kPermissions = "cruds";

absl::string_view ContextName(ScopeContext context) {
  switch (context) {
    case ScopeContext::kSystem:
      return "system";
    case ScopeContext::kUser:
      return "user";
    case ScopeContext::kPatient:
      return "patient";
  }
  return "";
}

bool IsResource(absl::string_view text) {
  if (text == "*") {
    return true;
  }
  for (const char c : text) {
    if (!absl::ascii_isalpha(static_cast<unsigned char>(c))) {
      return false;
    }
  }
  return !text.empty();
}

// The permissions that `text` stands for; empty when it is not of either version's form.
absl::string_view Permissions(absl::string_view text) {
  if (text == "*") {
    return kPermissions;
  }
  if (text == "read") {
    return "rs";
  }
  if (text == "write") {
    return "cud";
  }
  size_t next = 0;
  for (const char c : text) {
    const size_t at = kPermissions.find(c, next);
    if (at == absl::string_view::npos) {
      return "";
    }
    next = at + 1;
  }
  return text;
}

}  // namespace

ScopeContext ContextOf(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kSystem:
    case PrincipalKind::kService:
      return ScopeContext::kSystem;
    case PrincipalKind::kStaff:
      return ScopeContext::kUser;
    case PrincipalKind::kParticipant:
      return ScopeContext::kPatient;
  }
  return ScopeContext::kPatient;
}

std::set<Grant> ParseScopes(absl::string_view scopes, PrincipalKind kind) {
  const ScopeContext context = ContextOf(kind);
  std::set<Grant> grants;
  for (absl::string_view scope : absl::StrSplit(scopes, ' ', absl::SkipEmpty())) {
    const size_t slash = scope.find('/');
    const size_t dot = scope.rfind('.');
    if (slash == absl::string_view::npos || dot == absl::string_view::npos || dot < slash ||
        scope.substr(0, slash) != ContextName(context)) {
      continue;
    }
    const absl::string_view resource = scope.substr(slash + 1, dot - slash - 1);
    if (!IsResource(resource)) {
      continue;
    }
    for (const char permission : Permissions(scope.substr(dot + 1))) {
      grants.insert({context, std::string(resource), permission});
    }
  }
  return grants;
}

}  // namespace securebase::auth
