#include "services/platform/rpc/runtime.h"

#include <algorithm>
#include <utility>

#include "services/platform/auth/tls_files.h"
#include "services/platform/base/status_macros.h"

namespace securebase::rpc {
namespace {

// The files are followed when they change, so what they say now is what is in use.
void ShowCertificateExpiry(const config::ServerOptions& options, obs::MetricsRegistry& metrics) {
  struct File {
    absl::string_view use;
    std::string path;
    absl::StatusOr<absl::Time> (*expiry)(const std::string& path);
  };
  std::vector<File> files = {
      {"server", options.tls.certificate, auth::ChainExpiry},
      {"client_ca", options.tls.ca, auth::AuthoritiesExpiry},
      {"neighbour", options.neighbour_tls.certificate, auth::ChainExpiry},
      {"neighbour_ca", options.neighbour_tls.ca, auth::AuthoritiesExpiry},
  };
  files.erase(std::remove_if(files.begin(), files.end(),
                             [](const File& file) { return file.path.empty(); }),
              files.end());
  obs::Gauge& gauge = metrics.AddGauge(
      "securebase_certificate_expiry_timestamp_seconds",
      "When the certificates of a file end, in seconds since 1970; 0: the file cannot be read.",
      {{"file", {"server", "client_ca", "neighbour", "neighbour_ca"}}});
  metrics.BeforeRead([&gauge, files = std::move(files)] {
    for (const File& file : files) {
      const absl::StatusOr<absl::Time> expiry = file.expiry(file.path);
      gauge.Set(expiry.ok() ? absl::ToDoubleSeconds(*expiry - absl::UnixEpoch()) : 0, {file.use});
    }
  });
}

}  // namespace

auth::ReloadCallback LogReloads(obs::Logger& logger, std::string what) {
  return [&logger, what = std::move(what)](const absl::Status& status) {
    if (status.ok()) {
      logger.Info("reloaded", {{"what", what}});
    } else {
      logger.Error("reload failed, the old contents stay in use",
                   {{"what", what}, {"error", std::string(status.message())}});
    }
  };
}

absl::StatusOr<std::unique_ptr<Runtime>> MakeRuntime(const config::ServerOptions& options,
                                                     const std::vector<std::string>& services,
                                                     const Clock& clock, IdGenerator& ids,
                                                     obs::LogSink& sink) {
  std::unique_ptr<Runtime> runtime(new Runtime{clock, ids, nullptr, nullptr, nullptr, nullptr,
                                               nullptr, nullptr, nullptr, nullptr});
  runtime->logger =
      std::make_unique<obs::Logger>(sink, clock, obs::ParseLogLevel(options.log_level));
  runtime->library_log = std::make_unique<LibraryLog>(*runtime->logger);
  runtime->metrics = obs::MakeMetricsRegistry();
  ShowCertificateExpiry(options, *runtime->metrics);
  SB_ASSIGN_OR_RETURN(
      runtime->keyring,
      auth::OpenKeyringFile(options.keyring, clock, LogReloads(*runtime->logger, "keyring")));
  SB_ASSIGN_OR_RETURN(runtime->jwks, auth::OpenJwksFile(options.jwks, clock,
                                                        LogReloads(*runtime->logger, "key set")));
  auth::TokenVerifierOptions tokens;
  tokens.issuer = options.issuer;
  tokens.audience = options.audience;
  tokens.claims = options.claims;
  runtime->tokens = std::make_unique<auth::TokenVerifier>(tokens, *runtime->jwks, clock);
  runtime->authenticator = std::make_unique<Authenticator>(
      [verifier = runtime->tokens.get()](absl::string_view token) {
        return verifier->Verify(token);
      },
      options.peer_services);
  SB_ASSIGN_OR_RETURN(std::vector<std::string> methods, MethodNames(services));
  runtime->call_metrics = std::make_unique<obs::CallMetrics>(*runtime->metrics, std::move(methods));
  return runtime;
}

std::unique_ptr<Adapter> MakeAdapter(const config::ServerOptions& options, Runtime& runtime,
                                     AuditSink& audit) {
  AdapterOptions adapter;
  adapter.read_threads = options.reads.threads;
  adapter.read_queue = options.reads.queue;
  adapter.write_threads = options.writes.threads;
  adapter.write_queue = options.writes.queue;
  adapter.default_deadline = options.default_deadline;
  adapter.max_deadline = options.max_deadline;
  return std::make_unique<Adapter>(adapter,
                                   Pipeline::Parts{*runtime.authenticator, audit, runtime.clock,
                                                   *runtime.logger, *runtime.call_metrics},
                                   runtime.ids);
}

}  // namespace securebase::rpc
