#include "services/platform/config/server_options.h"

#include <arpa/inet.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/loopback.h"
#include "services/platform/base/resource_name.h"

namespace securebase::config {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

void AddNetworkFlags(FlagSet& flags, ServerOptions& options) {
  flags.Group("Addresses and TLS");
  flags.AddString("listen-address", options.listen_address,
                  "Where calls are served, host:port; port 0 takes a free one.");
  flags.AddString("health-address", options.health_address,
                  "Where the gRPC health service is served, without TLS and without patient data.");
  flags.AddString("metrics-address", options.metrics_address,
                  "Where HTTP /metrics, /livez and /readyz are served, without patient data.");
  flags.AddString("tls-certificate", options.tls.certificate,
                  "PEM file of the server's certificate chain, its own first. Followed when it "
                  "changes.");
  flags.AddString("tls-key", options.tls.key,
                  "PEM file of the server's private key; only its owner may read it.");
  flags.AddString("tls-client-ca", options.tls.ca,
                  "PEM file of the authorities that issue callers' certificates.");
  flags.AddBool("require-client-certificate", options.require_client_certificate,
                "Refuse connections without a client certificate. May be off on loopback only.");
  flags.AddPairs("peer-services", options.peer_services,
                 "Which client certificates are Securebase services that may act for others: "
                 "<subject alternative name>=<service>.");
  flags.AddBool("allow-plaintext", options.allow_plaintext,
                "Serve without TLS. Allowed on loopback only.");
}

void AddIdentityFlags(FlagSet& flags, ServerOptions& options) {
  flags.Group("Identity");
  flags.AddString("issuer", options.issuer, "The exact `iss` of the tokens that are accepted.");
  flags.AddString("audience", options.audience, "The `aud` that a token must name.");
  flags.AddString("jwks", options.jwks,
                  "File with the issuer's public keys (a JWK set). Followed when it changes.");
  flags.AddString("claim-practice", options.claims.practice, "The claim with the practice's id.");
  flags.AddString("claim-kind", options.claims.kind,
                  "The claim that says system, staff or participant.");
  flags.AddString("claim-patient", options.claims.patient,
                  "The claim with a participant's patient id in the EHR.");
  flags.AddString("claim-scope", options.claims.scope, "The claim with the SMART scopes.");
  flags.AddString("keyring", options.keyring,
                  "File with the keys that seal page tokens; only its owner may read it. Followed "
                  "when it changes.");
}

void AddStoreFlags(FlagSet& flags, ServerOptions& options) {
  flags.Group("Store");
  flags.AddString(
      "store", options.store,
      "Where records are kept: sqlite:<path>; redis://host:port, "
      "redis+sentinel://host:port,.../name or redis+cluster://host:port,... (rediss for "
      "TLS; docs/storage.md has their parameters); or memory: which forgets them.",
      FlagSet::Display::kHide);  // whoever mistypes it may have typed a password
  flags.AddDuration("journal-retention", options.journal_retention, kDay, 365 * kDay,
                    "How long followers can catch up from the journal.");
  flags.AddString("audit-directory", options.audit_directory,
                  "Directory that audit entries are exported to. Needed unless the store is "
                  "memory:.");
  flags.AddDuration("audit-retention", options.audit_retention, kDay, 3650 * kDay,
                    "How long exported audit entries stay in the store.");
}

void AddServingFlags(FlagSet& flags, ServerOptions& options) {
  flags.Group("Serving");
  flags.AddInteger("read-threads", options.reads.threads, 1, 256, "Reads served at a time.");
  flags.AddInteger("read-queue", options.reads.queue, 0, 100000,
                   "Reads that may wait; more are refused with a retry delay.");
  flags.AddInteger("write-threads", options.writes.threads, 1, 256, "Writes served at a time.");
  flags.AddInteger("write-queue", options.writes.queue, 0, 100000,
                   "Writes that may wait; more are refused with a retry delay.");
  flags.AddDuration("default-deadline", options.default_deadline, absl::Milliseconds(100),
                    absl::Minutes(10), "The deadline of calls that come without one.");
  flags.AddDuration("max-deadline", options.max_deadline, absl::Seconds(1), absl::Hours(1),
                    "The longest deadline; later ones are cut to it.");
  flags.AddInteger(
      "max-message-bytes", options.max_message_bytes, 64 << 10, 64 << 20,
      "The largest request, in bytes. None of the API's own limits allows more than 400 KiB of "
      "text.");
  flags.AddInteger("connection-memory-bytes", options.connection_memory_bytes, 16 << 20, 1 << 30,
                   "What connections and the requests on their way in may hold together, in bytes. "
                   "Beyond it, calls and connections are ended.");
  flags.AddInteger("max-connections", options.max_connections, 1, 100000,
                   "Connections open at a time; more are closed at once.");
  flags.AddDuration("max-connection-age", options.max_connection_age, absl::Seconds(10),
                    absl::Hours(24), "How long a connection lives, so that callers spread anew.");
  flags.AddDuration("endpoint-wait", options.endpoint_wait, absl::ZeroDuration(), absl::Minutes(5),
                    "After SIGTERM: how long to serve on as \"not serving\", until routing has "
                    "noticed.");
  flags.AddDuration("drain-time", options.drain_time, absl::Seconds(1), absl::Minutes(10),
                    "After that: how long calls in flight may take.");
  flags.AddBool("reflection", options.reflection, "Serve gRPC reflection.");
  flags.AddChoice("log-level", options.log_level, {"debug", "info", "warning", "error"},
                  "The least level that is logged.");
}

class Violations {
 public:
  void Add(const std::string& flag, std::string description) {
    list_.push_back({"--" + flag, std::move(description)});
  }
  void Require(const std::string& value, const std::string& flag, const std::string& remedy) {
    if (value.empty()) {
      Add(flag, "is missing; " + remedy);
    }
  }
  absl::Status ToStatus() const { return InvalidFields(list_); }

