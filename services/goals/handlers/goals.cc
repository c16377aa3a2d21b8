#include <algorithm>
#include <utility>
#include <vector>

#include "google/protobuf/util/message_differencer.h"
#include "services/goals/handlers/checks.h"
#include "services/goals/handlers/compose.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/checks.h"
#include "services/goals/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::goals {
namespace {

using google::protobuf::util::MessageDifferencer;
using records::Write;

constexpr char kReplaced[] = "replaced";  // FHIR goal-status-reason

// What a client may set; everything else is the server's.
v1::Goal ClientFields(const v1::Goal& sent) {
  v1::Goal goal;
  *goal.mutable_external_identifiers() = sent.external_identifiers();
  goal.set_episode(sent.episode());
  goal.set_owner(sent.owner());
  goal.set_statement(sent.statement());
  goal.set_domain(sent.domain());
  goal.set_priority(sent.priority());
  if (sent.has_gbo()) {
    *goal.mutable_gbo() = sent.gbo();
  } else if (sent.has_gas()) {
    *goal.mutable_gas() = sent.gas();
  } else if (sent.has_scale()) {
    *goal.mutable_scale() = sent.scale();
  }
  if (sent.has_start_date()) {
    *goal.mutable_start_date() = sent.start_date();
  }
  if (sent.has_due_date()) {
    *goal.mutable_due_date() = sent.due_date();
  }
  return goal;
}

// The goal of a request, ready to be added.
v1::Goal NewGoal(Write& write, const v1::Goal& sent, const std::string& id, bool active) {
  v1::Goal goal = ClientFields(sent);
  goal.set_name(FormatName(kGoalPattern, {write.call().practice(), write.IdOr(id)}));
  SetLifecycleStatus(write,
                     active ? v1::GOAL_LIFECYCLE_STATUS_ACTIVE : v1::GOAL_LIFECYCLE_STATUS_PROPOSED,
                     "", goal);
  *goal.mutable_created_by() = api::ActorOf(write.call());
  return goal;
}

// Participants whom a goal names.
std::vector<NamedParticipant> ParticipantsOf(const v1::Goal& goal) {
  std::vector<NamedParticipant> participants = {{goal.owner(), "goal.owner"}};
  if (goal.has_scale()) {
    participants.push_back({goal.scale().subject(), "goal.scale.subject"});
    participants.push_back({goal.scale().informant(), "goal.scale.informant"});
  }
  return participants;
}

bool SameMeasure(const v1::Goal& a, const v1::Goal& b) {
  return a.measure_case() == b.measure_case() && MessageDifferencer::Equals(a.gbo(), b.gbo()) &&
         MessageDifferencer::Equals(a.gas(), b.gas()) &&
         MessageDifferencer::Equals(a.scale(), b.scale());
}

// A participant may propose a goal of their own, and no more than that.
absl::Status CheckMayPropose(const records::Reader& reader, const v1::CreateGoalRequest& request) {
  SB_RETURN_IF_ERROR(CheckSpeaksFor(reader, request.goal().episode(), request.goal().owner()));
  if (request.active() && api::IsParticipant(reader.call())) {
    return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                     "a participant proposes goals; staff make them active");
  }
  return absl::OkStatus();
}

absl::Status CheckEverybodyAgrees(Write& write, const v1::Goal& goal) {
  SB_ASSIGN_OR_RETURN(const std::vector<stored::Standing> answers, FindAnswers(write, goal));
  for (const stored::Standing& standing : answers) {
    if (standing.acceptance().status() != v1::ACCEPTANCE_STATUS_AGREE) {
      return StateNotAllowed(
          "somebody who was asked has not agreed to the goal; RespondToGoal records it when they "
          "do");
    }
  }
  return absl::OkStatus();
}

bool IsWanted(const v1::ListGoalsRequest& request, const v1::Goal& goal) {
  const auto among = [](const auto& wanted, int value) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
  };
  return (request.episode().empty() || request.episode() == goal.episode()) &&
         (request.owner().empty() || request.owner() == goal.owner()) &&
         among(request.statuses(), goal.lifecycle_status()) &&
         among(request.domains(), goal.domain());
}

}  // namespace

absl::StatusOr<v1::Goal> GoalHandlers::CreateGoal(const api::Call& call,
                                                  const v1::CreateGoalRequest& request) {
  SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "goal_id", request.goal_id(),
                                            request.goal().external_identifiers_size()));
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_RETURN_IF_ERROR(write.CheckEpisode(request.goal().episode()));
        SB_RETURN_IF_ERROR(CheckMayPropose(write, request));
        SB_RETURN_IF_ERROR(InvalidFields(GoalViolations(request.goal(), "goal")));
        SB_RETURN_IF_ERROR(CheckParticipants(neighbours_, call, request.goal().episode(),
                                             ParticipantsOf(request.goal())));
        SB_RETURN_IF_ERROR(CheckScale(neighbours_, call, request.goal()));
        return AddGoal(write, NewGoal(write, request.goal(), request.goal_id(), request.active()));
      });
}

absl::StatusOr<v1::Goal> GoalHandlers::GetGoal(const api::Call& call,
                                               const v1::GetGoalRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(v1::Goal goal, reader.Get(GoalKind(), request.name()));
  SB_RETURN_IF_ERROR(Composer(neighbours_, call).Compose(reader, /*with_series=*/true, goal));
  return goal;
}

