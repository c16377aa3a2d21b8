#include "services/platform/api/authorize.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/base/error.h"

namespace securebase::api {
namespace {

using ::securebase::auth::PrincipalKind;

absl::Status NotAllowed(const auth::Principal& principal, const MethodPolicy& policy,
                        absl::string_view who) {
  const absl::string_view kind = auth::PrincipalKindName(principal.kind);
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                   absl::StrCat(policy.name, " is for ", who, ", and the token is of kind ", kind,
                                "; use another token"),
                   {{"kind", std::string(kind)}});
}

}  // namespace

absl::Status Authorize(const auth::Principal& principal, const MethodPolicy& policy) {
  const bool participant = principal.kind == PrincipalKind::kParticipant;
  if (policy.practice_wide && (participant || principal.kind == PrincipalKind::kStaff)) {
    return NotAllowed(principal, policy, "systems of the practice");
  }
  if (participant && !policy.participants) {
    return NotAllowed(principal, policy, "staff and systems");
  }
  const bool granted =
      std::any_of(policy.scopes.begin(), policy.scopes.end(), [&](const std::string& scope) {
        return policy.practice_wide ? auth::HasPracticeWideScope(principal, scope)
                                    : auth::HasScope(principal, scope);
      });
  if (granted) {
    return absl::OkStatus();
  }
  const std::string needed = policy.practice_wide
                                 ? absl::StrCat("system/", absl::StrJoin(policy.scopes, " system/"))
                                 : absl::StrJoin(policy.scopes, " ");
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing,
                   absl::StrCat("the token grants none of the scopes that ", policy.name,
                                " needs: ", needed, "; ask for one at the issuer"),
                   {{"needed", needed}});
}

}  // namespace securebase::api
