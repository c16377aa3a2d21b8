#include "tests/e2e/balancer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>
#include <string>
#include <thread>
#include <utility>

namespace securebase::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One direction of a connection: what was read from `from` and is still to be written to `to`.
struct Pipe {
  int from;
  int to;
  std::string bytes;

  // False when either side is gone.
  bool Pump(bool readable, bool writable) {
    if (readable) {
      char buffer[16384];
      const ssize_t count = recv(from, buffer, sizeof(buffer), 0);
      if (count == 0 || (count < 0 && errno != EAGAIN)) {
        return false;
      }
      bytes.append(buffer, static_cast<size_t>(count > 0 ? count : 0));
      writable = true;
    }
    if (writable && !bytes.empty()) {
      const ssize_t count = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno != EAGAIN) {
        return false;
      }
      bytes.erase(0, static_cast<size_t>(count > 0 ? count : 0));
    }
    return true;
  }
};

class PollBalancer final : public Balancer {
 public:
  PollBalancer(int listener, int stop_read, int stop_write, std::vector<int> ports)
      : listener_(listener),
        stop_read_(stop_read),
        stop_write_(stop_write),
        ports_(std::move(ports)),
        thread_([this] { Run(); }) {}

  ~PollBalancer() override {
    close(stop_write_);
    thread_.join();
    for (const Connection& connection : connections_) {
      CloseBoth(connection);
    }
    close(listener_);
    close(stop_read_);
  }

  int port() const override {
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

 private:
  struct Connection {
    Pipe in;
    Pipe out;
  };

  static void CloseBoth(const Connection& connection) {
    close(connection.in.from);
    close(connection.in.to);
  }

  static short EventsOf(const Pipe& reading, const Pipe& writing) {
    // Nothing more is read than can be passed on.
    return static_cast<short>((reading.bytes.empty() ? POLLIN : 0) |
                              (writing.bytes.empty() ? 0 : POLLOUT));
  }

  void Run() {
    while (true) {
      std::vector<pollfd> polled = {{stop_read_, POLLIN, 0}, {listener_, POLLIN, 0}};
      for (const Connection& connection : connections_) {
        polled.push_back({connection.in.from, EventsOf(connection.in, connection.out), 0});
        polled.push_back({connection.in.to, EventsOf(connection.out, connection.in), 0});
      }
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
        return;
      }
      if (polled[0].revents != 0) {
        return;
      }
      constexpr short kReadable = POLLIN | POLLHUP | POLLERR;
      size_t next = 2;
      for (auto it = connections_.begin(); it != connections_.end(); next += 2) {
        const short client = polled[next].revents;
        const short server = polled[next + 1].revents;
        if (it->in.Pump((client & kReadable) != 0, (server & POLLOUT) != 0) &&
            it->out.Pump((server & kReadable) != 0, (client & POLLOUT) != 0)) {
          ++it;
        } else {
          CloseBoth(*it);
          it = connections_.erase(it);
        }
      }
      if (polled[1].revents != 0) {
        Accept();
      }
    }
  }

  void Accept() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {
      return;
    }
    for (size_t tried = 0; tried < ports_.size(); ++tried) {
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = Loopback(ports_[turn_++ % ports_.size()]);
      if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
        fcntl(server, F_SETFL, O_NONBLOCK);
        connections_.push_back({{client, server, ""}, {server, client, ""}});
        return;
      }
      close(server);
    }
    close(client);
  }

  const int listener_;
  const int stop_read_;
  const int stop_write_;
  const std::vector<int> ports_;
  size_t turn_ = 0;
  std::list<Connection> connections_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

std::unique_ptr<Balancer> Balancer::Start(std::vector<int> ports) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = Loopback(0);
  int stop[2];
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener, 64) != 0 || pipe2(stop, O_CLOEXEC) != 0) {
    close(listener);
    return nullptr;
  }
  return std::make_unique<PollBalancer>(listener, stop[0], stop[1], std::move(ports));
}

}  // namespace securebase::testing
