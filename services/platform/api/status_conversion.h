#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"

namespace securebase::api {

inline constexpr absl::string_view kErrorDomain = "securebase.org";

// gRPC sends a status in header fields, and error details above some 7 KB make other calls of the
// same connection fail. Both limits are of what is sent: `kMaxMessageBytes` of the message after
// gRPC's percent-encoding.
inline constexpr size_t kMaxStatusBytes = 4096;
inline constexpr size_t kMaxMessageBytes = 1024;

// What a caller sees of an error made with base/error.h: ErrorInfo (domain, reason, metadata),
// BadRequest (violations) and RetryInfo. At most kMaxStatusBytes serialized: violations are dropped
// from the end first, and metadata `violations_omitted` says how many; then metadata.
//
// INTERNAL, UNKNOWN and DATA_LOSS may say what no caller should read, so they become a message that
// holds nothing but `call_id`, which finds the log line.
google::rpc::Status ToRpcStatus(const absl::Status& status, absl::string_view call_id);

// The way back, for clients: base/error.h's accessors find what was sent. A status of another
// domain keeps its code and message.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace securebase::api
