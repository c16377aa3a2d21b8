#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/platform/api/call.h"
#include "services/platform/api/method_policy.h"
#include "services/platform/base/id.h"
#include "services/platform/rpc/pipeline.h"
#include "services/platform/rpc/worker_pool.h"

namespace securebase::rpc {

struct AdapterOptions {
  int read_threads = 8;
  int read_queue = 256;
  int write_threads = 8;
  int write_queue = 256;
  absl::Duration default_deadline = absl::Seconds(30);  // of calls that have none
  absl::Duration max_deadline = absl::Minutes(5);       // longer ones are shortened
};

// A method with its handler, whose types are put aside; made by SB_RPC.
struct Rpc {
  std::string name;                          // "CreateGoal"
  const google::protobuf::Message* request;  // prototypes of what it takes and gives
  const google::protobuf::Message* response;
  std::function<absl::Status(const api::Call&, const google::protobuf::Message& request,
                             google::protobuf::Message& response)>
      handle;
};

// Between gRPC's callback API and the handlers: admits each call to one of two bounded pools, reads
// and writes, reads its request and serves it there through the Pipeline, and finishes it on every
// path, once. Messages cross gRPC as bytes: so they are parsed on threads of ours, for callers who
// are known, and what cannot be parsed is refused as everything else is. Thread-safe.
class Adapter {
 public:
  // `parts` and `ids` must outlive the adapter.
  Adapter(const AdapterOptions& options, const Pipeline::Parts& parts, IdGenerator& ids);

  // Called by gRPC's threads; does not block. Answers RESOURCE_EXHAUSTED (OVERLOADED, with a retry
  // delay) when the pool is full and UNAVAILABLE (SHUTTING_DOWN) once it drains. Everything passed
  // must live until the call is done.
  grpc::ServerUnaryReactor* Serve(const api::MethodPolicy& policy, const Rpc& rpc,
                                  grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer& request, grpc::ByteBuffer& response);

  // Admits nothing more and returns when every admitted call has been finished. Idempotent.
  void Drain();

 private:
  class InFlight;
  void Run(std::unique_ptr<InFlight> in_flight);

  const AdapterOptions options_;
  const Clock& clock_;
  IdGenerator& ids_;
  Pipeline pipeline_;
  WorkerPool reads_;
  WorkerPool writes_;
};

// The deadline of a call that arrives at `now`, both in real time.
absl::Time EffectiveDeadline(absl::Time requested, absl::Time now, const AdapterOptions& options);

// The Rpc of a method `absl::StatusOr<Response> (Handlers::*)(const api::Call&, const Request&)`.
template <typename Handlers, typename Method, typename Request, typename Response>
Rpc BindAs(const char* name, Handlers& handlers, Method method) {
  return {name, &Request::default_instance(), &Response::default_instance(),
          [&handlers, method](const api::Call& call, const google::protobuf::Message& request,
                              google::protobuf::Message& response) -> absl::Status {
            // Not `.*`: GCC 12 compiles that wrong under its sanitizers.
            absl::StatusOr<Response> result =
                std::invoke(method, handlers, call, static_cast<const Request&>(request));
            if (!result.ok()) {
              return std::move(result).status();
            }
            static_cast<Response&>(response) = *std::move(result);
            return absl::OkStatus();
          }};
}
template <typename H, typename Request, typename Response>
Rpc Bind(const char* name, H& handlers,
         absl::StatusOr<Response> (H::*method)(const api::Call&, const Request&)) {
  return BindAs<H, decltype(method), Request, Response>(name, handlers, method);
}
template <typename H, typename Request, typename Response>
Rpc Bind(const char* name, H& handlers,
         absl::StatusOr<Response> (H::*method)(const api::Call&, const Request&) const) {
  return BindAs<H, decltype(method), Request, Response>(name, handlers, method);
}

// The rpc of that name, served by the method of `handlers` of the same name.
#define SB_RPC(handlers, Method) \
  ::securebase::rpc::Bind(#Method, handlers, &std::decay_t<decltype(handlers)>::Method)

// The face of a service towards gRPC, by its full name:
//
//   return rpc::MakeService("securebase.goals.v1.GoalsService", adapter,
//                           {SB_RPC(handlers, CreateGoal), SB_RPC(handlers, GetGoal)});
//
// The handlers and `adapter` must outlive it. FAILED_PRECONDITION when a method of the service is
// missing, unknown or of other types, or when its policy is incomplete.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeService(const char* service, Adapter& adapter,
                                                           std::vector<Rpc> rpcs);

// The policies of a service by its full name, "securebase.goals.v1.GoalsService"; errors are those
// of api::ReadMethodPolicies, and FAILED_PRECONDITION when there is no such service.
absl::StatusOr<absl::flat_hash_map<std::string, api::MethodPolicy>> PoliciesOf(const char* service);

// The full names of all methods of these services, for obs::CallMetrics.
absl::StatusOr<std::vector<std::string>> MethodNames(const std::vector<std::string>& services);

}  // namespace securebase::rpc
