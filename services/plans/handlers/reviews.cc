#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/plans/handlers/checks.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/handlers/snapshot.h"
#include "services/plans/records/changes.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/activation.h"
#include "services/plans/rules/content.h"
#include "services/plans/rules/lifecycle.h"
#include "services/platform/api/actor.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {

using records::Write;

absl::StatusOr<v1::Screening> PlanHandlers::RecordScreening(
    const api::Call& call, const v1::RecordScreeningRequest& request) {
  return database_.Transact<v1::Screening>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Screening> {
        SB_ASSIGN_OR_RETURN(const v1::Plan plan, write.Get(PlanKind(), request.parent()));
        if (rules::HasEnded(plan.status())) {
          return StateNotAllowed("the plan has ended; screenings belong to a plan under way");
        }
        SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                            GetEpisode(*neighbours_.episodes, call, plan.episode()));
        if (episode.cancelled) {
          return EpisodeCancelled();
        }
        const rules::Member* member = FindMember(episode, request.screening().participant());
        if (member == nullptr || member->left) {
          return InvalidFields(
              {{"screening.participant", "must be somebody who takes part in the episode"}});
        }
        v1::Screening screening;
        screening.set_name(
            absl::StrCat(plan.name(), "/screenings/", write.IdOr(request.screening_id())));
        screening.set_episode(plan.episode());
        screening.set_participant(request.screening().participant());
        screening.set_kind(request.screening().kind());
        screening.set_alone(request.screening().alone());
        *screening.mutable_screen_time() = request.screening().screen_time();
        screening.set_result(request.screening().result());
        *screening.mutable_recorded_by() = api::ActorOf(call);
        return AddScreening(write, plan, std::move(screening));
      });
}

absl::StatusOr<v1::Screening> PlanHandlers::GetScreening(const api::Call& call,
                                                         const v1::GetScreeningRequest& request) {
  return database_.Get(call, ScreeningKind(), request.name());
}

absl::StatusOr<v1::ListScreeningsResponse> PlanHandlers::ListScreenings(
    const api::Call& call, const v1::ListScreeningsRequest& request) {
  SB_RETURN_IF_ERROR(database_.Get(call, PlanKind(), request.parent()).status());
  records::Query query = ScreeningsOfPlan(request.parent());
  query.reverse = true;
  SB_ASSIGN_OR_RETURN(auto page,
                      database_.List<v1::Screening>(call, request, ScreeningKind(), query));
  v1::ListScreeningsResponse response;
  for (v1::Screening& screening : page.items) {
    *response.add_screenings() = std::move(screening);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Review> PlanHandlers::CreateReview(const api::Call& call,
                                                      const v1::CreateReviewRequest& request) {
  return database_.Transact<v1::Review>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Review> {
        SB_ASSIGN_OR_RETURN(v1::Plan plan, write.Get(PlanKind(), request.parent()));
        if (plan.status() != v1::PLAN_STATUS_ACTIVE && plan.status() != v1::PLAN_STATUS_ON_HOLD) {
          return StateNotAllowed("a plan is reviewed while it is active or on hold");
        }
        SB_ASSIGN_OR_RETURN(const v1::Revision in_force,
                            write.Get(RevisionKind(), plan.active_revision()));
        SB_ASSIGN_OR_RETURN(const v1::RevisionStatement statement, StatementOf(in_force));
        SB_ASSIGN_OR_RETURN(const rules::Policy policy, GetPolicy(*neighbours_.episodes, call));
        TakenSnapshot taken = TakeSnapshot(neighbours_, call, plan.episode());

        v1::Review review;
        review.set_name(absl::StrCat(plan.name(), "/reviews/", write.IdOr(request.review_id())));
        review.set_episode(plan.episode());
        review.set_revision(plan.active_revision());
        *review.mutable_reviewer() = api::ActorOf(call);
        review.set_decision(request.review().decision());
        review.set_comment(request.review().comment());
        *review.mutable_due_date() = plan.review_due_date();
        *review.mutable_next_due_date() =
            ToPartialDate(rules::ReviewDueDay(write.now(), statement.content(), policy));
        *review.mutable_snapshot() = std::move(taken.snapshot);
        std::set<std::string> subjects(taken.subjects.begin(), taken.subjects.end());
        for (const std::string& subject : rules::DataSubjects(statement.content())) {
          subjects.insert(subject);
        }
        *review.mutable_subjects() = {subjects.begin(), subjects.end()};

        *plan.mutable_review_due_date() = review.next_due_date();
        SB_RETURN_IF_ERROR(write.Update(PlanKind(), std::move(plan)).status());
        return write.Create(ReviewKind(), std::move(review));
      });
}

absl::StatusOr<v1::Review> PlanHandlers::GetReview(const api::Call& call,
                                                   const v1::GetReviewRequest& request) {
  return database_.Get(call, ReviewKind(), request.name());
}

absl::StatusOr<v1::ListReviewsResponse> PlanHandlers::ListReviews(
    const api::Call& call, const v1::ListReviewsRequest& request) {
  SB_RETURN_IF_ERROR(database_.Get(call, PlanKind(), request.parent()).status());
  records::Query query = ReviewsOfPlan(request.parent());
  query.reverse = true;
  SB_ASSIGN_OR_RETURN(auto page, database_.List<v1::Review>(call, request, ReviewKind(), query));
  v1::ListReviewsResponse response;
  for (v1::Review& review : page.items) {
    *response.add_reviews() = std::move(review);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

}  // namespace securebase::plans
