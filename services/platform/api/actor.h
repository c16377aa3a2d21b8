#pragma once

#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/call.h"
#include "services/platform/auth/principal.h"

namespace securebase::api {

type::v1::PrincipalKind ToProto(auth::PrincipalKind kind);

// Who makes the call, as records keep it: kind and subject. Never the patient.
type::v1::Actor ActorOf(const Call& call);

}  // namespace securebase::api
