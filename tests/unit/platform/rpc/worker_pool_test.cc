#include "services/platform/rpc/worker_pool.h"

#include <atomic>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace securebase::rpc {
namespace {

using Admission = WorkerPool::Admission;

TEST(WorkerPoolTest, RunsEverythingItAdmits) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(2, 1000);
    for (int i = 0; i < 500; ++i) {
      EXPECT_EQ(pool.Submit([&] { ++ran; }), Admission::kAdmitted);
    }
  }
  EXPECT_EQ(ran, 500);
}

TEST(WorkerPoolTest, RefusesBeyondItsQueueAndNeverBlocks) {
  WorkerPool pool(1, 2);
  absl::Notification started;
  absl::Notification release;
  ASSERT_EQ(pool.Submit([&] {
    started.Notify();
    release.WaitForNotification();
  }),
            Admission::kAdmitted);
  started.WaitForNotification();
  EXPECT_EQ(pool.Submit([] {}), Admission::kAdmitted);
  EXPECT_EQ(pool.Submit([] {}), Admission::kAdmitted);
  EXPECT_EQ(pool.waiting(), 2);
  EXPECT_EQ(pool.Submit([] {}), Admission::kFull);
  release.Notify();
  pool.Drain();
  EXPECT_EQ(pool.waiting(), 0);
}

TEST(WorkerPoolTest, DrainingFinishesWhatWasAdmittedAndRefusesTheRest) {
  std::atomic<int> ran{0};
  WorkerPool pool(1, 10);
  absl::Notification release;
  ASSERT_EQ(pool.Submit([&] { release.WaitForNotification(); }), Admission::kAdmitted);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(pool.Submit([&] { ++ran; }), Admission::kAdmitted);
  }
  release.Notify();
  pool.Drain();
  EXPECT_EQ(ran, 5);
  EXPECT_EQ(pool.Submit([&] { ++ran; }), Admission::kStopped);
  pool.Drain();
  EXPECT_EQ(ran, 5);
}

// Tasks that come together share few wake-ups, but a task never waits for one that blocks while a
// thread is idle: each of these returns only when all have begun.
TEST(WorkerPoolTest, TasksThatBlockUseEveryThread) {
  constexpr int kThreads = 4;
  WorkerPool pool(kThreads, 100);
  for (int round = 0; round < 2000; ++round) {
    absl::Barrier* const all_begun = new absl::Barrier(kThreads + 1);
    const auto meet = [all_begun] {
      if (all_begun->Block()) {
        delete all_begun;
      }
    };
    for (int i = 0; i < kThreads; ++i) {
      ASSERT_EQ(pool.Submit(meet), Admission::kAdmitted);
    }
    meet();
  }
}

TEST(WorkerPoolTest, TasksOfOneThreadRunInTheirOrder) {
  std::vector<int> order;
  {
    WorkerPool pool(1, 100);
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(pool.Submit([&order, i] { order.push_back(i); }), Admission::kAdmitted);
    }
  }
  ASSERT_EQ(order.size(), 50U);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(order[static_cast<size_t>(i)], i);
  }
}

}  // namespace
}  // namespace securebase::rpc
