#include "services/platform/rpc/adapter.h"

#include <algorithm>
#include <atomic>
#include <chrono>
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

// Belongs to gRPC from the moment it is returned, and deletes itself when gRPC is done with it,
// which is some time after Finish.
class Reactor final : public grpc::ServerUnaryReactor {
 public:
  ServedCall& call() { return call_; }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override { delete this; }

  ServedCall call_;
  std::atomic<bool> cancelled_{false};
};

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

grpc::ServerUnaryReactor* Adapter::Serve(const api::MethodPolicy& policy,
                                         grpc::CallbackServerContext* context,
                                         const google::protobuf::Message& request,
                                         google::protobuf::Message& response,
                                         BoundHandler handler) {
  auto* reactor = new Reactor;
  ServedCall& call = reactor->call();
  call.policy = &policy;
  call.request = &request;
  call.response = &response;
  call.handler = std::move(handler);
  call.cancelled = [reactor] { return reactor->cancelled(); };
  call.call.method = policy.method;
  call.call.call_id = ids_.NewId();
  call.call.time = clock_.Now();
  call.call.deadline = EffectiveDeadline(RequestedDeadline(*context), absl::Now(), options_);
  WorkerPool& pool = policy.writes ? writes_ : reads_;
  const WorkerPool::Admission admission =
      pool.Submit([this, reactor, context] { Run(reactor->call(), context, reactor); });
  if (admission != WorkerPool::Admission::kAdmitted) {
    const absl::Status refusal =
        admission == WorkerPool::Admission::kFull
            ? WithRetryAfter(
                  MakeError(absl::StatusCode::kResourceExhausted, Reason::kOverloaded,
                            "too many calls are waiting; retry after the given delay, with jitter"),
                  kRetryAfter)
            : MakeError(absl::StatusCode::kUnavailable, Reason::kShuttingDown,
                        "the server is going away; retry, and another replica answers");
    pipeline_.ReportNotAdmitted(call, refusal, policy.writes ? "writes" : "reads");
    context->AddTrailingMetadata(api::kCallIdKey, call.call.call_id);
    reactor->Finish(ToGrpcStatus(refusal, call.call.call_id));
  }
  return reactor;
}

void Adapter::Run(ServedCall& call, grpc::CallbackServerContext* context,
                  grpc::ServerUnaryReactor* reactor) {
  call.credentials = ReadCredentials(*context);
  std::string traceparent;
  ReadMetadata(*context, api::kTraceparentKey, traceparent);
  call.call.traceparent = ContinueTrace(traceparent, call.call.call_id);
  const absl::Status outcome = pipeline_.Serve(call);
  context->AddTrailingMetadata(api::kCallIdKey, call.call.call_id);
  // The last touch: gRPC may delete the reactor, and the call with it, before Finish returns.
  reactor->Finish(ToGrpcStatus(outcome, call.call.call_id));
}

grpc::Status Adapter::RefuseUnreadable(const std::string& method,
                                       std::multimap<std::string, std::string>& trailing_metadata) {
  const std::string call_id = ids_.NewId();
  const absl::Status refusal =
      MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields,
                "the request cannot be read: send the method's request message in protobuf's "
                "binary form, whole, with text in UTF-8");
  pipeline_.ReportUnreadable(method, call_id, refusal);
  trailing_metadata.emplace(api::kCallIdKey, call_id);
  return ToGrpcStatus(refusal, call_id);
}

void Adapter::Drain() {
  reads_.Drain();
  writes_.Drain();
}

absl::StatusOr<absl::flat_hash_map<std::string, api::MethodPolicy>> PoliciesOf(
    const char* service) {
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  if (descriptor == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                     absl::StrCat("the descriptor of ", service,
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
