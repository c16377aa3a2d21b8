#include <utility>

#include "services/goals/handlers/checks.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/checks.h"
#include "services/goals/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::goals {

using records::Write;

absl::StatusOr<v1::Rating> GoalHandlers::RateGoal(const api::Call& call,
                                                  const v1::RateGoalRequest& request) {
  SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "rating_id", request.rating_id()));
  return database_.Transact<v1::Rating>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Rating> {
        SB_ASSIGN_OR_RETURN(const v1::Goal goal, write.Get(GoalKind(), request.parent()));
        const v1::Informant& informant = request.rating().informant();
        SB_RETURN_IF_ERROR(CheckSpeaksFor(write, goal.episode(), informant.participant()));
        if (!IsRated(goal) || !TakesRatings(goal.lifecycle_status())) {
          return StateNotAllowed(IsRated(goal)
                                     ? "the goal was cancelled, rejected or entered in error"
                                     : "the goal is measured by a scale; submit an assessment");
        }
        SB_RETURN_IF_ERROR(InvalidFields(RatingViolations(goal, request.rating(), "rating")));
        SB_ASSIGN_OR_RETURN(stored::Standing standing, FindStanding(write, goal, informant));
        // Whoever owns the goal, rated before or speaks for themself is known to take part.
        if (!IsKnown(standing) && informant.participant() != goal.owner() &&
            !api::IsParticipant(call)) {
          SB_RETURN_IF_ERROR(
              CheckParticipants(neighbours_, call, goal.episode(),
                                {{informant.participant(), "rating.informant.participant"}}));
        } else {
          SB_RETURN_IF_ERROR(CheckTakesRecords(neighbours_, call, goal.episode()));
        }
        v1::Rating rating;
        rating.set_name(FormatName(kRatingPattern, {call.practice(), LastId(goal.name()),
                                                    write.IdOr(request.rating_id())}));
        *rating.mutable_informant() = informant;
        rating.set_value(request.rating().value());
        *rating.mutable_rating_time() = request.rating().has_rating_time()
                                            ? request.rating().rating_time()
                                            : api::ToProto(write.now());
        *rating.mutable_recorded_by() = api::ActorOf(call);
        rating.set_episode(goal.episode());
        rating.set_owner(goal.owner());
        return AddRatingTo(write, goal, std::move(standing), std::move(rating));
      });
}

absl::StatusOr<v1::Rating> GoalHandlers::GetRating(const api::Call& call,
                                                   const v1::GetRatingRequest& request) {
  return database_.Get(call, RatingKind(), request.name());
}

absl::StatusOr<v1::ListRatingsResponse> GoalHandlers::ListRatings(
    const api::Call& call, const v1::ListRatingsRequest& request) {
  SB_RETURN_IF_ERROR(database_.Get(call, GoalKind(), request.parent()).status());
  records::Query query = RatingsOfGoal(request.parent());
  if (request.has_informant()) {
    SB_RETURN_IF_ERROR(InvalidFields(InformantViolations(request.informant(), "informant")));
    query = RatingsOfInformant(request.parent(), request.informant());
  }
  query.reverse = true;
  SB_ASSIGN_OR_RETURN(auto page, database_.List<v1::Rating>(call, request, RatingKind(), query));
  v1::ListRatingsResponse response;
  response.mutable_ratings()->Add(page.items.begin(), page.items.end());
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Rating> GoalHandlers::MarkRatingEnteredInError(
    const api::Call& call, const v1::MarkRatingEnteredInErrorRequest& request) {
  return database_.Transact<v1::Rating>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Rating> {
        SB_ASSIGN_OR_RETURN(const auto ids, ParseName(kRatingPattern, request.name()));
        SB_ASSIGN_OR_RETURN(v1::Rating rating, write.Get(RatingKind(), request.name()));
        SB_ASSIGN_OR_RETURN(const v1::Goal goal,
                            write.Get(GoalKind(), FormatName(kGoalPattern, {ids[0], ids[1]})));
        return MarkInError(write, goal, std::move(rating), request.reason());
      });
}

}  // namespace securebase::goals
