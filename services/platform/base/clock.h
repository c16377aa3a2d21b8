#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace securebase {

// Where the time comes from. Passed in everywhere, so that tests choose it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace securebase
