#include "services/plans/grpc_service.h"

#include "securebase/plans/v1/plans_service.grpc.pb.h"

namespace securebase::plans {
namespace {

class Service final : public rpc::ServiceFor<v1::PlansService, PlanHandlers> {
 public:
  using ServiceFor::ServiceFor;
  SB_RPC(CreatePlan)
  SB_RPC(GetPlan)
  SB_RPC(ListPlans)
  SB_RPC(RevisePlan)
  SB_RPC(AdoptRevision)
  SB_RPC(GetRevision)
  SB_RPC(ListRevisions)
  SB_RPC(CompareRevisions)
  SB_RPC(SignRevision)
  SB_RPC(AnswerWarning)
  SB_RPC(TransitionPlan)
  SB_RPC(RecordScreening)
  SB_RPC(ListScreenings)
  SB_RPC(CreateReview)
  SB_RPC(GetReview)
  SB_RPC(ListReviews)
  SB_RPC(RecordSession)
  SB_RPC(GetSession)
  SB_RPC(ListSessions)
  SB_RPC(MarkSessionEnteredInError)
  SB_RPC(CreateTechnique)
  SB_RPC(GetTechnique)
  SB_RPC(ListTechniques)
  SB_RPC(GetLibrary)
  SB_RPC(SuggestPlan)
  SB_RPC(ListJournal)
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakePlansGrpcService(PlanHandlers& handlers,
                                                                    rpc::Adapter& adapter) {
  return rpc::MakeService<Service>(handlers, adapter);
}

}  // namespace securebase::plans
