#include "services/platform/rpc/runtime.h"

#include <utility>

#include "services/platform/base/status_macros.h"

namespace securebase::rpc {
namespace {

auth::ReloadCallback LogReloads(obs::Logger& logger, const char* what) {
  return [&logger, what](const absl::Status& status) {
    if (status.ok()) {
      logger.Info("reloaded", {{"what", what}});
    } else {
      logger.Error("reload failed, the old contents stay in use",
                   {{"what", what}, {"error", std::string(status.message())}});
    }
  };
}

}  // namespace

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
