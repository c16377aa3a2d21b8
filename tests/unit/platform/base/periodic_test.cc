#include "services/platform/base/periodic.h"

#include <atomic>

#include "gtest/gtest.h"

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
