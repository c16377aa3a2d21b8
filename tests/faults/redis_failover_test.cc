// Servers that die, stop and come back under load.

#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
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
using securebase::testing::RedisServer;

// How a primary is lost, and comes back.
enum class Loss {
  kKilled,
  kPaused,
  kHandedOver,  // an operator has another server take over, to work on this one
};

std::string NameOf(Loss loss) {
  return loss == Loss::kKilled ? "Killed" : loss == Loss::kPaused ? "Paused" : "HandedOver";
}

std::string Describe(Loss loss) {
  return loss == Loss::kKilled ? "killed" : loss == Loss::kPaused ? "paused" : "handed over";
}

void Lose(RedisServer& server, Loss loss, const std::function<absl::Status()>& hand_over) {
  switch (loss) {
    case Loss::kKilled:
      EXPECT_OK(server.Kill());
      break;
    case Loss::kPaused:
      server.Pause();
      break;
    case Loss::kHandedOver:
      EXPECT_OK(hand_over());
  }
}
void Return(RedisServer& server, Loss loss) {
  if (loss == Loss::kKilled) {
    EXPECT_OK(server.Restart());
  } else if (loss == Loss::kPaused) {
    server.Resume();
  }
}

// Loses the primary under load, waits for the failover, brings the lost one back as a replica.
void Round(RedisServer& primary, Loss loss, const Trial::Options& options,
           const std::function<absl::Status()>& hand_over, const std::function<bool()>& is_promoted,
           const std::function<absl::Status()>& await_whole, Totals& totals) {
  ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(options));
  const absl::Time lost = absl::Now();
  Lose(primary, loss, hand_over);
  const bool was_promoted = Await(is_promoted);
  totals.failovers.push_back(absl::Now() - lost);
  absl::SleepFor(absl::Milliseconds(300 * (options.seed % 5)));
  Return(primary, loss);
  ASSERT_TRUE(was_promoted) << "no failover";
  ASSERT_OK(await_whole());
  // The promise of docs/storage.md.
  ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
  trial->Finish(totals);
  ExpectCallsEndedInTime(trial->load().counts());
}

class RedisFailoverTest : public ::testing::TestWithParam<Loss> {};

TEST_P(RedisFailoverTest, SentinelPromotesAReplica) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start({}));
  Totals totals;
  const int rounds = storage::Rounds(1, 20);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("round ", i));
    ASSERT_OK_AND_ASSIGN(const size_t primary, redis->AwaitHealthy());
    Trial::Options trial;
    trial.url = RedisUrl("redis+sentinel", redis->sentinel_addresses(),
                         absl::StrCat("/", RedisReplication::kPrimaryName), nullptr,
                         "prefix=test&durability=replicated&replicas=2");
    trial.seed = static_cast<uint64_t>(i);
    Round(
        *redis->servers()[primary], GetParam(), trial,
        [&] {
          return redis->sentinels()[0]
              ->Run({"SENTINEL", "FAILOVER", RedisReplication::kPrimaryName})
              .status();
        },
        [&] { return redis->PrimaryBySentinel(0).value_or(primary) != primary; },
        [&] { return redis->AwaitHealthy().status(); }, totals);
  }
  Print(absl::StrCat("Sentinel, primary ", Describe(GetParam())), totals);
}

TEST_P(RedisFailoverTest, ClusterPromotesAReplica) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start({}));
  Totals totals;
  const int rounds = storage::Rounds(1, 20);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("round ", i));
    ASSERT_OK(redis->AwaitHealthy());
    Trial::Options trial;
    trial.url = RedisUrl("redis+cluster", redis->addresses(), "", nullptr,
                         "prefix=test&durability=replicated&replicas=1");
    trial.seed = static_cast<uint64_t>(i);
    trial.practices = 3;
    ASSERT_OK_AND_ASSIGN(
        const int slot,
        RedisSlotOf(*redis->servers()[0], absl::StrCat("{", Trial::Practices(trial)[0], "}")));
    ASSERT_OK_AND_ASSIGN(const size_t primary, redis->PrimaryOf(slot, 0));
    const size_t other = (primary + 1) % redis->servers().size();
    Round(
        *redis->servers()[primary], GetParam(), trial,
        // Primary and replica are three apart, whichever of them it is now.
        [&] {
          return redis->servers()[(primary + 3) % 6]->Run({"CLUSTER", "FAILOVER"}).status();
        },
        [&] { return redis->PrimaryOf(slot, other).value_or(primary) != primary; },
        [&] { return redis->AwaitHealthy(); }, totals);
  }
  Print(absl::StrCat("Cluster, primary ", Describe(GetParam())), totals);
}

