#include "services/outcomes/records/timed_work.h"

#include <algorithm>
#include <vector>

#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/schedules.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/schedule.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/practices.h"

namespace securebase::outcomes {
namespace {

constexpr char kLease[] = "outcomes-timed-work";
constexpr absl::Duration kLeaseDuration = absl::Minutes(2);
constexpr absl::Duration kPracticeTimeout = absl::Seconds(60);
// Of each kind in one run, so that one practice does not keep the others waiting.
constexpr int kMaxPerRun = 500;
// Why a schedule ended, where nobody said so.
constexpr char kEpisodeClosed[] = "episode-closed";

}  // namespace

api::Call TimedWork::MakeCall(const std::string& practice, const std::string& what) {
  api::Call call;
  call.principal.practice = practice;
  call.principal.kind = auth::PrincipalKind::kService;
  call.principal.subject = "outcomes";
  call.method = what;  // for the audit trail
  call.call_id = ids_.NewId();
  call.time = clock_.Now();
  call.deadline = absl::Now() + kPracticeTimeout;
  return call;
}

absl::StatusOr<TimedWorkReport> TimedWork::Run() {
  TimedWorkReport report;
  const auto run = [&](const std::string& practice) {
    absl::Status status = RunPractice(practice, report);
    if (!status.ok()) {
      ++report.failed;
      report.first_failure.Update(std::move(status));
    }
    return absl::OkStatus();
  };
  SB_RETURN_IF_ERROR(records::ForEachPractice(database_.store(), kPracticeTimeout, run));
  return report;
}

// Whatever fails does not keep the rest from being done: first the risk alerts, which must not wait
// for a schedule that cannot be read.
absl::Status TimedWork::RunPractice(const std::string& practice, TimedWorkReport& report) {
  const api::Call call = MakeCall(practice, "timed-work/read");
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  absl::Status first;
  // An expiry is gone at its time, and the bound of a query is exclusive.
  const absl::Time until = call.time + absl::Microseconds(1);
  const auto found = [&](auto result) {
    first.Update(result.status());
    return result.ok() ? *std::move(result) : typename decltype(result)::value_type();
  };
  const auto waiting = found(reader.FindAll(AlertKind(), WaitingRiskAlerts(), 1));
  if (!waiting.empty()) {
    const absl::Time since = api::FromProto(waiting[0].open_time());
    report.oldest_risk = std::min(report.oldest_risk.value_or(since), since);
  }
  const auto unanswered = found(reader.FindAll(AlertKind(), AlertsToEscalate(until), kMaxPerRun));
  const auto expired = found(reader.FindAll(ScheduleKind(), SchedulesToCheck(until), kMaxPerRun));
  if (expired.empty() && unanswered.empty()) {
    return first;  // no lease, which would be a write
  }
  storage::Store& store = database_.store();
  const auto lease = store.AcquireLease({call.deadline}, practice, kLease, owner_, kLeaseDuration);
  if (ReasonOf(lease.status()) == Reason::kLeaseHeld) {
    return first;  // another replica is at it
  }
  SB_RETURN_IF_ERROR(lease.status());
  const storage::Fence fence{kLease, lease->token};
  // A store that lets every step wait must not keep the other practices waiting.
  bool lease_lost = false;
  const auto go_on = [&] { return !lease_lost && absl::Now() < call.deadline; };
  const auto note = [&](const absl::Status& status, int& done) {
    done += status.ok() ? 1 : 0;
    lease_lost = lease_lost || ReasonOf(status) == Reason::kLeaseLost;
    first.Update(status);
  };
  for (size_t i = 0; i < unanswered.size() && go_on(); ++i) {
    note(Escalate(unanswered[i], fence), report.escalated);
  }
  for (size_t i = 0; i < expired.size() && go_on(); ++i) {
    note(CountMissed(expired[i], fence), report.missed);
  }
  first.Update(
      store.ReleaseLease({absl::Now() + kPracticeTimeout}, practice, kLease, lease->token));
  return first;
}

absl::Status TimedWork::Escalate(const v1::Alert& found, const storage::Fence& fence) {
  const api::Call step = MakeCall(PracticeOf(found.name()), "timed-work/escalate");
  return database_
      .Transact<v1::Alert>(step, found,
                           [&](records::Write& write) -> absl::StatusOr<v1::Alert> {
                             write.SetFence(fence);
                             SB_ASSIGN_OR_RETURN(std::optional<v1::Alert> alert,
                                                 write.Find(AlertKind(), found.name()));
                             if (!alert.has_value() || !alert->has_escalate_time() ||
                                 api::FromProto(alert->escalate_time()) > write.now()) {
                               return found;  // acknowledged, or opened anew, meanwhile
                             }
                             SB_ASSIGN_OR_RETURN(const PracticeRules rules,
                                                 ReadPracticeRules(write));
                             EscalateAlert(rules.escalation_staff, MomentOf(write, rules), *alert);
                             return SaveAlert(write, *std::move(alert));
                           })
      .status();
}

absl::Status TimedWork::CountMissed(const v1::Schedule& found, const storage::Fence& fence) {
  const api::Call step = MakeCall(PracticeOf(found.name()), "timed-work/count-missed");
  return database_
      .Transact<v1::Schedule>(
          step, found,
          [&](records::Write& write) -> absl::StatusOr<v1::Schedule> {
            write.SetFence(fence);
            SB_ASSIGN_OR_RETURN(std::optional<v1::Schedule> schedule,
                                write.Find(ScheduleKind(), found.name()));
            if (!schedule.has_value() || schedule->status() != v1::SCHEDULE_STATUS_ACTIVE) {
              return found;  // ended meanwhile
            }
            SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
            SB_ASSIGN_OR_RETURN(const std::optional<episodes::v1::Episode> episode,
                                write.Find(episodes::EpisodeKind(), schedule->episode()));
            if (episode.has_value() && !episodes::IsOpen(episode->status())) {
              return EndSchedule(write, rules, *std::move(schedule), kEpisodeClosed);
            }
            if (CountMisses(write.now(), *schedule)) {
              SB_RETURN_IF_ERROR(RaiseOverdue(write, rules, *schedule));
            }
            return write.Update(ScheduleKind(), *std::move(schedule));
          })
      .status();
}

}  // namespace securebase::outcomes
