#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
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

// Between gRPC's callback API and the handlers: admits each call to one of two bounded pools, reads
// and writes, serves it there through the Pipeline, and finishes it on every path, once.
// Thread-safe.
class Adapter {
 public:
  // `parts` and `ids` must outlive the adapter.
  Adapter(const AdapterOptions& options, const Pipeline::Parts& parts, IdGenerator& ids);

  // Called by gRPC's threads; does not block. Answers RESOURCE_EXHAUSTED (OVERLOADED, with a retry
  // delay) when the pool is full and UNAVAILABLE (SHUTTING_DOWN) once it drains. Everything passed
  // must live until the call is done.
  grpc::ServerUnaryReactor* Serve(const api::MethodPolicy& policy,
                                  grpc::CallbackServerContext* context,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message& response, BoundHandler handler);

  // The answer to a request for `method` that is no message of it, reported as every refusal is;
  // adds the call id to `trailing_metadata`. Does not block.
  grpc::Status RefuseUnreadable(const std::string& method,
                                std::multimap<std::string, std::string>& trailing_metadata);

  // Admits nothing more and returns when every admitted call has been finished. Idempotent.
  void Drain();

 private:
  void Run(ServedCall& call, grpc::CallbackServerContext* context,
           grpc::ServerUnaryReactor* reactor);

  const AdapterOptions options_;
  const Clock& clock_;
  IdGenerator& ids_;
  Pipeline pipeline_;
  WorkerPool reads_;
  WorkerPool writes_;
};

// The deadline of a call that arrives at `now`, both in real time.
absl::Time EffectiveDeadline(absl::Time requested, absl::Time now, const AdapterOptions& options);

// What `absl::StatusOr<Response> (Handlers::*)(const api::Call&, const Request&)` takes and gives.
template <typename Method>
struct HandlerTraits;
template <typename H, typename Req, typename Resp>
struct HandlerTraits<absl::StatusOr<Resp> (H::*)(const api::Call&, const Req&)> {
  using Request = Req;
  using Response = Resp;
};
template <typename H, typename Req, typename Resp>
struct HandlerTraits<absl::StatusOr<Resp> (H::*)(const api::Call&, const Req&) const> {
  using Request = Req;
  using Response = Resp;
};

// The face of a service towards gRPC. A grpc_service.cc is:
//
//   class Service final : public rpc::ServiceFor<v1::GoalsService, GoalHandlers> {
//    public:
//     using ServiceFor::ServiceFor;
//     SB_RPC(CreateGoal)
//     SB_RPC(GetGoal)
//   };
//
//   absl::StatusOr<std::unique_ptr<grpc::Service>> MakeGoalsGrpcService(GoalHandlers& handlers,
//                                                                       rpc::Adapter& adapter) {
//     return rpc::MakeService<Service>(handlers, adapter);
//   }
template <typename Generated, typename HandlersType>
class ServiceFor : public Generated::CallbackService {
 public:
  using Proto = Generated;
  using Handlers = HandlersType;
  using Policies = absl::flat_hash_map<std::string, api::MethodPolicy>;

  ServiceFor(Handlers& handlers, Adapter& adapter, Policies policies)
      : handlers_(handlers), adapter_(adapter), policies_(std::move(policies)) {}

 protected:
  template <typename Method, typename Request, typename Response>
  grpc::ServerUnaryReactor* ServeRpc(const char* name, grpc::CallbackServerContext* context,
                                     const Request* request, Response* response, Method method) {
    return adapter_.Serve(policies_.find(name)->second, context, *request, *response,
                          [this, request, response, method](const api::Call& call) {
                            // Nobody could check or hide what this release does not know. The
                            // message is the call's own; gRPC only shows it as const.
                            const_cast<Request*>(request)->DiscardUnknownFields();
                            // Not `.*`: GCC 12 compiles that wrong under its sanitizers.
                            absl::StatusOr<Response> result =
                                std::invoke(method, handlers_, call, *request);
                            if (!result.ok()) {
                              return std::move(result).status();
                            }
                            *response = *std::move(result);
                            return absl::OkStatus();
                          });
  }

 private:
  Handlers& handlers_;
  Adapter& adapter_;
  const Policies policies_;
};

// One rpc, served by the handler of the same name.
#define SB_RPC(Method)                                                                            \
  grpc::ServerUnaryReactor* Method(                                                               \
      grpc::CallbackServerContext* context,                                                       \
      const typename ::securebase::rpc::HandlerTraits<decltype(&Handlers::Method)>::Request*      \
          request,                                                                                \
      typename ::securebase::rpc::HandlerTraits<decltype(&Handlers::Method)>::Response* response) \
      override {                                                                                  \
    return this->ServeRpc(#Method, context, request, response, &Handlers::Method);                \
  }

// The policies of a service by its full name, "securebase.goals.v1.GoalsService"; errors are those
// of api::ReadMethodPolicies, and FAILED_PRECONDITION when there is no such service.
absl::StatusOr<absl::flat_hash_map<std::string, api::MethodPolicy>> PoliciesOf(const char* service);

// The full names of all methods of these services, for obs::CallMetrics.
absl::StatusOr<std::vector<std::string>> MethodNames(const std::vector<std::string>& services);

// A Service as above. `handlers` and `adapter` must outlive it.
template <typename Service>
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeService(typename Service::Handlers& handlers,
                                                           Adapter& adapter) {
  auto policies = PoliciesOf(Service::Proto::service_full_name());
  if (!policies.ok()) {
    return policies.status();
  }
  return std::unique_ptr<grpc::Service>(
      std::make_unique<Service>(handlers, adapter, *std::move(policies)));
}

}  // namespace securebase::rpc
