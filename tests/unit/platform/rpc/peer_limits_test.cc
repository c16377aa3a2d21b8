#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/descriptor.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/platform/rpc/notes.h"

// What a peer can make the server hold, whoever it is: bytes of HTTP/2 by hand, because no client
// library sends what these tests send.
namespace securebase::rpc {
namespace {

using ::securebase::testing::TestServer;
using ::securebase::testing::v1::GetNoteRequest;
using ::securebase::testing::v1::Note;

constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPing = 6;
constexpr uint8_t kWindowUpdate = 8;
constexpr uint8_t kAcknowledges = 1;
constexpr uint8_t kEndsHeaders = 4;
constexpr int kMaxConcurrentStreams = 3;
constexpr int kInitialWindow = 4;
constexpr int kMaxHeaderListSize = 6;

std::string BigEndian(uint32_t value, size_t bytes = 4) {
  std::string text;
  for (size_t i = bytes; i-- > 0;) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

uint32_t Number(const std::string& bytes, size_t at, size_t length) {
  uint32_t value = 0;
  for (size_t i = at; i < at + length; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

// A header as HPACK has it: literal, not indexed, not compressed.
std::string Header(const std::string& name, const std::string& value) {
  return absl::StrCat(std::string(1, '\0'), std::string(1, static_cast<char>(name.size())), name,
                      std::string(1, static_cast<char>(value.size())), value);
}

// One connection, with just enough of HTTP/2 to send as much as flow control lets it.
class RawConnection {
 public:
  explicit RawConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in server = {};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<uint16_t>(port));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&server), sizeof(server)), 0);
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    SendFrame(kSettings, 0, 0, "");
    while (settings_.empty() && Receive(absl::Seconds(20))) {
    }
  }

  const std::map<int, uint32_t>& settings() const { return settings_; }

  // Begins a call that announces a message of `length` bytes.
  void Open(uint32_t stream, const std::string& path, uint32_t length) {
    SendFrame(kHeaders, kEndsHeaders, stream,
              absl::StrCat(Header(":method", "POST"), Header(":scheme", "http"),
                           Header(":path", path), Header(":authority", "localhost"),
                           Header("te", "trailers"), Header("content-type", "application/grpc")));
    windows_[stream] = initial_window_;
    SendData(stream, std::string(1, '\0') + BigEndian(length));
  }

  // Sends up to `length` bytes of the stream's message; how many it was allowed.
  int64_t SendSome(uint32_t stream, int64_t length) {
    constexpr int64_t kFrame = 16384;
    const int64_t allowed = std::min({length, window_, windows_[stream], kFrame});
    if (allowed > 0 && open_) {
      SendData(stream, std::string(static_cast<size_t>(allowed), '\n'));
      return allowed;
    }
    return 0;
  }

