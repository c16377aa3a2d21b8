#include "services/platform/obs/readiness.h"

#include <string>
#include <utility>

namespace securebase::obs {

Readiness::Readiness(std::function<absl::Status()> check, Logger& logger, std::function<Time()> now)
    : check_(std::move(check)), logger_(logger), now_(std::move(now)) {}

bool Readiness::IsReady() {
  bool ready = false;
  if (Begin(ready)) {
    const absl::Status status = check_();
    End(status);
    return status.ok();
  }
  return ready;
}

// Whether the caller shall check; else `ready` is the answer.
bool Readiness::Begin(bool& ready) {
  MutexLock lock(mutex_);
  if (checking_ || (checked_ && now_() - check_time_ < kMaxAge)) {
    ready = checked_ && last_.ok();
    return false;
  }
  checking_ = true;
  return true;
}

void Readiness::End(const absl::Status& status) {
  bool changed = false;
  {
    MutexLock lock(mutex_);
    // Messages of one trouble differ (a time, an address); its code does not.
    changed = checked_ ? last_.code() != status.code() : !status.ok();
    checked_ = true;
    checking_ = false;
    check_time_ = now_();
    last_ = status;
  }
  if (!changed) {
    return;
  }
  if (status.ok()) {
    logger_.Info("ready again", {});
  } else {
    logger_.Warning("not ready", {{"error", std::string(status.message())}});
  }
}

}  // namespace securebase::obs
