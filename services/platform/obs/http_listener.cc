#include "services/platform/obs/http_listener.h"

#include <microhttpd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/tcp_listener.h"

namespace securebase::obs {
namespace {

// Probes and scrapes, with some to spare. Only a /readyz that waits for its store holds a thread.
constexpr unsigned int kThreads = 4;
constexpr unsigned int kConnections = 64;
constexpr unsigned int kConnectionsPerAddress = 32;
constexpr unsigned int kIdleSeconds = 5;

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kMetricsText[] = "text/plain; version=0.0.4; charset=utf-8";

MHD_Result Respond(MHD_Connection* connection, unsigned int code, const char* type,
                   const std::string& body) {
  MHD_Response* response = MHD_create_response_from_buffer(
      body.size(), const_cast<char*>(body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) {
    return MHD_NO;  // the connection is closed
  }
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (code == MHD_HTTP_METHOD_NOT_ALLOWED) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  }
  const MHD_Result queued = MHD_queue_response(connection, code, response);
  MHD_destroy_response(response);
  return queued;
}

class MicroHttpListener final : public HttpListener {
 public:
  explicit MicroHttpListener(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  ~MicroHttpListener() override {
    if (daemon_ != nullptr) {
      MHD_stop_daemon(daemon_);
    }
  }

  absl::Status Listen(const std::string& host, int port) {
    SB_ASSIGN_OR_RETURN(TcpListener listener, ListenTcp(host, port));
    port_ = listener.port;
    // The socket is the library's from here on, also when it fails. It logs nothing by itself.
    daemon_ = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, 0, nullptr, nullptr, &MicroHttpListener::Handle, this,
        MHD_OPTION_LISTEN_SOCKET, listener.socket.Release(), MHD_OPTION_THREAD_POOL_SIZE, kThreads,
        MHD_OPTION_CONNECTION_LIMIT, kConnections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        kConnectionsPerAddress, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_END);
    if (daemon_ == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                       absl::StrCat("cannot serve HTTP on ", host, ":", port,
                                    "; check the limits of threads and open files"));
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  static MHD_Result Handle(void* self, MHD_Connection* connection, const char* path,
                           const char* method, const char* /*version*/, const char* /*upload*/,
                           size_t* /*upload_size*/, void** /*request*/) {
    return static_cast<MicroHttpListener*>(self)->Answer(connection, method, path);
  }

  // Answers before anything that is uploaded is read: the library drops it with the connection.
  MHD_Result Answer(MHD_Connection* connection, const std::string& method,
                    const std::string& path) const {
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
      return Respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, kText, "GET or HEAD only\n");
    }
    if (path == "/metrics") {
      return Respond(connection, MHD_HTTP_OK, kMetricsText, callbacks_.metrics());
    }
    if (path == "/livez") {
      return Respond(connection, MHD_HTTP_OK, kText, "ok\n");
    }
    if (path == "/readyz") {
      return callbacks_.ready()
                 ? Respond(connection, MHD_HTTP_OK, kText, "ready\n")
                 : Respond(connection, MHD_HTTP_SERVICE_UNAVAILABLE, kText, "not ready\n");
    }
    return Respond(connection, MHD_HTTP_NOT_FOUND, kText, "/metrics, /livez or /readyz\n");
  }

  const Callbacks callbacks_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Start(const std::string& host, int port,
                                                                  Callbacks callbacks) {
  auto listener = std::make_unique<MicroHttpListener>(std::move(callbacks));
  SB_RETURN_IF_ERROR(listener->Listen(host, port));
  return std::unique_ptr<HttpListener>(std::move(listener));
}

}  // namespace securebase::obs
