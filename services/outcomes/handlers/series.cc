#include "services/outcomes/rules/series.h"

#include <algorithm>
#include <map>

#include "services/episodes/records/kinds.h"
#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/intake.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/change.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

constexpr int kMaxBaselineChoices = 50;
constexpr int kMaxSeriesOfEpisode = 500;  // read for one answer
constexpr int kMaxTrajectories = 30;
constexpr int kMaxSteps = 100;
constexpr int kMaxComparisons = 100;

bool IsBaseline(const v1::Series& series, const std::string& assessment) {
  return std::any_of(
      series.scales().begin(), series.scales().end(),
      [&](const v1::ScaleSummary& scale) { return scale.baseline().assessment() == assessment; });
}

// Judges series by the norms that are in force now; what is stored was judged by those of its time.
class Judge {
 public:
  Judge(const records::Reader& reader, const Measures& measures)
      : reader_(reader), measures_(measures) {}

  absl::Status Apply(v1::Series& series) {
    const auto [found, is_new] =
        known_.try_emplace({series.instrument(), series.instrument_version()});
    if (is_new) {
      SB_ASSIGN_OR_RETURN(found->second,
                          measures_.Of(reader_, series.instrument(), series.instrument_version(),
                                       reader_.call().time));
    }
    return JudgeByPolicy(*found->second.definition, found->second.norms, "", series);
  }

 private:
  const records::Reader& reader_;
  const Measures& measures_;
  std::map<std::pair<std::string, int>, Measure> known_;
};

// What the caller may see of the subject's series in the episode, by instrument.
absl::StatusOr<std::vector<v1::Series>> ReadSeriesAbout(const records::Reader& reader,
                                                        const Measures& measures,
                                                        const std::string& episode,
                                                        const std::string& subject,
                                                        const records::Query& query) {
  SB_RETURN_IF_ERROR(reader.Get(episodes::EpisodeKind(), episode).status());
  SB_ASSIGN_OR_RETURN(std::vector<v1::Series> all,
                      reader.GetAll(SeriesKind(), query, kMaxSeriesOfEpisode));
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const v1::Series& series) {
                             return series.subject() != subject || series.assessment_count() == 0;
                           }),
            all.end());
  Judge judge(reader, measures);
  for (v1::Series& series : all) {
    SB_RETURN_IF_ERROR(judge.Apply(series));
  }
  return all;
}

// The latest steps, the newest ones read first.
absl::Status AddSteps(const records::Reader& reader, const v1::Series& series,
                      v1::AttachmentTrajectory& trajectory) {
  records::Query query = AssessmentsOfSeries(series.name());
  query.reverse = true;
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Assessment> assessments,
                      reader.GetAll(AssessmentKind(), query, kMaxSteps + 1));
  std::vector<v1::AttachmentStep> steps;
  for (const v1::Assessment& assessment : assessments) {
    if (assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR ||
        !assessment.result().has_attachment_point()) {
      continue;
    }
    v1::AttachmentStep& step = steps.emplace_back();
    step.set_assessment(assessment.name());
    *step.mutable_answered_time() = assessment.answered_time();
    *step.mutable_point() = assessment.result().attachment_point();
  }
  trajectory.set_truncated(series.attachment().count() > static_cast<int>(steps.size()));
  std::for_each(steps.rbegin(), steps.rend(),
                [&](v1::AttachmentStep& step) { *trajectory.add_steps() = std::move(step); });
  return absl::OkStatus();
}

// The longest series of a person's own answers, should there be one per language.
const v1::Series* FindOwn(const std::vector<v1::Series>& all, absl::string_view instrument) {
  const v1::Series* found = nullptr;
  for (const v1::Series& series : all) {
    if (LastId(series.instrument()) == instrument &&
        series.informant_role() == v1::INFORMANT_SELF &&
        (found == nullptr || series.assessment_count() > found->assessment_count())) {
      found = &series;
    }
  }
  return found;
}

const v1::ScaleSummary* TwoScores(const v1::Series* series) {
  const v1::ScaleSummary* scale = series == nullptr ? nullptr : FindSummary(*series, "total");
  return scale != nullptr && scale->has_latest() &&
                 scale->latest().assessment() != scale->baseline().assessment()
             ? scale
             : nullptr;
}

bool MayBeCompared(const v1::Series& a, const v1::Series& b) {
  return a.informant() != b.informant() && a.instrument_version() == b.instrument_version() &&
         a.relationship_target() == b.relationship_target();
}

