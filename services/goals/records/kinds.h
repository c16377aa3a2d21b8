#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"
#include "services/goals/records/stored.pb.h"
#include "services/platform/records/database.h"

// How goals are stored, and under which index entries they are found.
namespace securebase::goals {

inline constexpr char kGoalPattern[] = "practices/{practice}/goals/{goal}";
inline constexpr char kRatingPattern[] = "practices/{practice}/goals/{goal}/ratings/{rating}";

// A goal without what is computed when it is read (achievement, progress, acceptances,
// unsafe_flag, measure_fixed, unavailable). Its owner's data; without an owner everybody's of the
// episode.
const records::Kind<v1::Goal>& GoalKind();
// Data of the goal's owner and of the participant who rated.
const records::Kind<v1::Rating>& RatingKind();
// Data of the goal's owner and of the participant whom it is about. Not journaled: ratings and
// goals are.
const records::Kind<stored::Standing>& StandingKind();
// Nobody's data in particular. Not journaled.
const records::Kind<stored::EpisodeGoals>& EpisodeGoalsKind();
// Its owner's data, and for staff only: handlers never show it to participants. Journaled under the
// goal's name.
const records::Kind<stored::Flag>& FlagKind();
// Its owner's data, and never shown. Journaled under the goal's name.
const records::Kind<stored::GoalUse>& GoalUseKind();

// All goals of the practice; by episode (its name); by owner (a participant's id). Ordered by when
// they were recorded.
records::Query AllGoals();
records::Query GoalsOfEpisode(absl::string_view episode);
records::Query GoalsOfOwner(absl::string_view owner);
// A goal's ratings, ordered by when they were given; all, or one informant's.
records::Query RatingsOfGoal(absl::string_view goal);
records::Query RatingsOfInformant(absl::string_view goal, const v1::Informant& informant);
// A goal's standings: participants ordered by id, then the clinician.
records::Query StandingsOfGoal(absl::string_view goal);

std::string StandingName(absl::string_view goal, const v1::Informant& informant);
std::string EpisodeGoalsName(absl::string_view episode);

}  // namespace securebase::goals
