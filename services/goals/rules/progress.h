#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// "clinician", or "participant/p1": what an informant is called in record names and sort keys.
std::string InformantKey(const v1::Informant& informant);

// The order of one informant's ratings: by rating_time, then create_time, then name.
bool RatedBefore(const v1::Rating& a, const v1::Rating& b);

// What is kept of one informant's ratings of one goal: baseline, latest, previous, best, count and
// unmoved; Judge fills in the rest. Ratings marked as entered in error do not count. `ratings` may
// be in any order; all are of one informant.
v1::InformantProgress FoldRatings(std::vector<v1::Rating> ratings);

// Adds `rating` in constant time. False, with nothing changed, when it is not the latest (a late
// form): then FoldRatings is needed.
bool AddRating(const v1::Rating& rating, v1::InformantProgress& progress);

// Fills in change, stuck and status: how far the goal has come in this informant's eyes, while it
// is worked on.
//
//   target reached by the latest rating    ACHIEVED; SUSTAINING when the previous one reached it
//   too GBO: reliably up / down                IMPROVING / WORSENING GAS: above / below the start
//   level     IMPROVING / WORSENING stuck                                  NO_CHANGE otherwise
//   IN_PROGRESS
//
// A GAS goal's target is level 0 (HL7 Person-Centered Outcomes: 0 or more counts as achieved).
// SUSTAINING and NO_CHANGE so defined, and stuck (the last `stuck_ratings` ratings are equal and
// the target is not reached), are house rules. A later rating of an unrated goal is no error: a
// count of 0 is left alone.
void Judge(const v1::Goal& goal, int stuck_ratings, v1::InformantProgress& progress);

}  // namespace securebase::goals