INSTANTIATE_TEST_SUITE_P(, RedisFailoverTest,
                         ::testing::Values(Loss::kKilled, Loss::kPaused, Loss::kHandedOver),
                         [](const auto& of) { return NameOf(of.param); });

// What replicated costs: all replicas confirm, so without one of them nothing is answered.
TEST(RedisReplicaTest, WithoutAReplicaNothingIsAcknowledgedAndNothingLost) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisReplication::Start({}));
  Trial::Options options;
  options.url = RedisUrl("redis+sentinel", redis->sentinel_addresses(),
                         absl::StrCat("/", RedisReplication::kPrimaryName), nullptr,
                         "prefix=test&durability=replicated&replicas=2");
  ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(options));
  ASSERT_OK(redis->servers()[2]->Kill());
  const absl::Time killed = absl::Now();
  absl::SleepFor(absl::Seconds(2));
  EXPECT_EQ(trial->load().FirstWrite(killed), std::nullopt);
  EXPECT_EQ(trial->load().FirstRead(killed), std::nullopt);
  ASSERT_OK(redis->servers()[2]->Restart());
  ASSERT_OK(redis->AwaitHealthy());
  Totals totals;
  ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
  trial->Finish(totals);
  Print("Sentinel, replica killed", totals);
  ExpectCallsEndedInTime(trial->load().counts());
}

TEST(RedisPauseTest, CallsEndInTimeAndGoOnWithoutARestart) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start({}));
  Trial::Options options;
  options.url = RedisUrl("redis", redis->host_and_port(), "", nullptr, "prefix=test");
  options.deadline = absl::Milliseconds(500);
  ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(options));
  Totals totals;
  redis->Pause();
  const absl::Time paused = absl::Now();
  // The time of the pause is what is tested.
  absl::SleepFor(absl::Seconds(storage::Rounds(3, 30)));
  EXPECT_EQ(trial->load().FirstWrite(paused + absl::Milliseconds(1)), std::nullopt);
  redis->Resume();
  ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
  trial->Finish(totals);
  Print("single, paused", totals);
  const LoadCounts counts = trial->load().counts();
  EXPECT_GT(counts.reads_refused, 0);
  ExpectCallsEndedInTime(counts);
}

// While slots go from primary to primary, some to and fro.
TEST(RedisReshardTest, NothingIsLostUnderLoad) {
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisCluster::Start({}));
  Trial::Options options;
  options.url = RedisUrl("redis+cluster", redis->addresses(), "", nullptr,
                         "prefix=test&durability=replicated&replicas=1");
  options.practices = 3;
  ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(options));
  Totals totals;
  const int rounds = storage::Rounds(2, 20);
  for (int i = 1; i <= rounds; ++i) {
    for (const std::string& practice : Trial::Practices(options)) {
      ASSERT_OK_AND_ASSIGN(const int slot,
                           RedisSlotOf(*redis->servers()[0], absl::StrCat("{", practice, "}")));
      ASSERT_OK_AND_ASSIGN(const size_t from, redis->PrimaryOf(slot, 0));
      ASSERT_OK(redis->MoveSlot(slot, from, (from + 1) % 3));
    }
    ASSERT_TRUE(trial->load().AwaitAcknowledged(100, absl::Seconds(20)));
  }
  ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
  trial->Finish(totals);
  totals.rounds = rounds;
  Print("Cluster, slots moved", totals);
  ExpectCallsEndedInTime(trial->load().counts());
}

}  // namespace
}  // namespace securebase::faults
