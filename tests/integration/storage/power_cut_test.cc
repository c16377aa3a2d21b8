// The power fails at a random write or sync, and the disk forgets what was not synced.

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/integration/storage/fault_vfs.h"
#include "tests/integration/storage/rounds.h"
#include "tests/integration/storage/workload.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

struct Totals {
  int rounds = 0;
  int cuts_while_opening = 0;
  int unreadable = 0;  // rounds after which the store did not open or was damaged
  int64_t acknowledged = 0;
  int64_t lost = 0;
  int64_t sectors_lost = 0;
  int64_t checkpoints = 0;
};

absl::Status CheckIntegrity(const std::string& path) {
  auto connection = SqliteConnection::Open(path, SQLITE_OPEN_READONLY, "");
  if (!connection.ok()) {
    return connection.status();
  }
  SqliteQuery query(**connection, "PRAGMA integrity_check");
  const auto row = query.Step("check");
  if (!row.ok()) {
    return row.status();
  }
  return query.Bytes(0) == "ok" ? absl::OkStatus() : absl::DataLossError(query.Bytes(0));
}

// Writes until the power fails, opens what is left, checks it, and goes on writing.
void Round(uint64_t seed, SqliteOptions::Synchronous synchronous, Totals& totals) {
  std::mt19937_64 random(seed);
  const securebase::testing::TemporaryFolder folder;
  const securebase::testing::FakeClock clock;
  SqliteOptions options;
  options.path = folder.PathOf("store.db");
  options.synchronous = synchronous;
  // Small, so that most rounds cut into a checkpoint or soon after one.
  options.writer.checkpoint_pages = 60;
  options.writer.idle_checkpoint_pages = 20;
  std::vector<WorkloadProgress> progress(kWorkloadThreads);
  ++totals.rounds;
  {
    FaultVfs vfs("power-cut");
    options.vfs = vfs.name();
    vfs.CutPowerAfter(std::uniform_int_distribution<int64_t>(1, 1500)(random));
    {
      auto store = MakeSqliteStore(options, clock);
      if (store.ok()) {
        progress = RunWorkload(**store, {}, 100'000, [](int, int64_t) {});
        totals.checkpoints += (*store)->stats().checkpoints;
      } else {
        ++totals.cuts_while_opening;
      }
    }
    ASSERT_TRUE(vfs.power_is_cut());
    const double keep = std::uniform_int_distribution<int>(0, 4)(random) / 4.0;
    totals.sectors_lost += vfs.LoseUnsynced(keep, random);
  }
  for (const WorkloadProgress& thread : progress) {
    totals.acknowledged += thread.acknowledged;
  }

  options.vfs = "";
  auto store = MakeSqliteStore(options, clock);
  if (!store.ok()) {
    ++totals.unreadable;
    EXPECT_NE(synchronous, SqliteOptions::Synchronous::kFull)
        << "seed " << seed << ": " << store.status();
    return;
  }
  const WorkloadFindings findings = CheckWorkload(**store, progress);
  totals.lost += findings.lost;
  totals.unreadable += findings.damage.empty() ? 0 : 1;
  if (synchronous != SqliteOptions::Synchronous::kFull) {
    return;
  }
  EXPECT_EQ(findings.lost, 0) << "seed " << seed;
  EXPECT_EQ(findings.damage, "") << "seed " << seed;
  EXPECT_OK(CheckIntegrity(options.path)) << "seed " << seed;
  std::vector<WorkloadProgress> next;
  for (const int64_t number : findings.numbers) {
    next.push_back({number, number});
  }
  next = RunWorkload(**store, next, 3, [](int, int64_t) {});
  const WorkloadFindings after = CheckWorkload(**store, next);
  EXPECT_EQ(after.lost, 0) << "seed " << seed;
  EXPECT_EQ(after.damage, "") << "seed " << seed;
  for (size_t i = 0; i < next.size(); ++i) {
    EXPECT_EQ(after.numbers[i], findings.numbers[i] + 3) << "seed " << seed;
  }
}

Totals RunRounds(SqliteOptions::Synchronous synchronous, int rounds) {
  Totals totals;
  for (int i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
    Round(static_cast<uint64_t>(i) + 1, synchronous, totals);
  }
  printf(
      "%d power cuts (%d while opening): %lld batches acknowledged, %lld lost, %d rounds damaged, "
      "%lld unsynced sectors dropped, %lld checkpoints\n",
      totals.rounds, totals.cuts_while_opening, static_cast<long long>(totals.acknowledged),
      static_cast<long long>(totals.lost), totals.unreadable,
      static_cast<long long>(totals.sectors_lost), static_cast<long long>(totals.checkpoints));
  return totals;
}

TEST(PowerCutTest, NothingAcknowledgedIsLostAndNothingIsHalfWritten) {
  const Totals totals = RunRounds(SqliteOptions::Synchronous::kFull, Rounds(60, 1000));
  EXPECT_EQ(totals.lost, 0);
  EXPECT_EQ(totals.unreadable, 0);
  // Otherwise the test tested nothing.
  EXPECT_GT(totals.acknowledged, 10 * totals.rounds);
  EXPECT_GT(totals.sectors_lost, 0);
  EXPECT_GT(totals.checkpoints, 0);
}

// The control: without fsync the same rounds must lose, or the test above could not fail.
TEST(PowerCutTest, WithoutSyncAcknowledgedWritesAreLost) {
  const Totals totals = RunRounds(SqliteOptions::Synchronous::kOff, Rounds(60, 1000) / 3 + 1);
  EXPECT_GT(totals.lost + totals.unreadable, 0);
  EXPECT_GT(totals.acknowledged, 0);
}

}  // namespace
}  // namespace securebase::storage
