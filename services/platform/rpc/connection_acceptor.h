#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/platform/base/descriptor.h"
#include "services/platform/config/server_options.h"

namespace securebase::rpc {

// Accepts connections in a loop of its own, because gRPC 1.51's leaves its port deaf for good once
// file descriptors have run out, and puts no bound on connections.
//
// A connection beyond `total`, or beyond `per_address` of one peer address, is closed at once. When
// descriptors run out, what waits to be accepted is closed too, so that callers see a refusal and
// the port lives on.
class ConnectionAcceptor {
 public:
  struct Limits {
    int total;
    int per_address;
  };
  // Takes over the connected socket `fd`, nonblocking; called by the acceptor's thread.
  using HandOver = std::function<void(int listener_fd, int fd)>;

  // Binds and listens; connections wait in the kernel until Start. Port 0 takes a free one.
  // Errors are those of ListenTcp.
  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Listen(const config::Address& address,
                                                                    Limits limits);
  ~ConnectionAcceptor();  // Stop()
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  int port() const { return port_; }

  // Once.
  void Start(HandOver hand_over);
  // Accepts nothing more and closes the port; connections that were handed over live on.
  // Idempotent.
  void Stop();

 private:
  struct Watched {
    Descriptor duplicate;
    std::string address;
  };

  ConnectionAcceptor() = default;
  void Run();
  void AcceptWaiting();
  void Admit(Descriptor connection, const std::string& address);
  void ShedOne();
  void Forget(int duplicate);

  Limits limits_ = {};
  int port_ = 0;
  Descriptor listener_;
  Descriptor epoll_;
  Descriptor stop_;
  // Given up for a moment to accept and close a connection when no other descriptor is left.
  Descriptor reserve_;
  HandOver hand_over_;
  std::thread thread_;
  // Of the acceptor's thread alone. A connection is watched through a duplicate of its descriptor:
  // gRPC owns the original and does not say when it closes it.
  absl::flat_hash_map<int, Watched> watched_;
  absl::flat_hash_map<std::string, int> per_address_;
};

}  // namespace securebase::rpc
