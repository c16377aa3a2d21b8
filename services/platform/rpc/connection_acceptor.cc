#include "services/platform/rpc/connection_acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/tcp_listener.h"

namespace securebase::rpc {
namespace {

// The peer without its port.
std::string AddressOf(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (peer.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text.data(),
              text.size());
  } else {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text.data(),
              text.size());
  }
  return text.data();
}

bool Watch(int epoll, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> ConnectionAcceptor::Listen(
    const config::Address& address, Limits limits) {
  SB_ASSIGN_OR_RETURN(TcpListener listener, ListenTcp(address.host, address.port));
  std::unique_ptr<ConnectionAcceptor> acceptor(new ConnectionAcceptor);
  acceptor->limits_ = limits;
  acceptor->port_ = listener.port;
  acceptor->listener_ = std::move(listener.socket);
  acceptor->epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  acceptor->stop_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  acceptor->reserve_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (acceptor->epoll_.get() < 0 || acceptor->stop_.get() < 0 || acceptor->reserve_.get() < 0 ||
      !Watch(acceptor->epoll_.get(), acceptor->listener_.get(), EPOLLIN) ||
      !Watch(acceptor->epoll_.get(), acceptor->stop_.get(), EPOLLIN)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                     absl::StrCat("cannot wait for connections: ", strerror(errno),
                                  "; raise the limit of open files"));
  }
  return acceptor;
}

ConnectionAcceptor::~ConnectionAcceptor() { Stop(); }

void ConnectionAcceptor::Start(HandOver hand_over) {
  hand_over_ = std::move(hand_over);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionAcceptor::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    // An eventfd takes this write unless its counter is near 2^64.
    [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  listener_.Reset();
  watched_.clear();
  per_address_.clear();
}

void ConnectionAcceptor::Run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    bool waiting = false;
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == stop_.get()) {
        return;
      }
      if (fd == listener_.get()) {
        waiting = true;
      } else {
        Forget(fd);
      }
    }
    // Last, so that connections which have just ended make room first.
    if (waiting) {
      AcceptWaiting();
    }
  }
}

void ConnectionAcceptor::AcceptWaiting() {
  // Not until there is none left: ended connections must be noticed in between.
  constexpr int kAtATime = 64;
  for (int i = 0; i < kAtATime; ++i) {
    sockaddr_storage peer = {};
    socklen_t length = sizeof(peer);
    Descriptor connection(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &length,
                                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.get() >= 0) {
      Admit(std::move(connection), AddressOf(peer));
    } else if (errno == EMFILE || errno == ENFILE) {
      // accept4 says so even when nobody waits. Whoever still does is announced again, and may find
      // a descriptor by then: trying on here would shed them for the shortage of a moment ago.
      ShedOne();
      return;
    } else if (errno == EAGAIN) {
      return;
    }
    // Every other error is of that one connection (accept(2)): the next one is tried.
  }
}

void ConnectionAcceptor::Admit(Descriptor connection, const std::string& address) {
  if (static_cast<int>(watched_.size()) >= limits_.total) {
    return;
  }
  int& of_address = per_address_[address];
  if (of_address >= limits_.per_address) {
    return;
  }
  Descriptor duplicate(fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
  // Both sides shut down (what gRPC does before it closes), or the peer has ended its side.
  if (duplicate.get() < 0 || !Watch(epoll_.get(), duplicate.get(), EPOLLRDHUP)) {
    if (of_address == 0) {
      per_address_.erase(address);
    }
    return;
  }
  ++of_address;
  const int one = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const int key = duplicate.get();
  watched_.emplace(key, Watched{std::move(duplicate), address});
  hand_over_(listener_.get(), connection.Release());
}

void ConnectionAcceptor::ShedOne() {
  reserve_.Reset();
  Descriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)).Reset();
  reserve_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void ConnectionAcceptor::Forget(int duplicate) {
  const auto watched = watched_.find(duplicate);
  if (watched == watched_.end()) {
    return;
  }
  const auto of_address = per_address_.find(watched->second.address);
  if (--of_address->second == 0) {
    per_address_.erase(of_address);
  }
  // The original keeps the connection open, so the watch must be taken off by hand.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, duplicate, nullptr);
  watched_.erase(watched);
}

}  // namespace securebase::rpc
