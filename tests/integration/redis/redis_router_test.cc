// How calls reach real servers: one, one with TLS, behind Sentinels, in a Cluster.
#include "services/platform/storage/redis_router.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::securebase::testing::RedisClient;
using ::securebase::testing::RedisCluster;
using ::securebase::testing::RedisClusterOptions;
using ::securebase::testing::RedisReplication;
using ::securebase::testing::RedisServer;
using ::securebase::testing::RedisServerOptions;
using ::securebase::testing::RedisSlotOf;
using ::securebase::testing::RedisTls;
using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;

// Listed as the store lists keys: one that never exists makes a moving slot refuse the call.
const RedisScript& Append() {
  static const auto* script = new RedisScript(
      MakeRedisScript("append", "#!lua\nreturn redis.call('APPEND', KEYS[1], ARGV[1])"));
  return *script;
}
const RedisScript& Length() {
  static const auto* script = new RedisScript(
      MakeRedisScript("length", "#!lua flags=no-writes\nreturn redis.call('STRLEN', KEYS[1])"));
  return *script;
}

Context In(absl::Duration time) { return {absl::Now() + time}; }

RedisCall AppendTo(const std::string& practice, const std::string& text = "x") {
  return {&Append(), {"{" + practice + "}s", "{" + practice + "}!"}, {text}, true};
}
RedisCall LengthOf(const std::string& practice) {
  return {&Length(), {"{" + practice + "}s", "{" + practice + "}!"}, {}, false};
}

absl::StatusOr<std::unique_ptr<RedisRouter>> Open(const std::string& url) {
  auto options = ParseRedisUrl(url);
  if (!options.ok()) {
    return options.status();
  }
  return MakeRedisRouter(*options, nullptr);
}

TEST(RedisRouterTest, ScriptsRunAlsoAfterTheServerForgotThem) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  ASSERT_OK_AND_ASSIGN(const auto router, Open("redis://" + server->host_and_port() + "/3"));
  for (int64_t i = 1; i <= 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const RedisAnswer answer,
                         router->Run(In(absl::Seconds(5)), AppendTo("p")));
    EXPECT_EQ(answer.reply.kind, RedisReply::Kind::kInteger);
    EXPECT_EQ(answer.reply.integer, i);
    EXPECT_EQ(answer.replication_id.size(), 40u);
    ASSERT_OK(server->Run({"SCRIPT", "FLUSH"}));
  }
  ASSERT_OK_AND_ASSIGN(const RedisAnswer length, router->Run(In(absl::Seconds(5)), LengthOf("p")));
  EXPECT_EQ(length.reply.integer, 3);
  ASSERT_OK_AND_ASSIGN(const auto elsewhere, server->Run({"EXISTS", "{p}s"}));
  EXPECT_EQ(elsewhere.integer, 0) << "database 3 was not selected";
}

// Asks until it is so, at most half a minute.
bool Eventually(const std::function<bool()>& so) {
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (!so()) {
    if (absl::Now() > give_up) {
      return false;
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}

// Appends from some threads until Stop, each call with a deadline of its own, and counts.
class Load {
 public:
  Load(RedisRouter& router, int threads, int practices) : router_(router), practices_(practices) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, i] { Work(i); });
    }
  }
  ~Load() { Stop(); }
  void Stop() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  void AwaitAcknowledged(int64_t more) const {
    for (const int64_t goal = acknowledged + more; acknowledged < goal;) {
      std::this_thread::yield();
    }
  }
  std::string PracticeOf(int number) const { return absl::StrCat("p", number); }
  absl::Status last_error() const {
    const std::lock_guard lock(mutex_);
    return last_error_;
  }

  std::atomic<int64_t> acknowledged = 0;
  std::atomic<int64_t> unknown = 0;
  std::atomic<int64_t> refused = 0;
  std::atomic<int64_t> late = 0;  // returned 100 ms or more after their deadline

 private:
  void Work(int number) {
    for (int i = number; !stop_; ++i) {
      const absl::Time deadline = absl::Now() + absl::Seconds(5);
      const absl::Status status =
          router_.Run({deadline}, AppendTo(PracticeOf(i % practices_))).status();
      late += absl::Now() > deadline + absl::Milliseconds(100) ? 1 : 0;
      if (status.ok()) {
        ++acknowledged;
      } else {
        ++(ReasonOf(status) == Reason::kOutcomeUnknown ? unknown : refused);
        std::lock_guard lock(mutex_);
        last_error_ = status;
      }
    }
  }

  RedisRouter& router_;
  const int practices_;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
  mutable std::mutex mutex_;
  absl::Status last_error_;
};

