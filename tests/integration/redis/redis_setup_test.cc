// The configuration files that docs/redis offers, as they are: only addresses, ports and folders
// are replaced. They start, the service's user may do all that the store does, and nothing is found
// wrong with them.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/open_store.h"
#include "services/platform/storage/redis_check.h"
#include "tests/testing/process.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using securebase::testing::Process;
using securebase::testing::RedisTls;
using securebase::testing::RunProgram;
using securebase::testing::TemporaryFolder;

constexpr absl::Duration kPatience = absl::Minutes(1);

std::string Documented(const std::string& name) {
  std::ifstream in(absl::StrCat(SECUREBASE_SOURCE_DIR, "/docs/redis/", name));
  std::stringstream contents;
  contents << in.rdbuf();
  return contents.str();
}

// Its bus port is free, too. Not one that the kernel gives to outgoing connections.
int FreePort() {
  std::random_device random;
  while (true) {
    const int port = std::uniform_int_distribution<int>(12000, 22000)(random);
    bool free = true;
    for (const int wanted : {port, port + 10000}) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address = {};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<uint16_t>(wanted));
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      free = free && bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
      close(fd);
    }
    if (free) {
      return port;
    }
  }
}

absl::Status Eventually(const std::function<absl::Status()>& ask) {
  const absl::Time deadline = absl::Now() + kPatience;
  absl::Status status = ask();
  while (!status.ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(100));
    status = ask();
  }
  return status;
}

class RedisSetupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(tls_, RedisTls::Make());
    ASSERT_OK(auth::WritePrivateFile(folder_.PathOf("password"), "change-me-securebase\n"));
  }

  void TearDown() override {
    for (size_t i = 0; HasFailure() && i < servers_.size(); ++i) {
      fprintf(stderr, "--- log of %d:\n%s%s\n", servers_[i].port,
              servers_[i].process->standard_output().c_str(),
              servers_[i].process->standard_error().c_str());
    }
  }

  // Starts a server with a documented file. `primary_port`: what stands for redis-1's; 0: it is
  // redis-1.
  void Start(const std::string& file, int primary_port = 0) {
    Server server;
    server.port = FreePort();
    const std::string folder = folder_.PathOf(absl::StrCat(server.port));
    std::filesystem::create_directory(folder);
    for (const std::string& name : {std::string("common.conf"), std::string("users.acl"), file}) {
      std::vector<std::string> lines;
      for (const absl::string_view line : absl::StrSplit(Documented(name), '\n')) {
        if (primary_port == 0 && absl::StartsWith(line, "replicaof ")) {
          continue;
        }
        lines.push_back(absl::StrReplaceAll(
            line, {{"redis-1.example.org 6379",
                    absl::StrCat("127.0.0.1 ", primary_port == 0 ? server.port : primary_port)},
                   {"redis-1.example.org", "127.0.0.1"},
                   {"redis-2.example.org", "127.0.0.1"},
                   {"s1.example.org", "127.0.0.1"},
                   {"bind 0.0.0.0", "bind 127.0.0.1"},
                   {"port 6379", absl::StrCat("port ", server.port)},
                   {"port 26379", absl::StrCat("port ", server.port)},
                   {"/var/lib/redis", folder},
                   {"/etc/redis/tls/server.crt", tls_->server_certificate_file()},
                   {"/etc/redis/tls/server.key", tls_->server_key_file()},
                   {"/etc/redis/tls/client.crt", tls_->client_certificate_file()},
                   {"/etc/redis/tls/client.key", tls_->client_key_file()},
                   {"/etc/redis/tls/ca.crt", tls_->ca_file()},
                   {"/etc/redis/", absl::StrCat(folder, "/")}}));
      }
      ASSERT_OK(
          auth::WritePrivateFile(absl::StrCat(folder, "/", name), absl::StrJoin(lines, "\n")));
    }
    server.arguments = {"/usr/bin/redis-server", absl::StrCat(folder, "/", file)};
    if (file == "sentinel.conf") {
      server.arguments.push_back("--sentinel");  // what redis-sentinel does
    }
    ASSERT_OK_AND_ASSIGN(server.process, Process::Start(server.arguments));
    servers_.push_back(std::move(server));
  }

  std::string Cli(const std::vector<std::string>& command, int port) {
    std::vector<std::string> arguments = {"/usr/bin/redis-cli",
                                          "--no-auth-warning",
                                          "--tls",
                                          "--cert",
                                          tls_->client_certificate_file(),
                                          "--key",
                                          tls_->client_key_file(),
                                          "--cacert",
                                          tls_->ca_file(),
                                          "--user",
                                          "admin",
                                          "--pass",
                                          "change-me-admin",
                                          "-p",
                                          absl::StrCat(port)};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const auto finished = RunProgram(arguments);
    return finished.ok() ? absl::StrCat(finished->out, finished->error)
                         : finished.status().ToString();
  }
  void AwaitPong() {
    for (const Server& server : servers_) {
      EXPECT_OK(Eventually([&] {
        const std::string answer = Cli({"PING"}, server.port);
        return absl::StartsWith(answer, "PONG") ? absl::OkStatus() : absl::UnavailableError(answer);
      }));
    }
  }

  std::string Url(const std::string& scheme, size_t first, size_t last, const std::string& more) {
    std::vector<std::string> addresses;
    for (size_t i = first; i < last; ++i) {
      addresses.push_back(absl::StrCat("127.0.0.1:", servers_[i].port));
    }
    return absl::StrCat(
        scheme, absl::StrJoin(addresses, ","), more, absl::StrContains(more, '?') ? "&" : "?",
        "user=securebase&password-file=", folder_.PathOf("password"), "&ca=", tls_->ca_file(),
        "&certificate=", tls_->client_certificate_file(), "&key=", tls_->client_key_file());
  }

  absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& url) {
    absl::StatusOr<std::unique_ptr<Store>> store = absl::UnavailableError("not tried");
    SB_RETURN_IF_ERROR(Eventually([&] {
      store = OpenStore(url, clock_, "outcomes");
      return store.status();
    }));
    return store;
  }

  // Everything the store does, so that a command that its user lacks is found.
  absl::Status UseAll(Store& store, const std::string& practice) {
    const Context context{absl::Now() + absl::Seconds(20)};
    Batch batch;
    batch.practice = practice;
    batch.puts = {{{"goal", "a"}, "1", {{"by", "x"}}}, {{"goal", "b"}, "1", {}}};
    batch.journal = {"j"};
    batch.audit = {"a"};
    batch.idempotency = IdempotencyKey{"k", "f", "r", absl::Now() - absl::Seconds(1)};
    SB_RETURN_IF_ERROR(store.Apply(context, batch).status());
    Batch second;
    second.practice = practice;
    second.puts = {{{"goal", "a"}, "2", {{"by", "y"}}}};
    second.deletes = {{"goal", "b"}};
    SB_RETURN_IF_ERROR(store.Apply(context, second).status());
    SB_RETURN_IF_ERROR(store.Get(context, practice, {"goal", "a"}).status());
    ScanRequest scan;
    scan.practice = practice;
    scan.index = "by";
    SB_RETURN_IF_ERROR(store.Scan(context, scan).status());
    scan.reverse = true;
    SB_RETURN_IF_ERROR(store.Scan(context, scan).status());
    SB_RETURN_IF_ERROR(store.Journal(context, practice, 0, 10).status());
    SB_RETURN_IF_ERROR(store.ListAudit(context, practice, 0, 10).status());
    SB_RETURN_IF_ERROR(store.GetPosition(context, practice).status());
    SB_RETURN_IF_ERROR(store.FindResult(context, practice, "k", "f").status());
    SB_RETURN_IF_ERROR(store.ListPractices(context, "", 10).status());
    SB_RETURN_IF_ERROR(store.ListImports(context, "", 10).status());
    SB_ASSIGN_OR_RETURN(const Lease lease,
                        store.AcquireLease(context, practice, "w", "me", absl::Minutes(1)));
    SB_RETURN_IF_ERROR(store.ReleaseLease(context, practice, "w", lease.token));
    const std::string copy = practice + "-copy";
    std::string cursor;
    do {
      SB_ASSIGN_OR_RETURN(const ExportPage page, store.Export(context, practice, cursor, 10));
      SB_RETURN_IF_ERROR(store.Import(context, copy, page.items));
      cursor = page.cursor;
    } while (!cursor.empty());
    // Before what is there, which takes another way.
    SB_RETURN_IF_ERROR(store.Import(context, copy, {AuditEntry{1, absl::Now(), "other"}}));
    SB_RETURN_IF_ERROR(store.FinishImport(context, copy));
    TrimRequest trim;
    trim.practice = practice;
    trim.journal_before = absl::InfiniteFuture();
    trim.audit_through = 1;
    SB_RETURN_IF_ERROR(store.Trim(context, trim).status());
    return store.Ping(context);
  }

  // Nothing is wrong, not even slightly, once all replicas are there.
  absl::Status NothingIsWrong(const std::string& url, size_t primaries) {
    SB_ASSIGN_OR_RETURN(const RedisOptions options, ParseRedisUrl(url));
    SB_ASSIGN_OR_RETURN(const auto findings,
                        CheckRedis(options, {absl::Now() + absl::Seconds(20)}));
    std::set<std::string> servers;
    for (const RedisFinding& finding : findings) {
      servers.insert(finding.server);
      if (finding.severity != RedisFinding::Severity::kOk) {
        return absl::UnavailableError(
            absl::StrCat(finding.server, ": ", finding.setting, " is ", finding.is));
      }
    }
    return servers.size() == primaries ? absl::OkStatus()
                                       : absl::UnavailableError("not all primaries are there");
  }

  struct Server {
    std::unique_ptr<Process> process;
    std::vector<std::string> arguments;
    int port = 0;
  };

  SystemClock clock_;
  TemporaryFolder folder_;
  std::shared_ptr<const RedisTls> tls_;
  std::vector<Server> servers_;
};

