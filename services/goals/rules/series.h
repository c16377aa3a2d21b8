#pragma once

#include <vector>

#include "securebase/goals/v1/goal.pb.h"
#include "securebase/outcomes/v1/series.pb.h"

namespace securebase::goals {

// What the series of a goal's episode say of its scale: instrument, subject, informant and
// relationship target must be the goal's. Of several (scoring versions, languages) the one that was
// answered last counts. Without one, or without a value, a point without `latest`.
v1::SeriesPoint LinkedSeries(const v1::ScaleMeasure& scale,
                             const std::vector<outcomes::v1::Series>& series);

}  // namespace securebase::goals
