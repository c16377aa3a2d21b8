#include "services/platform/rpc/adapter.h"

#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/rpc/grpc_status.h"
#include "services/platform/rpc/trace_context.h"

namespace securebase::rpc {
namespace {

// Long enough for a full queue to empty, short enough for a person to wait.
constexpr absl::Duration kRetryAfter = absl::Seconds(1);
// Responses are written in pieces of this size, and are far below the other: protobuf's own limit.
constexpr int kBlockBytes = 1 << 20;
constexpr size_t kMaxResponseBytes = std::numeric_limits<int>::max();

bool ReadMetadata(const grpc::CallbackServerContext& context, const char* key, std::string& value) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    return false;
  }
  value.assign(found->second.data(), found->second.size());
  return true;
}

Credentials ReadCredentials(const grpc::CallbackServerContext& context) {
  Credentials credentials;
  credentials.has_authorization =
      ReadMetadata(context, api::kAuthorizationKey, credentials.authorization);
  credentials.has_acting_for = ReadMetadata(context, api::kActingForKey, credentials.acting_for);
  credentials.ambiguous = context.client_metadata().count(api::kAuthorizationKey) > 1 ||
                          context.client_metadata().count(api::kActingForKey) > 1;
  if (credentials.has_acting_for) {
    const auto peer = context.auth_context();
    if (peer != nullptr && peer->IsPeerAuthenticated()) {
      for (const grpc::string_ref& name :
           peer->FindPropertyValues("x509_subject_alternative_name")) {
        credentials.certificate_names.emplace_back(name.data(), name.size());
      }
    }
  }
  return credentials;
}

absl::Time RequestedDeadline(const grpc::CallbackServerContext& context) {
  // gRPC says "none" with the greatest time that chrono has, a day in the year 2262.
  const auto deadline = context.deadline();
  return deadline == std::chrono::system_clock::time_point::max() ? absl::InfiniteFuture()
                                                                  : absl::FromChrono(deadline);
}

}  // namespace

absl::Time EffectiveDeadline(absl::Time requested, absl::Time now, const AdapterOptions& options) {
  if (requested == absl::InfiniteFuture()) {
    return now + options.default_deadline;
  }
  return std::min(requested, now + options.max_deadline);
}

Adapter::Adapter(const AdapterOptions& options, const Pipeline::Parts& parts, IdGenerator& ids)
    : options_(options),
      clock_(parts.clock),
      ids_(ids),
      pipeline_(parts),
      reads_(options.read_threads, options.read_queue),
      writes_(options.write_threads, options.write_queue) {}

// A call, from its arrival until it is answered. gRPC's own reactor serves it, since a reactor of
// ours would need another change of threads at its end.
class Adapter::InFlight {
 public:
  InFlight(const api::MethodPolicy& policy, const Rpc& rpc, grpc::CallbackServerContext* context,
           const grpc::ByteBuffer& request, grpc::ByteBuffer& response)
      : rpc_(rpc),
        context_(context),
        reactor_(context->DefaultReactor()),
        request_bytes_(request),
        response_bytes_(response) {
    call_.policy = &policy;
    call_.call.method = policy.method;
    call_.cancelled = [this] { return context_->IsCancelled(); };
  }

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  ServedCall& call() { return call_; }
  const grpc::CallbackServerContext& context() const { return *context_; }

  // On the thread that serves the call.
  void MakeMessages() {
    request_.reset(rpc_.request->New());
    response_.reset(rpc_.response->New());
    call_.request = request_.get();
    call_.response = response_.get();
    call_.read = [this] { return Parse(request_bytes_, *request_); };
    call_.handler = [this](const api::Call& call) {
      return rpc_.handle(call, *request_, *response_);
    };
  }

  // The last touch of anything of gRPC's, which is gone by the time this returns.
  void Answer(absl::Status outcome) {
    if (outcome.ok() && !Serialize(*response_, response_bytes_)) {
      outcome = Internal("the response cannot be serialized");
    }
    context_->AddTrailingMetadata(api::kCallIdKey, call_.call.call_id);
    reactor_->Finish(ToGrpcStatus(outcome, call_.call.call_id));
  }

 private:
  static bool Parse(const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
    // A copy of a buffer shares its bytes.
    grpc::ByteBuffer shared(bytes);
    grpc::ProtoBufferReader reader(&shared);
    return reader.status().ok() && message.ParseFromZeroCopyStream(&reader) && reader.status().ok();
  }

  static bool Serialize(const google::protobuf::Message& message, grpc::ByteBuffer& bytes) {
    const auto size = message.ByteSizeLong();
    if (size > kMaxResponseBytes) {
      return false;
    }
    grpc::ProtoBufferWriter writer(&bytes, kBlockBytes, static_cast<int>(size));
    return message.SerializeToZeroCopyStream(&writer);
  }

  const Rpc& rpc_;
  grpc::CallbackServerContext* const context_;
  grpc::ServerUnaryReactor* const reactor_;
  const grpc::ByteBuffer& request_bytes_;
  grpc::ByteBuffer& response_bytes_;
  std::unique_ptr<google::protobuf::Message> request_;
  std::unique_ptr<google::protobuf::Message> response_;
  ServedCall call_;
};

