#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/platform/base/mutex.h"

namespace securebase {

// Runs a function on a thread of its own, at once and then `interval` after each run has ended,
// however the system's clock is set meanwhile.
class Periodic {
 public:
  Periodic(absl::Duration interval, std::function<void()> run);
  ~Periodic();  // Stop
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  // Runs again now, or as soon as the present run has ended. Thread-safe.
  void Wake();
  // Waits for the present run to end; there is none afterwards. Idempotent, thread-safe.
  void Stop();

 private:
  void Loop();

  const absl::Duration interval_;
  const std::function<void()> run_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  Mutex join_mutex_;  // so that two callers of Stop do not join twice
  std::thread thread_ ABSL_GUARDED_BY(join_mutex_);
};

}  // namespace securebase
