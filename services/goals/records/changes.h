#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"
#include "services/goals/records/kinds.h"
#include "services/platform/records/database.h"

// What a transaction does to goals and what belongs to them.
namespace securebase::goals {

// Documented limits, so that reading an episode or a rating's history stays bounded.
inline constexpr int kMaxGoalsOfEpisode = 100;
inline constexpr int kMaxRatingsOfInformant = 1000;
// Of a goal: more than the participants that an episode may have, and the clinician.
inline constexpr int kMaxStandings = 100;

// Adds a goal (with name, episode and lifecycle status set), its external identifiers and its place
// in the episode. ALREADY_EXISTS: the name or an identifier is taken. FAILED_PRECONDITION
// (LIMIT_EXCEEDED): the episode has kMaxGoalsOfEpisode, or the goal would be the owner's fourth
// active GBO goal.
absl::StatusOr<v1::Goal> AddGoal(records::Write& write, v1::Goal goal);

// Replaces `before` by `after`, with its external identifiers and its place in the episode. Errors
// as for AddGoal.
absl::StatusOr<v1::Goal> ChangeGoal(records::Write& write, const v1::Goal& before, v1::Goal after);

// Gives the goal that lifecycle status, now. Not saved yet.
void SetLifecycleStatus(const records::Write& write, v1::GoalLifecycleStatus status,
                        absl::string_view reason, v1::Goal& goal);

// The standing of whoever rates or answers; a new one with nothing in it if there is none yet.
absl::StatusOr<stored::Standing> FindStanding(records::Write& write, const v1::Goal& goal,
                                              const v1::Informant& informant);
// Whether they rated or were asked before.
bool IsKnown(const stored::Standing& standing);

// Whether the goal was rated, which fixes its measure. The transaction does not commit if it is
// rated meanwhile.
absl::StatusOr<bool> WasRated(records::Write& write, const v1::Goal& goal);

// What those who were asked say to the goal (standings with an acceptance), whether or not the
// caller may see it. The transaction does not commit if somebody answers meanwhile.
absl::StatusOr<std::vector<stored::Standing>> FindAnswers(records::Write& write,
                                                          const v1::Goal& goal);

// Saves a standing whose acceptance was set. The goal's own record stays as it is; its followers
// learn of the answer from the journal.
absl::Status RecordAnswer(records::Write& write, const v1::Goal& goal, stored::Standing standing);

// Adds a rating (with name, informant, value and rating_time) to a rated goal and to the
// informant's standing, and fixes the goal's measure, but leaves the goal's own record as it is.
// FAILED_PRECONDITION (LIMIT_EXCEEDED): the informant has kMaxRatingsOfInformant.
absl::StatusOr<v1::Rating> AddRatingTo(records::Write& write, const v1::Goal& goal,
                                       stored::Standing standing, v1::Rating rating);

// Marks the rating and takes it out of its informant's standing. A marked one is returned as it is.
absl::StatusOr<v1::Rating> MarkInError(records::Write& write, const v1::Goal& goal,
                                       v1::Rating rating, absl::string_view reason);

}  // namespace securebase::goals
