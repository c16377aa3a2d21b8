#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "services/platform/base/mutex.h"

namespace securebase::rpc {

// Threads that run calls, and a bounded queue before them: gRPC's own callback threads are few and
// must never block, and a queue without a bound only turns overload into timeouts. Thread-safe.
class WorkerPool {
 public:
  enum class Admission { kAdmitted, kFull, kStopped };

  // `threads` is at least 1; `queue` calls may wait for one.
  WorkerPool(int threads, int queue);
  ~WorkerPool();  // Drain()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `task` on one of the threads unless it answers kFull or kStopped; never blocks. Tasks
  // start in the order of admission and must not throw.
  Admission Submit(std::function<void()> task);

  // Admits nothing more, runs everything that was admitted and ends the threads. Idempotent; not to
  // be called from a task.
  void Drain();

  int waiting() const;  // tasks that no thread has begun

 private:
  void Run();
  // Whether to notify now. One thread at a time is woken, and wakes the next when it leaves a task
  // behind: tasks that come together are mostly taken by who is awake, at a fraction of the changes
  // of threads.
  bool MayWake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t queue_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool waking_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is notified and has not come yet
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  Mutex threads_mutex_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(threads_mutex_);
};

}  // namespace securebase::rpc
