#include "services/outcomes/rules/series.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "absl/time/time.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/change.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

std::tuple<int64_t, int32_t> Key(const google::protobuf::Timestamp& time) {
  return {time.seconds(), time.nanos()};
}

v1::SeriesValue MakeValue(const v1::SeriesPoint& point, const v1::ScalePoint& scale) {
  v1::SeriesValue value;
  value.set_assessment(point.assessment());
  *value.mutable_answered_time() = point.answered_time();
  *value.mutable_recorded_time() = point.recorded_time();
  value.set_value(scale.value());
  value.set_band(scale.band());
  value.set_prorated(scale.status() == v1::SCALE_STATUS_PRORATED);
  return value;
}

bool IsBetter(v1::Direction direction, double value, double than) {
  return direction == v1::DIRECTION_HIGHER_BETTER ? value > than : value < than;
}

void AddValue(const v1::Scale& scale, const v1::SeriesValue& value,
              absl::string_view chosen_baseline, v1::ScaleSummary& summary) {
  const bool chosen = value.assessment() == chosen_baseline;
  if (!summary.has_first()) {
    *summary.mutable_first() = value;
  }
  if (!summary.has_baseline() || chosen) {
    *summary.mutable_baseline() = value;
    summary.clear_best();
    summary.set_count_from_baseline(0);
  }
  if (chosen) {
    summary.set_baseline_reason(v1::BASELINE_REASON_CHOSEN);
  } else if (summary.baseline_reason() != v1::BASELINE_REASON_CHOSEN) {
    summary.set_baseline_reason(chosen_baseline.empty() ? v1::BASELINE_REASON_FIRST_SCORED
                                                        : v1::BASELINE_REASON_CHOSEN_UNSCORED);
  }
  if (summary.has_latest()) {
    *summary.mutable_previous() = summary.latest();
  }
  *summary.mutable_latest() = value;
  if (scale.direction() != v1::DIRECTION_NON_MONOTONE &&
      (!summary.has_best() || IsBetter(scale.direction(), value.value(), summary.best().value()))) {
    *summary.mutable_best() = value;
  }
  summary.set_count(summary.count() + 1);
  summary.set_count_from_baseline(summary.count_from_baseline() + 1);
}

absl::Status Judge(const v1::InstrumentDefinition& definition, const Norms& norms,
                   const v1::Scale& scale, absl::string_view policy, v1::ScaleSummary& summary) {
  std::optional<double> from;
  std::optional<double> to;
  if (summary.has_baseline()) {
    from = summary.baseline().value();
  }
  if (summary.has_latest() && summary.latest().assessment() != summary.baseline().assessment()) {
    to = summary.latest().value();
  }
  SB_ASSIGN_OR_RETURN(*summary.mutable_verdict(), ClassifyChange(definition, scale.id(), from, to,
                                                                 {PolicyFor(scale, norms, policy),
                                                                  FindNorm(norms, scale.id())}));
  return absl::OkStatus();
}

}  // namespace

bool PrecedesInSeries(const v1::SeriesPoint& a, const v1::SeriesPoint& b) {
  return std::make_tuple(Key(a.answered_time()), Key(a.recorded_time()),
                         absl::string_view(a.assessment())) <
         std::make_tuple(Key(b.answered_time()), Key(b.recorded_time()),
                         absl::string_view(b.assessment()));
}

v1::SeriesPoint MakePoint(const v1::Assessment& assessment) {
  v1::SeriesPoint point;
  point.set_assessment(assessment.name());
  *point.mutable_answered_time() = assessment.answered_time();
  *point.mutable_recorded_time() = assessment.create_time();
  for (const v1::ScaleScore& score : assessment.result().scales()) {
    v1::ScalePoint& scale = *point.add_scales();
    scale.set_scale(score.id());
    if (score.has_value()) {
      scale.set_value(score.value());
    }
    scale.set_status(score.status());
    scale.set_band(score.band());
  }
  if (assessment.result().has_attachment_point()) {
    *point.mutable_attachment_point() = assessment.result().attachment_point();
  }
  point.set_amended(assessment.status() == v1::ASSESSMENT_STATUS_AMENDED);
  return point;
}

std::optional<v1::Assessment> AssessmentAsOf(const v1::Assessment& assessment, absl::Time as_of) {
  if (api::FromProto(assessment.create_time()) > as_of) {
    return std::nullopt;
  }
  v1::Assessment result = assessment;
  if (assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR) {
    if (api::FromProto(assessment.status_time()) <= as_of) {
      return std::nullopt;
    }
    result.set_status(assessment.revisions().empty() ? v1::ASSESSMENT_STATUS_COMPLETED
                                                     : v1::ASSESSMENT_STATUS_AMENDED);
  }
  for (const v1::AssessmentRevision& revision : assessment.revisions()) {
    if (as_of < api::FromProto(revision.end_time())) {
      *result.mutable_answers() = revision.answers();
      result.set_coding(revision.coding());
      *result.mutable_answered_time() = revision.answered_time();
      *result.mutable_result() = revision.result();
      *result.mutable_revision_time() = revision.revision_time();
      result.clear_age_months();
      if (revision.has_age_months()) {
        result.set_age_months(revision.age_months());
      }
      result.set_status(&revision == &assessment.revisions(0) ? v1::ASSESSMENT_STATUS_COMPLETED
                                                              : v1::ASSESSMENT_STATUS_AMENDED);
      break;
    }
  }
  return result;
}

