#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/platform/base/descriptor.h"

namespace securebase {

// A socket that listens: nonblocking, closed on exec; connections wait in the kernel until somebody
// accepts them.
struct TcpListener {
  Descriptor socket;
  int port = 0;  // the one that was taken, if any would do
};

// `host`: a name, or an address of IPv4 or IPv6 without brackets ("::" is every address of both);
// port 0 takes a free one. FAILED_PRECONDITION, saying what to do, when the address cannot be had,
// above all because somebody listens there already.
absl::StatusOr<TcpListener> ListenTcp(const std::string& host, int port);

}  // namespace securebase
