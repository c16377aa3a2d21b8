#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/records/database.h"

namespace securebase::outcomes {

// What a run of the timed work did, and what it found.
struct TimedWorkReport {
  int missed = 0;     // schedules of which something was counted as missed
  int escalated = 0;  // alerts
  int failed = 0;     // practices that could not be served in full; the next run tries again
  absl::Status first_failure;  // why the first of them could not; OK: there is none
  // Since when the oldest risk alert of all practices waits for an acknowledgement; nothing: none
  // does. Partial when `failed` is not 0.
  std::optional<absl::Time> oldest_risk;
};

// What time alone brings about: occurrences that expire, risk alerts that nobody acknowledges.
// Every replica may run it; a lease per practice lets one work, and its fencing token keeps one
// that has lost the lease from writing. Thread-safe.
class TimedWork {
 public:
  // All must outlive the object.
  TimedWork(const records::Database& database, const Clock& clock, IdGenerator& ids)
      : database_(database), clock_(clock), ids_(ids), owner_(ids.NewId()) {}

  // All practices, once. UNAVAILABLE when the practices cannot be listed.
  absl::StatusOr<TimedWorkReport> Run();

 private:
  absl::Status RunPractice(const std::string& practice, TimedWorkReport& report);
  absl::Status Escalate(const v1::Alert& found, const storage::Fence& fence);
  absl::Status CountMissed(const v1::Schedule& found, const storage::Fence& fence);
  api::Call MakeCall(const std::string& practice, const std::string& what);

  const records::Database& database_;
  const Clock& clock_;
  IdGenerator& ids_;
  const std::string owner_;  // of leases
};

}  // namespace securebase::outcomes
