#pragma once

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/redis_options.h"

namespace securebase::storage {

// Can be set once, by any thread, and ends every wait of a RedisStream that was given it.
class RedisStop {
 public:
  RedisStop();
  ~RedisStop();
  RedisStop(const RedisStop&) = delete;
  RedisStop& operator=(const RedisStop&) = delete;

  void Set();
  int fd() const { return fd_; }  // readable once it was set

 private:
  const int fd_;
};

// Keeps SIGPIPE from the calling thread for good. Every thread that uses a RedisStream calls it:
// OpenSSL writes to sockets in a way that raises it.
void BlockSigpipe();

// A TCP connection, with TLS if the options ask for it. It never blocks but in Connect and Wait.
// One thread at a time. Errors are UNAVAILABLE, and then the stream is of no more use.
class RedisStream {
 public:
  // Reads the certificates and keys anew, so that they may be replaced. With TLS (1.2 or later) the
  // server's certificate must be of a known authority and for `address.host`. The deadline does not
  // bound the resolution of a host name. `stop` must outlive the stream.
  static absl::StatusOr<std::unique_ptr<RedisStream>> Connect(const RedisOptions& options,
                                                              const RedisOptions::Address& address,
                                                              absl::Time deadline,
                                                              const RedisStop& stop);
  virtual ~RedisStream() = default;

  // How many bytes were taken or given; 0: none can be now.
  virtual absl::StatusOr<size_t> Write(absl::string_view bytes) = 0;
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size) = 0;
  // Returns when Read, or with `writing` one of both, may have something to do. DEADLINE_EXCEEDED;
  // CANCELLED when stopped.
  virtual absl::Status Wait(bool writing, absl::Time deadline) = 0;
};

}  // namespace securebase::storage
