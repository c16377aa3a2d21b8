#include "services/platform/rpc/grpc_status.h"

#include "google/rpc/status.pb.h"
#include "services/platform/api/status_conversion.h"

namespace securebase::rpc {

grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view call_id) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const google::rpc::Status details = api::ToRpcStatus(status, call_id);
  return grpc::Status(static_cast<grpc::StatusCode>(details.code()), details.message(),
                      details.SerializeAsString());
}

}  // namespace securebase::rpc
