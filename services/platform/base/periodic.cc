#include "services/platform/base/periodic.h"

#include <utility>

#include "services/platform/base/steady_timer.h"

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
    const SteadyTimer pause(interval_);
    MutexLock lock(mutex_);
    for (absl::Duration left = pause.Left(); !stopping_ && !woken_ && left > absl::ZeroDuration();
         left = pause.Left()) {
      changed_.WaitFor(mutex_, left);
    }
  }
}

}  // namespace securebase
