#include <algorithm>
#include <utility>

#include "google/protobuf/util/message_differencer.h"
#include "services/plans/handlers/checks.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/records/changes.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/activation.h"
#include "services/plans/rules/compare.h"
#include "services/plans/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {
namespace {

using google::protobuf::util::MessageDifferencer;
using records::Write;

// A revision that may still be signed and answered: the latest of a plan that has not ended.
absl::StatusOr<v1::Revision> GetOpenRevision(const Write& write, const std::string& name) {
  SB_ASSIGN_OR_RETURN(v1::Revision revision, write.Get(RevisionKind(), name));
  SB_ASSIGN_OR_RETURN(const v1::Plan plan, write.Get(PlanKind(), PlanOf(name)));
  if (plan.latest_revision() != name) {
    return StateNotAllowed("the plan has a newer revision; sign and answer that one");
  }
  if (rules::HasEnded(plan.status())) {
    return StateNotAllowed("the plan has ended; its revisions change no more");
  }
  return WithContent(std::move(revision));
}

// Writes what was added to a revision. Its content is not stored a second time.
absl::StatusOr<v1::Revision> SaveAdditions(Write& write, v1::Revision revision) {
  revision.clear_content();
  SB_ASSIGN_OR_RETURN(revision, write.Update(RevisionKind(), std::move(revision)));
  SB_ASSIGN_OR_RETURN(revision, WithContent(std::move(revision)));
  HideFromParticipants(write.call(), revision);
  return revision;
}

// Participants do not see warnings, and so are not told that one is unanswered.
absl::Status ForParticipants(const api::Call& call, const absl::Status& status) {
  return api::IsParticipant(call) && ReasonOf(status) == Reason::kWarningUnanswered
             ? StateNotAllowed("the revision cannot be signed yet; ask the care team")
             : status;
}

// Staff sign as staff and participants as participants, whatever ids they happen to share.
absl::Status CheckKindSigns(const api::Call& call, v1::SignerRole role) {
  const bool as_participant =
      role == v1::SIGNER_ROLE_PARTICIPANT || role == v1::SIGNER_ROLE_GUARDIAN;
  const auth::PrincipalKind kind = call.principal.kind;
  if ((kind == auth::PrincipalKind::kStaff && as_participant) ||
      (kind == auth::PrincipalKind::kParticipant && !as_participant)) {
    return PrincipalNotAllowed(
        "staff sign as CLINICIAN or SUPERVISOR, participants as PARTICIPANT or GUARDIAN");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Revision> PlanHandlers::RevisePlan(const api::Call& call,
                                                      const v1::RevisePlanRequest& request) {
  return database_.Transact<v1::Revision>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Revision> {
        SB_ASSIGN_OR_RETURN(v1::Plan plan, write.Get(PlanKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(plan, request.etag()));
        if (rules::HasEnded(plan.status())) {
          return StateNotAllowed("the plan has ended and is revised no more");
        }
        v1::PlanContent content = plan.content();
        SB_RETURN_IF_ERROR(
            api::MergeUpdate(request.update_mask(), request.content(), "content", content));
        if (MessageDifferencer::Equals(content, plan.content())) {
          return InvalidFields({{"content", "must differ from the latest revision"}});
        }
        SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                            GetEpisode(*neighbours_.episodes, call, plan.episode()));
        if (!episode.under_way) {
          return StateNotAllowed("the episode has ended; a plan is revised while it is under way");
        }
        SB_RETURN_IF_ERROR(
            CheckInstruments(*neighbours_.outcomes, call, plan.content(), content, "content"));
        SB_ASSIGN_OR_RETURN(v1::Revision revision,
                            AddRevision(write, library_, episode, std::move(content),
                                        request.change_reason(), "content", plan));
        SB_RETURN_IF_ERROR(write.Update(PlanKind(), std::move(plan)).status());
        return revision;
      });
}

absl::StatusOr<v1::Revision> PlanHandlers::GetRevision(const api::Call& call,
                                                       const v1::GetRevisionRequest& request) {
  SB_ASSIGN_OR_RETURN(v1::Revision revision, database_.Get(call, RevisionKind(), request.name()));
  SB_ASSIGN_OR_RETURN(revision, WithContent(std::move(revision)));
  HideFromParticipants(call, revision);
  return revision;
}

absl::StatusOr<v1::ListRevisionsResponse> PlanHandlers::ListRevisions(
    const api::Call& call, const v1::ListRevisionsRequest& request) {
  SB_RETURN_IF_ERROR(database_.Get(call, PlanKind(), request.parent()).status());
  records::Query query = RevisionsOfPlan(request.parent());
  query.reverse = true;
  SB_ASSIGN_OR_RETURN(auto page,
                      database_.List<v1::Revision>(call, request, RevisionKind(), query));
  v1::ListRevisionsResponse response;
  for (v1::Revision& stored : page.items) {
    SB_ASSIGN_OR_RETURN(v1::Revision revision, WithContent(std::move(stored)));
    HideFromParticipants(call, revision);
    revision.clear_signed_bytes();
    *response.add_revisions() = std::move(revision);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::CompareRevisionsResponse> PlanHandlers::CompareRevisions(
    const api::Call& call, const v1::CompareRevisionsRequest& request) {
  if (PlanOf(request.from()) != PlanOf(request.to())) {
    return InvalidFields({{"to", "must be a revision of the same plan as from"}});
  }
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const v1::Revision from, reader.Get(RevisionKind(), request.from()));
  SB_ASSIGN_OR_RETURN(const v1::Revision to, reader.Get(RevisionKind(), request.to()));
  SB_ASSIGN_OR_RETURN(const v1::RevisionStatement before, StatementOf(from));
  SB_ASSIGN_OR_RETURN(const v1::RevisionStatement after, StatementOf(to));
  v1::CompareRevisionsResponse response;
  for (v1::FieldChange& change :
       rules::CompareMessages(before.content(), after.content(), "content")) {
    *response.add_changes() = std::move(change);
  }
  return response;
}

absl::StatusOr<v1::Revision> PlanHandlers::SignRevision(const api::Call& call,
                                                        const v1::SignRevisionRequest& request) {
  SB_RETURN_IF_ERROR(CheckKindSigns(call, request.role()));
  return database_.Transact<v1::Revision>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Revision> {
        SB_ASSIGN_OR_RETURN(v1::Revision revision, GetOpenRevision(write, request.name()));
        SB_ASSIGN_OR_RETURN(const std::string signer,
                            ActingPerson(write, revision.episode(), request.signer(), "signer"));
        SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                            GetEpisode(*neighbours_.episodes, call, revision.episode()));
        SB_RETURN_IF_ERROR(
            ForParticipants(call, rules::CheckSignature(revision, episode, signer, request.role(),
                                                        request.meaning(), request.digest())));
        v1::Signature& signature = *revision.add_signatures();
        signature.set_signer(signer);
        signature.set_role(request.role());
        signature.set_meaning(request.meaning());
        signature.set_digest(request.digest());
        *signature.mutable_sign_time() = api::ToProto(write.now());
        *signature.mutable_attested_by() = api::ActorOf(call);
        signature.set_attesting_system(AttestingSystem(call));
        return SaveAdditions(write, std::move(revision));
      });
}

absl::StatusOr<v1::Revision> PlanHandlers::AnswerWarning(const api::Call& call,
                                                         const v1::AnswerWarningRequest& request) {
  return database_.Transact<v1::Revision>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Revision> {
        SB_ASSIGN_OR_RETURN(v1::Revision revision, GetOpenRevision(write, request.name()));
        SB_ASSIGN_OR_RETURN(const std::string staff,
                            ActingPerson(write, revision.episode(), request.staff(), "staff"));
        SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                            GetEpisode(*neighbours_.episodes, call, revision.episode()));
        SB_ASSIGN_OR_RETURN(const rules::Policy policy, GetPolicy(*neighbours_.episodes, call));
        SB_RETURN_IF_ERROR(rules::CheckMayAnswerWarning(episode, policy, staff));
        const auto warning = std::find_if(
            revision.mutable_warnings()->begin(), revision.mutable_warnings()->end(),
            [&](const v1::GuardWarning& each) { return each.id() == request.warning(); });
        if (warning == revision.mutable_warnings()->end()) {
          return InvalidFields({{"warning", "must be the id of a warning of this revision"}});
        }
        if (warning->has_answer()) {
          return StateNotAllowed("the warning is answered already");
        }
        v1::WarningAnswer& answer = *warning->mutable_answer();
        answer.set_kind(request.answer().kind());
        answer.set_reason(request.answer().reason());
        answer.mutable_answered_by()->set_kind(type::v1::PRINCIPAL_KIND_STAFF);
        answer.mutable_answered_by()->set_subject(staff);
        *answer.mutable_answer_time() = api::ToProto(write.now());
        answer.set_attesting_system(AttestingSystem(call));
        return SaveAdditions(write, std::move(revision));
      });
}

}  // namespace securebase::plans
