#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/rules/norm.h"

// How assessments make up a series. A series is a fold over its assessments in their order, so that
// adding the newest one to the summary gives what reading all of them again would give.
namespace securebase::outcomes {

// The order of a series: answered, then recorded, then by name.
bool PrecedesInSeries(const v1::SeriesPoint& a, const v1::SeriesPoint& b);

// The point that an assessment makes. Scales are those of its result.
v1::SeriesPoint MakePoint(const v1::Assessment& assessment);

// The assessment as it stood when `as_of` had been recorded, from its revisions; nothing if it had
// not been recorded yet, or had been entered in error by then. `assessment` has its revisions.
std::optional<v1::Assessment> AssessmentAsOf(const v1::Assessment& assessment, absl::Time as_of);

// Makes the chosen baseline, the choices and the move what they were at `as_of`.
void ForgetBaselinesAfter(absl::Time as_of, v1::Series& series);

// Whether `point` was answered after all of the series, so that AddPoint may take it.
bool ExtendsSeries(const v1::Series& series, const v1::SeriesPoint& point);

// Adds the point that comes next. `policy` names the change policy (or norm) for the verdicts, on
// the scales that have it; empty: the default. `norms` are those in force for the definition. Only
// the summary changes: counts, scales, attachment, latest_answered_time. `series` has its identity
// and, if there is one, chosen_baseline. Errors are those of ClassifyChange.
absl::Status AddPoint(const v1::InstrumentDefinition& definition, const Norms& norms,
                      absl::string_view policy, const v1::SeriesPoint& point, v1::Series& series);

// Judges every scale of a summary anew, from its baseline to its latest value, by `policy`. What is
// stored was judged by the norms of its time.
absl::Status JudgeByPolicy(const v1::InstrumentDefinition& definition, const Norms& norms,
                           absl::string_view policy, v1::Series& series);

// Clears the summary of `series`, so that its points can be added from the first one on. Identity,
// baseline choices and baseline_move stay.
void ClearSummary(const v1::InstrumentDefinition& definition, v1::Series& series);

// The first scale whose baseline differs between the two summaries of one series, as a move (time
// is left to the caller); nothing if none does, or where there was no baseline before.
std::optional<v1::BaselineMove> FindBaselineMove(const v1::Series& before, const v1::Series& after);

// nullptr if there is none.
const v1::ScaleSummary* FindSummary(const v1::Series& series, absl::string_view scale);
const v1::ScalePoint* FindScalePoint(const v1::SeriesPoint& point, absl::string_view scale);

// The scale that stands for an instrument on a dashboard: the first one with a default change
// policy, else "total", else the first.
const v1::Scale& HeadlineScale(const v1::InstrumentDefinition& definition);

// The policy id to pass to ClassifyChange for `scale`: `policy` if the scale has it or a norm of
// that id, else empty.
std::string PolicyFor(const v1::Scale& scale, const Norms& norms, absl::string_view policy);

}  // namespace securebase::outcomes
