#include <algorithm>
#include <utility>

#include "services/plans/handlers/checks.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/records/changes.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/activation.h"
#include "services/plans/rules/draft.h"
#include "services/plans/rules/lifecycle.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::plans {
namespace {

using records::Write;

constexpr char kPlans[] = "plans";  // scope of external identifiers

bool IsWanted(const v1::ListPlansRequest& request, const v1::Plan& plan) {
  return (request.episode().empty() || request.episode() == plan.episode()) &&
         (request.statuses().empty() ||
          std::count(request.statuses().begin(), request.statuses().end(), plan.status()) > 0) &&
         (!request.has_review_due_before() ||
          (plan.has_review_due_date() &&
           FromPartialDate(plan.review_due_date()) < FromPartialDate(request.review_due_before())));
}

records::Query QueryFor(const v1::ListPlansRequest& request) {
  if (request.has_review_due_before()) {
    return PlansByReviewDate(FromPartialDate(request.review_due_before()));
  }
  records::Query query = request.episode().empty() ? AllPlans() : PlansOfEpisode(request.episode());
  query.reverse = true;
  return query;
}

}  // namespace

template <typename Request>
absl::StatusOr<v1::Plan> PlanHandlers::WritePlan(
    const api::Call& call, const Request& request,
    const std::function<absl::StatusOr<v1::Plan>(Write&)>& body) {
  auto plan =
      database_.Transact<v1::Plan>(call, request, [&](Write& write) -> absl::StatusOr<v1::Plan> {
        SB_ASSIGN_OR_RETURN(v1::Plan changed, body(write));
        SB_RETURN_IF_ERROR(FillSchedules(write, changed));
        return changed;
      });
  if (plan.ok() && plan->schedules_pending() && schedules_changed_ != nullptr) {
    schedules_changed_();
  }
  return plan;
}

absl::StatusOr<v1::Plan> PlanHandlers::CreatePlan(const api::Call& call,
                                                  const v1::CreatePlanRequest& request) {
  if (request.has_draft() && request.plan().has_content()) {
    return InvalidFields({{"draft", "must be unset where plan.content is set"}});
  }
  return WritePlan(call, request, [&](Write& write) -> absl::StatusOr<v1::Plan> {
    SB_RETURN_IF_ERROR(write.CheckEpisode(request.plan().episode()));
    SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                        GetEpisode(*neighbours_.episodes, call, request.plan().episode()));
    if (!episode.under_way) {
      return StateNotAllowed("the episode has ended; a plan is made while it is under way");
    }
    v1::PlanContent content = request.plan().content();
    if (request.has_draft()) {
      SB_ASSIGN_OR_RETURN(content,
                          rules::DraftContent(library_, episode, request.draft(), "draft"));
    }
    SB_RETURN_IF_ERROR(CheckInstruments(*neighbours_.outcomes, call, {}, content, "plan.content"));
    v1::Plan plan;
    plan.set_name(FormatName(kPlanPattern, {call.practice(), write.IdOr(request.plan_id())}));
    SB_ASSIGN_OR_RETURN(const auto existing, write.Find(PlanKind(), plan.name()));
    if (existing.has_value()) {
      return AlreadyExists(plan.name());
    }
    plan.set_episode(request.plan().episode());
    plan.set_status(v1::PLAN_STATUS_DRAFT);
    *plan.mutable_external_identifiers() = request.plan().external_identifiers();
    SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
        write, kPlans, {}, plan.external_identifiers(), plan.name(), "plan.external_identifiers"));
    SB_RETURN_IF_ERROR(
        AddRevision(write, library_, episode, std::move(content), "", "plan.content", plan)
            .status());
    return write.Create(PlanKind(), std::move(plan));
  });
}

absl::StatusOr<v1::Plan> PlanHandlers::GetPlan(const api::Call& call,
                                               const v1::GetPlanRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(v1::Plan plan, reader.Get(PlanKind(), request.name()));
  if (!api::IsParticipant(call)) {
    SB_RETURN_IF_ERROR(FillSchedules(reader, plan));
  }
  HideFromParticipants(call, plan);
  return plan;
}