TEST_F(RedisSetupTest, OneServer) {
  Start("common.conf");
  AwaitPong();
  const std::string url = Url("rediss://", 0, 1, "");
  ASSERT_OK_AND_ASSIGN(const auto store, Open(url));
  EXPECT_OK(UseAll(*store, "p1"));
  EXPECT_OK(Eventually([&] { return NothingIsWrong(url, 1); }));
}

TEST_F(RedisSetupTest, APrimaryWithReplicasAndSentinels) {
  Start("replicated.conf");
  const int first = servers_[0].port;
  for (int i = 0; i < 2; ++i) {
    Start("replicated.conf", first);
  }
  AwaitPong();
  for (int i = 0; i < 3; ++i) {
    Start("sentinel.conf", first);
  }
  const std::string url = Url("rediss+sentinel://", 3, 6, "/securebase?replicas=2");
  ASSERT_OK_AND_ASSIGN(const auto store, Open(url));
  EXPECT_OK(UseAll(*store, "p1"));
  EXPECT_OK(Eventually([&] { return NothingIsWrong(url, 1); }));

  // The sentinels' user may do all that a failover takes. It begins once all of them know each
  // other and both replicas.
  ASSERT_OK(Eventually([&] {
    const std::string state = Cli({"SENTINEL", "CKQUORUM", "securebase"}, servers_[5].port);
    const std::string known = Cli({"SENTINEL", "REPLICAS", "securebase"}, servers_[5].port);
    return absl::StartsWith(state, "OK 3") &&
                   absl::StrContains(known, absl::StrCat(servers_[1].port)) &&
                   absl::StrContains(known, absl::StrCat(servers_[2].port))
               ? absl::OkStatus()
               : absl::UnavailableError(state);
  }));
  servers_[0].process->Signal(SIGKILL);
  ASSERT_OK(servers_[0].process->WaitForExit(absl::Seconds(10)));
  ASSERT_OK(Eventually([&] {
    const std::string role =
        absl::StrCat(Cli({"ROLE"}, servers_[1].port), Cli({"ROLE"}, servers_[2].port));
    return absl::StrContains(role, "master") ? absl::OkStatus() : absl::UnavailableError(role);
  }));
  ASSERT_OK_AND_ASSIGN(servers_[0].process, Process::Start(servers_[0].arguments));
  EXPECT_OK(Eventually([&] { return UseAll(*store, "p2"); }));
  EXPECT_OK(Eventually([&] { return NothingIsWrong(url, 1); }));
}

TEST_F(RedisSetupTest, ACluster) {
  std::vector<std::string> create = {"--cluster", "create"};
  for (int i = 0; i < 6; ++i) {
    Start("cluster.conf");
    create.push_back(absl::StrCat("127.0.0.1:", servers_.back().port));
  }
  AwaitPong();
  create.insert(create.end(), {"--cluster-replicas", "1", "--cluster-yes"});
  EXPECT_THAT(Cli(create, servers_[0].port), ::testing::HasSubstr("All 16384 slots covered"));
  const std::string url = Url("rediss+cluster://", 0, 2, "?replicas=1");
  ASSERT_OK_AND_ASSIGN(const auto store, Open(url));
  for (int i = 0; i < 5; ++i) {  // in several slots
    const std::string practice = absl::StrCat("p", i);
    EXPECT_OK(Eventually([&] { return UseAll(*store, practice); }));
  }
  EXPECT_OK(Eventually([&] { return NothingIsWrong(url, 3); }));
}

}  // namespace
}  // namespace securebase::storage