grpc::ServerUnaryReactor* Adapter::Serve(const api::MethodPolicy& policy, const Rpc& rpc,
                                         grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer& request,
                                         grpc::ByteBuffer& response) {
  auto in_flight = std::make_unique<InFlight>(policy, rpc, context, request, response);
  grpc::ServerUnaryReactor* const reactor = in_flight->reactor();
  ServedCall& call = in_flight->call();
  call.call.call_id = ids_.NewId();
  call.call.time = clock_.Now();
  call.call.deadline = EffectiveDeadline(RequestedDeadline(*context), absl::Now(), options_);
  if (!request.Valid()) {
    // The connection went, or the caller stopped sending, before a whole message was there: no call
    // of anybody.
    in_flight->Answer(UnreadableRequest());
    return reactor;
  }
  WorkerPool& pool = policy.writes ? writes_ : reads_;
  const WorkerPool::Admission admission =
      pool.Submit([this, admitted = in_flight.get()] { Run(std::unique_ptr<InFlight>(admitted)); });
  if (admission == WorkerPool::Admission::kAdmitted) {
    (void)in_flight.release();  // it is Run's
    return reactor;
  }
  const absl::Status refusal =
      admission == WorkerPool::Admission::kFull
          ? WithRetryAfter(
                MakeError(absl::StatusCode::kResourceExhausted, Reason::kOverloaded,
                          "too many calls are waiting; retry after the given delay, with jitter"),
                kRetryAfter)
          : MakeError(absl::StatusCode::kUnavailable, Reason::kShuttingDown,
                      "the server is going away; retry, and another replica answers");
  pipeline_.ReportNotAdmitted(call, refusal, policy.writes ? "writes" : "reads");
  in_flight->Answer(refusal);
  return reactor;
}

void Adapter::Run(std::unique_ptr<InFlight> in_flight) {
  ServedCall& call = in_flight->call();
  in_flight->MakeMessages();
  call.credentials = ReadCredentials(in_flight->context());
  std::string traceparent;
  ReadMetadata(in_flight->context(), api::kTraceparentKey, traceparent);
  call.call.traceparent = ContinueTrace(traceparent, call.call.call_id);
  in_flight->Answer(pipeline_.Serve(call));
}

void Adapter::Drain() {
  reads_.Drain();
  writes_.Drain();
}

namespace {

absl::Status Unserved(absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal, what);
}

// The methods of a service, each with its policy.
class BoundService final : public grpc::Service {
 public:
  struct Method {
    api::MethodPolicy policy;
    Rpc rpc;
  };

  BoundService(Adapter& adapter, std::vector<Method> methods) : methods_(std::move(methods)) {
    int index = 0;
    for (const Method& method : methods_) {
      AddMethod(new grpc::internal::RpcServiceMethod(
          method.policy.method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
      MarkMethodRawCallback(
          index++,
          new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
              [&adapter, &method](grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
                return adapter.Serve(method.policy, method.rpc, context, *request, *response);
              }));
    }
  }

 private:
  const std::vector<Method> methods_;  // not moved: gRPC keeps pointers into it
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeService(const char* service, Adapter& adapter,
                                                           std::vector<Rpc> rpcs) {
  SB_ASSIGN_OR_RETURN(auto policies, PoliciesOf(service));
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  std::vector<BoundService::Method> methods;
  methods.reserve(rpcs.size());
  for (Rpc& rpc : rpcs) {
    const auto* method = descriptor->FindMethodByName(rpc.name);
    const auto policy = policies.find(rpc.name);
    if (method == nullptr || policy == policies.end()) {
      return Unserved(absl::StrCat(service, " has no method ", rpc.name, ", or it is bound twice"));
    }
    if (method->input_type() != rpc.request->GetDescriptor() ||
        method->output_type() != rpc.response->GetDescriptor()) {
      return Unserved(absl::StrCat("the handler of ", policy->second.method,
                                   " takes or gives other messages than the method"));
    }
    methods.push_back({std::move(policy->second), std::move(rpc)});
    policies.erase(policy);
  }
  if (!policies.empty()) {
    return Unserved(absl::StrCat(policies.begin()->second.method, " has no handler"));
  }
  return std::make_unique<BoundService>(adapter, std::move(methods));
}

absl::StatusOr<absl::flat_hash_map<std::string, api::MethodPolicy>> PoliciesOf(
    const char* service) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  if (descriptor == nullptr) {
    return Unserved(absl::StrCat("the descriptor of ", service,
                                 " is not linked in; keep a message of its requests in the file "
                                 "of the service"));
  }
  SB_ASSIGN_OR_RETURN(std::vector<api::MethodPolicy> policies,
                      api::ReadMethodPolicies(*descriptor));
  absl::flat_hash_map<std::string, api::MethodPolicy> by_name;
  for (api::MethodPolicy& policy : policies) {
    std::string name = policy.name;
    by_name.emplace(std::move(name), std::move(policy));
  }
  return by_name;
}

absl::StatusOr<std::vector<std::string>> MethodNames(const std::vector<std::string>& services) {
  std::vector<std::string> names;
  for (const std::string& service : services) {
    SB_ASSIGN_OR_RETURN(const auto policies, PoliciesOf(service.c_str()));
    for (const auto& [name, policy] : policies) {
      names.push_back(policy.method);
    }
  }
  return names;
}

}  // namespace securebase::rpc
