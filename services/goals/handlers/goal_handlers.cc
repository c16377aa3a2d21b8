#include "services/goals/handlers/goal_handlers.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/goals/handlers/checks.h"
#include "services/goals/handlers/compose.h"
#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/attainment.h"
#include "services/goals/rules/checks.h"
#include "services/goals/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
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

// All whose data a composed goal shows. What one could see of others when the call was made, one
// may not be allowed to see when it is repeated.
records::Access AccessOfShown(const v1::Goal& goal, const Composer& composer) {
  std::set<std::string> subjects = composer.subjects();
  if (!goal.owner().empty()) {
    subjects.insert(goal.owner());
  }
  return {LastId(goal.episode()), {subjects.begin(), subjects.end()}};
}

std::string ShortDigest(const google::protobuf::Message& message) {
  return absl::WebSafeBase64Escape(api::Fingerprint(message).substr(0, 16));
}

// All that an episode's attainment rests on, but for series of the outcomes service: where none is
// linked and this is as it was, so is the attainment, and nothing has to be read to know.
std::string BasisOf(const records::Reader& reader, const std::string& episode,
                    const storage::Position& position, const Policy& policy, bool policy_known) {
  type::v1::AccessView seen;  // of this episode alone
  seen.set_practice_wide(reader.view().practice_wide());
  for (const type::v1::EpisodeAccess& access : reader.view().episodes()) {
    if (access.episode() == LastId(episode)) {
      *seen.add_episodes() = access;
    }
  }
  type::v1::ExternalIdentifier basis;
  basis.set_system(absl::StrCat(episode, "|", position.epoch, "|", position.sequence, "|",
                                static_cast<int>(reader.call().principal.kind), "|",
                                absl::FormatCivilTime(policy.today), "|", policy.stuck_ratings, "|",
                                policy_known));
  basis.set_value(ShortDigest(seen));
  return ShortDigest(basis);
}

}  // namespace

template <typename Request>
absl::StatusOr<v1::Goal> GoalHandlers::WriteGoal(
    const api::Call& call, const Request& request,
    const std::function<absl::StatusOr<v1::Goal>(Write&)>& body) {
  return database_.Transact<v1::Goal>(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
    SB_ASSIGN_OR_RETURN(v1::Goal goal, body(write));
    Composer composer(neighbours_, call);
    SB_RETURN_IF_ERROR(composer.Compose(write, /*with_series=*/true, goal));
    write.SetResultAccess(AccessOfShown(goal, composer));
    return goal;
  });
}