absl::StatusOr<v1::ListPlansResponse> PlanHandlers::ListPlans(const api::Call& call,
                                                              const v1::ListPlansRequest& request) {
  if (request.has_review_due_before() && request.review_due_before().day() == 0) {
    return InvalidFields({{"review_due_before", "must have a day"}});
  }
  const auto keep = [&](const v1::Plan& plan) { return IsWanted(request, plan); };
  records::Page<v1::Plan> page;
  if (request.has_external_identifier()) {
    SB_ASSIGN_OR_RETURN(page, records::ListByExternalIdentifier<v1::Plan>(
                                  database_, call, request, PlanKind(), kPlans, keep));
  } else {
    SB_ASSIGN_OR_RETURN(
        page, database_.List<v1::Plan>(call, request, PlanKind(), QueryFor(request), keep));
  }
  v1::ListPlansResponse response;
  for (v1::Plan& plan : page.items) {
    HideFromParticipants(call, plan);
    *response.add_plans() = std::move(plan);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

std::vector<v1::Requirement> PlanHandlers::RequirementsFor(const v1::PlanContent& content,
                                                           const rules::Episode& episode) const {
  std::vector<v1::Requirement> requirements = library_.RequirementsFor(content.population());
  if (content.population() != episode.population) {
    for (const v1::Requirement requirement : library_.RequirementsFor(episode.population)) {
      requirements.push_back(requirement);
    }
  }
  return requirements;
}

absl::Status PlanHandlers::PutInForce(Write& write, v1::Plan& plan) {
  SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                      GetEpisodeWithConsents(*neighbours_.episodes, write.call(), plan.episode()));
  SB_ASSIGN_OR_RETURN(const rules::Policy policy, GetPolicy(*neighbours_.episodes, write.call()));
  SB_ASSIGN_OR_RETURN(const v1::Revision revision, LatestRevision(write, plan));
  SB_ASSIGN_OR_RETURN(const auto screenings, NewestScreenings(write, plan));
  SB_RETURN_IF_ERROR(rules::CheckMayBeInForce(
      revision, episode, policy, RequirementsFor(revision.content(), episode), screenings));
  plan.set_active_revision(revision.name());
  if (!plan.has_activate_time()) {
    *plan.mutable_activate_time() = api::ToProto(write.now());
    *plan.mutable_review_due_date() =
        ToPartialDate(rules::ReviewDueDay(write.now(), revision.content(), policy));
  }
  return WantSchedules(write, plan, &revision.content());
}

absl::StatusOr<v1::Plan> PlanHandlers::TransitionPlan(const api::Call& call,
                                                      const v1::TransitionPlanRequest& request) {
  return WritePlan(call, request, [&](Write& write) -> absl::StatusOr<v1::Plan> {
    SB_ASSIGN_OR_RETURN(v1::Plan plan, write.Get(PlanKind(), request.name()));
    SB_RETURN_IF_ERROR(api::CheckEtag(plan, request.etag()));
    SB_RETURN_IF_ERROR(rules::CheckTransition(plan.status(), request.status()));
    if (request.status() == v1::PLAN_STATUS_ACTIVE) {
      SB_RETURN_IF_ERROR(PutInForce(write, plan));
    } else {
      SB_RETURN_IF_ERROR(WantSchedules(write, plan, nullptr));
    }
    if (rules::HasEnded(request.status())) {
      plan.clear_review_due_date();
      if (!plan.has_end_time()) {
        *plan.mutable_end_time() = api::ToProto(write.now());
      }
    }
    plan.set_status(request.status());
    plan.set_status_reason(request.reason());
    return write.Update(PlanKind(), std::move(plan));
  });
}

absl::StatusOr<v1::Plan> PlanHandlers::AdoptRevision(const api::Call& call,
                                                     const v1::AdoptRevisionRequest& request) {
  return WritePlan(call, request, [&](Write& write) -> absl::StatusOr<v1::Plan> {
    SB_ASSIGN_OR_RETURN(v1::Plan plan, write.Get(PlanKind(), request.name()));
    SB_RETURN_IF_ERROR(api::CheckEtag(plan, request.etag()));
    if (plan.status() != v1::PLAN_STATUS_ACTIVE) {
      return StateNotAllowed(
          "only an active plan adopts a revision; TransitionPlan to ACTIVE does so for others");
    }
    if (plan.active_revision() == plan.latest_revision()) {
      return StateNotAllowed("the latest revision is in force already");
    }
    SB_RETURN_IF_ERROR(PutInForce(write, plan));
    return write.Update(PlanKind(), std::move(plan));
  });
}

}  // namespace securebase::plans
