#include "services/outcomes/records/alert_writer.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/members.h"
#include "services/outcomes/records/kinds.h"
#include "services/platform/api/actor.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

using records::Write;

// The alerts of a cause: all are resolved but, perhaps, the last.
struct Latest {
  std::optional<v1::Alert> unresolved;
  std::optional<v1::Alert> resolved;  // the last one that is
  std::string next_name;              // of the alert that comes next, if all are resolved
};
absl::StatusOr<Latest> FindLatest(Write& write, const std::string& cause) {
  SB_ASSIGN_OR_RETURN(const auto newest, write.FindAll(AlertKind(), AlertsOfCause(cause), 1));
  int number = 1;
  if (!newest.empty()) {
    const std::string id = LastId(newest[0].name());
    if (!absl::SimpleAtoi(id.substr(id.rfind('-') + 1), &number)) {
      return Internal("an alert's id does not end with its number");
    }
  }
  // The index is outside of the transaction's expectations, and by times, which a clock that was
  // set back disorders: the records decide.
  for (Latest latest;; ++number) {
    latest.next_name =
        FormatName(kAlertPattern, {write.call().practice(), absl::StrCat(cause, "-", number)});
    SB_ASSIGN_OR_RETURN(auto existing, write.Find(AlertKind(), latest.next_name));
    if (!existing.has_value()) {
      return latest;
    }
    if (existing->state() != v1::ALERT_STATE_RESOLVED) {
      latest.unresolved = std::move(existing);
      return latest;
    }
    latest.resolved = std::move(existing);
  }
}

}  // namespace

AlertMoment MomentOf(const Write& write, const PracticeRules& rules) {
  return {write.now(), api::ActorOf(write.call()), rules.risk_escalation};
}

absl::StatusOr<std::optional<v1::Alert>> FindUnresolved(Write& write, const std::string& cause) {
  SB_ASSIGN_OR_RETURN(Latest latest, FindLatest(write, cause));
  return std::move(latest.unresolved);
}

absl::StatusOr<v1::Alert> SaveAlert(Write& write, v1::Alert alert) {
  SB_ASSIGN_OR_RETURN(v1::Alert saved, write.Save(AlertKind(), std::move(alert)));
  const bool resolved = saved.state() == v1::ALERT_STATE_RESOLVED;
  if (saved.kind() != v1::ALERT_KIND_RISK || (!resolved && saved.escalated_to().empty())) {
    return saved;
  }
  SB_ASSIGN_OR_RETURN(std::optional<episodes::v1::Episode> episode,
                      write.Find(episodes::EpisodeKind(), saved.episode()));
  if (!episode.has_value()) {
    return saved;
  }
  const bool changed =
      resolved ? episodes::EndCovers(saved.name(), *episode)
               : episodes::AddCovers(saved.name(),
                                     {saved.escalated_to().begin(), saved.escalated_to().end()},
                                     {saved.data_subjects().begin(), saved.data_subjects().end()},
                                     write.now(), *episode);
  if (changed) {
    SB_RETURN_IF_ERROR(write.Update(episodes::EpisodeKind(), *std::move(episode)).status());
  }
  return saved;
}

void AddDataSubjects(const records::Access& access, v1::Alert& alert) {
  for (const std::string& subject : access.subjects) {
    if (std::find(alert.data_subjects().begin(), alert.data_subjects().end(), subject) ==
        alert.data_subjects().end()) {
      alert.add_data_subjects(subject);
    }
  }
}

absl::Status AlertWriter::Raise(const std::string& cause, const v1::Alert& blank,
                                const Finding& finding, const v1::SeriesPoint& point) {
  SB_ASSIGN_OR_RETURN(v1::Alert alert, FindOrMake(cause, blank));
  if (last_resolved_.has_value() && IsSettledBy(*last_resolved_, finding, point)) {
    return absl::OkStatus();
  }
  AddAlertSource(finding, point, moment_, alert);
  return Save(std::move(alert));
}

absl::StatusOr<v1::Alert> AlertWriter::FindOrMake(const std::string& cause,
                                                  const v1::Alert& blank) {
  SB_ASSIGN_OR_RETURN(Latest latest, FindLatest(write_, cause));
  last_resolved_ = std::move(latest.resolved);
  if (latest.unresolved.has_value()) {
    return *std::move(latest.unresolved);
  }
  v1::Alert alert = blank;
  alert.set_name(std::move(latest.next_name));
  return alert;
}

absl::Status AlertWriter::Save(v1::Alert alert) {
  SB_ASSIGN_OR_RETURN(v1::Alert saved, SaveAlert(write_, std::move(alert)));
  for (v1::Alert& earlier : alerts_) {
    if (earlier.name() == saved.name()) {
      earlier = std::move(saved);
      return absl::OkStatus();
    }
  }
  alerts_.push_back(std::move(saved));
  return absl::OkStatus();
}

}  // namespace securebase::outcomes
