#include "services/plans/handlers/schedule_worker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/rules/activation.h"
#include "services/plans/rules/schedules.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/practices.h"

namespace securebase::plans {
namespace {

constexpr char kService[] = "plans";
constexpr char kLeaseName[] = "plan-schedules";
constexpr char kMethod[] = "plans/ScheduleWorker";
constexpr int kWorksPerRun = 100;
// Of the whole attempt at one plan's schedules, less than kLease; real time, as the store and the
// network count it.
constexpr absl::Duration kAttemptTimeout = absl::Seconds(30);
static_assert(kAttemptTimeout < ScheduleWorker::kLease);

std::string ScheduleName(const std::string& practice, const v1::PlanSchedule& schedule) {
  return absl::StrCat("practices/", practice, "/schedules/", schedule.id());
}

}  // namespace

absl::Duration RetryDelay(int attempts) {
  absl::Duration delay = ScheduleWorker::kFirstDelay;
  for (int i = 1; i < attempts && delay < ScheduleWorker::kMaxDelay; ++i) {
    delay *= 2;
  }
  return std::min(delay, ScheduleWorker::kMaxDelay);
}

api::Call ScheduleWorker::ServiceCall(const std::string& practice) const {
  api::Call call;
  call.principal.practice = practice;
  call.principal.kind = auth::PrincipalKind::kService;
  call.principal.subject = kService;
  call.method = kMethod;
  call.call_id = ids_.NewId();
  call.time = clock_.Now();
  call.deadline = absl::Now() + kAttemptTimeout;
  return call;
}

absl::StatusOr<ScheduleWorker::Result> ScheduleWorker::Run() {
  Result result;
  const auto run = [&](const std::string& practice) {
    result.failures += RunPractice(practice, result).ok() ? 0 : 1;
    return absl::OkStatus();
  };
  SB_RETURN_IF_ERROR(records::ForEachPractice(database_.store(), kAttemptTimeout, run));
  return result;
}

absl::Status ScheduleWorker::RunPractice(const std::string& practice, Result& result) {
  const api::Call call = ServiceCall(practice);
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const std::vector<stored::ScheduleWork> due,
                      reader.FindAll(ScheduleWorkKind(), DueScheduleWork(call.time), kWorksPerRun));
  if (due.empty()) {
    return absl::OkStatus();
  }
  storage::Store& store = database_.store();
  for (const stored::ScheduleWork& work : due) {
    const api::Call work_call = ServiceCall(practice);
    // Renewed for each plan, so that it never lasts shorter than the work it protects.
    const auto lease =
        store.AcquireLease({work_call.deadline}, practice, kLeaseName, owner_, kLease);
    if (ReasonOf(lease.status()) == Reason::kLeaseHeld) {
      return absl::OkStatus();
    }
    SB_RETURN_IF_ERROR(lease.status());
    SB_RETURN_IF_ERROR(RunWork(work_call, {kLeaseName, lease->token}, work, result));
  }
  const auto lease = store.AcquireLease({call.deadline}, practice, kLeaseName, owner_, kLease);
  return lease.ok() ? store.ReleaseLease({call.deadline}, practice, kLeaseName, lease->token)
                    : lease.status();
}

absl::Status ScheduleWorker::RunWork(const api::Call& service_call, const storage::Fence& fence,
                                     const stored::ScheduleWork& work, Result& result) {
  std::vector<v1::PlanSchedule> attempted;
  for (const v1::PlanSchedule& schedule : work.schedules()) {
    attempted.push_back(Attempt(service_call, work, schedule));
    const bool was_pending = rules::AnyPending({schedule});
    const bool is_left =
        rules::AnyPending({attempted.back()}) || rules::IsGivenUp(attempted.back());
    result.done += was_pending && !is_left ? 1 : 0;
    result.left += was_pending && is_left ? 1 : 0;
  }
  return database_
      .Transact<stored::ScheduleWork>(
          service_call, work,
          [&](records::Write& write) -> absl::StatusOr<stored::ScheduleWork> {
            write.SetFence(fence);
            SB_ASSIGN_OR_RETURN(stored::ScheduleWork now,
                                write.Get(ScheduleWorkKind(), work.name()));
            // What the plan wants changed on the way: the next run does that, and repeats what was
            // done here without harm.
            if (now.generation() != work.generation()) {
              return now;
            }
            *now.mutable_schedules() = {attempted.begin(), attempted.end()};
            if (rules::AnyPending(attempted)) {
              now.set_attempts(now.attempts() + 1);
              *now.mutable_next_attempt_time() =
                  api::ToProto(clock_.Now() + RetryDelay(now.attempts()));
            } else {
              now.clear_next_attempt_time();
            }
            return write.Update(ScheduleWorkKind(), std::move(now));
          })
      .status();
}

