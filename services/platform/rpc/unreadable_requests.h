#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "services/platform/rpc/adapter.h"

namespace securebase::rpc {

// For ServerBuilder: makes INVALID_ARGUMENT (INVALID_FIELDS), with call id, log line and metrics,
// of requests that are no message of their method. gRPC answers those itself, with a bare
// UNIMPLEMENTED, before anything of ours is asked. Methods that are not served stay UNIMPLEMENTED.
// `adapter` must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnreadableRequests(
    Adapter& adapter);

}  // namespace securebase::rpc