// Of all practices of a load.
int64_t TotalLength(RedisRouter& router, const Load& load, int practices) {
  int64_t total = 0;
  for (int i = 0; i < practices; ++i) {
    const auto answer = router.Run(In(absl::Seconds(20)), LengthOf(load.PracticeOf(i)));
    EXPECT_OK(answer);
    total += answer.ok() ? answer->reply.integer : 0;
  }
  return total;
}

TEST(RedisRouterTest, CallersThatWaitTogetherShareRoundTrips) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  ASSERT_OK_AND_ASSIGN(const auto router,
                       Open("redis://" + server->host_and_port() + "?connections=1"));
  Load load(*router, 16, 4);
  load.AwaitAcknowledged(2000);
  load.Stop();
  const RedisRouterStats stats = router->stats();
  EXPECT_GE(stats.calls, 2000);
  EXPECT_LT(stats.flushes, stats.calls / 2);
  EXPECT_EQ(stats.connections, 1);
  EXPECT_EQ(TotalLength(*router, load, 4), load.acknowledged);
  EXPECT_EQ(load.unknown + load.refused, 0);
}

TEST(RedisRouterTest, APasswordThatIsChangedIsReadAgain) {
  RedisServerOptions options;
  options.user = "clinic";
  options.password = "first";
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start(options));
  const TemporaryFolder folder;
  const std::string file = folder.Write("password", "first\n");
  const std::string url =
      absl::StrCat("redis://", server->host_and_port(), "?user=clinic&password-file=", file);
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  EXPECT_THAT(std::string(Open(url).status().message()), HasSubstr("chmod 0600"));
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  ASSERT_OK_AND_ASSIGN(const auto router, Open(url));
  ASSERT_OK(router->Run(In(absl::Seconds(5)), AppendTo("p")));

  ASSERT_OK(server->Run({"ACL", "SETUSER", "clinic", "resetpass", ">second"}));
  folder.Write("password", "second");
  ASSERT_OK_AND_ASSIGN(const auto admin,
                       RedisClient::Connect(server->address(), server->port(), "clinic", "second"));
  ASSERT_OK(admin->Run({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}));
  EXPECT_OK(router->Run(In(absl::Seconds(5)), AppendTo("p")));

  folder.Write("password", "wrong");
  EXPECT_THAT(std::string(Open(url).status().message()), HasSubstr("refused the user"));
  const std::string none = absl::StrCat("redis://", server->host_and_port());
  EXPECT_THAT(std::string(Open(none).status().message()), HasSubstr("NOAUTH"));
}

TEST(RedisRouterTest, TlsWithClientCertificates) {
  ASSERT_OK_AND_ASSIGN(const auto tls, RedisTls::Make());
  RedisServerOptions options;
  options.tls = tls;
  options.config = {"bind 127.0.0.1 127.0.0.2"};
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start(options));
  const std::string base = absl::StrCat("rediss://", server->host_and_port());
  const std::string ours = absl::StrCat("&certificate=", tls->client_certificate_file(),
                                        "&key=", tls->client_key_file());
  ASSERT_OK_AND_ASSIGN(const auto router, Open(absl::StrCat(base, "?ca=", tls->ca_file(), ours)));
  // Many records of TLS, each way.
  const std::string megabyte(1 << 20, 'm');
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer,
                       router->Run(In(absl::Seconds(10)), AppendTo("p", megabyte)));
  EXPECT_EQ(answer.reply.integer, 1 << 20);
  const RedisScript get = MakeRedisScript("get", "#!lua\nreturn redis.call('GET', KEYS[1])");
  ASSERT_OK_AND_ASSIGN(const RedisAnswer got,
                       router->Run(In(absl::Seconds(10)), {&get, {"{p}s"}, {}, false}));
  EXPECT_EQ(got.reply.text, megabyte);
  {
    Load load(*router, 8, 4);
    load.AwaitAcknowledged(500);
    load.Stop();
    EXPECT_EQ(TotalLength(*router, load, 4), load.acknowledged);
  }

  EXPECT_TRUE(absl::IsUnavailable(Open(absl::StrCat(base, "?ca=", tls->ca_file())).status()))
      << "the server wants a certificate";
  ASSERT_OK_AND_ASSIGN(const auto stranger, RedisTls::Make());
  EXPECT_THAT(
      std::string(Open(absl::StrCat(base, "?ca=", stranger->ca_file(), ours)).status().message()),
      HasSubstr("certificate is refused"));
  // The certificate is for 127.0.0.1, not for 127.0.0.2.
  EXPECT_THAT(std::string(Open(absl::StrCat("rediss://127.0.0.2:", server->tls_port(),
                                            "?ca=", tls->ca_file(), ours))
                              .status()
                              .message()),
              HasSubstr("IP address mismatch"));
  EXPECT_THAT(std::string(Open(absl::StrCat(base, "?ca=", tls->ca_file(), "&certificate=",
                                            tls->client_certificate_file(), "&key=/nowhere"))
                              .status()
                              .message()),
              HasSubstr("/nowhere"));
}

