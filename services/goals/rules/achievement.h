#pragma once

#include <optional>
#include <vector>

#include "absl/time/civil_time.h"
#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// What a practice decides about goals. Defaults where its settings could not be read.
struct Policy {
  int stuck_ratings = 4;  // house rule
  absl::CivilDay today;   // in the practice's time zone
};

// How far a goal has come, with the reason; nullopt when nothing can be said: the goal is only
// proposed, planned or accepted and nobody rated it, or it was rejected or entered in error, or its
// series could not be read. An override on the goal stands in for the computed status.
//
// For a rated goal, `progress` are the informants' judged lines (progress.h) that the reader may
// see. House rule, who decides: the owner; without their ratings (or in a shared goal) all
// participants who rated; without those the clinician. Among several, the one furthest from the
// target decides, so that a goal is not achieved over somebody's head.
//
// For a goal measured by a scale, `series` is the linked series; one without a latest value means
// that there is none (yet). The target's comparator decides ACHIEVED (SUSTAINING: the value before
// reached it too); else the outcomes service's verdict: reliable improvement or recovery IMPROVING,
// reliable deterioration WORSENING, no reliable change over `stuck_ratings` assessments NO_CHANGE
// and stuck (house rule); else IN_PROGRESS.
//
// A goal that is completed or cancelled below its target is NOT_ACHIEVED, or NO_PROGRESS when it is
// no better than at its start.
std::optional<v1::Achievement> Achieve(const v1::Goal& goal,
                                       const std::vector<v1::InformantProgress>& progress,
                                       const std::optional<v1::SeriesPoint>& series,
                                       const Policy& policy);

}  // namespace securebase::goals
