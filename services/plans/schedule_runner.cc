#include "services/plans/schedule_runner.h"

#include "absl/strings/str_cat.h"

namespace securebase::plans {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(5);

}  // namespace

ScheduleRunner::ScheduleRunner(const records::Database& database, const Neighbours& neighbours,
                               const Clock& clock, IdGenerator& ids, obs::MetricsRegistry& metrics,
                               obs::Logger& logger)
    : worker_(database, neighbours, clock, ids, ids.NewId()),
      logger_(logger),
      attempts_(metrics.AddCounter("securebase_plan_schedule_attempts_total",
                                   "Schedules of plans that were to be created or ended.",
                                   {{"result", {"done", "left"}}})),
      failures_(metrics.AddCounter("securebase_plan_schedule_failures_total",
                                   "Practices whose plans' schedules could not be looked at.", {})),
      timer_(kInterval, [this] { Run(); }) {}

void ScheduleRunner::Run() {
  const auto result = worker_.Run();
  if (!result.ok()) {
    failures_.Increment();
    logger_.Error("the schedules of plans cannot be worked on",
                  {{"error", std::string(result.status().message())}});
    return;
  }
  attempts_.Add(result->done, {"done"});
  attempts_.Add(result->left, {"left"});
  failures_.Add(result->failures);
  if (result->left + result->failures > 0) {
    logger_.Warning("schedules of plans are left to do, and tried again",
                    {{"left", absl::StrCat(result->left)},
                     {"failed_practices", absl::StrCat(result->failures)}});
  }
}

}  // namespace securebase::plans