TEST(RedisRouterTest, AServerThatIsGoneAndComesBack) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  const std::string url = "redis://" + server->host_and_port();
  ASSERT_OK_AND_ASSIGN(const auto router, Open(url));
  ASSERT_OK_AND_ASSIGN(const RedisAnswer first, router->Run(In(absl::Seconds(5)), AppendTo("p")));
  ASSERT_OK(server->Kill());
  const absl::Time deadline = absl::Now() + absl::Milliseconds(300);
  EXPECT_THAT(router->Run({deadline}, AppendTo("p")),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable))
      << "an idle connection that is closed leaves nothing in doubt";
  EXPECT_GE(absl::Now(), deadline - absl::Milliseconds(30)) << "a tenth is left to answer in";
  EXPECT_LT(absl::Now(), deadline + absl::Milliseconds(100));
  EXPECT_THAT(std::string(Open(url).status().message()), HasSubstr(server->host_and_port()));
  ASSERT_OK(server->Restart());
  ASSERT_OK_AND_ASSIGN(const RedisAnswer second, router->Run(In(absl::Seconds(5)), AppendTo("p")));
  EXPECT_EQ(second.reply.integer, 2);
  EXPECT_NE(second.replication_id, first.replication_id);
}

TEST(RedisRouterTest, AStoppedServerKeepsNobodyBeyondTheDeadline) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  ASSERT_OK_AND_ASSIGN(RedisOptions options, ParseRedisUrl("redis://" + server->host_and_port()));
  options.reply_timeout = absl::Milliseconds(200);
  options.confirm_timeout = absl::Milliseconds(200);
  options.connect_timeout = absl::Milliseconds(200);
  ASSERT_OK_AND_ASSIGN(const auto router, MakeRedisRouter(options, nullptr));
  ASSERT_OK(router->Run(In(absl::Seconds(5)), AppendTo("p")));
  server->Pause();
  std::mutex mutex;
  absl::Duration latest;  // after its deadline, of all calls
  std::vector<std::thread> callers;
  for (int i = 0; i < 32; ++i) {
    callers.emplace_back([&, i] {
      for (int j = 0; j < 3; ++j) {
        const absl::Time deadline = absl::Now() + absl::Milliseconds(100 + 20 * i);
        const RedisCall call = i % 2 == 0 ? AppendTo("p") : LengthOf("p");
        const absl::Status status = router->Run({deadline}, call).status();
        const absl::Duration after = absl::Now() - deadline;
        EXPECT_FALSE(status.ok());
        if (i % 2 == 1) {
          EXPECT_NE(ReasonOf(status), Reason::kOutcomeUnknown) << "a read is never in doubt";
        }
        const std::lock_guard lock(mutex);
        latest = std::max(latest, after);
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_LT(latest, absl::Milliseconds(100));
  server->Resume();
  EXPECT_OK(router->Run(In(absl::Seconds(5)), AppendTo("p")));
  EXPECT_GT(router->stats().discarded, 0);
}

TEST(RedisRouterTest, SentinelsLeadToTheNewPrimary) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start({}));
  // One sentinel is enough to find the others.
  ASSERT_OK_AND_ASSIGN(
      const auto router,
      Open(absl::StrCat("redis+sentinel://", redis->sentinels()[0]->host_and_port(), "/",
                        RedisReplication::kPrimaryName, "?replicas=2")));
  ASSERT_OK_AND_ASSIGN(const RedisAnswer first, router->Run(In(absl::Seconds(5)), AppendTo("p")));
  Load load(*router, 8, 4);
  load.AwaitAcknowledged(100);
  ASSERT_OK_AND_ASSIGN(const size_t primary, redis->AwaitHealthy());
  ASSERT_OK(redis->servers()[primary]->Kill());
  ASSERT_OK(redis->sentinels()[0]->Kill());
  ASSERT_OK(redis->sentinels()[0]->Restart());
  ASSERT_TRUE(Eventually([&] { return redis->PrimaryBySentinel(1).value_or(primary) != primary; }));
  ASSERT_OK(redis->servers()[primary]->Restart());
  ASSERT_OK_AND_ASSIGN(const size_t next, redis->AwaitHealthy());
  EXPECT_NE(next, primary);
  load.AwaitAcknowledged(100);
  load.Stop();
  EXPECT_EQ(load.late, 0);
  // What was acknowledged is there, and what is unknown may be.
  const int64_t total = TotalLength(*router, load, 4);
  EXPECT_GE(total, load.acknowledged);
  EXPECT_LE(total, load.acknowledged + load.unknown);
  ASSERT_OK_AND_ASSIGN(const RedisAnswer last, router->Run(In(absl::Seconds(5)), AppendTo("p")));
  EXPECT_NE(last.replication_id, first.replication_id);
  EXPECT_THAT(std::string(Open(absl::StrCat("redis+sentinel://", redis->sentinel_addresses(),
                                            "/nobody?replicas=2"))
                              .status()
                              .message()),
              HasSubstr("No such master"));
}

TEST(RedisRouterTest, WithoutItsReplicasAPrimaryAnswersNothing) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start({}));
  ASSERT_OK_AND_ASSIGN(
      RedisOptions options,
      ParseRedisUrl(absl::StrCat("redis+sentinel://", redis->sentinel_addresses(), "/",
                                 RedisReplication::kPrimaryName, "?replicas=2")));
  options.confirm_timeout = absl::Milliseconds(500);  // a busy machine confirms within it
  ASSERT_OK_AND_ASSIGN(const auto router, MakeRedisRouter(options, nullptr));
  ASSERT_OK(router->Run(In(absl::Seconds(20)), AppendTo("p")));
  ASSERT_OK_AND_ASSIGN(const size_t primary, redis->AwaitHealthy());
  const size_t replica = primary == 0 ? 1 : 0;
  redis->servers()[replica]->Pause();
  EXPECT_THAT(router->Run(In(absl::Seconds(3)), LengthOf("p")),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_THAT(router->Run(In(absl::Seconds(3)), AppendTo("p")),
              IsError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown));
  EXPECT_GT(router->stats().short_confirmations, 0);
  redis->servers()[replica]->Resume();
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Seconds(20)), LengthOf("p")));
  EXPECT_EQ(answer.reply.integer, 2);
}

