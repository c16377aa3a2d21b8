#include "services/goals/grpc_service.h"

#include "securebase/goals/v1/goals_service.grpc.pb.h"

namespace securebase::goals {
namespace {

class Service final : public rpc::ServiceFor<v1::GoalsService, GoalHandlers> {
 public:
  using ServiceFor::ServiceFor;
  SB_RPC(CreateGoal)
  SB_RPC(GetGoal)
  SB_RPC(ListGoals)
  SB_RPC(UpdateGoal)
  SB_RPC(TransitionGoal)
  SB_RPC(RateGoal)
  SB_RPC(ListRatings)
  SB_RPC(MarkRatingEnteredInError)
  SB_RPC(RespondToGoal)
  SB_RPC(OverrideAchievement)
  SB_RPC(FlagGoal)
  SB_RPC(SupersedeGoal)
  SB_RPC(GetAttainment)
  SB_RPC(ListJournal)
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeGoalsGrpcService(GoalHandlers& handlers,
                                                                    rpc::Adapter& adapter) {
  return rpc::MakeService<Service>(handlers, adapter);
}

}  // namespace securebase::goals
