#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/platform/storage/redis_reply.h"

namespace securebase::testing {

// A server on loopback that answers as a test wants, also wrongly: half, twice, never. It says by
// itself that it is a primary. Thread-safe.
class FakeRedis {
 public:
  // What is sent for a command, as it stands. Called on a thread of the connection.
  using Handler = std::function<std::string(const std::vector<std::string>& command)>;
  // As the end of an answer: closes the connection after what stands before it.
  static constexpr char kClose[] = "<close>";

  explicit FakeRedis(Handler handler) : handler_(std::move(handler)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, SOMAXCONN) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      perror("FakeRedis");
      abort();
    }
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { Accept(); });
  }
  ~FakeRedis() {
    eventfd_write(stop_, 1);
    accepting_.join();
    for (std::thread& thread : serving_) {
      thread.join();
    }
    close(listener_);
    close(stop_);
  }
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;

  int port() const { return port_; }
  std::string host_and_port() const { return absl::StrCat("127.0.0.1:", port_); }

  // All commands but those with which a connection begins, in the order in which they came.
  std::vector<std::vector<std::string>> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

  static std::string Bulk(const std::string& text) {
    return absl::StrCat("$", text.size(), "\r\n", text, "\r\n");
  }
  static std::string InfoOfPrimary(const std::string& replication_id) {
    return Bulk(absl::StrCat("role:master\r\nmaster_replid:", replication_id, "\r\n"));
  }

 private:
  bool AwaitReadable(int fd) const {
    pollfd watched[] = {{fd, POLLIN, 0}, {stop_, POLLIN, 0}};
    return poll(watched, 2, -1) > 0 && watched[1].revents == 0;
  }

  void Accept() {
    while (AwaitReadable(listener_)) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      serving_.emplace_back([this, fd] {
        Serve(fd);
        close(fd);
      });
    }
  }

  void Serve(int fd) {
    storage::RedisReplyReader reader;  // commands are arrays like any other
    char buffer[65536];
    while (AwaitReadable(fd)) {
      const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
      if (count <= 0 || !reader.Feed({buffer, static_cast<size_t>(count)}).ok()) {
        return;
      }
      for (auto next = reader.Next(); next.ok() && next->has_value(); next = reader.Next()) {
        std::vector<std::string> command;
        for (const storage::RedisReply& word : (*next)->elements) {
          command.push_back(word.text);
        }
        std::string answer = Answer(command);
        const size_t end = answer.rfind(kClose);
        const bool closes = end != std::string::npos;
        answer.resize(closes ? end : answer.size());
        if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0 || closes) {
          return;
        }
      }
    }
  }

  std::string Answer(const std::vector<std::string>& command) {
    if (command[0] == "CLIENT") {
      return "+OK\r\n";
    }
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(command);
    }
    std::string answer = handler_(command);
    if (answer.empty() && command[0] == "INFO") {
      return InfoOfPrimary("first");
    }
    if (answer.empty() && command[0] == "PING") {
      return "+PONG\r\n";
    }
    return answer;
  }

  const Handler handler_;
  const int stop_ = eventfd(0, EFD_CLOEXEC);
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::vector<std::string>> commands_;
  std::vector<std::thread> serving_;  // of accepting_
  std::thread accepting_;
};

}  // namespace securebase::testing