 private:
  std::vector<FieldViolation> list_;
};

// Whether `text` is an address and a loopback one; an address that is none is a violation.
bool CheckAddress(const std::string& text, const std::string& flag, Violations& violations) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  if (!address.ok()) {
    violations.Add(flag, absl::StrCat("\"", text, "\" ", address.status().message()));
    return false;
  }
  return IsLoopback(address->host);
}

void CheckServerTls(const ServerOptions& options, bool loopback, Violations& violations) {
  const auth::TlsFiles& tls = options.tls;
  if (tls.certificate.empty() && tls.key.empty()) {
    if (!loopback) {
      violations.Add("tls-certificate",
                     "is missing; give it and --tls-key, or listen on 127.0.0.1: other addresses "
                     "are never served without TLS");
    } else if (!options.allow_plaintext) {
      violations.Add("tls-certificate",
                     "is missing; give it and --tls-key, or ask for --allow-plaintext");
    }
    return;
  }
  if (options.allow_plaintext) {
    violations.Add("allow-plaintext", "contradicts --tls-certificate; drop one of them");
  }
  violations.Require(tls.certificate, "tls-certificate", "--tls-key needs it");
  violations.Require(tls.key, "tls-key", "--tls-certificate needs it");
  if (options.require_client_certificate) {
    violations.Require(tls.ca, "tls-client-ca",
                       "it says which client certificates are good (or, on loopback, "
                       "--require-client-certificate=false)");
  } else if (!loopback) {
    violations.Add("require-client-certificate",
                   "may be false on loopback only; network callers need certificates");
  }
}

void CheckPeers(const ServerOptions& options, Violations& violations) {
  for (const auto& [name, service] : options.peer_services) {
    if (!IsValidId(service)) {
      violations.Add("peer-services", "names a service that is no id; write <SAN>=<service>");
      return;
    }
  }
  if (!options.peer_services.empty() &&
      (options.tls.ca.empty() || !options.require_client_certificate)) {
    violations.Add("peer-services",
                   "needs --tls-client-ca and client certificates: services are known by them");
  }
}

// The store itself parses the rest.
bool IsRedisUrl(absl::string_view store) {
  return (absl::ConsumePrefix(&store, "rediss") || absl::ConsumePrefix(&store, "redis")) &&
         (absl::StartsWith(store, "://") || absl::StartsWith(store, "+sentinel://") ||
          absl::StartsWith(store, "+cluster://"));
}

void CheckStore(const ServerOptions& options, bool loopback, Violations& violations) {
  const std::string& store = options.store;
  const bool memory = store == "memory:";
  const bool sqlite = absl::StartsWith(store, "sqlite:") && store.size() > 7;
  if (store.empty()) {
    violations.Add("store", "is missing; for example sqlite:/var/lib/securebase/outcomes.db");
  } else if (memory && !loopback) {
    violations.Add("store",
                   "may be memory: on loopback only, it forgets acknowledged writes; "
                   "use sqlite:<path> or a redis:// URL");
  } else if (!memory && !sqlite && !IsRedisUrl(store)) {
    violations.Add("store", "has an unknown form; use sqlite:<path>, a redis:// URL or memory:");
  }
  if (!memory) {
    violations.Require(options.audit_directory, "audit-directory",
                       "audit entries must be exported, or they fill the disk");
  }
}

