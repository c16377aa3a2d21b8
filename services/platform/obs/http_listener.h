#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct mg_context;
struct mg_connection;

namespace securebase::obs {

// Serves GET and HEAD of three paths over HTTP, for Prometheus and Kubernetes:
//   /metrics  the text of `metrics`
//   /livez    200 as long as the process answers
//   /readyz   200, or 503 with the message of what `readiness` returned
// Everything else is 404, other methods 405. Nothing here may hold patient data: there is no
// authentication.
class HttpListener {
 public:
  struct Callbacks {
    std::function<std::string()> metrics;
    std::function<absl::Status()> readiness;
  };

  // Listens at host:port, IPv4; port 0 takes a free one. FAILED_PRECONDITION, saying what to do, if
  // the address cannot be had. The callbacks are called from several threads.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(const std::string& address,
                                                             Callbacks callbacks);
  // Waits for requests in flight.
  ~HttpListener();

  int port() const { return port_; }

 private:
  explicit HttpListener(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  static int Handle(mg_connection* connection);
  void Answer(mg_connection* connection, const std::string& method, const std::string& path);

  const Callbacks callbacks_;
  mg_context* context_ = nullptr;
  std::string host_;
  int port_ = 0;
};

}  // namespace securebase::obs
