#include "services/platform/obs/http_listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase::obs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Sends `request` to a port of this machine and returns all that comes back.
std::string Exchange(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string response;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    ssize_t count = 0;
    while ((count = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      response.append(buffer, static_cast<size_t>(count));
    }
  }
  close(fd);
  return response;
}

std::string Request(int port, const std::string& method, const std::string& path) {
  return Exchange(port, absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\n",
                                     "Content-Length: 0\r\nConnection: close\r\n\r\n"));
}

class HttpListenerTest : public ::testing::Test {
 protected:
  HttpListenerTest()
      : listener_(*HttpListener::Start(
            "127.0.0.1:0", {[] { return std::string("a_total 1\n"); },
                            [this] {
                              return ready_ ? absl::OkStatus()
                                            : absl::UnavailableError("the store does not answer");
                            }})) {}

  std::atomic<bool> ready_ = true;
  const std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, ServesItsThreePaths) {
  const int port = listener_->port();
  ASSERT_GT(port, 0);
  EXPECT_THAT(Request(port, "GET", "/metrics"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("version=0.0.4"),
                    HasSubstr("\r\n\r\na_total 1\n")));
  EXPECT_THAT(Request(port, "GET", "/livez"), HasSubstr("\r\n\r\nok\n"));
  EXPECT_THAT(Request(port, "GET", "/readyz"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(HttpListenerTest, ReadinessFollowsTheCallback) {
  ready_ = false;
  EXPECT_THAT(Request(listener_->port(), "GET", "/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\n\r\nthe store does not answer\n")));
  EXPECT_THAT(Request(listener_->port(), "GET", "/livez"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(HttpListenerTest, HeadHasNoBody) {
  const std::string response = Request(listener_->port(), "HEAD", "/metrics");
  EXPECT_THAT(response, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_EQ(response.substr(response.size() - 4), "\r\n\r\n");
}

TEST_F(HttpListenerTest, NothingElseIsServed) {
  const int port = listener_->port();
  for (const char* path : {"/", "/etc/passwd", "/../../etc/passwd", "/metrics/x", "/livez.html"}) {
    EXPECT_THAT(Request(port, "GET", path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    EXPECT_THAT(Request(port, method, "/metrics"), StartsWith("HTTP/1.1 405 ")) << method;
  }
  EXPECT_THAT(Exchange(port, "garbage\r\n\r\n"), Not(HasSubstr("200")));
}

TEST_F(HttpListenerTest, AnAddressThatIsTakenIsAClearError) {
  const std::string address = absl::StrCat("127.0.0.1:", listener_->port());
  const auto second = HttpListener::Start(address, {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  EXPECT_THAT(Request(listener_->port(), "GET", "/livez"), HasSubstr("ok")) << "the first lives on";
}

TEST_F(HttpListenerTest, ListensOnLocalhostByName) {
  const auto listener = HttpListener::Start(
      "localhost:0", {[] { return std::string(); }, [] { return absl::OkStatus(); }});
  ASSERT_OK(listener);
  EXPECT_THAT(Request((*listener)->port(), "GET", "/livez"), HasSubstr("ok"));
}

TEST_F(HttpListenerTest, Ipv6IsRefusedWithTheReason) {
  EXPECT_THAT(std::string(HttpListener::Start("[::1]:0", {}).status().message()),
              HasSubstr("IPv4 only"));
}

}  // namespace
}  // namespace securebase::obs
