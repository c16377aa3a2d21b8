#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"
#include "securebase/plans/v1/session.pb.h"
#include "services/plans/handlers/neighbours.h"
#include "services/plans/rules/episode.h"
#include "services/plans/rules/library.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

namespace securebase::plans {

// The methods of PlansService as plain functions; what each does and which errors it gives is said
// in plans_service.proto. Requests have been authorized and validated against the proto's options.
// Thread-safe.
class PlanHandlers {
 public:
  // `schedules_changed` is called after a write that left work for ScheduleWorker; may be null.
  // Everything referred to must outlive the object.
  PlanHandlers(const records::Database& database, const rules::PlanLibrary& library,
               const Neighbours& neighbours, std::function<void()> schedules_changed)
      : database_(database),
        library_(library),
        neighbours_(neighbours),
        schedules_changed_(std::move(schedules_changed)) {}

  absl::StatusOr<v1::Plan> CreatePlan(const api::Call& call, const v1::CreatePlanRequest& request);
  absl::StatusOr<v1::Plan> GetPlan(const api::Call& call, const v1::GetPlanRequest& request);
  absl::StatusOr<v1::ListPlansResponse> ListPlans(const api::Call& call,
                                                  const v1::ListPlansRequest& request);
  absl::StatusOr<v1::Plan> TransitionPlan(const api::Call& call,
                                          const v1::TransitionPlanRequest& request);
  absl::StatusOr<v1::Plan> AdoptRevision(const api::Call& call,
                                         const v1::AdoptRevisionRequest& request);

  absl::StatusOr<v1::Revision> RevisePlan(const api::Call& call,
                                          const v1::RevisePlanRequest& request);
  absl::StatusOr<v1::Revision> GetRevision(const api::Call& call,
                                           const v1::GetRevisionRequest& request);
  absl::StatusOr<v1::ListRevisionsResponse> ListRevisions(const api::Call& call,
                                                          const v1::ListRevisionsRequest& request);
  absl::StatusOr<v1::CompareRevisionsResponse> CompareRevisions(
      const api::Call& call, const v1::CompareRevisionsRequest& request);
  absl::StatusOr<v1::Revision> SignRevision(const api::Call& call,
                                            const v1::SignRevisionRequest& request);
  absl::StatusOr<v1::Revision> AnswerWarning(const api::Call& call,
                                             const v1::AnswerWarningRequest& request);

  absl::StatusOr<v1::Screening> RecordScreening(const api::Call& call,
                                                const v1::RecordScreeningRequest& request);
  absl::StatusOr<v1::Screening> GetScreening(const api::Call& call,
                                             const v1::GetScreeningRequest& request);
  absl::StatusOr<v1::ListScreeningsResponse> ListScreenings(
      const api::Call& call, const v1::ListScreeningsRequest& request);
  absl::StatusOr<v1::Review> CreateReview(const api::Call& call,
                                          const v1::CreateReviewRequest& request);
  absl::StatusOr<v1::Review> GetReview(const api::Call& call, const v1::GetReviewRequest& request);
  absl::StatusOr<v1::ListReviewsResponse> ListReviews(const api::Call& call,
                                                      const v1::ListReviewsRequest& request);

  absl::StatusOr<v1::Session> RecordSession(const api::Call& call,
                                            const v1::RecordSessionRequest& request);
  absl::StatusOr<v1::Session> GetSession(const api::Call& call,
                                         const v1::GetSessionRequest& request);
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(const api::Call& call,
                                                        const v1::ListSessionsRequest& request);
  absl::StatusOr<v1::Session> MarkSessionEnteredInError(
      const api::Call& call, const v1::MarkSessionEnteredInErrorRequest& request);

  absl::StatusOr<v1::Technique> CreateTechnique(const api::Call& call,
                                                const v1::CreateTechniqueRequest& request);
  absl::StatusOr<v1::Technique> GetTechnique(const api::Call& call,
                                             const v1::GetTechniqueRequest& request);
  absl::StatusOr<v1::ListTechniquesResponse> ListTechniques(
      const api::Call& call, const v1::ListTechniquesRequest& request);
  absl::StatusOr<v1::Library> GetLibrary(const api::Call& call,
                                         const v1::GetLibraryRequest& request);
  absl::StatusOr<v1::SuggestPlanResponse> SuggestPlan(const api::Call& call,
                                                      const v1::SuggestPlanRequest& request);
  absl::StatusOr<v1::ListJournalResponse> ListJournal(const api::Call& call,
                                                      const v1::ListJournalRequest& request);

 private:
  // Runs `body`, which changes a plan's schedules, and answers with the plan as it is read.
  template <typename Request>
  absl::StatusOr<v1::Plan> WritePlan(
      const api::Call& call, const Request& request,
      const std::function<absl::StatusOr<v1::Plan>(records::Write&)>& body);

  // Puts the latest revision of `plan` in force, if everything is there that this takes.
  absl::Status PutInForce(records::Write& write, v1::Plan& plan);
  // What the library wants recorded before work together begins: for whom the plan is meant, and
  // for whom the episode's kind says it is.
  std::vector<v1::Requirement> RequirementsFor(const v1::PlanContent& content,
                                               const rules::Episode& episode) const;

  const records::Database& database_;
  const rules::PlanLibrary& library_;
  const Neighbours neighbours_;
  const std::function<void()> schedules_changed_;
};

}  // namespace securebase::plans
