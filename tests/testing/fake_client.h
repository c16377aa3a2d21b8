#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "clients/cpp/client.h"
#include "services/platform/api/call.h"
#include "services/platform/base/mutex.h"

namespace securebase::testing {

// A client without a network: a test says what each method answers, and reads what was asked.
// Thread-safe.
class FakeClient : public client::Client {
 public:
  struct Asked {
    std::string method;
    client::CallOptions options;
    std::string request;  // serialized
  };

  // `answer` gets the request and fills the response.
  template <typename Request, typename Response>
  void On(const std::string& method,
          std::function<absl::StatusOr<Response>(const Request&)> answer) {
    MutexLock lock(mutex_);
    answers_[method] = [answer](const google::protobuf::Message& request,
                                google::protobuf::Message& response) -> absl::Status {
      auto result = answer(static_cast<const Request&>(request));
      if (!result.ok()) {
        return result.status();
      }
      response.CopyFrom(*result);
      return absl::OkStatus();
    };
  }

  absl::Status CallMethod(const std::string& method, const client::CallOptions& options,
                          const google::protobuf::Message& request,
                          google::protobuf::Message& response) override {
    Answer answer;
    {
      MutexLock lock(mutex_);
      asked_.push_back({method, options, request.SerializeAsString()});
      const auto found = answers_.find(method);
      if (found == answers_.end()) {
        return absl::UnavailableError("nobody there");
      }
      answer = found->second;
    }
    return answer(request, response);
  }

  std::vector<Asked> asked() const {
    MutexLock lock(mutex_);
    return asked_;
  }

 private:
  using Answer = std::function<absl::Status(const google::protobuf::Message& request,
                                            google::protobuf::Message& response)>;

  mutable Mutex mutex_;
  std::map<std::string, Answer> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<Asked> asked_ ABSL_GUARDED_BY(mutex_);
};

// A call of a member of staff, dr-a of practice p1, with half a minute left.
inline api::Call CallOfDrA() {
  api::Call call;
  call.principal.practice = "p1";
  call.principal.kind = auth::PrincipalKind::kStaff;
  call.principal.subject = "dr-a";
  call.deadline = absl::Now() + absl::Seconds(30);
  return call;
}

}  // namespace securebase::testing
