#include "services/platform/rpc/worker_pool.h"

#include <utility>

namespace securebase::rpc {

WorkerPool::WorkerPool(int threads, int queue) : queue_(static_cast<size_t>(queue)) {
  MutexLock lock(threads_mutex_);
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

WorkerPool::~WorkerPool() { Drain(); }

WorkerPool::Admission WorkerPool::Submit(std::function<void()> task) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (stopped_) {
      return Admission::kStopped;
    }
    // A task that an idle thread is about to take does not wait.
    if (tasks_.size() >= queue_ + static_cast<size_t>(idle_)) {
      return Admission::kFull;
    }
    tasks_.push_back(std::move(task));
    wake = MayWake();
  }
  if (wake) {
    changed_.NotifyOne();
  }
  return Admission::kAdmitted;
}

void WorkerPool::Drain() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  MutexLock lock(threads_mutex_);
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

int WorkerPool::waiting() const {
  MutexLock lock(mutex_);
  return static_cast<int>(tasks_.size());
}

bool WorkerPool::MayWake() {
  if (idle_ == 0 || waking_) {
    return false;
  }
  waking_ = true;
  return true;
}

void WorkerPool::Run() {
  while (true) {
    std::function<void()> task;
    bool wake = false;
    {
      MutexLock lock(mutex_);
      ++idle_;
      while (tasks_.empty() && !stopped_) {
        changed_.Wait(mutex_);
        waking_ = false;
      }
      --idle_;
      if (tasks_.empty()) {
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
      wake = !tasks_.empty() && MayWake();
    }
    if (wake) {
      changed_.NotifyOne();
    }
    task();
  }
}

}  // namespace securebase::rpc
