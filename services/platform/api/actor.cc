#include "services/platform/api/actor.h"

namespace securebase::api {

type::v1::PrincipalKind ToProto(auth::PrincipalKind kind) {
  switch (kind) {
    case auth::PrincipalKind::kSystem:
      return type::v1::PRINCIPAL_KIND_SYSTEM;
    case auth::PrincipalKind::kStaff:
      return type::v1::PRINCIPAL_KIND_STAFF;
    case auth::PrincipalKind::kParticipant:
      return type::v1::PRINCIPAL_KIND_PARTICIPANT;
    case auth::PrincipalKind::kService:
      return type::v1::PRINCIPAL_KIND_SERVICE;
  }
  return type::v1::PRINCIPAL_KIND_UNSPECIFIED;
}

type::v1::Actor ActorOf(const Call& call) {
  type::v1::Actor actor;
  actor.set_kind(ToProto(call.principal.kind));
  actor.set_subject(call.principal.subject);
  return actor;
}

}  // namespace securebase::api
