#include <utility>

#include "services/plans/handlers/checks.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/records/changes.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/content.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::plans {
namespace {

using records::Write;

constexpr char kSessions[] = "sessions";  // scope of external identifiers

std::vector<std::string> TechniqueNames(const v1::Session& session) {
  std::vector<std::string> names;
  for (const v1::TechniqueUse& use : session.techniques()) {
    names.push_back(use.technique());
  }
  return names;
}

// What a client may set; everything else is the server's.
v1::Session ClientFields(const v1::Session& sent) {
  v1::Session session;
  *session.mutable_external_identifiers() = sent.external_identifiers();
  session.set_episode(sent.episode());
  session.set_plan(sent.plan());
  *session.mutable_start_time() = sent.start_time();
  session.set_minutes(sent.minutes());
  session.set_mode(sent.mode());
  *session.mutable_participants() = sent.participants();
  *session.mutable_staff() = sent.staff();
  *session.mutable_techniques() = sent.techniques();
  return session;
}

// The plan that a session followed must be of its episode.
absl::Status CheckPlan(const records::Reader& reader, const v1::Session& session) {
  if (session.plan().empty()) {
    return absl::OkStatus();
  }
  SB_ASSIGN_OR_RETURN(const v1::Plan plan, reader.Get(PlanKind(), session.plan()));
  return plan.episode() == session.episode()
             ? absl::OkStatus()
             : InvalidFields({{"session.plan", "must be a plan of the same episode"}});
}

bool IsWanted(const v1::ListSessionsRequest& request, const v1::Session& session) {
  return (request.episode().empty() || request.episode() == session.episode()) &&
         (request.plan().empty() || request.plan() == session.plan()) &&
         (request.include_entered_in_error() || !session.entered_in_error());
}

}  // namespace

absl::StatusOr<v1::Session> PlanHandlers::RecordSession(const api::Call& call,
                                                        const v1::RecordSessionRequest& request) {
  return database_.Transact<v1::Session>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Session> {
        v1::Session session = ClientFields(request.session());
        SB_RETURN_IF_ERROR(write.CheckEpisode(session.episode()));
        SB_RETURN_IF_ERROR(CheckPlan(write, session));
        SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                            GetEpisode(*neighbours_.episodes, call, session.episode()));
        if (episode.cancelled) {
          return EpisodeCancelled();
        }
        SB_ASSIGN_OR_RETURN(const auto techniques,
                            FindTechniques(write, library_, TechniqueNames(session)));
        SB_RETURN_IF_ERROR(InvalidFields(rules::CheckSession(
            session, episode,
            [&](absl::string_view name) { return techniques.count(std::string(name)) > 0; },
            "session")));
        session.set_name(
            FormatName(kSessionPattern, {call.practice(), write.IdOr(request.session_id())}));
        *session.mutable_recorded_by() = api::ActorOf(call);
        SB_RETURN_IF_ERROR(
            records::ClaimExternalIdentifiers(write, kSessions, {}, session.external_identifiers(),
                                              session.name(), "session.external_identifiers"));
        return write.Create(SessionKind(), std::move(session));
      });
}

absl::StatusOr<v1::Session> PlanHandlers::GetSession(const api::Call& call,
                                                     const v1::GetSessionRequest& request) {
  return database_.Get(call, SessionKind(), request.name());
}

absl::StatusOr<v1::ListSessionsResponse> PlanHandlers::ListSessions(
    const api::Call& call, const v1::ListSessionsRequest& request) {
  const auto keep = [&](const v1::Session& session) { return IsWanted(request, session); };
  records::Page<v1::Session> page;
  if (request.has_external_identifier()) {
    SB_ASSIGN_OR_RETURN(page, records::ListByExternalIdentifier<v1::Session>(
                                  database_, call, request, SessionKind(), kSessions, keep));
  } else if (!request.episode().empty()) {
    records::Query query = SessionsOfEpisode(request.episode());
    query.reverse = true;
    SB_ASSIGN_OR_RETURN(page,
                        database_.List<v1::Session>(call, request, SessionKind(), query, keep));
  } else {
    return InvalidFields({{"episode", "one of episode and external_identifier is required"}});
  }
  v1::ListSessionsResponse response;
  for (v1::Session& session : page.items) {
    *response.add_sessions() = std::move(session);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Session> PlanHandlers::MarkSessionEnteredInError(
    const api::Call& call, const v1::MarkSessionEnteredInErrorRequest& request) {
  return database_.Transact<v1::Session>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Session> {
        SB_ASSIGN_OR_RETURN(v1::Session session, write.Get(SessionKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(session, request.etag()));
        session.set_entered_in_error(true);
        return write.Update(SessionKind(), std::move(session));
      });
}

}  // namespace securebase::plans
