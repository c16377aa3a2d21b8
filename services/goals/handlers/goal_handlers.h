#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "securebase/goals/v1/goal.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "services/goals/handlers/neighbours.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

namespace securebase::goals {

// The methods of GoalsService as plain functions; what each does and which errors it gives is said
// in goals_service.proto. Requests have been authorized and validated against the proto's options.
// Thread-safe.
class GoalHandlers {
 public:
  // How long a dashboard waits before it asks again.
  static constexpr absl::Duration kPollAfter = absl::Seconds(30);

  // Both must outlive the object.
  GoalHandlers(const records::Database& database, Neighbours& neighbours)
      : database_(database), neighbours_(neighbours) {}

  absl::StatusOr<v1::Goal> CreateGoal(const api::Call& call, const v1::CreateGoalRequest& request);
  absl::StatusOr<v1::Goal> GetGoal(const api::Call& call, const v1::GetGoalRequest& request);
  absl::StatusOr<v1::ListGoalsResponse> ListGoals(const api::Call& call,
                                                  const v1::ListGoalsRequest& request);
  absl::StatusOr<v1::Goal> UpdateGoal(const api::Call& call, const v1::UpdateGoalRequest& request);
  absl::StatusOr<v1::Goal> TransitionGoal(const api::Call& call,
                                          const v1::TransitionGoalRequest& request);
  absl::StatusOr<v1::Goal> SupersedeGoal(const api::Call& call,
                                         const v1::SupersedeGoalRequest& request);

  absl::StatusOr<v1::Rating> RateGoal(const api::Call& call, const v1::RateGoalRequest& request);
  absl::StatusOr<v1::Rating> GetRating(const api::Call& call, const v1::GetRatingRequest& request);
  absl::StatusOr<v1::ListRatingsResponse> ListRatings(const api::Call& call,
                                                      const v1::ListRatingsRequest& request);
  absl::StatusOr<v1::Rating> MarkRatingEnteredInError(
      const api::Call& call, const v1::MarkRatingEnteredInErrorRequest& request);

  absl::StatusOr<v1::Goal> RespondToGoal(const api::Call& call,
                                         const v1::RespondToGoalRequest& request);
  absl::StatusOr<v1::Goal> OverrideAchievement(const api::Call& call,
                                               const v1::OverrideAchievementRequest& request);
  absl::StatusOr<v1::Goal> FlagGoal(const api::Call& call, const v1::FlagGoalRequest& request);

  absl::StatusOr<v1::Attainment> GetAttainment(const api::Call& call,
                                               const v1::GetAttainmentRequest& request);
  absl::StatusOr<v1::ListJournalResponse> ListJournal(const api::Call& call,
                                                      const v1::ListJournalRequest& request);

 private:
  const records::Database& database_;
  Neighbours& neighbours_;
};

}  // namespace securebase::goals
