// The power of a Redis with appendonly fails under load, and its disk forgets what was not synced.

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/open_store.h"
#include "tests/faults/crash_disk.h"
#include "tests/faults/trial.h"
#include "tests/integration/storage/rounds.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"

namespace securebase::faults {
namespace {

using securebase::testing::IsError;
using securebase::testing::RedisServer;
using securebase::testing::RedisServerOptions;
using storage::RedisReply;

// Counts with plain commands until the server is killed in the middle of one, cuts its files, and
// returns how many of the acknowledged numbers are lost.
absl::StatusOr<int64_t> CountAndCut(const std::string& appendfsync, int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  CrashDisk disk;
  RedisServerOptions options;
  options.config = {absl::StrCat("appendfsync ", appendfsync)};
  options.preload = disk.library();
  options.environment = disk.environment();
  SB_ASSIGN_OR_RETURN(const auto redis, RedisServer::Start(options));
  SB_ASSIGN_OR_RETURN(const auto client, redis->Connect());
  int64_t acknowledged = 0;
  for (int i = 0; i < count; ++i) {
    SB_ASSIGN_OR_RETURN(const RedisReply reply, client->Run({"INCR", "n"}));
    acknowledged = reply.integer;
  }
  SB_RETURN_IF_ERROR(redis->Kill());
  SB_RETURN_IF_ERROR(disk.LoseUnsynced(redis->folder(), &random).status());
  SB_RETURN_IF_ERROR(redis->Restart());
  SB_ASSIGN_OR_RETURN(const RedisReply reply, redis->Run({"GET", "n"}));
  int64_t kept = 0;
  if (reply.kind == RedisReply::Kind::kString && !absl::SimpleAtoi(reply.text, &kept)) {
    return absl::InternalError("no number");
  }
  return acknowledged - kept;
}

// What the tests below stand on.
TEST(CrashDiskTest, LosesWhatWasNotSyncedAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const int64_t always, CountAndCut("always", 300, 1));
  EXPECT_LE(always, 0);
  ASSERT_OK_AND_ASSIGN(const int64_t never, CountAndCut("no", 300, 1));
  EXPECT_GT(never, 0);
}

// Redis has run the batch, dies before it answers, and has either kept it or not.
class RedisKilledBeforeItAnswersTest : public ::testing::TestWithParam<bool> {};

TEST_P(RedisKilledBeforeItAnswersTest, TheOutcomeIsUnknownAndARepetitionMakesItOne) {
  const bool is_kept = GetParam();
  CrashDisk disk;
  RedisServerOptions options;
  options.preload = disk.library();
  options.environment = disk.environment();
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start(options));
  const SystemClock clock{};
  ASSERT_OK_AND_ASSIGN(
      const auto store,
      storage::OpenStore(RedisUrl("redis", redis->host_and_port(), "", nullptr, "prefix=test"),
                         clock));
  storage::Batch batch;
  batch.practice = "p1";
  batch.journal = {"first"};
  ASSERT_OK(store->Apply({}, batch));
  batch.journal = {"second"};
  batch.puts = {{{"goal", "g1"}, "value", {{"by-name", "a"}}}};
  batch.idempotency =
      storage::IdempotencyKey{"request", "print", "result", clock.Now() + absl::Hours(1)};

  disk.CutPowerAfter(0);
  EXPECT_THAT(store->Apply({}, batch),
              IsError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown));
  ASSERT_OK(redis->WaitForExit(absl::Seconds(30)));
  if (is_kept) {
    disk.LoseNothing();
  } else {
    ASSERT_OK_AND_ASSIGN(const int64_t lost, disk.LoseUnsynced(redis->folder(), nullptr));
    EXPECT_GT(lost, 0);
  }
  ASSERT_OK(redis->Restart());

  ASSERT_OK_AND_ASSIGN(const storage::ApplyResult repeated, store->Apply({}, batch));
  EXPECT_EQ(repeated.replayed.has_value(), is_kept);
  EXPECT_EQ(repeated.position.sequence, 2);
  ASSERT_OK_AND_ASSIGN(const storage::Record record, store->Get({}, "p1", {"goal", "g1"}));
  EXPECT_EQ(record.version, 1);
  ASSERT_OK_AND_ASSIGN(const storage::JournalPage page, store->Journal({}, "p1", 0, 10));
  ASSERT_EQ(page.entries.size(), 2u);
  EXPECT_EQ(page.entries[1].value, "second");
}

