#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace securebase::storage {

// What "acknowledged" means on Redis (docs/storage.md).
enum class RedisDurability {
  kLocal,       // on the disk of the one node: appendfsync always, no replicas that count
  kReplicated,  // on the disk of the primary and received by all its replicas
  kRelaxed,     // in the memory of the primary: a crash or a failover may lose it
};

struct RedisOptions {
  enum class Topology { kStandalone, kSentinel, kCluster };
  struct Address {
    std::string host;
    int port = 6379;
  };
  Topology topology = Topology::kStandalone;
  std::vector<Address> addresses;  // of the server; or of sentinels; or of some cluster nodes
  std::string primary_name;        // what the sentinels call it
  int database = 0;                // not with kCluster
  // The first part of every key, 1..32 of a-z, 0-9 and '-': several stores share a Redis. Empty:
  // not given; a service then takes its own name (OpenStore).
  std::string prefix;

  bool tls = false;
  std::string ca_file;           // PEM; empty: the system's
  std::string certificate_file;  // PEM; empty: none is shown
  std::string key_file;

  std::string user;           // empty: the default user
  std::string password_file;  // mode 0600 or stricter; empty: no password

  RedisDurability durability = RedisDurability::kLocal;
  int replicas = 0;  // of each primary; with kReplicated at least 1

  int connections = 4;  // to each primary
  absl::Duration connect_timeout = absl::Seconds(2);
  absl::Duration confirm_timeout = absl::Seconds(1);  // how long replicas have to confirm
  // How long a server may be silent while it owes an answer, beyond confirm_timeout. Then its
  // connection is given up and its primary looked for anew.
  absl::Duration reply_timeout = absl::Seconds(3);
  // How long a call without a deadline tries.
  absl::Duration patience = absl::Seconds(30);

  // Plain connections beyond loopback, which no URL can ask for: tests have networks of their own.
  bool plain_anywhere = false;
};

// "127.0.0.1:6379", "[::1]:6379"
std::string FormatRedisAddress(const RedisOptions::Address& address);

// Parses what --store names:
//   redis://host[:port][/database]
//   redis+sentinel://host[:port],host[:port].../primary-name[/database]
//   redis+cluster://host[:port],host[:port]...
// each also as rediss (TLS): rediss://, rediss+sentinel://, rediss+cluster://; and query
// parameters:
//   durability=local|replicated|relaxed  replicated with Sentinel and Cluster, else local
//   replicas=N                           of each primary; needed for replicated
//   prefix=NAME                          of the keys; a service's own name where it is not given
//   user=NAME  password-file=PATH
//   ca=PATH  certificate=PATH  key=PATH  with TLS
//   connections=N                        1..64
// Values are taken as they stand: nothing is percent-encoded.
// INVALID_ARGUMENT, without the value, for anything else: a password in the URL, plain connections
// to an address that is not loopback.
absl::StatusOr<RedisOptions> ParseRedisUrl(absl::string_view url);

}  // namespace securebase::storage
