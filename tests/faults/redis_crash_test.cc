// The power of a Redis with appendonly fails under load, and its disk forgets what was not synced.

#include <random>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/faults/crash_disk.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"

namespace securebase::faults {
namespace {

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
  SB_RETURN_IF_ERROR(disk.LoseUnsynced(redis->folder(), random).status());
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

}  // namespace
}  // namespace securebase::faults
