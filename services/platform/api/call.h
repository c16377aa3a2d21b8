#pragma once

#include <string>

#include "absl/time/time.h"
#include "services/platform/auth/principal.h"

namespace securebase::api {

// What a handler knows about the call it serves; free of gRPC, so that a unit test can make one.
struct Call {
  auth::Principal principal;  // authenticated and authorized for `method`
  std::string method;         // "/securebase.goals.v1.GoalsService/CreateGoal"
  std::string call_id;        // UUIDv7, in every log line and INTERNAL error of this call
  std::string traceparent;    // W3C trace context to pass on; empty: none
  absl::Time time;            // when the call was accepted: its recorded time
  absl::Time deadline;        // absolute, always set; everything beneath inherits it

  const std::string& practice() const { return principal.practice; }
};

}  // namespace securebase::api
