#pragma once

#include "services/platform/obs/log.h"

namespace securebase::rpc {

// While it lives, what gRPC and protobuf themselves have to say goes to `logger`, at most a few
// lines a second: much of it can be caused by strangers. One at a time in a process, because their
// hooks are plain functions; a second one takes over. `logger` must outlive it.
class LibraryLog {
 public:
  explicit LibraryLog(obs::Logger& logger);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;

 private:
  obs::RateLimitedLogger limited_;
};

}  // namespace securebase::rpc
