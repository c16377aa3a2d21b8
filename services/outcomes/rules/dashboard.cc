#include "services/outcomes/rules/dashboard.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/string_view.h"

namespace securebase::outcomes {
namespace {

constexpr v1::Domain kAlwaysShown[] = {v1::DOMAIN_SYMPTOMS, v1::DOMAIN_FUNCTIONING,
                                       v1::DOMAIN_RELATIONSHIP, v1::DOMAIN_ATTACHMENT};

auto CaseloadKey(const v1::CaseloadEntry& entry) {
  const int64_t waiting = entry.alerts().empty() || !entry.alerts(0).has_open_time()
                              ? INT64_MAX
                              : entry.alerts(0).open_time().seconds();
  const int64_t due = entry.has_next_due_time() ? entry.next_due_time().seconds() : INT64_MAX;
  return std::make_tuple(-static_cast<int>(entry.urgency()), waiting, due,
                         absl::string_view(entry.episode()));
}

bool PrecedesInColumn(const v1::SeriesHeadline& a, const v1::SeriesHeadline& b) {
  return std::tie(a.instrument(), a.relationship_target(), a.informant(), a.series()) <
         std::tie(b.instrument(), b.relationship_target(), b.informant(), b.series());
}

}  // namespace

v1::Urgency UrgencyOf(const v1::AlertSummary& alert) {
  if (alert.eased()) {
    return v1::URGENCY_NONE;
  }
  switch (alert.kind()) {
    case v1::ALERT_KIND_RISK:
      return alert.state() == v1::ALERT_STATE_OPEN ? v1::URGENCY_RISK
                                                   : v1::URGENCY_RISK_ACKNOWLEDGED;
    case v1::ALERT_KIND_DETERIORATION:
      return v1::URGENCY_DETERIORATION;
    case v1::ALERT_KIND_NOT_ON_TRACK:
      return v1::URGENCY_NOT_ON_TRACK;
    case v1::ALERT_KIND_ALLIANCE_RUPTURE:
    case v1::ALERT_KIND_ALLIANCE_SPLIT:
      return v1::URGENCY_ALLIANCE;
    case v1::ALERT_KIND_OVERDUE:
      return v1::URGENCY_OVERDUE;
    default:
      return v1::URGENCY_NONE;
  }
}

bool PrecedesInCaseload(const v1::CaseloadEntry& a, const v1::CaseloadEntry& b) {
  return CaseloadKey(a) < CaseloadKey(b);
}

std::vector<v1::ConcordanceColumn> MakeConcordance(
    const std::vector<v1::SeriesHeadline>& headlines) {
  std::map<v1::Domain, v1::ConcordanceColumn> by_domain;
  for (const v1::Domain domain : kAlwaysShown) {
    by_domain[domain];
  }
  for (const v1::SeriesHeadline& headline : headlines) {
    v1::ConcordanceColumn& column = by_domain[headline.domain()];
    if (column.series_size() < kMaxSeriesOfColumn) {
      *column.add_series() = headline;
    }
  }
  std::vector<v1::ConcordanceColumn> columns;
  for (auto& [domain, column] : by_domain) {
    column.set_domain(domain);
    std::sort(column.mutable_series()->begin(), column.mutable_series()->end(), PrecedesInColumn);
    column.set_insufficient_data(std::all_of(
        column.series().begin(), column.series().end(), [](const v1::SeriesHeadline& headline) {
          return headline.verdict() == v1::VERDICT_INSUFFICIENT_DATA;
        }));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace securebase::outcomes
