#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/redis_router.h"
#include "tests/testing/process.h"
#include "tests/testing/temporary_folder.h"

// Real Redis servers for tests: Debian's redis-server, started by the test in a temporary folder on
// loopback, stopped with it. A test that cannot start one fails and says what to install.
//
//   ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start({}));
//   OpenStore(absl::StrCat("redis://", redis->host_and_port()), ...)
//
// Start servers from the test's main thread: they end with the thread that started them.
namespace securebase::testing {

// One blocking connection for plain commands. Not thread-safe.
class RedisClient {
 public:
  // UNAVAILABLE when there is no connection within `timeout`, which also bounds every command.
  static absl::StatusOr<std::unique_ptr<RedisClient>> Connect(
      const std::string& host, int port, const std::string& user = "",
      const std::string& password = "", absl::Duration timeout = absl::Seconds(5));
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // FAILED_PRECONDITION with the server's text for an error reply, also of one within a
  // transaction; UNAVAILABLE when the connection failed, after which it is of no more use.
  absl::StatusOr<storage::RedisReply> Run(const std::vector<std::string>& command);

 private:
  struct Context;
  explicit RedisClient(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

// An authority, and certificates for a set of servers and their clients.
class RedisTls {
 public:
  // `addresses` of the servers, beside those of loopback.
  static absl::StatusOr<std::shared_ptr<const RedisTls>> Make(
      const std::vector<std::string>& addresses = {});

  std::string ca_file() const { return folder_.PathOf("ca.crt"); }
  std::string server_certificate_file() const { return folder_.PathOf("server.crt"); }
  std::string server_key_file() const { return folder_.PathOf("server.key"); }
  std::string client_certificate_file() const { return folder_.PathOf("client.crt"); }
  std::string client_key_file() const { return folder_.PathOf("client.key"); }

 private:
  TemporaryFolder folder_;
};

// Where a server runs.
struct RedisPlace {
  std::string address = "127.0.0.1";
  std::string network_namespace;  // as `ip netns` names it; empty: the test's own
  // Where the fixture itself talks to it, so that it can while the network is cut; empty: address.
  std::string back_door;
};

struct RedisServerOptions {
  // Further lines of redis.conf; they win over those of the fixture, which are: no RDB snapshots,
  // appendonly yes, appendfsync always.
  std::vector<std::string> config;
  // A user that may do everything; the default user is off then. Empty: no authentication.
  std::string user;
  std::string password;  // without white space
  // Null: no TLS. Otherwise the server listens on tls_port() too, wants certificates from clients,
  // and speaks TLS with other servers.
  std::shared_ptr<const RedisTls> tls;
  std::string preload;  // a shared library (LD_PRELOAD)
  // For `preload`: NAME=value.
  std::vector<std::string> environment;
  RedisPlace place;
  bool sentinel = false;
};

// Not thread-safe, except for Pause, Resume and Signal.
class RedisServer {
 public:
  // Starts it and waits until it answers.
  static absl::StatusOr<std::unique_ptr<RedisServer>> Start(RedisServerOptions options);
  ~RedisServer();  // kills it if it runs

  const std::string& address() const { return options_.place.address; }
  int port() const { return port_; }          // without TLS
  int tls_port() const { return tls_port_; }  // 0 without options.tls
  // Where clients and other servers connect: tls_port() if there is one.
  int public_port() const { return tls_port_ != 0 ? tls_port_ : port_; }
  std::string host_and_port() const;                     // "127.0.0.1:12345", of public_port()
  std::string folder() const { return folder_.path(); }  // its data
  pid_t pid() const { return process_ == nullptr ? -1 : process_->pid(); }
  std::string log() const;  // of the process that runs, or ran last

  // A command on a connection of its own.
  absl::StatusOr<storage::RedisReply> Run(const std::vector<std::string>& command,
                                          absl::Duration timeout = absl::Seconds(5)) const;
  // A connection to it.
  absl::StatusOr<std::unique_ptr<RedisClient>> Connect(
      absl::Duration timeout = absl::Seconds(5)) const;
  // A field of INFO: Info("connected_slaves"); NOT_FOUND without one.
  absl::StatusOr<std::string> Info(absl::string_view field) const;

  void Signal(int signal) const { process_->Signal(signal); }
  void Pause() const;   // SIGSTOP: connections stay open, nothing is answered
  void Resume() const;  // SIGCONT
  // SIGKILL, and waits for its end. What it wrote is in the kernel's cache and survives.
  absl::Status Kill();
  // Waits for an end by itself: the exit code, or 128 + the signal.
  absl::StatusOr<int> WaitForExit(absl::Duration timeout) { return process_->WaitForExit(timeout); }
  // Starts it again on the same data and ports, and waits until it answers.
  absl::Status Restart();
  // From the next start on; empty: none.
  void SetPreload(const std::string& library, const std::vector<std::string>& environment = {});

 private:
  explicit RedisServer(RedisServerOptions options);
  absl::Status Launch();
  absl::Status AwaitAnswer(absl::Duration timeout) const;
  std::string Configuration() const;

  RedisServerOptions options_;
  int port_ = 0;
  int tls_port_ = 0;
  TemporaryFolder folder_;
  std::unique_ptr<Process> process_;
};

struct RedisReplicationOptions {
  int replicas = 2;
  int sentinels = 3;
  RedisServerOptions server;  // of each server; of the sentinels: user, password, tls
  // Of the servers, the first primary first, and then of the sentinels; empty: all on loopback.
  std::vector<RedisPlace> places;
  absl::Duration down_after = absl::Seconds(1);  // of the sentinels
  // Sentinels look after each other and the servers every 0.5 s. Otherwise as they do in a clinic:
  // every 2 s and 10 s, but for the start.
  bool quick = true;
};

// A primary, its replicas and the sentinels that watch them. Durability `replicated` finds what it
// needs: min-replicas-to-write is the number of replicas. Not thread-safe.
class RedisReplication {
 public:
  static constexpr char kPrimaryName[] = "securebase";  // what the sentinels call it

  static absl::StatusOr<std::unique_ptr<RedisReplication>> Start(RedisReplicationOptions options);

  // By the order of `places`; server 0 was the first primary.
  std::vector<std::unique_ptr<RedisServer>>& servers() { return servers_; }
  std::vector<std::unique_ptr<RedisServer>>& sentinels() { return sentinels_; }
  // "host:port,host:port": of the sentinels.
  std::string sentinel_addresses() const;

  // Which server the sentinel names as primary; NOT_FOUND for one that is none of servers().
  absl::StatusOr<size_t> PrimaryBySentinel(size_t sentinel) const;
  // Waits until all servers are up, all sentinels name the same primary, it says so itself, and all
  // others replicate it. Returns its index.
  absl::StatusOr<size_t> AwaitHealthy(absl::Duration timeout = absl::Seconds(60)) const;

 private:
  absl::StatusOr<size_t> Healthy() const;

  RedisReplicationOptions options_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

struct RedisClusterOptions {
  int primaries = 3;
  int replicas = 1;  // of each primary
  RedisServerOptions server;
  // Of the primaries, then of the replicas: the first of each primary, the second of each primary;
  // empty: all on loopback.
  std::vector<RedisPlace> places;
  absl::Duration node_timeout = absl::Seconds(1);
};

// A Redis Cluster; min-replicas-to-write is the number of replicas. Not thread-safe.
class RedisCluster {
 public:
  static absl::StatusOr<std::unique_ptr<RedisCluster>> Start(RedisClusterOptions options);

  // By the order of `places`.
  std::vector<std::unique_ptr<RedisServer>>& servers() { return servers_; }
  std::string addresses() const;  // "host:port,host:port"

  // The id that CLUSTER commands use.
  const std::string& NodeId(size_t server) const { return node_ids_.at(server); }
  // Which server is the primary of the slot, as `asked` sees it.
  absl::StatusOr<size_t> PrimaryOf(int slot, size_t asked) const;
  // Waits until every server sees all others, all slots are served, and each primary has its
  // replicas.
  absl::Status AwaitHealthy(absl::Duration timeout = absl::Seconds(60)) const;
  // Moves a slot with its keys from one primary to another, as redis-cli --cluster reshard does,
  // while it is in use.
  absl::Status MoveSlot(int slot, size_t from, size_t to) const;

 private:
  absl::Status Healthy() const;

  RedisClusterOptions options_;
  std::vector<std::unique_ptr<RedisServer>> servers_;
  std::vector<std::string> node_ids_;
};

// The slot of a Cluster that a key with this hash tag lies in, asked from `server`.
absl::StatusOr<int> RedisSlotOf(const RedisServer& server, const std::string& key);

}  // namespace securebase::testing
