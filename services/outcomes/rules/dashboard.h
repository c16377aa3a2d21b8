#pragma once

#include <vector>

#include "securebase/outcomes/v1/dashboard.pb.h"

// In which order and with which weight dashboards show what they have.
namespace securebase::outcomes {

// Series that one column of a concordance holds at most.
inline constexpr int kMaxSeriesOfColumn = 50;

// How urgent an alert makes its episode. An eased one does not press.
v1::Urgency UrgencyOf(const v1::AlertSummary& alert);

// Orders a caseload: the most urgent first; within the same urgency the alert that waits longest
// (an entry's first), then what is due first, then the name.
bool PrecedesInCaseload(const v1::CaseloadEntry& a, const v1::CaseloadEntry& b);

// What one subject's headlines say, domain by domain: symptoms, functioning, relationship and
// attachment are there even if they are empty, since nothing measured is a finding too. A column is
// INSUFFICIENT_DATA while every verdict in it is, or without any.
std::vector<v1::ConcordanceColumn> MakeConcordance(
    const std::vector<v1::SeriesHeadline>& headlines);

}  // namespace securebase::outcomes
