#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace securebase::rpc {

// W3C Trace Context (https://www.w3.org/TR/trace-context/, version 00), the `traceparent` part.
//
// The header that this call's own calls carry: the trace and flags of `incoming`, with this call as
// the parent. Without a valid `incoming` (unknown versions, zero ids, capitals are not) the call
// begins a trace of its own, not sampled. Ids are those of `call_id`, a UUID, so that a trace is
// found from a log line and back.
std::string ContinueTrace(absl::string_view incoming, absl::string_view call_id);

// The trace id in a header made by ContinueTrace.
absl::string_view TraceId(absl::string_view traceparent);

}  // namespace securebase::rpc
