#include "tests/testing/redis_server.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/status_macros.h"

namespace securebase::testing {
namespace {

using storage::RedisReply;

constexpr char kProgram[] = "/usr/bin/redis-server";
// A Cluster's nodes talk to each other on their port + this.
constexpr int kBusOffset = 10000;

timeval Timeval(absl::Duration duration) { return absl::ToTimeval(duration); }

RedisReply Convert(const redisReply& from) {
  RedisReply to;
  switch (from.type) {
    case REDIS_REPLY_STATUS:
      to.kind = RedisReply::Kind::kStatus;
      to.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_STRING:
      to.kind = RedisReply::Kind::kString;
      to.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_ERROR:
      to.kind = RedisReply::Kind::kError;
      to.text.assign(from.str, from.len);
      break;
    case REDIS_REPLY_INTEGER:
      to.kind = RedisReply::Kind::kInteger;
      to.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      to.kind = RedisReply::Kind::kArray;
      for (size_t i = 0; i < from.elements; ++i) {
        to.elements.push_back(Convert(*from.element[i]));
      }
      break;
    default:
      to.kind = RedisReply::Kind::kNil;
  }
  return to;
}

// The first error in a reply, empty if there is none.
std::string ErrorIn(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::kError) {
    return reply.text;
  }
  for (const RedisReply& element : reply.elements) {
    if (std::string error = ErrorIn(element); !error.empty()) {
      return error;
    }
  }
  return "";
}

// Asks again until the answer is OK: another process has its own pace.
absl::Status Await(absl::Duration timeout, const std::function<absl::Status()>& ask) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::Status status = ask();
  while (!status.ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
    status = ask();
  }
  return status;
}

bool CanListen(const std::string& address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &name.sin_addr);
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  const bool can =
      bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0 && listen(fd, 1) == 0;
  close(fd);
  return can;
}

// Beneath the ports that the kernel gives to outgoing connections, so that it stays free for a
// restart; the port of the Cluster bus too.
int FreePort(const RedisPlace& place) {
  std::random_device random;
  while (true) {
    const int port = std::uniform_int_distribution<int>(12000, 22000)(random);
    if (!place.network_namespace.empty() ||
        (CanListen(place.address, port) && CanListen(place.address, port + kBusOffset))) {
      return port;
    }
  }
}

std::string AddressOf(const RedisServer& server) { return server.host_and_port(); }

std::string Addresses(const std::vector<std::unique_ptr<RedisServer>>& servers) {
  return absl::StrJoin(servers, ",",
                       [](std::string* out, const std::unique_ptr<RedisServer>& server) {
                         absl::StrAppend(out, AddressOf(*server));
                       });
}

absl::StatusOr<size_t> IndexOf(const std::vector<std::unique_ptr<RedisServer>>& servers,
                               absl::string_view host, absl::string_view port) {
  for (size_t i = 0; i < servers.size(); ++i) {
    if (AddressOf(*servers[i]) == absl::StrCat(host, ":", port)) {
      return i;
    }
  }
  return absl::NotFoundError(absl::StrCat(host, ":", port, " is none of the servers"));
}

absl::StatusOr<std::string> Role(const RedisServer& server) {
  SB_ASSIGN_OR_RETURN(const RedisReply reply, server.Run({"ROLE"}));
  if (reply.elements.empty()) {
    return absl::InternalError("ROLE answered nothing");
  }
  return reply.elements[0].text;
}

// That `server` replicates the one at `primary` and is in step with it.
absl::Status CheckReplica(const RedisServer& server, const RedisServer& primary) {
  SB_ASSIGN_OR_RETURN(const RedisReply role, server.Run({"ROLE"}));
  if (role.elements.size() < 4 || role.elements[0].text != "slave" ||
      absl::StrCat(role.elements[1].text, ":", role.elements[2].integer) != AddressOf(primary) ||
      role.elements[3].text != "connected") {
    return absl::UnavailableError(
        absl::StrCat(AddressOf(server), " does not replicate ", AddressOf(primary), " yet"));
  }
  return absl::OkStatus();
}