// Also on loopback: a service is believed to act for somebody because of its certificate.
void CheckNeighbours(const ServerOptions& options, Violations& violations) {
  for (const auto& [name, address] : options.neighbours) {
    const std::string flag = name + "-address";
    if (address.empty()) {
      violations.Add(flag, absl::StrCat("is missing; this service calls ", name));
    } else if (!absl::StartsWith(address, "dns:///")) {
      CheckAddress(address, flag, violations);
    }
  }
  if (!options.neighbours.empty()) {
    const auth::TlsFiles& tls = options.neighbour_tls;
    violations.Require(tls.ca, "neighbour-ca", "it says which servers are good");
    violations.Require(tls.certificate, "neighbour-certificate",
                       "it is how this service shows who it is");
    violations.Require(tls.key, "neighbour-key", "--neighbour-certificate needs it");
  }
}

}  // namespace

void AddServerFlags(FlagSet& flags, ServerOptions& options,
                    const std::vector<std::string>& neighbours) {
  AddNetworkFlags(flags, options);
  AddIdentityFlags(flags, options);
  AddStoreFlags(flags, options);
  AddServingFlags(flags, options);
  if (neighbours.empty()) {
    return;
  }
  flags.Group("Neighbours");
  for (const std::string& name : neighbours) {
    flags.AddString(name + "-address", options.neighbours[name],
                    absl::StrCat("Where ", name, " is served: host:port or dns:///host:port."));
  }
  flags.AddString("neighbour-ca", options.neighbour_tls.ca,
                  "PEM file of the authorities that issue the neighbours' certificates.");
  flags.AddString("neighbour-certificate", options.neighbour_tls.certificate,
                  "PEM file of this service's client certificate.");
  flags.AddString("neighbour-key", options.neighbour_tls.key,
                  "PEM file of its private key; only its owner may read it.");
}

absl::Status ValidateServerOptions(const ServerOptions& options) {
  Violations violations;
  const bool loopback = CheckAddress(options.listen_address, "listen-address", violations);
  CheckAddress(options.health_address, "health-address", violations);
  CheckAddress(options.metrics_address, "metrics-address", violations);
  CheckServerTls(options, loopback, violations);
  CheckPeers(options, violations);
  violations.Require(options.issuer, "issuer", "give the exact `iss` of your tokens");
  violations.Require(options.audience, "audience", "give the `aud` of your tokens");
  violations.Require(options.jwks, "jwks", "give the file with the issuer's public keys");
  violations.Require(options.claims.practice, "claim-practice", "name the claim");
  violations.Require(options.claims.kind, "claim-kind", "name the claim");
  violations.Require(options.claims.patient, "claim-patient", "name the claim");
  violations.Require(options.claims.scope, "claim-scope", "name the claim");
  violations.Require(options.keyring, "keyring", "`securebase dev-setup` makes one");
  CheckStore(options, loopback, violations);
  if (options.default_deadline > options.max_deadline) {
    violations.Add("default-deadline", "is longer than --max-deadline; shorten it");
  }
  if (options.max_message_bytes > options.connection_memory_bytes / 4) {
    violations.Add("max-message-bytes",
                   "is more than a quarter of --connection-memory-bytes, so that a few calls would "
                   "end all others; raise that or lower this");
  }
  CheckNeighbours(options, violations);
  return violations.ToStatus();
}

absl::StatusOr<Address> ParseAddress(absl::string_view text) {
  const absl::Status bad = absl::InvalidArgumentError(
      "is not host:port; write for example 127.0.0.1:7400, [::1]:7400 or 0.0.0.0:7400");
  const size_t colon = text.rfind(':');
  Address address;
  if (colon == absl::string_view::npos || colon + 1 == text.size() ||
      !absl::ascii_isdigit(static_cast<unsigned char>(text[colon + 1])) ||
      !absl::SimpleAtoi(text.substr(colon + 1), &address.port) || address.port > 65535) {
    return bad;
  }
  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) {
    in6_addr ignored;
    if (!absl::ConsumeSuffix(&host, "]") ||
        inet_pton(AF_INET6, std::string(host).c_str(), &ignored) != 1) {
      return bad;
    }
  } else if (host.empty() || absl::StrContains(host, ":") || absl::StrContains(host, "/")) {
    return bad;
  }
  address.host = std::string(host);
  return address;
}

}  // namespace securebase::config
