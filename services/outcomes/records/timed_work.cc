#include "services/outcomes/records/timed_work.h"

#include <algorithm>
#include <vector>

#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/records/intake.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/schedule.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

constexpr char kLease[] = "outcomes-timed-work";
constexpr absl::Duration kLeaseDuration = absl::Minutes(2);
constexpr absl::Duration kPracticeTimeout = absl::Seconds(60);
constexpr int kPracticesPerPage = 500;
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
  std::string after;
  while (true) {
    SB_ASSIGN_OR_RETURN(const std::vector<std::string> practices,
                        database_.store().ListPractices({absl::Now() + kPracticeTimeout}, after,
                                                        kPracticesPerPage));
    if (practices.empty()) {
      return report;
    }
    for (const std::string& practice : practices) {
      if (!RunPractice(practice, report).ok()) {
        ++report.failed;
      }
    }
    after = practices.back();
  }
}

absl::Status TimedWork::RunPractice(const std::string& practice, TimedWorkReport& report) {
  const api::Call call = MakeCall(practice, "timed-work/read");
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const auto waiting, reader.FindAll(AlertKind(), WaitingRiskAlerts(), 1));
  if (!waiting.empty()) {
    const absl::Time since = api::FromProto(waiting[0].open_time());
    report.oldest_risk = std::min(report.oldest_risk.value_or(since), since);
  }
  // An expiry is gone at its time, and the bound of a query is exclusive.
  const absl::Time until = call.time + absl::Microseconds(1);
  SB_ASSIGN_OR_RETURN(const auto expired,
                      reader.FindAll(ScheduleKind(), SchedulesToCheck(until), kMaxPerRun));
  SB_ASSIGN_OR_RETURN(const auto unanswered,
                      reader.FindAll(AlertKind(), AlertsToEscalate(until), kMaxPerRun));
  if (expired.empty() && unanswered.empty()) {
    return absl::OkStatus();  // no lease, which would be a write
  }
  storage::Store& store = database_.store();
  const auto lease = store.AcquireLease({call.deadline}, practice, kLease, owner_, kLeaseDuration);
  if (ReasonOf(lease.status()) == Reason::kLeaseHeld) {
    return absl::OkStatus();  // another replica is at it
  }
  SB_RETURN_IF_ERROR(lease.status());
  const storage::Fence fence{kLease, lease->token};

  for (const v1::Schedule& found : expired) {
    const api::Call step = MakeCall(practice, "timed-work/count-missed");
    const auto result = database_.Transact<v1::Schedule>(
        step, found, [&](records::Write& write) -> absl::StatusOr<v1::Schedule> {
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
        });
    SB_RETURN_IF_ERROR(result.status());
    ++report.missed;
  }
  for (const v1::Alert& found : unanswered) {
    const api::Call step = MakeCall(practice, "timed-work/escalate");
    const auto result = database_.Transact<v1::Alert>(
        step, found, [&](records::Write& write) -> absl::StatusOr<v1::Alert> {
          write.SetFence(fence);
          SB_ASSIGN_OR_RETURN(std::optional<v1::Alert> alert,
                              write.Find(AlertKind(), found.name()));
          if (!alert.has_value() || !alert->has_escalate_time() ||
              api::FromProto(alert->escalate_time()) > write.now()) {
            return found;  // acknowledged, or opened anew, meanwhile
          }
          SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
          EscalateAlert(rules.escalation_staff, MomentOf(write, rules), *alert);
          return SaveAlert(write, *std::move(alert));
        });
    SB_RETURN_IF_ERROR(result.status());
    ++report.escalated;
  }
  return store.ReleaseLease({call.deadline}, practice, kLease, lease->token);
}

}  // namespace securebase::outcomes
