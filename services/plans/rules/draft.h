#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"
#include "services/plans/rules/episode.h"
#include "services/plans/rules/library.h"

namespace securebase::plans::rules {

// A plan's content drafted from the library: for each problem the entry's goal themes, techniques
// and measures, then what rules propose because of scores, then a measure of the alliance. Each
// element says in `rationale` why it is there and in `rule` which rule put it there; what several
// rules propose is there once, with the first's reason and the shortest cadence. Problems and
// population default to the episode's. Measures are assigned to participants by the library's
// Respondent: adults only answer about themselves. What a score proposes to measure is for its
// participant alone: a partner's would be the wrong person's, and its reason would tell the score.
//
// INVALID_ARGUMENT (INVALID_FIELDS), field paths beginning with `prefix`: there is no population,
// or no problem, or no entry of the library for a problem in the population, or a score is of
// nobody in the episode.
absl::StatusOr<v1::PlanContent> DraftContent(const PlanLibrary& library, const Episode& episode,
                                             const v1::DraftBasis& basis, absl::string_view prefix);

}  // namespace securebase::plans::rules
