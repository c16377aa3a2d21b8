#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/status/statusor.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/platform/rpc/adapter.h"

namespace securebase::outcomes {

inline constexpr char kOutcomesService[] = "securebase.outcomes.v1.OutcomesService";

// OutcomesService towards gRPC. Both must outlive it. FAILED_PRECONDITION when a method's policy is
// incomplete.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeOutcomesGrpcService(OutcomeHandlers& handlers,
                                                                       rpc::Adapter& adapter);

}  // namespace securebase::outcomes
