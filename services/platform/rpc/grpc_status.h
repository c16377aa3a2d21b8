#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace securebase::rpc {

// api::ToRpcStatus as gRPC sends it: code and message, and the whole google.rpc.Status as the
// binary details ("grpc-status-details-bin").
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view call_id);

}  // namespace securebase::rpc
