#include "services/plans/grpc_service.h"

namespace securebase::plans {

absl::StatusOr<std::unique_ptr<grpc::Service>> MakePlansGrpcService(PlanHandlers& handlers,
                                                                    rpc::Adapter& adapter) {
  return rpc::MakeService(kPlansService, adapter,
                          {
                              SB_RPC(handlers, CreatePlan),
                              SB_RPC(handlers, GetPlan),
                              SB_RPC(handlers, ListPlans),
                              SB_RPC(handlers, RevisePlan),
                              SB_RPC(handlers, AdoptRevision),
                              SB_RPC(handlers, GetRevision),
                              SB_RPC(handlers, ListRevisions),
                              SB_RPC(handlers, CompareRevisions),
                              SB_RPC(handlers, SignRevision),
                              SB_RPC(handlers, AnswerWarning),
                              SB_RPC(handlers, TransitionPlan),
                              SB_RPC(handlers, RecordScreening),
                              SB_RPC(handlers, GetScreening),
                              SB_RPC(handlers, ListScreenings),
                              SB_RPC(handlers, CreateReview),
                              SB_RPC(handlers, GetReview),
                              SB_RPC(handlers, ListReviews),
                              SB_RPC(handlers, RecordSession),
                              SB_RPC(handlers, GetSession),
                              SB_RPC(handlers, ListSessions),
                              SB_RPC(handlers, MarkSessionEnteredInError),
                              SB_RPC(handlers, CreateTechnique),
                              SB_RPC(handlers, GetTechnique),
                              SB_RPC(handlers, ListTechniques),
                              SB_RPC(handlers, GetLibrary),
                              SB_RPC(handlers, SuggestPlan),
                              SB_RPC(handlers, ListJournal),
                          });
}

}  // namespace securebase::plans
