#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/status/statusor.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/platform/rpc/adapter.h"

namespace securebase::goals {

inline constexpr char kGoalsService[] = "securebase.goals.v1.GoalsService";

// GoalsService towards gRPC. Both must outlive it. FAILED_PRECONDITION when a method's policy is
// incomplete.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeGoalsGrpcService(GoalHandlers& handlers,
                                                                    rpc::Adapter& adapter);

}  // namespace securebase::goals
