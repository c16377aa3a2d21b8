#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/platform/base/mutex.h"

namespace securebase {

// A lock for what takes long, which is waited for no longer than until a deadline.
class ABSL_LOCKABLE TimedMutex {
 public:
  // False: it was not free by then. One that is free is had even when the deadline has passed.
  bool LockUntil(absl::Time deadline)
      ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    MutexLock lock(mutex_);
    while (held_) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return false;
      }
      freed_.WaitFor(mutex_, left);
    }
    held_ = true;
    return true;
  }

  void Unlock() ABSL_UNLOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    MutexLock lock(mutex_);
    held_ = false;
    freed_.NotifyOne();
  }

 private:
  Mutex mutex_;
  CondVar freed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace securebase
