// What people say about a goal: whether they agree, what became of it, whether it is safe.
#include <utility>

#include "services/goals/handlers/checks.h"
#include "services/goals/handlers/compose.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::goals {

using records::Write;

absl::StatusOr<v1::Goal> GoalHandlers::RespondToGoal(const api::Call& call,
                                                     const v1::RespondToGoalRequest& request) {
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(v1::Goal goal, write.Get(GoalKind(), request.name()));
        SB_RETURN_IF_ERROR(CheckSpeaksFor(write, goal.episode(), request.participant()));
        if (!IsOpen(goal.lifecycle_status())) {
          return StateNotAllowed("the goal has ended");
        }
        v1::Informant participant;
        participant.set_kind(v1::INFORMANT_KIND_PARTICIPANT);
        participant.set_participant(request.participant());
        SB_ASSIGN_OR_RETURN(stored::Standing standing, FindStanding(write, goal, participant));
        if (!IsKnown(standing) && request.participant() != goal.owner() &&
            !api::IsParticipant(call)) {
          SB_RETURN_IF_ERROR(CheckParticipants(neighbours_, call, goal.episode(),
                                               {{request.participant(), "participant"}}));
        }
        v1::Acceptance& acceptance = *standing.mutable_acceptance();
        acceptance.set_participant(request.participant());
        acceptance.set_status(request.status());
        *acceptance.mutable_recorded_by() = api::ActorOf(call);
        *acceptance.mutable_time() = api::ToProto(write.now());
        SB_RETURN_IF_ERROR(RecordAnswer(write, goal, std::move(standing)));
        return goal;
      });
}

absl::StatusOr<v1::Goal> GoalHandlers::OverrideAchievement(
    const api::Call& call, const v1::OverrideAchievementRequest& request) {
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(v1::Goal goal, write.Get(GoalKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(goal, request.etag()));
        if (goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR ||
            goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_REJECTED) {
          return StateNotAllowed("the goal was rejected or entered in error");
        }
        if (request.status() == v1::ACHIEVEMENT_STATUS_UNSPECIFIED) {
          if (!request.reason().empty()) {
            return InvalidFields({{"status", "must be said when there is a reason"}});
          }
          goal.clear_achievement_override();
          return write.Update(GoalKind(), std::move(goal));
        }
        if (request.reason().empty()) {
          return InvalidFields({{"reason", "must say why the computed achievement does not hold"}});
        }
        v1::AchievementOverride& judgement = *goal.mutable_achievement_override();
        judgement.set_status(request.status());
        judgement.set_reason(request.reason());
        *judgement.mutable_actor() = api::ActorOf(call);
        *judgement.mutable_time() = api::ToProto(write.now());
        return write.Update(GoalKind(), std::move(goal));
      });
}

absl::StatusOr<v1::Goal> GoalHandlers::FlagGoal(const api::Call& call,
                                                const v1::FlagGoalRequest& request) {
  return WriteGoal(database_, neighbours_, call, request,
                   [&](Write& write) -> absl::StatusOr<v1::Goal> {
                     SB_ASSIGN_OR_RETURN(v1::Goal goal, write.Get(GoalKind(), request.name()));
                     if (request.unsafe() && request.reason().empty()) {
                       return InvalidFields({{"reason", "must say why the goal is unsafe"}});
                     }
                     SB_RETURN_IF_ERROR(write.Find(FlagKind(), goal.name()).status());
                     stored::Flag flag;
                     flag.set_name(goal.name());
                     flag.set_episode(goal.episode());
                     flag.set_owner(goal.owner());
                     if (request.unsafe()) {
                       flag.mutable_unsafe_flag()->set_reason(request.reason());
                       *flag.mutable_unsafe_flag()->mutable_actor() = api::ActorOf(call);
                       *flag.mutable_unsafe_flag()->mutable_time() = api::ToProto(write.now());
                     }
                     SB_RETURN_IF_ERROR(write.Update(FlagKind(), std::move(flag)).status());
                     return goal;
                   });
}

}  // namespace securebase::goals
