#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/platform/api/call.h"
#include "services/platform/auth/principal.h"
#include "services/platform/base/error.h"

namespace securebase::api {

inline bool IsParticipant(const Call& call) {
  return call.principal.kind == auth::PrincipalKind::kParticipant;
}

// PERMISSION_DENIED (PRINCIPAL_NOT_ALLOWED) when a participant chooses the id of what they create
// (`id_field`, "goal_id", names it for the error) or gives it external identifiers, of which there
// are `identifiers`. Both are unique in the practice: the answer that one is taken would tell of
// somebody else's record, and taking one would keep it from the record it belongs to. A request_id
// makes their requests repeatable all the same.
inline absl::Status CheckNamesNothing(const Call& call, absl::string_view id_field,
                                      absl::string_view id, int identifiers = 0) {
  if (!IsParticipant(call) || (id.empty() && identifiers == 0)) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                   id.empty() ? "a participant must leave `external_identifiers` empty"
                              : absl::StrCat("a participant must leave `", id_field,
                                             "` empty; `request_id` makes a request repeatable"));
}

}  // namespace securebase::api
