#include "services/platform/base/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"

namespace securebase {
namespace {

constexpr int kBacklog = 512;

absl::Status CannotListen(const std::string& host, int port, absl::string_view why) {
  const bool v6 = absl::StrContains(host, ":");
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                   absl::StrCat("cannot listen on ", v6 ? "[" : "", host, v6 ? "]:" : ":", port,
                                ": ", why, "; choose another address, or end what listens there"));
}

}  // namespace

absl::StatusOr<TcpListener> ListenTcp(const std::string& host, int port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
      error != 0) {
    return CannotListen(host, port, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  TcpListener listener;
  listener.socket =
      Descriptor(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = listener.socket.get();
  const int one = 1;
  // Restarting must not wait for old connections. Not SO_REUSEPORT, with which a second server on
  // the same port would start silently and take half of the calls.
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, kBacklog) != 0) {
    return CannotListen(host, port, strerror(errno));
  }
  sockaddr_storage bound = {};
  socklen_t length = sizeof(bound);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return CannotListen(host, port, strerror(errno));
  }
  listener.port =
      ntohs(bound.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(bound).sin_port
                                       : reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  return listener;
}

}  // namespace securebase
