#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/alert_writer.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/alert.h"

namespace securebase::outcomes {
namespace {

// Where a list looks: who asks for what stands open shall not leaf through what was resolved.
records::Query QueryFor(const v1::ListAlertsRequest& request) {
  if (!request.episode().empty()) {
    return AlertsOfEpisode(request.episode());
  }
  const bool resolved_too = std::find(request.states().begin(), request.states().end(),
                                      v1::ALERT_STATE_RESOLVED) != request.states().end();
  if (request.states().empty() || resolved_too) {
    return AllAlerts();
  }
  records::Query query = UnresolvedAlerts();
  query.reverse = true;  // the newest first, as the others
  return query;
}

template <typename Enum, typename Repeated>
bool HoldsOrEmpty(const Repeated& wanted, Enum value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

using AlertChange = absl::Status (*)(const std::string&, const AlertMoment&, v1::Alert&);

template <typename Request>
absl::StatusOr<v1::Alert> Change(const records::Database& database, const api::Call& call,
                                 const Request& request, AlertChange change) {
  return database.Transact<v1::Alert>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Alert> {
        SB_ASSIGN_OR_RETURN(v1::Alert alert, write.Get(AlertKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(alert, request.etag()));
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        SB_RETURN_IF_ERROR(change(request.note_code(), MomentOf(write, rules), alert));
        return SaveAlert(write, std::move(alert));
      });
}

}  // namespace

absl::StatusOr<v1::ListAlertsResponse> OutcomeHandlers::ListAlerts(
    const api::Call& call, const v1::ListAlertsRequest& request) const {
  v1::ListAlertsResponse response;
  SB_ASSIGN_OR_RETURN(
      auto page, database_.List<v1::Alert>(
                     call, request, AlertKind(), QueryFor(request), [&](const v1::Alert& alert) {
                       return HoldsOrEmpty(request.states(), alert.state()) &&
                              HoldsOrEmpty(request.kinds(), alert.kind()) &&
                              (!request.escalated() || alert.has_escalated_time());
                     }));
  MovePage(page, *response.mutable_alerts(), *response.mutable_next_page_token());
  return response;
}

absl::StatusOr<v1::Alert> OutcomeHandlers::GetAlert(const api::Call& call,
                                                    const v1::GetAlertRequest& request) const {
  return database_.Get(call, AlertKind(), request.name());
}

absl::StatusOr<v1::Alert> OutcomeHandlers::AcknowledgeAlert(
    const api::Call& call, const v1::AcknowledgeAlertRequest& request) const {
  return Change(database_, call, request, &outcomes::AcknowledgeAlert);
}

absl::StatusOr<v1::Alert> OutcomeHandlers::ResolveAlert(
    const api::Call& call, const v1::ResolveAlertRequest& request) const {
  return Change(database_, call, request, &outcomes::ResolveAlert);
}

}  // namespace securebase::outcomes