INSTANTIATE_TEST_SUITE_P(, RedisKilledBeforeItAnswersTest, ::testing::Bool(),
                         [](const auto& of) { return std::string(of.param ? "Kept" : "Lost"); });

enum class Fault {
  kPower,  // fails at any moment, in every second round while Redis syncs
  kDisk,   // cannot sync any more, and then is as if the power had failed
};

// A round: a load on a Redis that ends in the middle of it, and comes back.
void Round(const std::string& appendfsync, Fault fault, uint64_t seed, Totals& totals) {
  std::mt19937_64 random(seed);
  const bool may_lose = appendfsync != "always";
  CrashDisk disk;
  RedisServerOptions options;
  options.config = {absl::StrCat("appendfsync ", appendfsync)};
  if (!may_lose && fault == Fault::kPower) {
    // In the middle of most rounds the append-only file is rewritten, too. Not on a failing disk:
    // when only the last sync of a rewrite fails, that of the folder, Redis 7.0 removes the new
    // file although the manifest names it already, and does not start any more. The old files are
    // there.
    options.config.insert(options.config.end(),
                          {"auto-aof-rewrite-percentage 50", "auto-aof-rewrite-min-size 300kb"});
  }
  options.preload = disk.library();
  options.environment = disk.environment();
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start(options));
  Trial::Options trial_options;
  trial_options.url =
      RedisUrl("redis", redis->host_and_port(), "", nullptr,
               absl::StrCat("prefix=test&durability=", may_lose ? "relaxed" : "local"));
  trial_options.seed = seed;
  trial_options.deadline = absl::Seconds(1);
  ASSERT_OK_AND_ASSIGN(const auto trial, Trial::Start(trial_options));
  ASSERT_TRUE(trial->load().AwaitAcknowledged(
      std::uniform_int_distribution<int64_t>(1, 600)(random), absl::Seconds(60)));
  const auto syncs = std::uniform_int_distribution<int64_t>(0, 20)(random);
  if (fault == Fault::kDisk) {
    // With appendfsync always Redis ends by itself then, without having answered.
    disk.BreakAfter(syncs);
    ASSERT_OK(redis->WaitForExit(absl::Seconds(30)));
  } else if (appendfsync == "always" && seed % 2 == 0) {
    disk.CutPowerAfter(syncs);
    ASSERT_OK(redis->WaitForExit(absl::Seconds(30)));
  } else {
    absl::SleepFor(absl::Microseconds(std::uniform_int_distribution<int>(0, 3000)(random)));
    ASSERT_OK(redis->Kill());
  }
  ASSERT_OK_AND_ASSIGN(const int64_t lost, disk.LoseUnsynced(redis->folder(), &random));
  totals.bytes_cut += lost;
  ASSERT_OK(redis->Restart());
  ASSERT_OK(trial->AwaitRecovery(absl::Now(), absl::Seconds(10), totals));
  trial->Finish(totals, may_lose);
}

TEST(RedisCrashTest, NothingAcknowledgedIsLost) {
  Totals totals;
  const int rounds = storage::Rounds(4, 100);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", i));
    Round("always", Fault::kPower, static_cast<uint64_t>(i), totals);
  }
  Print("single, power cut", totals);
  EXPECT_GT(totals.acknowledged, 50 * totals.rounds);
  // Otherwise the cuts met no write, and the test tested nothing.
  EXPECT_GT(totals.bytes_cut, 0);
}

TEST(RedisCrashTest, NothingAcknowledgedIsLostWhenTheDiskFails) {
  Totals totals;
  const int rounds = storage::Rounds(2, 20);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("seed ", i));
    Round("always", Fault::kDisk, static_cast<uint64_t>(i), totals);
  }
  Print("single, disk fails", totals);
}

// The control: without fsync the same rounds must lose, or the test above could not fail.
TEST(RedisCrashTest, WithoutSyncAcknowledgedWritesAreLost) {
  Totals totals;
  const int rounds = storage::Rounds(2, 20);
  for (int i = 1; i <= rounds && !HasFailure(); ++i) {
    Round("no", Fault::kPower, static_cast<uint64_t>(i), totals);
  }
  Print("its control, appendfsync no", totals);
  EXPECT_GT(totals.lost, 0);
}

}  // namespace
}  // namespace securebase::faults
