#pragma once

#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "services/outcomes/records/timed_work.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/periodic.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"

namespace securebase::outcomes {

// Runs the timed work every minute, and shows in the metrics what it found:
//   securebase_oldest_unacknowledged_risk_alert_seconds
//   securebase_timed_work_failures_total
// Thread-safe.
class TimedWorkRunner {
 public:
  // All must outlive the object; the metrics are read until the registry goes, so it must not be
  // read any more when the object goes.
  TimedWorkRunner(const records::Database& database, const Clock& clock, IdGenerator& ids,
                  obs::MetricsRegistry& metrics, obs::Logger& logger);

  // Runs now, on the caller's thread.
  void RunOnce();

  // Waits for the present run to end; there is none afterwards.
  void Stop() { timer_.Stop(); }

  // How long the oldest risk alert of all practices has been waiting; 0: none is. Between two runs
  // it grows with the clock.
  absl::Duration OldestRiskAge() const;

 private:
  TimedWork work_;
  const Clock& clock_;
  obs::Logger& logger_;
  obs::Counter& failures_;
  mutable Mutex mutex_;
  std::optional<absl::Time> oldest_risk_ ABSL_GUARDED_BY(mutex_);
  Periodic timer_;  // last: it runs at once, and stops first
};

}  // namespace securebase::outcomes
