#include "services/outcomes/timed_work_runner.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace securebase::outcomes {
namespace {

constexpr absl::Duration kInterval = absl::Minutes(1);

}  // namespace

TimedWorkRunner::TimedWorkRunner(const records::Database& database, const Clock& clock,
                                 IdGenerator& ids, obs::MetricsRegistry& metrics,
                                 obs::Logger& logger)
    : work_(database, clock, ids),
      clock_(clock),
      logger_(logger),
      failures_(metrics.AddCounter(
          "securebase_timed_work_failures_total",
          "Practices whose overdue assessments and escalations could not be looked at.", {})),
      timer_(kInterval, [this] { RunOnce(); }) {
  metrics.AddComputedGauge(
      "securebase_oldest_unacknowledged_risk_alert_seconds",
      "How long the oldest open risk alert of all practices has been waiting; 0: none is.",
      [this] { return absl::ToDoubleSeconds(OldestRiskAge()); });
}

absl::Duration TimedWorkRunner::OldestRiskAge() const {
  MutexLock lock(mutex_);
  return oldest_risk_.has_value() ? clock_.Now() - *oldest_risk_ : absl::ZeroDuration();
}

void TimedWorkRunner::RunOnce() {
  const auto report = work_.Run();
  if (!report.ok()) {
    failures_.Increment();
    logger_.Error("timed work failed", {{"error", std::string(report.status().message())}});
    return;
  }
  failures_.Add(report->failed);
  if (!report->first_failure.ok()) {
    logger_.Error("timed work could not be done for some practices",
                  {{"practices", absl::StrCat(report->failed)},
                   {"error", std::string(report->first_failure.message())}});
  }
  MutexLock lock(mutex_);
  const bool older = report->oldest_risk.has_value() &&
                     (!oldest_risk_.has_value() || *report->oldest_risk < *oldest_risk_);
  // A run that failed for a practice may have missed the oldest alert: it can only make it older.
  if (report->failed == 0 || older) {
    oldest_risk_ = report->oldest_risk;
  }
}

}  // namespace securebase::outcomes
