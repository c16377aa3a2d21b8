#include "services/platform/base/periodic.h"

#include <utility>

#include "absl/time/clock.h"

namespace securebase {

Periodic::Periodic(absl::Duration interval, std::function<void()> run)
    : interval_(interval), run_(std::move(run)), thread_([this] { Loop(); }) {}

Periodic::~Periodic() { Stop(); }

void Periodic::Wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  changed_.NotifyAll();
}

void Periodic::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  MutexLock lock(join_mutex_);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Periodic::Loop() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) {
        return;
      }
      woken_ = false;
    }
    run_();
    const absl::Time next = absl::Now() + interval_;
    MutexLock lock(mutex_);
    while (!stopping_ && !woken_ && absl::Now() < next) {
      changed_.WaitFor(mutex_, next - absl::Now());
    }
  }
}

}  // namespace securebase
