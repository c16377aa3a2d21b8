#include "services/goals/rules/series.h"

#include <utility>

#include "services/platform/base/resource_name.h"

namespace securebase::goals {
namespace {

bool IsLinked(const v1::ScaleMeasure& scale, const outcomes::v1::Series& series) {
  const bool informant = scale.informant().empty()
                             ? series.informant_role() == outcomes::v1::INFORMANT_CLINICIAN
                             : series.informant() == scale.informant();
  return informant && LastId(series.instrument()) == scale.instrument() &&
         series.subject() == scale.subject() &&
         series.relationship_target() == scale.relationship_target();
}

std::pair<int64_t, int32_t> AnsweredTime(const outcomes::v1::Series& series) {
  return {series.latest_answered_time().seconds(), series.latest_answered_time().nanos()};
}

}  // namespace

v1::SeriesPoint LinkedSeries(const v1::ScaleMeasure& scale,
                             const std::vector<outcomes::v1::Series>& series) {
  const outcomes::v1::Series* linked = nullptr;
  for (const outcomes::v1::Series& candidate : series) {
    if (IsLinked(scale, candidate) &&
        (linked == nullptr || AnsweredTime(*linked) < AnsweredTime(candidate))) {
      linked = &candidate;
    }
  }
  v1::SeriesPoint point;
  if (linked == nullptr) {
    return point;
  }
  point.set_series(linked->name());
  for (const outcomes::v1::ScaleSummary& summary : linked->scales()) {
    if (summary.scale() != scale.scale() || !summary.has_latest()) {
      continue;
    }
    point.set_latest(summary.latest().value());
    *point.mutable_latest_time() = summary.latest().answered_time();
    if (summary.has_baseline()) {
      point.set_baseline(summary.baseline().value());
    }
    if (summary.has_previous()) {
      point.set_previous(summary.previous().value());
    }
    point.set_count(summary.count_from_baseline());
    point.set_verdict(summary.verdict().verdict());
    point.set_provisional(summary.verdict().provisional());
  }
  return point;
}

}  // namespace securebase::goals
