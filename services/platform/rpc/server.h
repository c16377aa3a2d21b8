#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/config/server_options.h"
#include "services/platform/rpc/adapter.h"
#include "services/platform/rpc/runtime.h"

namespace securebase::rpc {

// A running service: its calls on one address, gRPC health on another and HTTP /metrics, /livez and
// /readyz on a third. The last two have no authentication and nothing worth one.
class Server {
 public:
  // What is served. All of it must outlive the server.
  struct Parts {
    Runtime& runtime;
    Adapter& adapter;
    std::vector<std::unique_ptr<grpc::Service>> services;
    // Whether the service can do its work, "the store answers"; for /readyz, which asks once a
    // second at most (obs::Readiness). Thread-safe.
    std::function<absl::Status()> ready;
    // Whoever connects and has not finished the handshake by then is dropped.
    absl::Duration handshake_time = absl::Seconds(10);
  };

  // FAILED_PRECONDITION or INVALID_ARGUMENT, in one line that says what to do: an address cannot be
  // had, a certificate cannot be used, the options are unsafe together
  // (config::ValidateServerOptions). When it returns, calls are served.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const config::ServerOptions& options,
                                                       Parts parts);
  virtual ~Server() = default;  // Shutdown()

  // The ports that were taken, for addresses with port 0.
  virtual int port() const = 0;
  virtual int health_port() const = 0;
  virtual int metrics_port() const = 0;

  // Ends without losing a call: reports "not serving" and waits `endpoint_wait`, so that routing
  // notices while calls are still served; refuses new connections and calls; lets those in flight
  // finish for `drain_time`, and cancels what is left; waits until every handler has returned. The
  // store may be closed then, and not before. Idempotent, not thread-safe.
  virtual void Shutdown() = 0;
};

}  // namespace securebase::rpc