// That it counts `replicas` that acknowledge: what min-replicas-to-write looks at.
absl::Status CheckPrimary(const RedisServer& primary, int replicas) {
  SB_ASSIGN_OR_RETURN(const std::string good,
                      replicas == 0 ? std::string("0") : primary.Info("min_slaves_good_slaves"));
  if (good != absl::StrCat(replicas)) {
    return absl::UnavailableError(
        absl::StrCat(AddressOf(primary), " has ", good, " of ", replicas, " replicas"));
  }
  return absl::OkStatus();
}

std::vector<std::string> With(std::vector<std::string> lines,
                              const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

// How often, in milliseconds, a sentinel asks servers for INFO and publishes what it knows.
absl::Status SetPeriods(const RedisServer& sentinel, const std::string& info,
                        const std::string& publish) {
  return sentinel.Run({"SENTINEL", "DEBUG", "INFO-PERIOD", info, "PUBLISH-PERIOD", publish})
      .status();
}

RedisServerOptions At(RedisServerOptions options, const std::vector<RedisPlace>& places, size_t i) {
  if (!places.empty()) {
    options.place = places.at(i);
  }
  return options;
}

}  // namespace

struct RedisClient::Context {
  ~Context() {
    if (context != nullptr) {
      redisFree(context);
    }
  }
  redisContext* context = nullptr;
};

RedisClient::RedisClient(std::unique_ptr<Context> context) : context_(std::move(context)) {}
RedisClient::~RedisClient() = default;

absl::StatusOr<std::unique_ptr<RedisClient>> RedisClient::Connect(const std::string& host, int port,
                                                                  const std::string& user,
                                                                  const std::string& password,
                                                                  absl::Duration timeout) {
  auto context = std::make_unique<Context>();
  context->context = redisConnectWithTimeout(host.c_str(), port, Timeval(timeout));
  if (context->context == nullptr || context->context->err != 0 ||
      redisSetTimeout(context->context, Timeval(timeout)) != REDIS_OK) {
    return absl::UnavailableError(
        absl::StrCat(host, ":", port, ": ",
                     context->context == nullptr ? "no memory" : context->context->errstr));
  }
  std::unique_ptr<RedisClient> client(new RedisClient(std::move(context)));
  if (!user.empty()) {
    SB_RETURN_IF_ERROR(client->Run({"AUTH", user, password}).status());
  }
  return client;
}