void ForgetBaselinesAfter(absl::Time as_of, v1::Series& series) {
  auto& choices = *series.mutable_baseline_choices();
  choices.erase(std::remove_if(choices.begin(), choices.end(),
                               [&](const v1::BaselineChoice& choice) {
                                 return api::FromProto(choice.time()) > as_of;
                               }),
                choices.end());
  series.set_chosen_baseline(choices.empty() ? "" : choices.rbegin()->assessment());
  if (api::FromProto(series.baseline_move().time()) > as_of) {
    series.clear_baseline_move();  // an earlier one is not kept
  }
}

bool ExtendsSeries(const v1::Series& series, const v1::SeriesPoint& point) {
  // Equal times are left to a reading of the whole series, which knows the other one's rank.
  return series.assessment_count() == 0 ||
         Key(series.latest_answered_time()) < Key(point.answered_time());
}

absl::Status AddPoint(const v1::InstrumentDefinition& definition, const Norms& norms,
                      absl::string_view policy, const v1::SeriesPoint& point, v1::Series& series) {
  if (series.scales_size() != definition.scales_size()) {
    ClearSummary(definition, series);
  }
  series.set_assessment_count(series.assessment_count() + 1);
  *series.mutable_latest_answered_time() = point.answered_time();
  for (int i = 0; i < definition.scales_size(); ++i) {
    const v1::Scale& scale = definition.scales(i);
    v1::ScaleSummary& summary = *series.mutable_scales(i);
    const v1::ScalePoint* value = FindScalePoint(point, scale.id());
    if (value != nullptr && value->has_value()) {
      AddValue(scale, MakeValue(point, *value), series.chosen_baseline(), summary);
    }
    SB_RETURN_IF_ERROR(Judge(definition, norms, scale, policy, summary));
  }
  if (point.has_attachment_point()) {
    v1::AttachmentMove& move = *series.mutable_attachment();
    if (!move.has_baseline() || point.assessment() == series.chosen_baseline()) {
      *move.mutable_baseline() = point.attachment_point();
    }
    *move.mutable_latest() = point.attachment_point();
    move.set_count(move.count() + 1);
  }
  return absl::OkStatus();
}

absl::Status JudgeByPolicy(const v1::InstrumentDefinition& definition, const Norms& norms,
                           absl::string_view policy, v1::Series& series) {
  for (v1::ScaleSummary& summary : *series.mutable_scales()) {
    const v1::Scale* scale = FindScale(definition, summary.scale());
    if (scale != nullptr) {
      SB_RETURN_IF_ERROR(Judge(definition, norms, *scale, policy, summary));
    }
  }
  return absl::OkStatus();
}

void ClearSummary(const v1::InstrumentDefinition& definition, v1::Series& series) {
  series.clear_assessment_count();
  series.clear_latest_answered_time();
  series.clear_scales();
  series.clear_attachment();
  for (const v1::Scale& scale : definition.scales()) {
    series.add_scales()->set_scale(scale.id());
  }
}

std::optional<v1::BaselineMove> FindBaselineMove(const v1::Series& before,
                                                 const v1::Series& after) {
  for (const v1::ScaleSummary& old_summary : before.scales()) {
    const v1::ScaleSummary* summary = FindSummary(after, old_summary.scale());
    if (summary != nullptr && old_summary.has_baseline() &&
        old_summary.baseline().assessment() != summary->baseline().assessment()) {
      v1::BaselineMove move;
      move.set_scale(old_summary.scale());
      move.set_from_assessment(old_summary.baseline().assessment());
      move.set_to_assessment(summary->baseline().assessment());
      return move;
    }
  }
  return std::nullopt;
}

const v1::ScaleSummary* FindSummary(const v1::Series& series, absl::string_view scale) {
  for (const v1::ScaleSummary& summary : series.scales()) {
    if (summary.scale() == scale) {
      return &summary;
    }
  }
  return nullptr;
}

const v1::ScalePoint* FindScalePoint(const v1::SeriesPoint& point, absl::string_view scale) {
  for (const v1::ScalePoint& value : point.scales()) {
    if (value.scale() == scale) {
      return &value;
    }
  }
  return nullptr;
}

const v1::Scale& HeadlineScale(const v1::InstrumentDefinition& definition) {
  for (const v1::Scale& scale : definition.scales()) {
    for (const v1::ChangePolicy& policy : scale.change_policies()) {
      if (policy.is_default()) {
        return scale;
      }
    }
  }
  const v1::Scale* total = FindScale(definition, "total");
  return total != nullptr ? *total : definition.scales(0);
}

std::string PolicyFor(const v1::Scale& scale, const Norms& norms, absl::string_view policy) {
  const v1::Norm* norm = FindNorm(norms, scale.id());
  if (norm != nullptr && !policy.empty() && LastId(norm->name()) == policy) {
    return std::string(policy);
  }
  for (const v1::ChangePolicy& candidate : scale.change_policies()) {
    if (candidate.id() == policy) {
      return std::string(policy);
    }
  }
  return "";
}

}  // namespace securebase::outcomes
