#pragma once

#include "absl/time/time.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/base/mutex.h"

namespace securebase::testing {

// Stands still until it is told to move. Thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1767258000))
      : now_(now) {}  // 2026-01-01 09:00 UTC
  absl::Time Now() const override {
    MutexLock lock(mutex_);
    return now_;
  }
  void Set(absl::Time now) {
    MutexLock lock(mutex_);
    now_ = now;
  }
  void Advance(absl::Duration duration) {
    MutexLock lock(mutex_);
    now_ += duration;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
};

// Ids that a test can foresee: UUIDv7 form with the number in the last group.
class FakeIdGenerator : public IdGenerator {
 public:
  std::string NewId() override {
    MutexLock lock(mutex_);
    char id[40];
    snprintf(id, sizeof(id), "01980000-0000-7000-8000-%012d", ++last_);
    return id;
  }

 private:
  Mutex mutex_;
  int last_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace securebase::testing
