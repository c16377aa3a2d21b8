#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/platform/auth/jwks.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/auth/token_verifier.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/config/server_options.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"
#include "services/platform/rpc/adapter.h"
#include "services/platform/rpc/authenticator.h"
#include "services/platform/rpc/library_log.h"

namespace securebase::rpc {

// Logs what is reported of a file that is followed; `what`: "keyring". `logger` must outlive it.
auth::ReloadCallback LogReloads(obs::Logger& logger, std::string what);

// What the process of a service needs besides its store and handlers, made from its configuration.
// Outlives all that uses it.
struct Runtime {
  const Clock& clock;
  IdGenerator& ids;
  std::unique_ptr<obs::Logger> logger;
  std::unique_ptr<LibraryLog> library_log;
  std::unique_ptr<obs::MetricsRegistry> metrics;
  std::unique_ptr<auth::KeyringFile> keyring;
  std::unique_ptr<auth::JwksFile> jwks;
  std::unique_ptr<auth::TokenVerifier> tokens;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<obs::CallMetrics> call_metrics;
};

// `services` are the full names of what is served, "securebase.goals.v1.GoalsService".
// FAILED_PRECONDITION, saying what to do, when the key set or the keyring cannot be used or a
// service's policies are incomplete. `clock`, `ids` and `sink` must outlive the runtime.
absl::StatusOr<std::unique_ptr<Runtime>> MakeRuntime(const config::ServerOptions& options,
                                                     const std::vector<std::string>& services,
                                                     const Clock& clock, IdGenerator& ids,
                                                     obs::LogSink& sink);

// The adapter of this process. `audit` is connected to the store.
std::unique_ptr<Adapter> MakeAdapter(const config::ServerOptions& options, Runtime& runtime,
                                     AuditSink& audit);

}  // namespace securebase::rpc