absl::StatusOr<v1::ListGoalsResponse> GoalHandlers::ListGoals(const api::Call& call,
                                                              const v1::ListGoalsRequest& request) {
  const auto keep = [&](const v1::Goal& goal) { return IsWanted(request, goal); };
  records::Page<v1::Goal> page;
  if (request.has_external_identifier()) {
    SB_ASSIGN_OR_RETURN(page, records::ListByExternalIdentifier<v1::Goal>(
                                  database_, call, request, GoalKind(), "goals", keep));
  } else {
    records::Query query = !request.episode().empty() ? GoalsOfEpisode(request.episode())
                           : !request.owner().empty() ? GoalsOfOwner(request.owner())
                                                      : AllGoals();
    query.reverse = true;
    SB_ASSIGN_OR_RETURN(page, database_.List<v1::Goal>(call, request, GoalKind(), query, keep));
  }
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  Composer composer(neighbours_, call);
  v1::ListGoalsResponse response;
  for (v1::Goal& goal : page.items) {
    SB_RETURN_IF_ERROR(composer.Compose(reader, !request.episode().empty(), goal));
    *response.add_goals() = std::move(goal);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Goal> GoalHandlers::UpdateGoal(const api::Call& call,
                                                  const v1::UpdateGoalRequest& request) {
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(const v1::Goal before, write.Get(GoalKind(), request.goal().name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(before, request.goal().etag()));
        if (!IsOpen(before.lifecycle_status())) {
          return StateNotAllowed("the goal has ended and cannot be changed");
        }
        v1::Goal after = before;
        SB_RETURN_IF_ERROR(api::MergeUpdate(request.update_mask(), request.goal(), "goal", after));
        SB_RETURN_IF_ERROR(InvalidFields(GoalViolations(after, "goal")));
        if (!SameMeasure(before, after)) {
          SB_ASSIGN_OR_RETURN(const bool rated, WasRated(write, before));
          if (rated) {
            return StateNotAllowed(
                "the goal was rated, so its measure cannot change; SupersedeGoal replaces the "
                "goal");
          }
          SB_RETURN_IF_ERROR(
              CheckParticipants(neighbours_, call, after.episode(), ParticipantsOf(after)));
          SB_RETURN_IF_ERROR(CheckScale(neighbours_, call, after));
        }
        return ChangeGoal(write, before, std::move(after));
      });
}

absl::StatusOr<v1::Goal> GoalHandlers::TransitionGoal(const api::Call& call,
                                                      const v1::TransitionGoalRequest& request) {
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(const v1::Goal before, write.Get(GoalKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(before, request.etag()));
        SB_RETURN_IF_ERROR(CheckTransition(before.lifecycle_status(), request.lifecycle_status()));
        if (request.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_ACCEPTED) {
          SB_RETURN_IF_ERROR(CheckEverybodyAgrees(write, before));
        }
        if (IsOpen(request.lifecycle_status())) {
          SB_RETURN_IF_ERROR(CheckTakesRecords(neighbours_, call, before.episode()));
        }
        v1::Goal after = before;
        SetLifecycleStatus(write, request.lifecycle_status(), request.reason(), after);
        return ChangeGoal(write, before, std::move(after));
      });
}

absl::StatusOr<v1::Goal> GoalHandlers::SupersedeGoal(const api::Call& call,
                                                     const v1::SupersedeGoalRequest& request) {
  return WriteGoal(
      database_, neighbours_, call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(const v1::Goal old, write.Get(GoalKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(old, request.etag()));
        SB_RETURN_IF_ERROR(
            CheckTransition(old.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_CANCELLED));
        std::vector<FieldViolation> violations = GoalViolations(request.goal(), "goal");
        if (request.goal().episode() != old.episode()) {
          violations.push_back(
              {"goal.episode", "must be the episode of the goal that is replaced"});
        }
        if (request.goal().owner() != old.owner()) {
          violations.push_back({"goal.owner", "must be the owner of the goal that is replaced"});
        }
        SB_RETURN_IF_ERROR(InvalidFields(violations));
        SB_RETURN_IF_ERROR(
            CheckParticipants(neighbours_, call, old.episode(), ParticipantsOf(request.goal())));
        SB_RETURN_IF_ERROR(CheckScale(neighbours_, call, request.goal()));
        v1::Goal successor = NewGoal(write, request.goal(), request.goal_id(), request.active());
        successor.set_supersedes(old.name());
        v1::Goal replaced = old;
        replaced.set_superseded_by(successor.name());
        SetLifecycleStatus(write, v1::GOAL_LIFECYCLE_STATUS_CANCELLED, kReplaced, replaced);
        SB_RETURN_IF_ERROR(ChangeGoal(write, old, std::move(replaced)).status());
        return AddGoal(write, std::move(successor));
      });
}

absl::StatusOr<v1::ListJournalResponse> GoalHandlers::ListJournal(
    const api::Call& call, const v1::ListJournalRequest& request) {
  return database_.ListJournal<v1::ListJournalResponse>(call, request);
}

}  // namespace securebase::goals
