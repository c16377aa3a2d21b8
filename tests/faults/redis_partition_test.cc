// The network is cut with the clients on the old primary's side: what that primary acknowledged or
// answered must hold when the other side has promoted a replica. Needs root for network namespaces.

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/faults/network.h"
#include "tests/faults/trial.h"
#include "tests/integration/storage/rounds.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"

namespace securebase::faults {
namespace {

using securebase::testing::RedisCluster;
using securebase::testing::RedisClusterOptions;
using securebase::testing::RedisReplication;
using securebase::testing::RedisReplicationOptions;
using securebase::testing::RedisTls;

class RedisPartitionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const absl::Status possible = Network::IsPossible(); !possible.ok()) {
      GTEST_SKIP() << possible.message();
    }
  }

  // Cuts, waits for the other side's failover, goes on for a while, heals. `is_promoted` asks the
  // far side, `await_whole` returns when all servers are in their places again.
  void Round(Network& network, const Trial::Options& options, const std::vector<size_t>& far,
             const std::function<bool()>& is_promoted,
             const std::function<absl::Status()>& await_whole, Totals& totals,
             bool may_lose = false) {
    std::mt19937_64 random(options.seed);
    ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(options));
    Load& load = trial->load();
    ASSERT_OK(network.Cut(far));
    const absl::Time cut = absl::Now();
    ASSERT_TRUE(Await(is_promoted)) << "no failover";
    totals.failovers.push_back(absl::Now() - cut);
    // The former primary goes on, alone with its clients.
    absl::SleepFor(absl::Milliseconds(std::uniform_int_distribution<int>(500, 6000)(random)));
    if (!may_lose) {
      EXPECT_EQ(load.FirstWrite(cut), std::nullopt) << "the isolated primary acknowledged a write";
      EXPECT_EQ(load.FirstRead(cut), std::nullopt) << "the isolated primary answered a read";
    }
    ASSERT_OK(network.Heal());
    ASSERT_OK(await_whole());
    ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
    trial->Finish(totals, may_lose);
    ExpectCallsEndedInTime(load.counts());
  }

  void RunWithSentinels(bool confirmed, int rounds, Totals& totals) {
    ASSERT_OK_AND_ASSIGN(const auto network, Network::Make(6));
    RedisReplicationOptions options;
    options.places = network->places();
    ASSERT_OK_AND_ASSIGN(options.server.tls, RedisTls::Make(network->addresses()));
    ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start(options));
    for (int i = 1; i <= rounds && !HasFailure(); ++i) {
      SCOPED_TRACE(absl::StrCat("round ", i));
      ASSERT_OK_AND_ASSIGN(const size_t primary, redis->AwaitHealthy());
      Trial::Options trial;
      trial.url =
          RedisUrl("redis+sentinel", redis->sentinel_addresses(),
                   absl::StrCat("/", RedisReplication::kPrimaryName), options.server.tls.get(),
                   confirmed ? "prefix=test&durability=replicated&replicas=2"
                             : "prefix=test&durability=relaxed");
      trial.seed = static_cast<uint64_t>(i);
      // The clients keep the primary, one sentinel of three and in every second round one replica,
      // whose confirmation must not be enough.
      std::vector<size_t> far = {4, 5};
      const size_t companion = (primary + 1) % 3;
      for (size_t server = 0; server < 3; ++server) {
        if (server != primary && (i % 2 == 1 || server != companion)) {
          far.push_back(server);
        }
      }
      Round(
          *network, trial, far,
          [&] { return redis->PrimaryBySentinel(1).value_or(primary) != primary; },
          [&] { return redis->AwaitHealthy().status(); }, totals,
          /*may_lose=*/!confirmed);
    }
  }
};

TEST_F(RedisPartitionTest, SentinelPromotesOnTheOtherSide) {
  Totals totals;
  RunWithSentinels(/*confirmed=*/true, storage::Rounds(2, 20), totals);
  Print("Sentinel, network cut", totals);
}

// The control: what is acknowledged without the replicas is lost, or the test above could not fail.
TEST_F(RedisPartitionTest, WithoutConfirmationAcknowledgedWritesAreLost) {
  Totals totals;
  RunWithSentinels(/*confirmed=*/false, storage::Rounds(1, 5), totals);
  Print("its control, relaxed", totals);
  EXPECT_GT(totals.lost, 0);
}

TEST_F(RedisPartitionTest, ClusterPromotesOnTheOtherSide) {
  ASSERT_OK_AND_ASSIGN(const auto network, Network::Make(6));
  RedisClusterOptions options;
  options.places = network->places();
  ASSERT_OK_AND_ASSIGN(options.server.tls, RedisTls::Make(network->addresses()));
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start(options));
  Totals totals;
  const int rounds = storage::Rounds(1, 20);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("round ", i));
    ASSERT_OK(redis->AwaitHealthy());
    Trial::Options trial;
    trial.url = RedisUrl("redis+cluster", redis->addresses(), "", options.server.tls.get(),
                         "prefix=test&durability=replicated&replicas=1");
    trial.seed = static_cast<uint64_t>(i);
    trial.practices = 1;
    ASSERT_OK_AND_ASSIGN(
        const int slot,
        RedisSlotOf(*redis->servers()[0], absl::StrCat("{", Trial::Practices(trial)[0], "}")));
    ASSERT_OK_AND_ASSIGN(const size_t primary, redis->PrimaryOf(slot, 0));
    std::vector<size_t> far;
    for (size_t server = 0; server < 6; ++server) {
      if (server != primary) {
        far.push_back(server);
      }
    }
    Round(
        *network, trial, far,
        [&] { return redis->PrimaryOf(slot, far[0]).value_or(primary) != primary; },
        [&] { return redis->AwaitHealthy(); }, totals);
  }
  Print("Cluster, network cut", totals);
}

}  // namespace
}  // namespace securebase::faults
