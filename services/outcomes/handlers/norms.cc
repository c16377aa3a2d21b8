#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/norm.h"
#include "services/outcomes/rules/publication.h"
#include "services/platform/api/actor.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {
namespace {

using records::Write;

// The scale that a norm judges; one norm holds it at a time.
std::string JudgedScale(const v1::Norm& norm) {
  return records::SortKey(
      {LastId(norm.instrument()), absl::StrCat(norm.instrument_version()), norm.scale()});
}

void ClearServerFields(v1::Norm& norm) {
  for (auto clear :
       {&v1::Norm::clear_etag, &v1::Norm::clear_uid, &v1::Norm::clear_create_time,
        &v1::Norm::clear_update_time, &v1::Norm::clear_status, &v1::Norm::clear_changes,
        &v1::Norm::clear_proposed_by, &v1::Norm::clear_approved_by}) {
    (norm.*clear)();
  }
}

// What is wrong with the norm, by path in the request; OK if nothing.
absl::Status Check(const v1::InstrumentDefinition& definition, const v1::Norm& norm) {
  std::vector<FieldViolation> violations;
  for (FieldViolation& violation : CheckNorm(definition, LastId(norm.name()), norm)) {
    if (violation.field != "norm_id") {
      violation.field = absl::StrCat("norm.", violation.field);
    }
    violations.push_back(std::move(violation));
  }
  return InvalidFields(violations, Reason::kDefinitionInvalid);
}

absl::StatusOr<v1::Norm> Move(Write& write, v1::Norm norm, v1::PublicationStatus status,
                              const std::string& reason) {
  SB_RETURN_IF_ERROR(CheckTransition(norm.status(), status, norm.changes()));
  const type::v1::Actor actor = api::ActorOf(write.call());
  norm.set_status(status);
  AddChange(status, write.now(), actor, reason, *norm.mutable_changes());
  if (status == v1::PUBLICATION_STATUS_ACTIVE) {
    norm.set_approved_by(actor.subject());
    SB_RETURN_IF_ERROR(
        records::Claim(write, kActiveNormScope, JudgedScale(norm), norm.name(), "scale"));
  } else {
    SB_RETURN_IF_ERROR(
        records::ReleaseClaim(write, kActiveNormScope, JudgedScale(norm), norm.name()));
  }
  return write.Update(NormKind(), std::move(norm));
}

}  // namespace

absl::StatusOr<v1::Norm> OutcomeHandlers::CreateNorm(const api::Call& call,
                                                     const v1::CreateNormRequest& request) const {
  return database_.Transact<v1::Norm>(call, request, [&](Write& write) -> absl::StatusOr<v1::Norm> {
    v1::Norm norm = request.norm();
    ClearServerFields(norm);
    norm.set_name(FormatName(kNormPattern, {call.practice(), write.IdOr(request.norm_id())}));
    const auto version =
        ReadVersion(write, measures_.built_in(), norm.instrument(), norm.instrument_version());
    if (absl::IsNotFound(version.status()) ||
        (version.ok() && version->status() == v1::PUBLICATION_STATUS_DRAFT)) {
      return InvalidFields({{"norm.instrument_version",
                             "must be a version that is, or was, in use; see "
                             "ListInstrumentVersions"}});
    }
    SB_RETURN_IF_ERROR(version.status());
    SB_RETURN_IF_ERROR(Check(version->definition(), norm));
    SB_ASSIGN_OR_RETURN(
        const auto others,
        write.FindAll(NormKind(), NormsOf(norm.instrument(), norm.instrument_version()),
                      kMaxNormsOfVersion));
    if (static_cast<int>(others.size()) >= kMaxNormsOfVersion) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
          absl::StrCat("there are ", kMaxNormsOfVersion, " norms for this scoring version"));
    }
    norm.set_status(v1::PUBLICATION_STATUS_DRAFT);
    *norm.mutable_proposed_by() = api::ActorOf(call);
    AddChange(norm.status(), call.time, norm.proposed_by(), "", *norm.mutable_changes());
    return write.Create(NormKind(), std::move(norm));
  });
}

absl::StatusOr<v1::Norm> OutcomeHandlers::GetNorm(const api::Call& call,
                                                  const v1::GetNormRequest& request) const {
  return database_.Get(call, NormKind(), request.name());
}

absl::StatusOr<v1::ListNormsResponse> OutcomeHandlers::ListNorms(
    const api::Call& call, const v1::ListNormsRequest& request) const {
  SB_ASSIGN_OR_RETURN(auto page,
                      database_.List<v1::Norm>(
                          call, request, NormKind(),
                          request.instrument().empty() ? AllNorms() : NormsOf(request.instrument()),
                          [&](const v1::Norm& norm) {
                            return request.statuses().empty() ||
                                   std::find(request.statuses().begin(), request.statuses().end(),
                                             norm.status()) != request.statuses().end();
                          }));
  v1::ListNormsResponse response;
  MovePage(page, *response.mutable_norms(), *response.mutable_next_page_token());
  return response;
}

absl::StatusOr<v1::Norm> OutcomeHandlers::TransitionNorm(
    const api::Call& call, const v1::TransitionNormRequest& request) const {
  const bool approves = request.status() == v1::PUBLICATION_STATUS_ACTIVE;
  if (approves && call.principal.kind != auth::PrincipalKind::kStaff) {
    return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                     "a norm is approved by a member of staff, who answers for it by name; call "
                     "with their token");
  }
  return database_.Transact<v1::Norm>(call, request, [&](Write& write) -> absl::StatusOr<v1::Norm> {
    SB_ASSIGN_OR_RETURN(v1::Norm norm, write.Get(NormKind(), request.name()));
    SB_RETURN_IF_ERROR(api::CheckEtag(norm, request.etag()));
    if (approves) {
      SB_ASSIGN_OR_RETURN(
          const v1::InstrumentVersion version,
          ReadVersion(write, measures_.built_in(), norm.instrument(), norm.instrument_version()));
      // What was checked when it was proposed may have been so by an earlier release.
      SB_RETURN_IF_ERROR(Check(version.definition(), norm));
      SB_ASSIGN_OR_RETURN(const auto holder,
                          records::FindClaim(write, kActiveNormScope, JudgedScale(norm)));
      if (holder.has_value() && *holder != norm.name()) {
        SB_ASSIGN_OR_RETURN(v1::Norm former, write.Get(NormKind(), *holder));
        SB_RETURN_IF_ERROR(
            Move(write, std::move(former), v1::PUBLICATION_STATUS_RETIRED, "superseded").status());
      }
    }
    return Move(write, std::move(norm), request.status(), request.reason());
  });
}

}  // namespace securebase::outcomes
