#pragma once

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/outcomes/records/timed_work.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"

namespace securebase::outcomes {

// How long the oldest risk alert has been waiting, for a gauge: between two runs of the timed work
// its age grows with the clock. Thread-safe.
class RiskWatch {
 public:
  explicit RiskWatch(const Clock& clock) : clock_(clock) {}

  // What a run found. One that failed for a practice may have missed the oldest alert, so it can
  // only make the answer older.
  void Note(const TimedWorkReport& report) {
    MutexLock lock(mutex_);
    const bool older =
        report.oldest_risk.has_value() && (!oldest_.has_value() || *report.oldest_risk < *oldest_);
    if (report.failed == 0 || older) {
      oldest_ = report.oldest_risk;
    }
  }

  // 0: none is waiting.
  absl::Duration Age() const {
    MutexLock lock(mutex_);
    return oldest_.has_value() ? clock_.Now() - *oldest_ : absl::ZeroDuration();
  }

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  std::optional<absl::Time> oldest_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::outcomes