absl::StatusOr<v1::Goal> GoalHandlers::CreateGoal(const api::Call& call,
                                                  const v1::CreateGoalRequest& request) {
  SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "goal_id", request.goal_id(),
                                            request.goal().external_identifiers_size()));
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
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
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
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
            "the goal was rated, so its measure cannot change; SupersedeGoal replaces the goal");
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
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
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
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
    SB_ASSIGN_OR_RETURN(const v1::Goal old, write.Get(GoalKind(), request.name()));
    SB_RETURN_IF_ERROR(api::CheckEtag(old, request.etag()));
    SB_RETURN_IF_ERROR(
        CheckTransition(old.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_CANCELLED));
    std::vector<FieldViolation> violations = GoalViolations(request.goal(), "goal");
    if (request.goal().episode() != old.episode()) {
      violations.push_back({"goal.episode", "must be the episode of the goal that is replaced"});
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

absl::StatusOr<v1::Goal> GoalHandlers::RespondToGoal(const api::Call& call,
                                                     const v1::RespondToGoalRequest& request) {
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
    SB_ASSIGN_OR_RETURN(v1::Goal goal, write.Get(GoalKind(), request.name()));
    SB_RETURN_IF_ERROR(CheckSpeaksFor(write, goal.episode(), request.participant()));
    if (!IsOpen(goal.lifecycle_status())) {
      return StateNotAllowed("the goal has ended");
    }
    v1::Informant participant;
    participant.set_kind(v1::INFORMANT_KIND_PARTICIPANT);
    participant.set_participant(request.participant());
    SB_ASSIGN_OR_RETURN(stored::Standing standing, FindStanding(write, goal, participant));
    if (!IsKnown(standing) && request.participant() != goal.owner() && !api::IsParticipant(call)) {
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
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
    SB_ASSIGN_OR_RETURN(v1::Goal goal, write.Get(GoalKind(), request.name()));
    SB_RETURN_IF_ERROR(api::CheckEtag(goal, request.etag()));
    if (goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR ||
        goal.lifecycle_status() == v1::GOAL_LIFECYCLE_STATUS_REJECTED) {
      return StateNotAllowed("the goal was rejected or entered in error");
    }
    if (request.status() == v1::ACHIEVEMENT_STATUS_UNSPECIFIED) {
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
  return WriteGoal(call, request, [&](Write& write) -> absl::StatusOr<v1::Goal> {
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

absl::StatusOr<v1::Attainment> GoalHandlers::GetAttainment(
    const api::Call& call, const v1::GetAttainmentRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_RETURN_IF_ERROR(reader.CheckEpisode(request.parent()));
  // Before anything is read, so that what changes meanwhile shows with the next poll.
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      database_.store().GetPosition({call.deadline}, call.practice()));
  Composer composer(neighbours_, call);
  const Policy& policy = composer.GetPolicy();
  const std::string basis =
      BasisOf(reader, request.parent(), position, policy, composer.policy_known());
  const std::vector<std::string> known = absl::StrSplit(request.known_etag(), '.');
  const auto answer = [&](v1::Attainment attainment, std::string etag) {
    attainment.set_etag(std::move(etag));
    attainment.mutable_poll_after()->set_seconds(absl::ToInt64Seconds(kPollAfter));
    return attainment;
  };
  v1::Attainment not_modified;
  not_modified.set_not_modified(true);
  if (known.size() == 2 && known[1] == basis) {
    return answer(std::move(not_modified), request.known_etag());
  }

  SB_ASSIGN_OR_RETURN(
      std::vector<v1::Goal> goals,
      reader.GetAll(GoalKind(), GoalsOfEpisode(request.parent()), kMaxGoalsOfEpisode));
  goals.erase(std::remove_if(goals.begin(), goals.end(),
                             [](const v1::Goal& goal) {
                               return !CountsInAttainment(goal.lifecycle_status());
                             }),
              goals.end());
  std::vector<std::string> unavailable;
  bool linked = false;
  for (v1::Goal& goal : goals) {
    SB_RETURN_IF_ERROR(composer.Compose(reader, /*with_series=*/true, goal));
    unavailable.insert(unavailable.end(), goal.unavailable().begin(), goal.unavailable().end());
    linked = linked || goal.has_scale();
  }
  std::sort(unavailable.begin(), unavailable.end());
  unavailable.erase(std::unique(unavailable.begin(), unavailable.end()), unavailable.end());

  v1::Attainment attainment = SumUp(goals);
  attainment.set_episode(request.parent());
  attainment.mutable_unavailable()->Add(unavailable.begin(), unavailable.end());
  // What it says, and what it rests on if that can be told without asking: a linked series changes
  // in another service, whose answer has to be read. Participants are not told that something they
  // may not see was written in the practice.
  const bool told = !linked && !api::IsParticipant(call);
  const std::string content = ShortDigest(attainment);
  return answer(known[0] == content ? std::move(not_modified) : std::move(attainment),
                absl::StrCat(content, ".", told ? basis : "-"));
}

absl::StatusOr<v1::ListJournalResponse> GoalHandlers::ListJournal(
    const api::Call& call, const v1::ListJournalRequest& request) {
  return database_.ListJournal<v1::ListJournalResponse>(call, request);
}

}  // namespace securebase::goals