std::optional<double> StandardErrorOf(const v1::ScaleSummary& scale) {
  return scale.verdict().has_standard_error()
             ? std::optional<double>(scale.verdict().standard_error())
             : std::nullopt;
}

void Compare(const v1::Series& a, const v1::Series& b, v1::CompareInformantsResponse& response) {
  for (const v1::ScaleSummary& first : a.scales()) {
    const v1::ScaleSummary* second = FindSummary(b, first.scale());
    if (second == nullptr || !first.has_latest() || !second->has_latest() ||
        response.comparisons_size() == kMaxComparisons) {
      continue;
    }
    v1::InformantComparison& comparison = *response.add_comparisons();
    comparison.set_scale(first.scale());
    comparison.set_first_series(a.name());
    comparison.set_second_series(b.name());
    for (const auto& [series, latest, value] :
         {std::tuple{&a, &first.latest(), comparison.mutable_first()},
          std::tuple{&b, &second->latest(), comparison.mutable_second()}}) {
      value->set_informant(series->informant());
      value->set_value(latest->value());
      *value->mutable_answered_time() = latest->answered_time();
    }
    *comparison.mutable_gap() = CompareInformants(first.latest().value(), second->latest().value(),
                                                  StandardErrorOf(first), StandardErrorOf(*second));
  }
}

}  // namespace

absl::StatusOr<v1::GetSeriesResponse> OutcomeHandlers::GetSeries(
    const api::Call& call, const v1::GetSeriesRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  v1::GetSeriesResponse response;
  SB_ASSIGN_OR_RETURN(*response.mutable_series(), reader.Get(SeriesKind(), request.name()));
  v1::Series& series = *response.mutable_series();
  const absl::Time as_of = request.has_as_of() ? api::FromProto(request.as_of()) : call.time;
  SB_ASSIGN_OR_RETURN(const Measure measure, measures_.Of(reader, series.instrument(),
                                                          series.instrument_version(), as_of));
  const v1::InstrumentDefinition& definition = *measure.definition;
  if (!request.policy().empty() &&
      std::none_of(definition.scales().begin(), definition.scales().end(),
                   [&](const v1::Scale& scale) {
                     return !PolicyFor(scale, measure.norms, request.policy()).empty();
                   })) {
    return InvalidFields(
        {{"policy", "is neither a change policy of a scale of this instrument nor a norm of it"}});
  }
  if (request.has_as_of()) {
    SB_ASSIGN_OR_RETURN(SeriesView view,
                        ReadSeries(reader, measure, series, as_of, request.policy()));
    series = std::move(view.series);
    for (v1::SeriesPoint& point : view.points) {
      *response.add_points() = std::move(point);
    }
  } else {
    SB_RETURN_IF_ERROR(JudgeByPolicy(definition, measure.norms, request.policy(), series));
    SB_ASSIGN_OR_RETURN(auto page,
                        database_.List<v1::Assessment>(
                            call, request, AssessmentKind(), AssessmentsOfSeries(series.name()),
                            [](const v1::Assessment& assessment) {
                              return assessment.status() != v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR;
                            }));
    for (const v1::Assessment& assessment : page.items) {
      *response.add_points() = MakePoint(assessment);
    }
    response.set_next_page_token(page.next_page_token);
  }
  for (v1::SeriesPoint& point : *response.mutable_points()) {
    point.set_baseline(IsBaseline(series, point.assessment()));
  }
  return response;
}

absl::StatusOr<v1::ListSeriesResponse> OutcomeHandlers::ListSeries(
    const api::Call& call, const v1::ListSeriesRequest& request) const {
  SB_ASSIGN_OR_RETURN(
      auto page,
      database_.List<v1::Series>(
          call, request, SeriesKind(),
          request.episode().empty() ? AllSeries() : SeriesOfEpisode(request.episode()),
          [&](const v1::Series& series) {
            return (request.subject().empty() || series.subject() == request.subject()) &&
                   (request.instrument().empty() || series.instrument() == request.instrument());
          }));
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  Judge judge(reader, measures_);
  for (v1::Series& series : page.items) {
    SB_RETURN_IF_ERROR(judge.Apply(series));
  }
  v1::ListSeriesResponse response;
  MovePage(page, *response.mutable_series(), *response.mutable_next_page_token());
  return response;
}