  // Waits for frames and takes them in; false when none came or the connection has ended.
  bool Receive(absl::Duration wait) {
    pollfd waiting = {socket_.get(), POLLIN, 0};
    if (!open_ || poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(wait))) != 1) {
      return false;
    }
    char bytes[65536];
    const ssize_t length = read(socket_.get(), bytes, sizeof(bytes));
    if (length <= 0) {
      open_ = false;
      return false;
    }
    received_.append(bytes, static_cast<size_t>(length));
    while (received_.size() >= 9 && received_.size() >= 9 + Number(received_, 0, 3)) {
      const uint32_t size = Number(received_, 0, 3);
      Take(static_cast<uint8_t>(received_[3]), static_cast<uint8_t>(received_[4]),
           Number(received_, 5, 4), received_.substr(9, size));
      received_.erase(0, 9 + size);
    }
    return true;
  }

 private:
  void Send(const std::string& bytes) {
    if (send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      open_ = false;
    }
  }

  void SendFrame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
    Send(absl::StrCat(BigEndian(static_cast<uint32_t>(payload.size()), 3), BigEndian(type, 1),
                      BigEndian(flags, 1), BigEndian(stream), payload));
  }

  void SendData(uint32_t stream, const std::string& bytes) {
    SendFrame(kData, 0, stream, bytes);
    window_ -= static_cast<int64_t>(bytes.size());
    windows_[stream] -= static_cast<int64_t>(bytes.size());
  }

  void Take(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
    if (type == kSettings && (flags & kAcknowledges) == 0) {
      for (size_t at = 0; at + 6 <= payload.size(); at += 6) {
        settings_[static_cast<int>(Number(payload, at, 2))] = Number(payload, at + 2, 4);
      }
      if (const auto window = settings_.find(kInitialWindow); window != settings_.end()) {
        for (auto& [id, left] : windows_) {
          left += static_cast<int64_t>(window->second) - initial_window_;
        }
        initial_window_ = window->second;
      }
      SendFrame(kSettings, kAcknowledges, 0, "");
    } else if (type == kPing && (flags & kAcknowledges) == 0) {
      SendFrame(kPing, kAcknowledges, 0, payload);
    } else if (type == kWindowUpdate) {
      (stream == 0 ? window_ : windows_[stream]) += Number(payload, 0, 4);
    }
  }

  Descriptor socket_;
  bool open_ = true;
  std::string received_;
  std::map<int, uint32_t> settings_;
  int64_t initial_window_ = 65535;
  int64_t window_ = 65535;
  std::map<uint32_t, int64_t> windows_;
};

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

class PeerLimitsTest : public ::testing::Test {
 protected:
  PeerLimitsTest()
      : server_({kNotesService},
                [](config::ServerOptions& options) {
                  options.tls = {};
                  options.allow_plaintext = true;
                  options.require_client_certificate = false;
                  options.peer_services.clear();
                  options.connection_memory_bytes = 16 << 20;
                }),
        handlers_([](const api::Call&, const GetNoteRequest&) { return Note(); }) {
    std::vector<TestServer::GrpcService> services;
    services.push_back(MakeNotesService(handlers_, server_.adapter()));
    EXPECT_OK(server_.Start(std::move(services)));
  }

  TestServer server_;
  NotesHandlers handlers_;
};

TEST_F(PeerLimitsTest, AConnectionMayHaveFewStreamsOfHealthAndMoreOfCalls) {
  const RawConnection health(server_.server().health_port());
  EXPECT_EQ(health.settings().at(kMaxConcurrentStreams), 10U);
  EXPECT_EQ(health.settings().at(kMaxHeaderListSize), 4096U);
  const RawConnection calls(server_.server().port());
  EXPECT_EQ(calls.settings().at(kMaxConcurrentStreams), 100U);
  EXPECT_EQ(calls.settings().at(kMaxHeaderListSize), 16384U);
}

TEST_F(PeerLimitsTest, RequestsThatNeverEndDoNotFillTheMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  constexpr int64_t kMegabyte = 1 << 20;
  const int64_t before = ResidentBytes();
  RawConnection connection(server_.server().port());
  std::map<uint32_t, int64_t> left;
  for (uint32_t i = 0; i < 100; ++i) {
    connection.Open(2 * i + 1, kGetNote, kMegabyte - 1);
    left[2 * i + 1] = kMegabyte - 1000;
  }
  bool goes_on = true;
  while (goes_on) {
    int64_t sent = 0;
    for (auto& [stream, bytes] : left) {
      const int64_t now = connection.SendSome(stream, bytes);
      bytes -= now;
      sent += now;
    }
    goes_on = connection.Receive(sent > 0 ? absl::ZeroDuration() : absl::Seconds(2)) || sent > 0;
  }
  EXPECT_LT(ResidentBytes() - before, 48 * kMegabyte);
  // Others are served meanwhile, or after a moment.
  absl::Status status;
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  do {
    GetNoteRequest request;
    request.set_name("practices/p1/notes/n1");
    client::CallOptions options = server_.AsSystem();
    options.deadline = absl::Now() + absl::Seconds(5);
    status = server_.Client().Call<Note>(kGetNote, options, request).status();
  } while (!status.ok() && absl::Now() < give_up);
  EXPECT_OK(status);
}

}  // namespace
}  // namespace securebase::rpc
