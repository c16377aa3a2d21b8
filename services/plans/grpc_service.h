#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/status/statusor.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/platform/rpc/adapter.h"

namespace securebase::plans {

inline constexpr char kPlansService[] = "securebase.plans.v1.PlansService";

// securebase.plans.v1.PlansService. Both must outlive it. FAILED_PRECONDITION when a method's
// policy is incomplete.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakePlansGrpcService(PlanHandlers& handlers,
                                                                    rpc::Adapter& adapter);

}  // namespace securebase::plans