absl::StatusOr<RedisReply> RedisClient::Run(const std::vector<std::string>& command) {
  std::vector<const char*> arguments;
  std::vector<size_t> lengths;
  for (const std::string& argument : command) {
    arguments.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  const std::unique_ptr<redisReply, void (*)(void*)> reply(
      static_cast<redisReply*>(redisCommandArgv(
          context_->context, static_cast<int>(arguments.size()), arguments.data(), lengths.data())),
      &freeReplyObject);
  if (reply == nullptr) {
    return absl::UnavailableError(context_->context->errstr);
  }
  RedisReply converted = Convert(*reply);
  if (const std::string error = ErrorIn(converted); !error.empty()) {
    return absl::FailedPreconditionError(error);
  }
  return converted;
}

absl::StatusOr<std::shared_ptr<const RedisTls>> RedisTls::Make(
    const std::vector<std::string>& addresses) {
  SB_ASSIGN_OR_RETURN(const auth::DevCa ca, auth::DevCa::Make(absl::Now(), absl::Hours(24)));
  std::vector<std::string> names = auth::LoopbackNames();
  names.insert(names.end(), addresses.begin(), addresses.end());
  SB_ASSIGN_OR_RETURN(const auth::IssuedCertificate server, ca.IssueServer(names));
  SB_ASSIGN_OR_RETURN(const auth::IssuedCertificate client, ca.IssueClient({"outcomes"}));
  auto tls = std::make_shared<RedisTls>();
  SB_RETURN_IF_ERROR(auth::WritePrivateFile(tls->ca_file(), ca.certificate_pem()));
  SB_RETURN_IF_ERROR(
      auth::WritePrivateFile(tls->server_certificate_file(), server.certificate_pem));
  SB_RETURN_IF_ERROR(auth::WritePrivateFile(tls->server_key_file(), server.key_pem));
  SB_RETURN_IF_ERROR(
      auth::WritePrivateFile(tls->client_certificate_file(), client.certificate_pem));
  SB_RETURN_IF_ERROR(auth::WritePrivateFile(tls->client_key_file(), client.key_pem));
  return std::shared_ptr<const RedisTls>(std::move(tls));
}

RedisServer::RedisServer(RedisServerOptions options) : options_(std::move(options)) {}
RedisServer::~RedisServer() = default;

std::string RedisServer::host_and_port() const {
  return absl::StrCat(address(), ":", public_port());
}

std::string RedisServer::log() const {
  return process_ == nullptr
             ? ""
             : absl::StrCat(process_->standard_output(), process_->standard_error());
}

std::string RedisServer::Configuration() const {
  std::vector<std::string> lines = {
      absl::StrCat("bind ", address(), " ", options_.place.back_door), absl::StrCat("port ", port_),
      absl::StrCat("dir ", folder_.path()), "protected-mode no", "daemonize no"};
  if (!options_.sentinel) {
    lines = With(std::move(lines), {"save \"\"", "appendonly yes", "appendfsync always",
                                    "repl-diskless-sync-delay 0", "shutdown-timeout 0"});
  }
  if (options_.tls != nullptr) {
    lines = With(std::move(lines),
                 {absl::StrCat("tls-port ", tls_port_),
                  absl::StrCat("tls-ca-cert-file ", options_.tls->ca_file()),
                  absl::StrCat("tls-cert-file ", options_.tls->server_certificate_file()),
                  absl::StrCat("tls-key-file ", options_.tls->server_key_file()),
                  // The server's certificate is good for servers only.
                  absl::StrCat("tls-client-cert-file ", options_.tls->client_certificate_file()),
                  absl::StrCat("tls-client-key-file ", options_.tls->client_key_file()),
                  "tls-replication yes"});
  }
  if (!options_.user.empty()) {
    lines = With(std::move(lines),
                 {"user default off", absl::StrCat("user ", options_.user, " on >",
                                                   options_.password, " ~* &* +@all")});
    if (options_.sentinel) {
      lines = With(std::move(lines), {absl::StrCat("sentinel sentinel-user ", options_.user),
                                      absl::StrCat("sentinel sentinel-pass ", options_.password)});
    } else {
      lines = With(std::move(lines), {absl::StrCat("masteruser ", options_.user),
                                      absl::StrCat("masterauth ", options_.password)});
    }
  }
  return absl::StrCat(absl::StrJoin(With(std::move(lines), options_.config), "\n"), "\n");
}

absl::StatusOr<std::unique_ptr<RedisServer>> RedisServer::Start(RedisServerOptions options) {
  if (access(kProgram, X_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(kProgram,
                     " is missing; install it with scripts/install-dependencies or, as root, "
                     "apt-get install redis-server"));
  }
  std::unique_ptr<RedisServer> server(new RedisServer(std::move(options)));
  absl::Status status;
  // Somebody else may take a port between our look at it and the start.
  for (int attempt = 0; attempt < 5; ++attempt) {
    server->port_ = FreePort(server->options_.place);
    server->tls_port_ = server->options_.tls == nullptr ? 0 : FreePort(server->options_.place);
    if (server->port_ == server->tls_port_) {
      continue;
    }
    // Private: it holds the password.
    SB_RETURN_IF_ERROR(
        auth::WritePrivateFile(server->folder_.PathOf("redis.conf"), server->Configuration()));
    status = server->Launch();
    if (status.ok()) {
      return server;
    }
    if (!absl::StrContains(server->log(), "Address already in use")) {
      return status;
    }
  }
  return status;
}

absl::Status RedisServer::Launch() {
  std::vector<std::string> arguments;
  if (!options_.place.network_namespace.empty()) {
    arguments = {"/sbin/ip", "netns", "exec", options_.place.network_namespace};
  }
  if (!options_.preload.empty()) {
    arguments =
        With(std::move(arguments), {"/usr/bin/env", absl::StrCat("LD_PRELOAD=", options_.preload)});
    arguments = With(std::move(arguments), options_.environment);
  }
  arguments = With(std::move(arguments), {kProgram, folder_.PathOf("redis.conf")});
  if (options_.sentinel) {
    arguments.push_back("--sentinel");
  }
  process_ = nullptr;
  SB_ASSIGN_OR_RETURN(process_, Process::Start(arguments));
  return AwaitAnswer(absl::Seconds(30));
}

absl::Status RedisServer::AwaitAnswer(absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    const auto reply = Run({"PING"}, absl::Seconds(1));
    if (reply.ok()) {
      return absl::OkStatus();
    }
    const bool ended = process_->WaitForExit(absl::ZeroDuration()).ok();
    if (ended || absl::Now() >= deadline) {
      return absl::UnavailableError(absl::StrCat("redis-server ",
                                                 ended ? "has ended" : "does not answer", ": ",
                                                 reply.status().message(), "\n", log()));
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
}

absl::StatusOr<RedisReply> RedisServer::Run(const std::vector<std::string>& command,
                                            absl::Duration timeout) const {
  SB_ASSIGN_OR_RETURN(const std::unique_ptr<RedisClient> client, Connect(timeout));
  return client->Run(command);
}

absl::StatusOr<std::unique_ptr<RedisClient>> RedisServer::Connect(absl::Duration timeout) const {
  const std::string& back_door = options_.place.back_door;
  return RedisClient::Connect(back_door.empty() ? address() : back_door, port_, options_.user,
                              options_.password, timeout);
}

absl::StatusOr<std::string> RedisServer::Info(absl::string_view field) const {
  SB_ASSIGN_OR_RETURN(const RedisReply reply, Run({"INFO", "everything"}));
  for (absl::string_view line : absl::StrSplit(reply.text, "\r\n")) {
    if (absl::ConsumePrefix(&line, absl::StrCat(field, ":"))) {
      return std::string(line);
    }
  }
  return absl::NotFoundError(absl::StrCat("INFO has no ", field));
}

void RedisServer::Pause() const { Signal(SIGSTOP); }
void RedisServer::Resume() const { Signal(SIGCONT); }

absl::Status RedisServer::Kill() {
  Signal(SIGKILL);
  return WaitForExit(absl::Seconds(10)).status();
}

absl::Status RedisServer::Restart() { return Launch(); }

void RedisServer::SetPreload(const std::string& library,
                             const std::vector<std::string>& environment) {
  options_.preload = library;
  options_.environment = environment;
}

absl::StatusOr<std::unique_ptr<RedisReplication>> RedisReplication::Start(
    RedisReplicationOptions options) {
  auto made = std::make_unique<RedisReplication>();
  made->options_ = options;
  std::vector<std::string> config = {absl::StrCat("min-replicas-to-write ", options.replicas)};
  for (int i = 0; i <= options.replicas; ++i) {
    RedisServerOptions server = At(options.server, options.places, made->servers_.size());
    server.config = With(config, options.server.config);
    if (i > 0) {
      server.config.push_back(absl::StrCat("replicaof ", made->servers_[0]->address(), " ",
                                           made->servers_[0]->public_port()));
    }
    SB_ASSIGN_OR_RETURN(std::unique_ptr<RedisServer> started, RedisServer::Start(server));
    made->servers_.push_back(std::move(started));
  }
  const std::string name = kPrimaryName;
  for (int i = 0; i < options.sentinels; ++i) {
    RedisServerOptions sentinel;
    sentinel.user = options.server.user;
    sentinel.password = options.server.password;
    sentinel.tls = options.server.tls;
    sentinel.sentinel = true;
    sentinel = At(sentinel, options.places, made->servers_.size() + made->sentinels_.size());
    sentinel.config = {
        absl::StrCat("sentinel monitor ", name, " ", made->servers_[0]->address(), " ",
                     made->servers_[0]->public_port(), " ", options.sentinels / 2 + 1),
        absl::StrCat("sentinel down-after-milliseconds ", name, " ",
                     absl::ToInt64Milliseconds(options.down_after)),
        absl::StrCat("sentinel failover-timeout ", name, " 5000"),
        absl::StrCat("sentinel parallel-syncs ", name, " ", std::max(1, options.replicas))};
    if (!sentinel.user.empty()) {
      sentinel.config.push_back(absl::StrCat("sentinel auth-user ", name, " ", sentinel.user));
      sentinel.config.push_back(absl::StrCat("sentinel auth-pass ", name, " ", sentinel.password));
    }
    SB_ASSIGN_OR_RETURN(std::unique_ptr<RedisServer> started, RedisServer::Start(sentinel));
    made->sentinels_.push_back(std::move(started));
    SB_RETURN_IF_ERROR(SetPeriods(*made->sentinels_.back(), "500", "500"));
  }
  SB_RETURN_IF_ERROR(made->AwaitHealthy().status());
  for (const std::unique_ptr<RedisServer>& sentinel : made->sentinels_) {
    if (!options.quick) {
      SB_RETURN_IF_ERROR(SetPeriods(*sentinel, "10000", "2000"));
    }
  }
  return made;
}

std::string RedisReplication::sentinel_addresses() const { return Addresses(sentinels_); }

absl::StatusOr<size_t> RedisReplication::PrimaryBySentinel(size_t sentinel) const {
  SB_ASSIGN_OR_RETURN(
      const RedisReply reply,
      sentinels_.at(sentinel)->Run({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kPrimaryName}));
  if (reply.elements.size() != 2) {
    return absl::NotFoundError("the sentinel knows no primary");
  }
  return IndexOf(servers_, reply.elements[0].text, reply.elements[1].text);
}

absl::StatusOr<size_t> RedisReplication::Healthy() const {
  size_t primary = 0;
  for (size_t i = 0; i < sentinels_.size(); ++i) {
    SB_ASSIGN_OR_RETURN(const size_t named, PrimaryBySentinel(i));
    if (i > 0 && named != primary) {
      return absl::UnavailableError("the sentinels do not agree on the primary");
    }
    primary = named;
    // Enough sentinels and replicas known to fail over.
    SB_ASSIGN_OR_RETURN(const RedisReply reply,
                        sentinels_[i]->Run({"SENTINEL", "MASTER", kPrimaryName}));
    std::vector<std::string> words;
    for (const RedisReply& element : reply.elements) {
      words.push_back(element.text);
    }
    const std::string state = absl::StrCat(" ", absl::StrJoin(words, " "), " ");
    if (!absl::StrContains(state, absl::StrCat(" num-slaves ", servers_.size() - 1, " ")) ||
        !absl::StrContains(state,
                           absl::StrCat(" num-other-sentinels ", sentinels_.size() - 1, " ")) ||
        !absl::StrContains(state, " flags master ")) {
      return absl::UnavailableError("a sentinel does not know all others, or sees a failure");
    }
  }
  SB_ASSIGN_OR_RETURN(const std::string role, Role(*servers_[primary]));
  if (role != "master") {
    return absl::UnavailableError("what the sentinels name is no primary");
  }
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (i != primary) {
      SB_RETURN_IF_ERROR(CheckReplica(*servers_[i], *servers_[primary]));
    }
  }
  SB_RETURN_IF_ERROR(CheckPrimary(*servers_[primary], options_.replicas));
  return primary;
}

absl::StatusOr<size_t> RedisReplication::AwaitHealthy(absl::Duration timeout) const {
  size_t primary = 0;
  SB_RETURN_IF_ERROR(Await(timeout, [&]() -> absl::Status {
    SB_ASSIGN_OR_RETURN(primary, Healthy());
    return absl::OkStatus();
  }));
  return primary;
}

absl::StatusOr<std::unique_ptr<RedisCluster>> RedisCluster::Start(RedisClusterOptions options) {
  auto made = std::make_unique<RedisCluster>();
  made->options_ = options;
  const int nodes = options.primaries * (1 + options.replicas);
  for (int i = 0; i < nodes; ++i) {
    RedisServerOptions server = At(options.server, options.places, made->servers_.size());
    server.config = With(
        {"cluster-enabled yes", "cluster-config-file nodes.conf",
         absl::StrCat("cluster-node-timeout ", absl::ToInt64Milliseconds(options.node_timeout)),
         absl::StrCat("min-replicas-to-write ", options.replicas),
         server.tls == nullptr ? "tls-cluster no" : "tls-cluster yes"},
        options.server.config);
    SB_ASSIGN_OR_RETURN(std::unique_ptr<RedisServer> started, RedisServer::Start(server));
    SB_ASSIGN_OR_RETURN(const RedisReply id, started->Run({"CLUSTER", "MYID"}));
    made->node_ids_.push_back(id.text);
    made->servers_.push_back(std::move(started));
  }
  const std::vector<std::unique_ptr<RedisServer>>& servers = made->servers_;
  for (int i = 0; i < nodes; ++i) {
    const RedisServer& server = *servers[static_cast<size_t>(i)];
    SB_RETURN_IF_ERROR(server.Run({"CLUSTER", "SET-CONFIG-EPOCH", absl::StrCat(i + 1)}).status());
    if (i < options.primaries) {
      const int begin = i * 16384 / options.primaries;
      const int end = (i + 1) * 16384 / options.primaries - 1;
      SB_RETURN_IF_ERROR(
          server.Run({"CLUSTER", "ADDSLOTSRANGE", absl::StrCat(begin), absl::StrCat(end)})
              .status());
    }
  }
  for (int i = 1; i < nodes; ++i) {
    const RedisServer& server = *servers[static_cast<size_t>(i)];
    SB_RETURN_IF_ERROR(
        servers[0]
            ->Run({"CLUSTER", "MEET", server.address(), absl::StrCat(server.public_port()),
                   absl::StrCat(server.public_port() + kBusOffset)})
            .status());
  }
  for (int i = options.primaries; i < nodes; ++i) {
    const std::string& primary = made->NodeId(static_cast<size_t>(i % options.primaries));
    // A node that was just met may not know the other one yet.
    SB_RETURN_IF_ERROR(Await(absl::Seconds(30), [&] {
      return servers[static_cast<size_t>(i)]->Run({"CLUSTER", "REPLICATE", primary}).status();
    }));
  }
  SB_RETURN_IF_ERROR(made->AwaitHealthy());
  return made;
}

std::string RedisCluster::addresses() const { return Addresses(servers_); }

absl::StatusOr<size_t> RedisCluster::PrimaryOf(int slot, size_t asked) const {
  SB_ASSIGN_OR_RETURN(const RedisReply reply, servers_.at(asked)->Run({"CLUSTER", "SLOTS"}));
  for (const RedisReply& range : reply.elements) {
    if (range.elements.size() >= 3 && range.elements[0].integer <= slot &&
        slot <= range.elements[1].integer && range.elements[2].elements.size() >= 3) {
      // By id: the port of the answer depends on whether the question came over TLS.
      const std::string& id = range.elements[2].elements[2].text;
      for (size_t i = 0; i < servers_.size(); ++i) {
        if (node_ids_[i] == id) {
          return i;
        }
      }
    }
  }
  return absl::NotFoundError("the slot is not served");
}

absl::Status RedisCluster::Healthy() const {
  int primaries = 0;
  for (const std::unique_ptr<RedisServer>& server : servers_) {
    SB_ASSIGN_OR_RETURN(const RedisReply info, server->Run({"CLUSTER", "INFO"}));
    if (!absl::StrContains(info.text, "cluster_state:ok") ||
        !absl::StrContains(info.text, "cluster_slots_ok:16384")) {
      return absl::UnavailableError(absl::StrCat("the cluster is not up for ", AddressOf(*server)));
    }
    SB_ASSIGN_OR_RETURN(const RedisReply nodes, server->Run({"CLUSTER", "NODES"}));
    size_t connected = 0;
    for (const absl::string_view line : absl::StrSplit(nodes.text, '\n', absl::SkipEmpty())) {
      connected +=
          absl::StrContains(line, " connected") && !absl::StrContains(line, "fail") ? 1 : 0;
    }
    if (connected != servers_.size()) {
      return absl::UnavailableError(
          absl::StrCat(AddressOf(*server), " sees ", connected, " of ", servers_.size(), " nodes"));
    }
    SB_ASSIGN_OR_RETURN(const std::string role, Role(*server));
    if (role == "master") {
      ++primaries;
      SB_RETURN_IF_ERROR(CheckPrimary(*server, options_.replicas));
    } else {
      SB_ASSIGN_OR_RETURN(const std::string link, server->Info("master_link_status"));
      if (link != "up") {
        return absl::UnavailableError(absl::StrCat(AddressOf(*server), " is not in step"));
      }
    }
  }
  return primaries == options_.primaries ? absl::OkStatus()
                                         : absl::UnavailableError("more primaries than there were");
}

absl::Status RedisCluster::AwaitHealthy(absl::Duration timeout) const {
  return Await(timeout, [&] { return Healthy(); });
}

absl::Status RedisCluster::MoveSlot(int slot, size_t from, size_t to) const {
  const std::string& from_id = NodeId(from);
  const std::string& to_id = NodeId(to);
  const std::string text = absl::StrCat(slot);
  const RedisServer& source = *servers_.at(from);
  const RedisServer& target = *servers_.at(to);
  SB_RETURN_IF_ERROR(target.Run({"CLUSTER", "SETSLOT", text, "IMPORTING", from_id}).status());
  SB_RETURN_IF_ERROR(source.Run({"CLUSTER", "SETSLOT", text, "MIGRATING", to_id}).status());
  while (true) {
    SB_ASSIGN_OR_RETURN(const RedisReply keys,
                        source.Run({"CLUSTER", "GETKEYSINSLOT", text, "100"}));
    if (keys.elements.empty()) {
      break;
    }
    std::vector<std::string> migrate = {
        "MIGRATE", target.address(), absl::StrCat(target.public_port()), "", "0", "5000"};
    if (!options_.server.user.empty()) {
      migrate = With(std::move(migrate), {"AUTH2", options_.server.user, options_.server.password});
    }
    migrate.push_back("KEYS");
    for (const RedisReply& key : keys.elements) {
      migrate.push_back(key.text);
    }
    SB_RETURN_IF_ERROR(source.Run(migrate, absl::Seconds(10)).status());
  }
  // The new owner first: otherwise a crash in between would leave the slot without one.
  SB_RETURN_IF_ERROR(target.Run({"CLUSTER", "SETSLOT", text, "NODE", to_id}).status());
  return source.Run({"CLUSTER", "SETSLOT", text, "NODE", to_id}).status();
}

absl::StatusOr<int> RedisSlotOf(const RedisServer& server, const std::string& key) {
  SB_ASSIGN_OR_RETURN(const RedisReply reply, server.Run({"CLUSTER", "KEYSLOT", key}));
  return static_cast<int>(reply.integer);
}

}  // namespace securebase::testing
