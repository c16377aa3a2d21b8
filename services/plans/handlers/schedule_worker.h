#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/plans/handlers/neighbours.h"
#include "services/plans/records/kinds.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/records/database.h"

namespace securebase::plans {

// Carries out what plans want of the outcomes service: creates and ends their schedules, and tries
// again until it is done, or until the answer is that it cannot be (rules::IsGivenUp). One worker
// at a time works on a practice (a lease of the store, and its fencing token in every write). Each
// step may be repeated without harm: a schedule's id is made from what it is for.
//
// A schedule is created with the rights of whoever last changed what the plan wants, and only if
// treatment of its subject is consented to at that moment. It is ended by the service itself, since
// ending must not depend on anybody's still being there.
class ScheduleWorker {
 public:
  static constexpr absl::Duration kFirstDelay = absl::Seconds(5);
  static constexpr absl::Duration kMaxDelay = absl::Minutes(15);
  // Longer than an attempt at one plan's schedules takes at most. After a crash the practice's work
  // waits for it to end.
  static constexpr absl::Duration kLease = absl::Seconds(45);

  struct Result {
    int done = 0;      // schedules created or ended
    int left = 0;      // tried without success; tried again later, or given up
    int failures = 0;  // practices whose work could not be read or recorded
  };

  // `owner` tells this process from the others that share the store. Everything referred to must
  // outlive the object.
  ScheduleWorker(const records::Database& database, const Neighbours& neighbours,
                 const Clock& clock, IdGenerator& ids, std::string owner)
      : database_(database),
        neighbours_(neighbours),
        clock_(clock),
        ids_(ids),
        owner_(std::move(owner)) {}

  // Does what is due now, in every practice. UNAVAILABLE when the store does not say which there
  // are. Not thread-safe.
  absl::StatusOr<Result> Run();

 private:
  // OK also when another worker has the practice.
  absl::Status RunPractice(const std::string& practice, Result& result);
  absl::Status RunWork(const api::Call& service_call, const storage::Fence& fence,
                       const stored::ScheduleWork& work, Result& result);
  // The state that a schedule has after an attempt.
  v1::PlanSchedule Attempt(const api::Call& service_call, const stored::ScheduleWork& work,
                           v1::PlanSchedule schedule) const;
  absl::Status Create(const api::Call& service_call, const stored::ScheduleWork& work,
                      const v1::PlanSchedule& schedule) const;
  absl::Status CheckConsent(const api::Call& service_call, const stored::ScheduleWork& work,
                            const v1::PlanSchedule& schedule) const;

  api::Call ServiceCall(const std::string& practice) const;

  const records::Database& database_;
  const Neighbours neighbours_;
  const Clock& clock_;
  IdGenerator& ids_;
  const std::string owner_;
};

// How long to wait after so many attempts: 5 s, doubled each time, 15 min at most.
absl::Duration RetryDelay(int attempts);

}  // namespace securebase::plans
