#include "services/platform/obs/http_listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/descriptor.h"
#include "tests/testing/status_matchers.h"

namespace securebase::obs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A connection to a port of this machine.
Descriptor Connect(int family, int port) {
  Descriptor fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<uint16_t>(port));
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6 = {};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  v6.sin6_addr = in6addr_loopback;
  const bool is_v4 = family == AF_INET;
  const void* address = is_v4 ? static_cast<const void*>(&v4) : &v6;
  if (connect(fd.get(), static_cast<const sockaddr*>(address), is_v4 ? sizeof(v4) : sizeof(v6)) !=
      0) {
    fd.Reset();
  }
  return fd;
}

// Sends `request` there and returns all that comes back.
std::string Exchange(int port, const std::string& request, int family = AF_INET) {
  const Descriptor fd = Connect(family, port);
  std::string response;
  send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  char buffer[4096];
  ssize_t count = 0;
  while ((count = recv(fd.get(), buffer, sizeof(buffer), 0)) > 0) {
    response.append(buffer, static_cast<size_t>(count));
  }
  return response;
}

std::string Request(int port, const std::string& method, const std::string& path,
                    int family = AF_INET) {
  return Exchange(port,
                  absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\n",
                               "Content-Length: 0\r\nConnection: close\r\n\r\n"),
                  family);
}

class HttpListenerTest : public ::testing::Test {
 protected:
  HttpListenerTest()
      : listener_(*HttpListener::Start(
            "127.0.0.1", 0,
            {[] { return std::string("a_total 1\n"); }, [this] { return ready_.load(); }})) {}

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
  EXPECT_THAT(Request(port, "GET", "/readyz"),
              AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("\r\n\r\nready\n")));
}

TEST_F(HttpListenerTest, ReadinessFollowsTheCallback) {
  ready_ = false;
  EXPECT_THAT(Request(listener_->port(), "GET", "/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("\r\n\r\nnot ready\n")));
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

TEST_F(HttpListenerTest, AnUploadIsNotWaitedFor) {
  EXPECT_THAT(Exchange(listener_->port(),
                       "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"),
              StartsWith("HTTP/1.1 405 "));
}

TEST_F(HttpListenerTest, AClientThatSaysNothingDoesNotKeepOthersOut) {
  std::vector<Descriptor> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(Connect(AF_INET, listener_->port()));
  }
  EXPECT_THAT(Request(listener_->port(), "GET", "/livez"), HasSubstr("ok"));
}

TEST_F(HttpListenerTest, AnAddressThatIsTakenIsAClearError) {
  const auto second = HttpListener::Start("127.0.0.1", listener_->port(), {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("127.0.0.1:", listener_->port())));
  EXPECT_THAT(Request(listener_->port(), "GET", "/livez"), HasSubstr("ok")) << "the first lives on";
}

TEST_F(HttpListenerTest, ListensOnLocalhostByName) {
  const auto listener =
      HttpListener::Start("localhost", 0, {[] { return std::string(); }, [] { return true; }});
  ASSERT_OK(listener);
  EXPECT_THAT(Request((*listener)->port(), "GET", "/livez") +
                  Request((*listener)->port(), "GET", "/livez", AF_INET6),
              HasSubstr("ok"));
}

TEST_F(HttpListenerTest, ListensOnIpv6) {
  const auto listener =
      HttpListener::Start("::1", 0, {[] { return std::string(); }, [] { return true; }});
  ASSERT_OK(listener);
  EXPECT_THAT(Request((*listener)->port(), "GET", "/livez", AF_INET6), HasSubstr("ok"));
}

}  // namespace
}  // namespace securebase::obs
