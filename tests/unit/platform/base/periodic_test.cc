#include "services/platform/base/periodic.h"

#include <dlfcn.h>

#include <atomic>
#include <ctime>

#include "gtest/gtest.h"

namespace {

std::atomic<time_t> set_back_by = 0;  // seconds

}  // namespace

// Stands before the C library's: the system's clock, which a test can set.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using Function = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  if (clock == CLOCK_REALTIME) {
    time->tv_sec -= set_back_by;
  }
  return result;
}

namespace securebase {
namespace {

// Counts runs; lets a test wait for one without sleeping.
class Runs {
 public:
  void Add() {
    MutexLock lock(mutex_);
    ++count_;
    changed_.NotifyAll();
  }
  void WaitFor(int count) {
    MutexLock lock(mutex_);
    while (count_ < count) {
      changed_.Wait(mutex_);
    }
  }
  int count() {
    MutexLock lock(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(PeriodicTest, RunsAtOnceAndAgainWhenWoken) {
  Runs runs;
  Periodic periodic(absl::Hours(1), [&] { runs.Add(); });
  runs.WaitFor(1);
  periodic.Wake();
  runs.WaitFor(2);
}

TEST(PeriodicTest, RunsAfterEachInterval) {
  Runs runs;
  Periodic periodic(absl::Milliseconds(1), [&] { runs.Add(); });
  runs.WaitFor(3);
}

TEST(PeriodicTest, RunsThoughTheClockIsSetBack) {
  Runs runs;
  Periodic periodic(absl::Milliseconds(20), [&] { runs.Add(); });
  for (int i = 1; i <= 10; ++i) {
    runs.WaitFor(i);
    set_back_by += 3600;
  }
  set_back_by = 0;
}

TEST(PeriodicTest, DoesNotRunAfterStop) {
  Runs runs;
  Periodic periodic(absl::Milliseconds(1), [&] { runs.Add(); });
  runs.WaitFor(1);
  periodic.Stop();
  const int count = runs.count();
  periodic.Wake();
  periodic.Stop();
  EXPECT_EQ(runs.count(), count);
}

}  // namespace
}  // namespace securebase
