#include "services/platform/rpc/connection_acceptor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/platform/base/mutex.h"
#include "tests/testing/status_matchers.h"

namespace securebase::rpc {
namespace {

// A client's end of a connection.
class Connection {
 public:
  Connection(int port, const char* from) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in local = {};
    local.sin_family = AF_INET;
    inet_pton(AF_INET, from, &local.sin_addr);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&local), sizeof(local)), 0);
    sockaddr_in server = {};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&server), sizeof(server)), 0);
  }
  ~Connection() { Close(); }
  void Close() {
    if (fd_ >= 0) {
      close(std::exchange(fd_, -1));
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Waits for the server: 'x' if it said so, 0 if it closed the connection.
  char Answer() {
    pollfd waiting = {fd_, POLLIN, 0};
    if (poll(&waiting, 1, 10'000) != 1) {
      ADD_FAILURE() << "neither served nor closed";
      return '?';  // reading would wait for ever
    }
    char byte = 0;
    return read(fd_, &byte, 1) == 1 ? byte : 0;
  }

 private:
  int fd_ = -1;
};

class ConnectionAcceptorTest : public ::testing::Test {
 protected:
  void Start(ConnectionAcceptor::Limits limits) {
    auto acceptor = ConnectionAcceptor::Listen({"127.0.0.1", 0}, limits);
    ASSERT_OK(acceptor.status());
    acceptor_ = *std::move(acceptor);
    // Says "x" to whom it is given, and keeps the connection.
    acceptor_->Start([this](int, int fd) {
      // Kept before the client hears of it: from then on the test may end what is served.
      MutexLock lock(mutex_);
      served_.push_back(fd);
      EXPECT_EQ(write(fd, "x", 1), 1);
    });
  }
  ~ConnectionAcceptorTest() override {
    acceptor_.reset();
    EndServed();
  }
  // As gRPC ends a connection: shut down, then closed.
  void EndServed() {
    MutexLock lock(mutex_);
    for (const int fd : served_) {
      shutdown(fd, SHUT_RDWR);
      close(fd);
    }
    served_.clear();
  }
  std::unique_ptr<Connection> Connect(const char* from = "127.0.0.1") {
    return std::make_unique<Connection>(acceptor_->port(), from);
  }
  // Connects until it is served: the end of a connection is noticed a little later.
  void ExpectServedSoon(const char* from = "127.0.0.1") {
    for (int i = 0; i < 1000; ++i) {
      if (Connect(from)->Answer() == 'x') {
        return;
      }
    }
    ADD_FAILURE() << "the acceptor does not notice that connections have ended";
  }

  Mutex mutex_;
  std::vector<int> served_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ConnectionAcceptor> acceptor_;
};

TEST_F(ConnectionAcceptorTest, ClosesWhatIsBeyondTheLimitOfAnAddress) {
  Start({100, 2});
  const auto a = Connect();
  const auto b = Connect();
  EXPECT_EQ(a->Answer(), 'x');
  EXPECT_EQ(b->Answer(), 'x');
  EXPECT_EQ(Connect()->Answer(), 0);
  const auto elsewhere = Connect("127.0.0.2");
  EXPECT_EQ(elsewhere->Answer(), 'x');
}

TEST_F(ConnectionAcceptorTest, ClosesWhatIsBeyondTheTotal) {
  Start({2, 2});
  const auto a = Connect("127.0.0.1");
  const auto b = Connect("127.0.0.2");
  EXPECT_EQ(a->Answer(), 'x');
  EXPECT_EQ(b->Answer(), 'x');
  EXPECT_EQ(Connect("127.0.0.3")->Answer(), 0);
}

TEST_F(ConnectionAcceptorTest, AConnectionThatTheClientEndsMakesRoom) {
  Start({1, 1});
  const auto a = Connect();
  EXPECT_EQ(a->Answer(), 'x');
  EXPECT_EQ(Connect()->Answer(), 0);
  a->Close();
  ExpectServedSoon();
}

TEST_F(ConnectionAcceptorTest, AConnectionThatTheServerEndsMakesRoom) {
  Start({1, 1});
  const auto a = Connect();
  EXPECT_EQ(a->Answer(), 'x');
  EndServed();
  EXPECT_EQ(a->Answer(), 0) << "the duplicate must not hold the connection open";
  ExpectServedSoon();
}

TEST_F(ConnectionAcceptorTest, ThePortLivesOnAfterDescriptorsRanOut) {
  Start({1000, 1000});
  std::vector<std::unique_ptr<Connection>> flood;
  for (int i = 0; i < 20; ++i) {
    flood.push_back(Connect());
  }
  for (const auto& connection : flood) {
    EXPECT_EQ(connection->Answer(), 'x');
  }
  // The client's sockets come from the same process: make them first, then let nothing be left.
  const int next = open("/dev/null", 0);
  ASSERT_GE(next, 0);
  close(next);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next + 1);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto last = Connect();  // takes the last descriptor
  EXPECT_EQ(last->Answer(), 0) << "is closed, not left to wait";
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(Connect()->Answer(), 'x');
}

TEST_F(ConnectionAcceptorTest, StoppingClosesThePortAndLeavesConnectionsAlone) {
  Start({10, 10});
  const auto a = Connect();
  EXPECT_EQ(a->Answer(), 'x');
  const int port = acceptor_->port();
  acceptor_->Stop();
  acceptor_->Stop();
  {
    MutexLock lock(mutex_);
    ASSERT_EQ(served_.size(), 1U);
    EXPECT_EQ(write(served_[0], "x", 1), 1);
  }
  EXPECT_EQ(a->Answer(), 'x');
  EXPECT_OK(ConnectionAcceptor::Listen({"127.0.0.1", port}, {1, 1}));
}

TEST_F(ConnectionAcceptorTest, APortBelongsToOne) {
  Start({10, 10});
  const auto second = ConnectionAcceptor::Listen({"127.0.0.1", acceptor_->port()}, {1, 1});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ConnectionAcceptor::Listen({"no such host.", 0}, {1, 1}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace securebase::rpc
