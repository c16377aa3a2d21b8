#include "services/platform/rpc/server.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "services/platform/auth/followed_tls_files.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/obs/http_listener.h"
#include "services/platform/obs/readiness.h"
#include "services/platform/rpc/connection_acceptor.h"
#include "services/platform/rpc/tls_credentials.h"

namespace securebase::rpc {
namespace {

// A bearer token (4 KB at most), an ActingFor and what proxies add.
constexpr int kMaxMetadataBytes = 16 * 1024;
// Streams that are opened and reset all reach the handlers in gRPC 1.51, so not too many at a time.
constexpr int kMaxStreamsPerConnection = 100;
constexpr int kKeepaliveMillis = 60'000;
constexpr int kKeepaliveTimeoutMillis = 20'000;
// clients/cpp pings every 30 s; more often than this is answered with "too_many_pings".
constexpr int kLeastPingIntervalMillis = 20'000;
// Health has few callers, who ask for a short name or watch one; but anybody may be among them.
constexpr ConnectionAcceptor::Limits kHealthLimits = {100, 50};
constexpr int kHealthMetadataBytes = 4 * 1024;
constexpr int kHealthMessageBytes = 4 * 1024;
constexpr int kHealthStreamsPerConnection = 10;
constexpr size_t kHealthMemoryBytes = 16 << 20;
// gRPC 1.51 holds a peer to the number of streams only once it has acknowledged it. Who never does
// so can open more, until the connection is too old.
constexpr absl::Duration kHealthConnectionAge = absl::Minutes(1);
constexpr absl::Duration kHealthGrace = absl::Seconds(1);

std::chrono::system_clock::time_point After(absl::Duration duration) {
  return absl::ToChronoTime(absl::Now() + duration);
}

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// What those who are connected can make the process hold.
struct PeerLimits {
  int metadata_bytes;
  int message_bytes;
  int streams_per_connection;
  size_t memory_bytes;  // all connections together; beyond it gRPC ends calls and connections
  absl::Duration connection_age;
  absl::Duration connection_grace;  // for the calls of a connection that is too old
};

void Limit(grpc::ServerBuilder& builder, const char* name, const PeerLimits& limits) {
  builder.SetResourceQuota(grpc::ResourceQuota(name).Resize(limits.memory_bytes));
  builder.SetMaxReceiveMessageSize(limits.message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits.metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Millis(limits.connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Millis(limits.connection_grace));
}

std::shared_ptr<grpc::ServerCredentials> MakeCredentials(const config::ServerOptions& options,
                                                         const auth::TlsFiles& files) {
  ClientCertificates client_certificates = ClientCertificates::kIgnored;
  if (!options.tls.ca.empty()) {
    client_certificates = options.require_client_certificate ? ClientCertificates::kRequired
                                                             : ClientCertificates::kVerified;
  }
  return MakeTlsServerCredentials(files, client_certificates);
}

// A grpc::Server behind an acceptor of ours.
struct Listener {
  std::unique_ptr<ConnectionAcceptor> connections;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> hand_over;
  std::unique_ptr<grpc::Server> server;

  absl::Status Start(grpc::ServerBuilder& builder,
                     std::shared_ptr<grpc::ServerCredentials> credentials,
                     absl::Duration handshake_time) {
    hand_over = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        std::move(credentials));
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Millis(handshake_time));
    server = builder.BuildAndStart();
    if (server == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                       "gRPC could not start the server; its log lines say why");
    }
    connections->Start([this](int listener_fd, int fd) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
      connection.listener_fd = listener_fd;
      connection.fd = fd;
      hand_over->HandleNewConnection(&connection);
    });
    return absl::OkStatus();
  }

  void Stop(absl::Duration grace) {
    connections->Stop();
    if (server != nullptr) {
      server->Shutdown(After(grace));
      server->Wait();
    }
  }
};

class GrpcServer final : public Server {
 public:
  GrpcServer(const config::ServerOptions& options, Parts parts)
      : options_(options),
        parts_(std::move(parts)),
        readiness_(parts_.ready, *parts_.runtime.logger) {}
  ~GrpcServer() override { Shutdown(); }

  absl::Status StartAll() {
    SB_RETURN_IF_ERROR(config::ValidateServerOptions(options_));
    SB_RETURN_IF_ERROR(StartHealth());
    SB_RETURN_IF_ERROR(StartMetrics());
    SB_RETURN_IF_ERROR(StartCalls());
    health_.server->GetHealthCheckService()->SetServingStatus(true);
    parts_.runtime.logger->Info("serving", {{"port", port()},
                                            {"health_port", health_port()},
                                            {"metrics_port", metrics_port()},
                                            {"tls", !options_.tls.certificate.empty()}});
    return absl::OkStatus();
  }

