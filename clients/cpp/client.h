#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "securebase/type/v1/acting_for.pb.h"
#include "services/platform/base/status_macros.h"

// A client of Securebase's services: for neighbours, the CLI and anybody's C++ program. Free of
// gRPC's headers.
namespace securebase::client {

struct ChannelOptions {
  // "host:port" or "dns:///host:port"; all of a name's addresses are used in turn.
  std::string address;
  // Without TLS; only to a loopback address.
  bool plaintext = false;
  // TLS: the authorities that the server's certificate is checked against, a PEM file; empty: the
  // system's. This and the next two are followed when they change.
  std::string ca_file;
  // Mutual TLS: our own certificate chain and key, PEM files; both or neither.
  std::string certificate_file;
  std::string key_file;
  // Told when those files changed: OK when the new ones are in use, else why the old ones stay. May
  // be empty. Called by a thread of the client's.
  std::function<void(const absl::Status&)> on_reload = nullptr;
};

struct CallOptions {
  // Absolute; 30 s from now if it is not set.
  absl::Time deadline = absl::InfiniteFuture();
  // Bearer token; empty: none is sent.
  std::string token;
  // A file with the token instead; read for each call, so that a renewed one is used.
  std::string token_file;
  // For services, instead of a token: the principal that the call is made for
  // (api::ToActingFor). Believed because of the client certificate.
  std::optional<type::v1::ActingFor> acting_for;
  // W3C trace context to pass on (api::Call::traceparent); empty: none.
  std::string traceparent;
  // More metadata; names in lower case, values of names ending in "-bin" may be any bytes.
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Sets the field `request_id` to a new UUID where the message has it and it is empty.
void FillRequestId(google::protobuf::Message& request);

// One service address. Thread-safe. Connects when it is first used, and again when it must.
class Client {
 public:
  virtual ~Client() = default;

  // Calls `method` ("/securebase.goals.v1.GoalsService/GetGoal"). UNAVAILABLE is retried three
  // times with backoff within the deadline, so a write must have a request_id: Call gives it one if
  // it has the field and left it empty. Errors are the server's, with the accessors of
  // base/error.h.
  virtual absl::Status CallMethod(const std::string& method, const CallOptions& options,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message& response) = 0;

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const CallOptions& options,
                                Request request) {
    FillRequestId(request);
    Response response;
    SB_RETURN_IF_ERROR(CallMethod(method, options, request, response));
    return response;
  }
};

// INVALID_ARGUMENT when a file cannot be read, or plaintext is asked for beyond loopback. A server
// that is not there is no error here: the first call meets it.
absl::StatusOr<std::unique_ptr<Client>> MakeClient(const ChannelOptions& options);

// Runs `visit` on every page of a list: `fetch` gets the page token and returns the response, which
// must have next_page_token. Stops at the first error, or when `visit` returns false.
template <typename Response>
absl::Status ForEachPage(const std::function<absl::StatusOr<Response>(const std::string&)>& fetch,
                         const std::function<bool(const Response&)>& visit) {
  std::string token;
  do {
    SB_ASSIGN_OR_RETURN(const Response page, fetch(token));
    if (!visit(page)) {
      return absl::OkStatus();
    }
    token = page.next_page_token();
  } while (!token.empty());
  return absl::OkStatus();
}

}  // namespace securebase::client