v1::PlanSchedule ScheduleWorker::Attempt(const api::Call& service_call,
                                         const stored::ScheduleWork& work,
                                         v1::PlanSchedule schedule) const {
  if (rules::IsGivenUp(schedule)) {
    return schedule;
  }
  absl::Status status;
  const std::string name = ScheduleName(service_call.practice(), schedule);
  if (schedule.state() == v1::SCHEDULE_STATE_PENDING) {
    status = Create(service_call, work, schedule);
    if (status.ok()) {
      schedule.set_state(v1::SCHEDULE_STATE_ACTIVE);
      schedule.set_schedule(name);
    }
  } else if (schedule.state() == v1::SCHEDULE_STATE_ENDING) {
    status = neighbours_.outcomes->EndSchedule(service_call, name);
    // Never created, or ended by somebody else.
    if (absl::IsNotFound(status) || ReasonOf(status) == Reason::kStateNotAllowed ||
        ReasonOf(status) == Reason::kTransitionNotAllowed) {
      status = absl::OkStatus();
    }
    if (status.ok()) {
      schedule.set_state(v1::SCHEDULE_STATE_ENDED);
    }
  }
  schedule.set_last_error(status.ok() ? "" : std::string(ReasonName(ReasonOf(status))));
  return schedule;
}

absl::Status ScheduleWorker::Create(const api::Call& service_call, const stored::ScheduleWork& work,
                                    const v1::PlanSchedule& schedule) const {
  SB_RETURN_IF_ERROR(CheckConsent(service_call, work, schedule));
  api::Call acting_call = service_call;
  SB_ASSIGN_OR_RETURN(acting_call.principal, api::FromActingFor(work.acting_for(), kService));
  outcomes::v1::Schedule wanted;
  wanted.set_episode(work.episode());
  wanted.set_plan(work.plan());
  wanted.set_instrument(schedule.instrument());
  wanted.set_subject(schedule.subject());
  wanted.set_informant(schedule.informant());
  wanted.set_relationship_target(schedule.relationship_target());
  wanted.set_cadence_weeks(schedule.cadence_weeks());
  absl::Status status = neighbours_.outcomes->CreateSchedule(acting_call, schedule.id(), wanted);
  if (!absl::IsAlreadyExists(status)) {
    return status;
  }
  // Ours from an attempt that was not heard of, or somebody else's for the same answers: that one
  // is not touched, and ours is made once it has ended.
  const auto existing = neighbours_.outcomes->GetSchedule(
      service_call, ScheduleName(service_call.practice(), schedule));
  return absl::IsNotFound(existing.status()) ? status : existing.status();
}

absl::Status ScheduleWorker::CheckConsent(const api::Call& service_call,
                                          const stored::ScheduleWork& work,
                                          const v1::PlanSchedule& schedule) const {
  SB_ASSIGN_OR_RETURN(const rules::Policy policy, GetPolicy(*neighbours_.episodes, service_call));
  SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                      GetEpisodeWithConsents(*neighbours_.episodes, service_call, work.episode()));
  v1::PlanContent concerned;
  concerned.add_subjects(schedule.subject());
  if (schedule.informant() != schedule.subject()) {
    concerned.add_subjects(schedule.informant());
  }
  if (rules::MissingConsents(concerned, episode, policy).empty()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kConsentMissing,
                   "the consent to treatment is no longer in force");
}

}  // namespace securebase::plans
