// The servers that other tests rely on.

#include "tests/testing/redis_server.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::HasSubstr;

TEST(RedisServerTest, KeepsItsDataOverAKill) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start({}));
  ASSERT_OK(redis->Run({"SET", "key", "value"}));
  const int port = redis->port();
  ASSERT_OK(redis->Kill());
  EXPECT_EQ(redis->Run({"PING"}).status().code(), absl::StatusCode::kUnavailable);
  ASSERT_OK(redis->Restart());
  EXPECT_EQ(redis->port(), port);
  ASSERT_OK_AND_ASSIGN(const storage::RedisReply reply, redis->Run({"GET", "key"}));
  EXPECT_EQ(reply.text, "value");
}

TEST(RedisServerTest, IsPausedAndResumed) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start({}));
  redis->Pause();
  EXPECT_EQ(redis->Run({"PING"}, absl::Milliseconds(100)).status().code(),
            absl::StatusCode::kUnavailable);
  redis->Resume();
  EXPECT_OK(redis->Run({"PING"}));
}

TEST(RedisServerTest, WantsItsUser) {
  RedisServerOptions options;
  options.user = "securebase";
  options.password = "correct-horse";
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start(options));
  EXPECT_OK(redis->Run({"SET", "key", "value"}));
  ASSERT_OK_AND_ASSIGN(const auto stranger, RedisClient::Connect("127.0.0.1", redis->port()));
  EXPECT_THAT(std::string(stranger->Run({"GET", "key"}).status().message()), HasSubstr("NOAUTH"));
}

TEST(RedisServerTest, SaysWhyItDoesNotStart) {
  RedisServerOptions options;
  options.config = {"appendfsync sometimes"};
  EXPECT_THAT(std::string(RedisServer::Start(options).status().message()),
              HasSubstr("appendfsync sometimes"));
}

TEST(RedisServerTest, ListensWithTls) {
  RedisServerOptions options;
  ASSERT_OK_AND_ASSIGN(options.tls, RedisTls::Make());
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start(options));
  ASSERT_OK_AND_ASSIGN(
      const Finished spoken,
      RunProgram({"/usr/bin/redis-cli", "-p", absl::StrCat(redis->tls_port()), "--tls", "--cacert",
                  options.tls->ca_file(), "--cert", options.tls->client_certificate_file(), "--key",
                  options.tls->client_key_file(), "PING"}));
  EXPECT_EQ(spoken.out, "PONG\n") << spoken.error;
}

// With a user and TLS between the servers too; the tests of the store start plain ones.
absl::StatusOr<RedisServerOptions> Secured() {
  RedisServerOptions options;
  SB_ASSIGN_OR_RETURN(options.tls, RedisTls::Make());
  options.user = "securebase";
  options.password = "correct-horse";
  return options;
}

TEST(RedisReplicationTest, SentinelsPromoteAReplicaAndTakeTheKilledOneBack) {
  RedisReplicationOptions options;
  ASSERT_OK_AND_ASSIGN(options.server, Secured());
  options.replicas = 1;
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start(options));
  auto& servers = redis->servers();
  ASSERT_OK(servers[0]->Run({"SET", "key", "value"}));
  ASSERT_OK(servers[0]->Kill());
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (redis->PrimaryBySentinel(0).value_or(0) == 0 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_OK(servers[0]->Restart());
  ASSERT_OK_AND_ASSIGN(const size_t primary, redis->AwaitHealthy());
  EXPECT_EQ(primary, 1u);
  // It takes writes, which it does with all its replicas only.
  EXPECT_OK(servers[1]->Run({"SET", "key", "other"}));
}

TEST(RedisClusterTest, AClusterPromotesAReplicaAndMovesSlots) {
  RedisClusterOptions options;
  ASSERT_OK_AND_ASSIGN(options.server, Secured());
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start(options));
  auto& servers = redis->servers();
  ASSERT_OK_AND_ASSIGN(const int slot, RedisSlotOf(*servers[0], "{p1}a"));
  ASSERT_OK_AND_ASSIGN(const size_t from, redis->PrimaryOf(slot, 0));
  const size_t to = (from + 1) % 3;
  ASSERT_OK(servers[from]->Run({"SET", "{p1}a", "value"}));
  ASSERT_OK(redis->MoveSlot(slot, from, to));
  ASSERT_OK_AND_ASSIGN(const storage::RedisReply reply, servers[to]->Run({"GET", "{p1}a"}));
  EXPECT_EQ(reply.text, "value");

  ASSERT_OK(servers[to]->Kill());
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (redis->PrimaryOf(slot, from).value_or(to) == to && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  ASSERT_OK(servers[to]->Restart());
  ASSERT_OK(redis->AwaitHealthy());
  ASSERT_OK_AND_ASSIGN(const size_t promoted, redis->PrimaryOf(slot, from));
  EXPECT_EQ(promoted, to + 3);
  ASSERT_OK_AND_ASSIGN(const storage::RedisReply kept, servers[promoted]->Run({"GET", "{p1}a"}));
  EXPECT_EQ(kept.text, "value");
}

}  // namespace
}  // namespace securebase::testing
