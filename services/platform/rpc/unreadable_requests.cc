#include "services/platform/rpc/unreadable_requests.h"

#include <map>
#include <string>

namespace securebase::rpc {
namespace {

class Refusal final : public grpc::experimental::Interceptor {
 public:
  Refusal(Adapter& adapter, const char* method) : adapter_(adapter), method_(method) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      // Errors of ours have a message and details.
      if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
          status.error_message().empty() && status.error_details().empty()) {
        methods->ModifySendStatus(
            adapter_.RefuseUnreadable(method_, *methods->GetSendTrailingMetadata()));
      }
    }
    methods->Proceed();
  }

 private:
  Adapter& adapter_;
  const char* method_;
};

class RefusalFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit RefusalFactory(Adapter& adapter) : adapter_(adapter) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    // All of ours are unary, and what is not served counts as a stream.
    return info->type() == grpc::experimental::ServerRpcInfo::Type::UNARY
               ? new Refusal(adapter_, info->method())
               : nullptr;
  }

 private:
  Adapter& adapter_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnreadableRequests(
    Adapter& adapter) {
  return std::make_unique<RefusalFactory>(adapter);
}

}  // namespace securebase::rpc
