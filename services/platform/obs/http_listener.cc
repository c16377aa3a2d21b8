#include "services/platform/obs/http_listener.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace securebase::obs {
namespace {

void Respond(mg_connection* connection, absl::string_view status, absl::string_view type,
             absl::string_view body, bool head) {
  const std::string response = absl::StrCat(
      "HTTP/1.1 ", status, "\r\nContent-Type: ", type, "\r\nContent-Length: ", body.size(),
      "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n", head ? "" : body);
  mg_write(connection, response.data(), response.size());
}

// civetweb would write to a file or stderr in its own form.
int DropMessage(const mg_connection* /*connection*/, const char* /*message*/) { return 1; }

// Connects and closes.
void Knock(const std::string& host, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1) {
    // Whether it succeeds does not matter: the listener has woken up.
    (void)connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  if (fd >= 0) {
    close(fd);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(const std::string& address,
                                                                  Callbacks callbacks) {
  if (absl::StartsWith(address, "[")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "cannot listen at ", address,
        "; this listener knows IPv4 only (as Debian builds civetweb), use 0.0.0.0 or 127.0.0.1"));
  }
  // civetweb takes a host name for all addresses of the machine, so the usual one is translated.
  std::string listening = address;
  if (absl::StartsWith(listening, "localhost:")) {
    listening = absl::StrCat("127.0.0.1:", listening.substr(sizeof("localhost:") - 1));
  }
  // A probe and a scrape at a time, with some to spare; a client that stalls is cut off.
  const char* const options[] = {"listening_ports",
                                 listening.c_str(),
                                 "num_threads",
                                 "4",
                                 "request_timeout_ms",
                                 "5000",
                                 "enable_keep_alive",
                                 "no",
                                 nullptr};
  mg_callbacks hooks = {};
  hooks.begin_request = &HttpListener::Handle;
  hooks.log_message = &DropMessage;
  hooks.log_access = &DropMessage;
  std::unique_ptr<HttpListener> listener(new HttpListener(std::move(callbacks)));
  mg_init_library(0);
  listener->context_ = mg_start(&hooks, listener.get(), const_cast<const char**>(options));
  mg_server_port ports[1] = {};
  if (listener->context_ == nullptr || mg_get_server_ports(listener->context_, 1, ports) < 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen at ", address,
                     "; check that it is an address of this machine and that the port is free"));
  }
  listener->host_ = listening.substr(0, listening.rfind(':'));
  listener->port_ = ports[0].port;
  return listener;
}

HttpListener::~HttpListener() {
  if (context_ != nullptr) {
    // civetweb notices that it shall stop when it next looks up from waiting for connections, which
    // takes it two seconds unless somebody knocks.
    std::atomic<bool> stopped = false;
    std::thread knocker([&] {
      while (!stopped) {
        Knock(host_, port_);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    });
    mg_stop(context_);
    stopped = true;
    knocker.join();
  }
  mg_exit_library();
}

int HttpListener::Handle(mg_connection* connection) {
  const mg_request_info* request = mg_get_request_info(connection);
  auto* listener = static_cast<HttpListener*>(request->user_data);
  listener->Answer(connection, request->request_method,
                   request->local_uri == nullptr ? "" : request->local_uri);
  return 200;  // civetweb: the request is dealt with
}

void HttpListener::Answer(mg_connection* connection, const std::string& method,
                          const std::string& path) {
  constexpr absl::string_view kText = "text/plain; charset=utf-8";
  const bool head = method == "HEAD";
  if (method != "GET" && !head) {
    Respond(connection, "405 Method Not Allowed\r\nAllow: GET, HEAD", kText, "GET or HEAD only\n",
            head);
  } else if (path == "/metrics") {
    Respond(connection, "200 OK", "text/plain; version=0.0.4; charset=utf-8", callbacks_.metrics(),
            head);
  } else if (path == "/livez") {
    Respond(connection, "200 OK", kText, "ok\n", head);
  } else if (path == "/readyz") {
    const absl::Status ready = callbacks_.readiness();
    Respond(connection, ready.ok() ? "200 OK" : "503 Service Unavailable", kText,
            ready.ok() ? "ok\n" : absl::StrCat(ready.message(), "\n"), head);
  } else {
    Respond(connection, "404 Not Found", kText, "/metrics, /livez or /readyz\n", head);
  }
}

}  // namespace securebase::obs
