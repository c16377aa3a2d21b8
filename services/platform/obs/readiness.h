#pragma once

#include <chrono>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "services/platform/base/mutex.h"
#include "services/platform/obs/log.h"

namespace securebase::obs {

// What /readyz answers. Anybody may ask it and the check costs a write to the store, so that it is
// made once a second at most and its result shared. Why it fails stands in the log, a line whenever
// that changes. Thread-safe.
class Readiness {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kMaxAge{1};

  // `logger` must outlive it. `now`: for tests.
  Readiness(std::function<absl::Status()> check, Logger& logger,
            std::function<Time()> now = std::chrono::steady_clock::now);

  // Checks anew when the last result is too old, unless somebody does so already: then the last one
  // holds on. Not ready before the first.
  bool IsReady();

 private:
  bool Begin(bool& ready);
  void End(const absl::Status& status);

  const std::function<absl::Status()> check_;
  Logger& logger_;
  const std::function<Time()> now_;
  Mutex mutex_;
  bool checked_ ABSL_GUARDED_BY(mutex_) = false;
  bool checking_ ABSL_GUARDED_BY(mutex_) = false;
  Time check_time_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::obs