absl::StatusOr<v1::Series> OutcomeHandlers::SetSeriesBaseline(
    const api::Call& call, const v1::SetSeriesBaselineRequest& request) const {
  return database_.Transact<v1::Series>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Series> {
        SB_ASSIGN_OR_RETURN(v1::Series series, write.Get(SeriesKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(series, request.etag()));
        if (series.baseline_choices_size() >= kMaxBaselineChoices) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                           "the baseline of this series has been chosen 50 times");
        }
        if (!request.assessment().empty()) {
          const auto chosen = write.Get(AssessmentKind(), request.assessment());
          if (!chosen.ok() || chosen->series() != request.name() ||
              chosen->status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR) {
            return InvalidFields({{"assessment", "must be an assessment of this series"}});
          }
        }
        SB_ASSIGN_OR_RETURN(
            const Measure measure,
            measures_.Of(write, series.instrument(), series.instrument_version(), call.time));
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        SB_ASSIGN_OR_RETURN(Consequences consequences,
                            ApplyBaseline(write, measure, rules, std::move(series),
                                          request.assessment(), request.reason()));
        return std::move(consequences.series);
      });
}

absl::StatusOr<v1::GetAttachmentPlaneResponse> OutcomeHandlers::GetAttachmentPlane(
    const api::Call& call, const v1::GetAttachmentPlaneRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Series> all,
                      ReadSeriesAbout(reader, measures_, request.parent(), request.subject(),
                                      SeriesOfEpisode(request.parent())));
  v1::GetAttachmentPlaneResponse response;
  std::map<std::string, v1::AttachmentPoint> relationships;  // by target
  for (const v1::Series& series : all) {
    if (series.has_attachment() && !series.relationship_target().empty() &&
        series.informant() == series.subject()) {
      relationships[series.relationship_target()] = series.attachment().latest();
    }
    if (!series.has_attachment() || response.trajectories_size() == kMaxTrajectories) {
      continue;
    }
    v1::AttachmentTrajectory& trajectory = *response.add_trajectories();
    trajectory.set_series(series.name());
    trajectory.set_relationship_target(series.relationship_target());
    trajectory.set_informant(series.informant());
    SB_RETURN_IF_ERROR(AddSteps(reader, series, trajectory));
    const bool moved = trajectory.steps_size() > 1 &&
                       trajectory.steps().rbegin()->assessment() != series.chosen_baseline();
    if (moved) {
      *trajectory.mutable_vector() =
          MoveOnPlane(series.attachment().baseline(), series.attachment().latest());
    }
  }
  std::vector<v1::AttachmentPoint> points;
  points.reserve(relationships.size());
  for (const auto& [target, point] : relationships) {
    points.push_back(point);
  }
  if (points.size() > 1) {
    *response.mutable_global() = *GlobalAttachment(points);
  }
  return response;
}

absl::StatusOr<v1::GetPairedOutcomeResponse> OutcomeHandlers::GetPairedOutcome(
    const api::Call& call, const v1::GetPairedOutcomeRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Series> all,
                      ReadSeriesAbout(reader, measures_, request.parent(), request.subject(),
                                      SeriesOfEpisode(request.parent())));
  SB_ASSIGN_OR_RETURN(const episodes::v1::Episode episode,
                      reader.Get(episodes::EpisodeKind(), request.parent()));
  const v1::ScaleSummary* depression = TwoScores(FindOwn(all, "phq-9"));
  const v1::ScaleSummary* anxiety = TwoScores(FindOwn(all, "gad-7"));
  if (depression == nullptr || anxiety == nullptr) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
        "phq-9 and gad-7 need two scores each of the subject's own; submit them first");
  }
  v1::GetPairedOutcomeResponse response;
  *response.mutable_depression() = depression->verdict();
  *response.mutable_anxiety() = anxiety->verdict();
  SB_ASSIGN_OR_RETURN(*response.mutable_outcome(),
                      NhsPairedOutcome(depression->verdict(), anxiety->verdict(),
                                       episode.has_treatment_contacts()
                                           ? std::optional<int>(episode.treatment_contacts())
                                           : std::nullopt));
  return response;
}

absl::StatusOr<v1::CompareInformantsResponse> OutcomeHandlers::CompareInformants(
    const api::Call& call, const v1::CompareInformantsRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Series> all,
                      ReadSeriesAbout(reader, measures_, request.parent(), request.subject(),
                                      SeriesOfEpisode(request.parent(), request.instrument())));
  v1::CompareInformantsResponse response;
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = i + 1; j < all.size(); ++j) {
      if (MayBeCompared(all[i], all[j])) {
        Compare(all[i], all[j], response);
      }
    }
  }
  return response;
}

}  // namespace securebase::outcomes
