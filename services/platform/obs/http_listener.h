#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace securebase::obs {

// Serves GET and HEAD of three paths over HTTP, for Prometheus and Kubernetes:
//   /metrics  the text of `metrics`
//   /livez    200 as long as the process answers
//   /readyz   200 "ready", or 503 "not ready", as `ready` says
// Everything else is 404, other methods 405. Nothing here may hold patient data: there is no
// authentication.
class HttpListener {
 public:
  struct Callbacks {
    std::function<std::string()> metrics;
    std::function<bool()> ready;
  };

  // Listens at that address (ListenTcp of base/tcp_listener.h, and its errors). The callbacks are
  // called from several threads.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(const std::string& host, int port,
                                                             Callbacks callbacks);
  // Closes the port and waits for requests in flight.
  virtual ~HttpListener() = default;

  // The port that was taken.
  virtual int port() const = 0;
};

}  // namespace securebase::obs
