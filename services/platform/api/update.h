#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

namespace securebase::api {

// Updates after AIP-134. Copies what `mask` names from `changes` into `stored`, both of the same
// type; `stored` is what the store holds and becomes what it shall hold.
//
//   - An empty mask means the fields that are set in `changes`; "*" means every field.
//   - A path names a field, or a field inside a singular message: "details.summary". A named field
//     that is unset in `changes` is cleared. Repeated fields, maps and messages are replaced whole.
//   - OUTPUT_ONLY and IDENTIFIER fields, `name` and `etag` at the top are left as they are, named
//     or not, also inside a message that is replaced.
//   - IMMUTABLE fields are left too; one that is set to another value is refused.
//
// INVALID_ARGUMENT (violations) for a path that names no field, "*" beside other paths, and
// immutable fields; `stored` is then unchanged. `resource` is the request's field that holds
// `changes`, for the violations: "goal".
absl::Status MergeUpdate(const google::protobuf::FieldMask& mask,
                         const google::protobuf::Message& changes, absl::string_view resource,
                         google::protobuf::Message& stored);

// The etag of a record at this version of the store's (AIP-154). Opaque to callers.
std::string MakeEtag(int64_t version);

// ABORTED (ETAG_MISMATCH) naming `name` when `given` is not its `current` etag, which is "" where
// there is no record yet. Empty and "*" match every etag: the caller does not care.
absl::Status CheckEtag(absl::string_view name, absl::string_view given, absl::string_view current);

// The same for a resource as it was read.
template <typename Message>
absl::Status CheckEtag(const Message& stored, absl::string_view given) {
  return CheckEtag(stored.name(), given, stored.etag());
}

}  // namespace securebase::api
