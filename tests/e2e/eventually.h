#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace securebase::testing {

// Asks again and again, another process has its own pace, until the answer is OK: that answer, or
// the last one when `timeout` has passed.
inline absl::Status Eventually(const std::function<absl::Status()>& ask,
                               absl::Duration timeout = absl::Seconds(30)) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::Status status = ask();
  while (!status.ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
    status = ask();
  }
  return status;
}

}  // namespace securebase::testing
