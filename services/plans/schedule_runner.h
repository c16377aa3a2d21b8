#pragma once

#include <string>

#include "services/plans/handlers/schedule_worker.h"
#include "services/platform/base/periodic.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"

namespace securebase::plans {

// Runs the ScheduleWorker every few seconds and when it is woken, and shows in the metrics how it
// goes:
//   securebase_plan_schedule_attempts_total{result="done"|"left"}
//   securebase_plan_schedule_failures_total
// Thread-safe.
class ScheduleRunner {
 public:
  // All must outlive the object.
  ScheduleRunner(const records::Database& database, const Neighbours& neighbours,
                 const Clock& clock, IdGenerator& ids, obs::MetricsRegistry& metrics,
                 obs::Logger& logger);

  // Something is to be done now.
  void Wake() { timer_.Wake(); }
  // Waits for the present run to end; there is none afterwards.
  void Stop() { timer_.Stop(); }

 private:
  void Run();

  ScheduleWorker worker_;
  obs::Logger& logger_;
  obs::Counter& attempts_;
  obs::Counter& failures_;
  Periodic timer_;  // last: it runs at once, and stops first
};

}  // namespace securebase::plans
