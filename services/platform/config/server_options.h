#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/auth/token_verifier.h"
#include "services/platform/config/flags.h"

namespace securebase::config {

struct PoolOptions {
  int threads;
  int queue;  // calls that may wait for a thread; more are refused with a retry delay
};

// What every service can be told. Defaults are those of `--help`; a main changes what differs (its
// ports) before it adds the flags.
struct ServerOptions {
  std::string listen_address = "127.0.0.1:7400";   // host:port; port 0: any
  std::string health_address = "127.0.0.1:7410";   // gRPC health, nothing else
  std::string metrics_address = "127.0.0.1:7420";  // HTTP /metrics /livez /readyz
  auth::TlsFiles tls;
  bool require_client_certificate = true;
  std::map<std::string, std::string> peer_services;  // certificate SAN -> service name
  bool allow_plaintext = false;                      // only on loopback

  std::string issuer;
  std::string audience = "securebase";
  std::string jwks;  // path
  auth::ClaimNames claims;
  std::string keyring;  // path

  std::string store;  // "sqlite:<path>", "redis://..." or "memory:" (storage::OpenStore)
  absl::Duration journal_retention = absl::Hours(30 * 24);
  std::string audit_directory;                            // where audit entries are exported to
  absl::Duration audit_retention = absl::Hours(90 * 24);  // in the store, once exported

  PoolOptions reads = {8, 256};
  PoolOptions writes = {8, 256};
  absl::Duration default_deadline = absl::Seconds(30);
  absl::Duration max_deadline = absl::Minutes(5);
  int max_message_bytes = 1 << 20;
  int connection_memory_bytes = 64 << 20;  // of gRPC, for all connections together
  int max_connections = 1000;
  absl::Duration max_connection_age = absl::Minutes(10);
  absl::Duration endpoint_wait = absl::Seconds(5);
  absl::Duration drain_time = absl::Seconds(20);
  bool reflection = false;
  std::string log_level = "info";

  // Services that this one calls, by name, and how to reach them.
  std::map<std::string, std::string> neighbours;  // "outcomes" -> address
  auth::TlsFiles neighbour_tls;
};

// Adds a flag for every member. `neighbours` are those that this service calls: "outcomes" gets the
// flag --outcomes-address. `options` holds the defaults and must outlive Parse.
void AddServerFlags(FlagSet& flags, ServerOptions& options,
                    const std::vector<std::string>& neighbours);

// Whether these options are complete and safe together; looks at no file. OK, or INVALID_ARGUMENT
// naming every flag that is wrong and what to do about it. There is no unauthenticated mode to ask
// for: a key set and an issuer are always needed; plaintext is refused but on loopback, and there
// only when it was asked for; other addresses need client certificates.
absl::Status ValidateServerOptions(const ServerOptions& options);

struct Address {
  std::string host;  // without brackets
  int port = 0;
};
// "127.0.0.1:7400", "[::1]:7400", "localhost:0". INVALID_ARGUMENT for anything else.
absl::StatusOr<Address> ParseAddress(absl::string_view text);

}  // namespace securebase::config
