#include "services/outcomes/rules/alert.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/transition_table.h"

namespace securebase::outcomes {
namespace {

const TransitionTable<v1::AlertState>& Transitions() {
  static const auto* const kTable = new TransitionTable<v1::AlertState>(
      AlertStateWord, {{v1::ALERT_STATE_OPEN, {v1::ALERT_STATE_ACKNOWLEDGED}},
                       {v1::ALERT_STATE_ACKNOWLEDGED, {v1::ALERT_STATE_RESOLVED}}});
  return *kTable;
}

void AddEvent(v1::AlertEventKind kind, const AlertMoment& moment, const std::string& assessment,
              const std::string& note_code, v1::Alert& alert) {
  v1::AlertEvent event;
  event.set_kind(kind);
  *event.mutable_time() = api::ToProto(moment.time);
  *event.mutable_actor() = moment.actor;
  event.set_note_code(note_code);
  event.set_assessment(assessment);
  if (alert.events_size() == kMaxAlertEvents) {
    alert.mutable_events()->DeleteSubrange(1, 1);  // the first says who raised it
  }
  *alert.add_events() = std::move(event);
}

// What is open and worse now has been waiting since it opened; what was escalated will be once
// more.
void Open(const AlertMoment& moment, v1::Alert& alert) {
  if (alert.state() != v1::ALERT_STATE_OPEN) {
    alert.set_state(v1::ALERT_STATE_OPEN);
    *alert.mutable_open_time() = api::ToProto(moment.time);
    alert.clear_escalated_time();
    alert.clear_escalated_to();
    alert.clear_escalate_time();
  }
  if (alert.kind() == v1::ALERT_KIND_RISK) {
    const absl::Time set =
        alert.has_escalate_time() ? api::FromProto(alert.escalate_time()) : absl::InfiniteFuture();
    *alert.mutable_escalate_time() =
        api::ToProto(std::min(set, moment.time + moment.escalation_delay));
  }
}

void Close(v1::AlertState state, v1::Alert& alert) {
  alert.set_state(state);
  alert.clear_open_time();
  alert.clear_escalate_time();
}

v1::RiskLevel HighestLevel(const v1::Alert& alert) {
  v1::RiskLevel level = v1::RISK_LEVEL_UNSPECIFIED;
  for (const v1::AlertSource& source : alert.sources()) {
    level = std::max(level, source.risk_level());
  }
  return level;
}

// The newest stays, and the highest level: it must not fall by itself.
void DropOldSources(v1::Alert& alert) {
  auto* sources = alert.mutable_sources();
  while (sources->size() > kMaxAlertSources) {
    const v1::RiskLevel highest = HighestLevel(alert);
    const auto lower =
        std::find_if(sources->begin(), sources->end() - 1,
                     [&](const v1::AlertSource& source) { return source.risk_level() < highest; });
    sources->erase(lower == sources->end() - 1 ? sources->begin() : lower);
  }
}

bool HasRiskAnswer(const v1::AlertSource& source, const v1::RiskAnswer& answer) {
  return std::any_of(source.risk_answers().begin(), source.risk_answers().end(),
                     [&](const v1::RiskAnswer& known) {
                       return known.item() == answer.item() && known.level() >= answer.level();
                     });
}

v1::AlertSource MakeAlertSource(const Finding& finding, const v1::SeriesPoint& point) {
  v1::AlertSource source;
  source.set_assessment(point.assessment());
  *source.mutable_answered_time() = point.answered_time();
  source.set_risk_level(finding.risk_level);
  for (const v1::RiskAnswer& answer : finding.risk_answers) {
    *source.add_risk_answers() = answer;
  }
  return source;
}

void SetDerivation(const Finding& finding, v1::Alert& alert) {
  alert.set_kind(finding.kind);
  alert.set_scale(finding.scale);
  alert.set_rule(finding.rule);
  alert.set_house_rule(finding.house_rule);
  alert.set_provisional(finding.provisional);
  alert.set_risk_level(HighestLevel(alert));
  alert.clear_verdict();
  if (!finding.verdict.instrument().empty()) {
    *alert.mutable_verdict() = finding.verdict;
  }
  if (finding.kind == v1::ALERT_KIND_RISK) {
    alert.set_notice(std::string(kNoEmergencyService));
  }
}

// The enum has the most urgent kind first.
auto UrgencyKey(const v1::AlertSummary& alert) {
  const bool waiting = alert.state() == v1::ALERT_STATE_OPEN;
  return std::make_tuple(alert.eased(), alert.kind(), !waiting,
                         -static_cast<int>(alert.risk_level()), alert.open_time().seconds(),
                         alert.open_time().nanos(), absl::string_view(alert.alert()));
}

}  // namespace

std::string AlertStateWord(v1::AlertState state) {
  return v1::AlertState_Name(state).substr(std::string("ALERT_STATE_").size());
}

bool CanTransition(v1::AlertState from, v1::AlertState to) {
  return Transitions().Allows(from, to);
}

std::vector<v1::AlertState> AllowedTransitions(v1::AlertState from) {
  return Transitions().From(from);
}

absl::Status CheckTransition(v1::AlertState from, v1::AlertState to) {
  return Transitions().Check(from, to);
}

void AddAlertSource(const Finding& finding, const v1::SeriesPoint& point, const AlertMoment& moment,
                    v1::Alert& alert) {
  const bool is_new = alert.state() == v1::ALERT_STATE_UNSPECIFIED;
  const v1::RiskLevel level_before = HighestLevel(alert);
  auto* sources = alert.mutable_sources();
  sources->erase(std::remove_if(sources->begin(), sources->end(),
                                [&](const v1::AlertSource& source) {
                                  return source.assessment() == point.assessment();
                                }),
                 sources->end());
  *sources->Add() = MakeAlertSource(finding, point);
  DropOldSources(alert);
  SetDerivation(finding, alert);
  alert.clear_eased_time();
  if (is_new) {
    Open(moment, alert);
    AddEvent(v1::ALERT_EVENT_KIND_RAISED, moment, point.assessment(), "", alert);
  } else if (finding.risk_level > level_before) {
    Open(moment, alert);
    AddEvent(v1::ALERT_EVENT_KIND_WORSENED, moment, point.assessment(), "", alert);
  } else {
    AddEvent(v1::ALERT_EVENT_KIND_JOINED, moment, point.assessment(), "", alert);
  }
}

bool IsSettledBy(const v1::Alert& alert, const Finding& finding, const v1::SeriesPoint& point) {
  if (alert.state() != v1::ALERT_STATE_RESOLVED || alert.events().empty() ||
      alert.events().rbegin()->kind() == v1::ALERT_EVENT_KIND_CEASED) {
    return false;
  }
  return std::any_of(
      alert.sources().begin(), alert.sources().end(), [&](const v1::AlertSource& source) {
        return source.assessment() == point.assessment() &&
               source.risk_level() >= finding.risk_level &&
               std::all_of(
                   finding.risk_answers.begin(), finding.risk_answers.end(),
                   [&](const v1::RiskAnswer& answer) { return HasRiskAnswer(source, answer); });
      });
}

bool CorrectAlert(const std::vector<FoundAt>& found, const std::string& assessment,
                  const AlertMoment& moment, v1::Alert& alert) {
  if (found.empty()) {
    CeaseAlert(assessment, moment, alert);
    return true;
  }
  v1::Alert corrected = alert;
  corrected.clear_sources();
  for (const FoundAt& place : found) {
    *corrected.add_sources() = MakeAlertSource(place.finding, place.point);
  }
  DropOldSources(corrected);
  SetDerivation(found.back().finding, corrected);
  if (corrected.SerializeAsString() == alert.SerializeAsString()) {
    return false;
  }
  const v1::RiskLevel level_before = alert.risk_level();
  alert = std::move(corrected);
  AddEvent(v1::ALERT_EVENT_KIND_CORRECTED, moment, assessment, "", alert);
  if (alert.risk_level() > level_before) {
    Open(moment, alert);
    AddEvent(v1::ALERT_EVENT_KIND_WORSENED, moment, assessment, "", alert);
  }
  return true;
}

bool SetEased(bool eased, const std::string& assessment, const AlertMoment& moment,
              v1::Alert& alert) {
  if (eased == alert.has_eased_time()) {
    return false;
  }
  if (!eased) {
    alert.clear_eased_time();
    return true;
  }
  *alert.mutable_eased_time() = api::ToProto(moment.time);
  AddEvent(v1::ALERT_EVENT_KIND_EASED, moment, assessment, "", alert);
  return true;
}

void CeaseAlert(const std::string& assessment, const AlertMoment& moment, v1::Alert& alert) {
  Close(v1::ALERT_STATE_RESOLVED, alert);
  AddEvent(v1::ALERT_EVENT_KIND_CEASED, moment, assessment, "", alert);
}

absl::Status AcknowledgeAlert(const std::string& note_code, const AlertMoment& moment,
                              v1::Alert& alert) {
  SB_RETURN_IF_ERROR(CheckTransition(alert.state(), v1::ALERT_STATE_ACKNOWLEDGED));
  Close(v1::ALERT_STATE_ACKNOWLEDGED, alert);
  AddEvent(v1::ALERT_EVENT_KIND_ACKNOWLEDGED, moment, "", note_code, alert);
  return absl::OkStatus();
}

absl::Status ResolveAlert(const std::string& note_code, const AlertMoment& moment,
                          v1::Alert& alert) {
  SB_RETURN_IF_ERROR(CheckTransition(alert.state(), v1::ALERT_STATE_RESOLVED));
  Close(v1::ALERT_STATE_RESOLVED, alert);
  AddEvent(v1::ALERT_EVENT_KIND_RESOLVED, moment, "", note_code, alert);
  return absl::OkStatus();
}

void EscalateAlert(const std::vector<std::string>& staff, const AlertMoment& moment,
                   v1::Alert& alert) {
  alert.clear_escalate_time();
  *alert.mutable_escalated_time() = api::ToProto(moment.time);
  alert.clear_escalated_to();
  for (const std::string& member : staff) {
    alert.add_escalated_to(member);
  }
  AddEvent(v1::ALERT_EVENT_KIND_ESCALATED, moment, "", "", alert);
}

void AddMisses(int count, const AlertMoment& moment, v1::Alert& alert) {
  const bool is_new = alert.state() == v1::ALERT_STATE_UNSPECIFIED;
  alert.set_kind(v1::ALERT_KIND_OVERDUE);
  alert.set_missed_in_a_row(count);
  alert.set_house_rule(true);
  alert.set_rule(absl::StrCat(count, " missed in a row"));
  if (is_new) {
    Open(moment, alert);
  }
  AddEvent(is_new ? v1::ALERT_EVENT_KIND_RAISED : v1::ALERT_EVENT_KIND_JOINED, moment, "", "",
           alert);
}

bool MoreUrgent(const v1::AlertSummary& a, const v1::AlertSummary& b) {
  return UrgencyKey(a) < UrgencyKey(b);
}

}  // namespace securebase::outcomes
