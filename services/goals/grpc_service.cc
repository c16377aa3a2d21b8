#include "services/goals/grpc_service.h"

namespace securebase::goals {

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeGoalsGrpcService(GoalHandlers& handlers,
                                                                    rpc::Adapter& adapter) {
  return rpc::MakeService(kGoalsService, adapter,
                          {
                              SB_RPC(handlers, CreateGoal),
                              SB_RPC(handlers, GetGoal),
                              SB_RPC(handlers, ListGoals),
                              SB_RPC(handlers, UpdateGoal),
                              SB_RPC(handlers, TransitionGoal),
                              SB_RPC(handlers, RateGoal),
                              SB_RPC(handlers, GetRating),
                              SB_RPC(handlers, ListRatings),
                              SB_RPC(handlers, MarkRatingEnteredInError),
                              SB_RPC(handlers, RespondToGoal),
                              SB_RPC(handlers, OverrideAchievement),
                              SB_RPC(handlers, FlagGoal),
                              SB_RPC(handlers, SupersedeGoal),
                              SB_RPC(handlers, GetAttainment),
                              SB_RPC(handlers, ListJournal),
                          });
}

}  // namespace securebase::goals