  int port() const override { return calls_.connections->port(); }
  int health_port() const override { return health_.connections->port(); }
  int metrics_port() const override { return http_->port(); }

  void Shutdown() override {
    if (stopping_.exchange(true)) {
      return;
    }
    obs::Logger& logger = *parts_.runtime.logger;
    // A start that failed says why in one line, and nothing else.
    const bool served = calls_.server != nullptr;
    if (served) {
      logger.Info("not serving", {{"endpoint_wait_ms", options_.endpoint_wait}});
      health_.server->GetHealthCheckService()->SetServingStatus(false);
      absl::SleepFor(options_.endpoint_wait);
      logger.Info("draining", {{"drain_time_ms", options_.drain_time}});
      calls_.Stop(options_.drain_time);
    }
    parts_.adapter.Drain();
    http_.reset();
    if (health_.connections != nullptr) {
      // Open Watch streams would hold it for ever.
      health_.Stop(kHealthGrace);
    }
    if (served) {
      logger.Info("stopped", {});
    }
  }

 private:
  absl::Status Bind(const std::string& text, ConnectionAcceptor::Limits limits,
                    Listener& listener) {
    SB_ASSIGN_OR_RETURN(const config::Address address, config::ParseAddress(text));
    SB_ASSIGN_OR_RETURN(listener.connections, ConnectionAcceptor::Listen(address, limits));
    return absl::OkStatus();
  }

  absl::Status StartHealth() {
    SB_RETURN_IF_ERROR(Bind(options_.health_address, kHealthLimits, health_));
    // The switch is one for the process; the server of the calls opts out of it.
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    Limit(builder, "health",
          {kHealthMetadataBytes, kHealthMessageBytes, kHealthStreamsPerConnection,
           kHealthMemoryBytes, kHealthConnectionAge, kHealthGrace});
    SB_RETURN_IF_ERROR(
        health_.Start(builder, grpc::InsecureServerCredentials(), parts_.handshake_time));
    health_.server->GetHealthCheckService()->SetServingStatus(false);
    return absl::OkStatus();
  }

  absl::Status StartMetrics() {
    obs::HttpListener::Callbacks callbacks;
    callbacks.metrics = [this] { return parts_.runtime.metrics->Text(); };
    callbacks.ready = [this] { return !stopping_.load() && readiness_.IsReady(); };
    SB_ASSIGN_OR_RETURN(const config::Address address,
                        config::ParseAddress(options_.metrics_address));
    SB_ASSIGN_OR_RETURN(http_,
                        obs::HttpListener::Start(address.host, address.port, std::move(callbacks)));
    return absl::OkStatus();
  }

  absl::Status StartCalls() {
    // ValidateServerOptions lets only loopback do without.
    std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
    if (!options_.tls.certificate.empty()) {
      SB_ASSIGN_OR_RETURN(
          tls_, auth::FollowedTlsFiles::Open(options_.tls, auth::Secrecy::kPrivate,
                                             LogReloads(*parts_.runtime.logger, "TLS files")));
      credentials = MakeCredentials(options_, tls_->good());
    }
    // Callers behind one proxy share an address, so one may have half of all.
    SB_RETURN_IF_ERROR(Bind(options_.listen_address,
                            {options_.max_connections, std::max(1, options_.max_connections / 2)},
                            calls_));
    if (options_.reflection) {
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    }
    grpc::ServerBuilder builder;
    builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
    Limit(builder, "calls",
          {kMaxMetadataBytes, options_.max_message_bytes, kMaxStreamsPerConnection,
           static_cast<size_t>(options_.connection_memory_bytes), options_.max_connection_age,
           options_.max_deadline});
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                               kLeastPingIntervalMillis);
    for (const auto& service : parts_.services) {
      builder.RegisterService(service.get());
    }
    return calls_.Start(builder, std::move(credentials), parts_.handshake_time);
  }

  const config::ServerOptions options_;
  Parts parts_;
  obs::Readiness readiness_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<auth::FollowedTlsFiles> tls_;
  Listener health_;
  Listener calls_;
  std::unique_ptr<obs::HttpListener> http_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const config::ServerOptions& options,
                                                      Parts parts) {
  auto server = std::make_unique<GrpcServer>(options, std::move(parts));
  SB_RETURN_IF_ERROR(server->StartAll());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace securebase::rpc
