#include "services/platform/api/acting_for.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/api/actor.h"
#include "services/platform/auth/scopes.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::api {
namespace {

using ::securebase::auth::PrincipalKind;
using ::securebase::auth::ScopeContext;

std::optional<PrincipalKind> FromProto(type::v1::PrincipalKind kind) {
  switch (kind) {
    case type::v1::PRINCIPAL_KIND_SYSTEM:
      return PrincipalKind::kSystem;
    case type::v1::PRINCIPAL_KIND_STAFF:
      return PrincipalKind::kStaff;
    case type::v1::PRINCIPAL_KIND_PARTICIPANT:
      return PrincipalKind::kParticipant;
    case type::v1::PRINCIPAL_KIND_SERVICE:
      return PrincipalKind::kService;
    default:
      return std::nullopt;
  }
}

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

}  // namespace

type::v1::ActingFor ToActingFor(const auth::Principal& principal) {
  type::v1::ActingFor acting_for;
  acting_for.set_practice(principal.practice);
  acting_for.set_kind(ToProto(principal.kind));
  acting_for.set_subject(principal.subject);
  acting_for.set_patient(principal.patient);
  // One scope for each resource, its permissions in SMART's order: metadata must stay short.
  std::map<std::string, std::string> permissions;
  for (const auth::Grant& grant : principal.grants) {
    permissions[absl::StrCat(ContextName(grant.context), "/", grant.resource)] += grant.permission;
  }
  for (const auto& [target, granted] : permissions) {
    std::string ordered;
    for (const char permission : {'c', 'r', 'u', 'd', 's'}) {
      if (granted.find(permission) != std::string::npos) {
        ordered += permission;
      }
    }
    acting_for.add_scopes(absl::StrCat(target, ".", ordered));
  }
  return acting_for;
}

absl::StatusOr<auth::Principal> FromActingFor(const type::v1::ActingFor& acting_for,
                                              absl::string_view service) {
  const std::optional<PrincipalKind> kind = FromProto(acting_for.kind());
  if (!kind.has_value() || !IsValidId(acting_for.practice()) || acting_for.subject().empty() ||
      (*kind == PrincipalKind::kParticipant && acting_for.patient().empty())) {
    return MakeError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid,
                     absl::StrCat("the metadata ", kActingForKey, " names no complete principal"));
  }
  auth::Principal principal;
  principal.practice = acting_for.practice();
  principal.kind = *kind;
  principal.subject = acting_for.subject();
  principal.patient = acting_for.patient();
  principal.grants = auth::ParseScopes(absl::StrJoin(acting_for.scopes(), " "), *kind);
  principal.via_service = std::string(service);
  return principal;
}

}  // namespace securebase::api