TEST(RedisRouterTest, ClusterWithSlotsThatMoveUnderLoad) {
  RedisClusterOptions options;
  options.node_timeout = absl::Seconds(30);  // no failover because this machine is busy
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start(options));
  ASSERT_OK_AND_ASSIGN(
      const auto router,
      Open(absl::StrCat("redis+cluster://", redis->servers()[1]->host_and_port(), "?replicas=1")));
  constexpr int kPractices = 24;
  Load load(*router, 8, kPractices);
  load.AwaitAcknowledged(200);
  // To and fro, with the slots that are in use.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kPractices / 2; ++i) {
      ASSERT_OK_AND_ASSIGN(const int slot, RedisSlotOf(*redis->servers()[0],
                                                       absl::StrCat("{", load.PracticeOf(i), "}")));
      ASSERT_OK_AND_ASSIGN(const size_t from, redis->PrimaryOf(slot, 0));
      ASSERT_OK(redis->MoveSlot(slot, from, (from + 1) % 3));
      load.AwaitAcknowledged(20);
    }
  }
  load.Stop();
  EXPECT_EQ(load.refused, 0) << load.last_error();
  EXPECT_EQ(load.unknown, 0) << load.last_error();
  EXPECT_EQ(load.late, 0);
  EXPECT_EQ(TotalLength(*router, load, kPractices), load.acknowledged);
  EXPECT_GT(router->stats().redirects, 0);
}

TEST(RedisRouterTest, ClusterWhoseReplicaIsPromoted) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start({}));
  ASSERT_OK_AND_ASSIGN(const auto router,
                       Open(absl::StrCat("redis+cluster://", redis->addresses(), "?replicas=1")));
  constexpr int kPractices = 24;
  Load load(*router, 8, kPractices);
  load.AwaitAcknowledged(200);
  ASSERT_OK_AND_ASSIGN(const int slot, RedisSlotOf(*redis->servers()[0], "{p0}"));
  ASSERT_OK_AND_ASSIGN(const size_t primary, redis->PrimaryOf(slot, 0));
  ASSERT_OK(redis->servers()[primary]->Kill());
  // Only its replica can take over. It then waits for the one that was killed.
  const size_t other = (primary + 1) % 3;
  ASSERT_TRUE(
      Eventually([&] { return redis->PrimaryOf(slot, other).value_or(primary) != primary; }));
  ASSERT_OK(redis->servers()[primary]->Restart());
  ASSERT_OK(redis->AwaitHealthy());
  load.AwaitAcknowledged(200);
  ASSERT_OK(router->Run(In(absl::Seconds(10)), AppendTo("p0", "")));
  load.Stop();
  EXPECT_EQ(load.late, 0);
  const int64_t total = TotalLength(*router, load, kPractices);
  EXPECT_GE(total, load.acknowledged);
  EXPECT_LE(total, load.acknowledged + load.unknown);
}

}  // namespace
}  // namespace securebase::storage
