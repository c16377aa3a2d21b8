// What a real server refuses: it is out of memory, or holds something else under our keys.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/storage/open_store.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using securebase::testing::IsError;
using securebase::testing::RedisServer;
using securebase::testing::StatusOf;
using ::testing::IsEmpty;

const RecordKey kGoal{"goal", "g"};

class RedisLimitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(redis_, RedisServer::Start({}));
    ASSERT_OK_AND_ASSIGN(
        store_, OpenStore(absl::StrCat("redis://", redis_->host_and_port()), clock_, "outcomes"));
  }

  // Something of everything.
  static Batch Full(const std::string& practice) {
    Batch batch;
    batch.practice = practice;
    batch.puts = {{kGoal, "value", {{"by", "x"}}}};
    batch.deletes = {{"goal", "other"}};
    batch.journal = {"j"};
    batch.audit = {"a"};
    batch.idempotency = IdempotencyKey{"k", "f", "r", absl::InfiniteFuture()};
    return batch;
  }

  SystemClock clock_;
  std::unique_ptr<RedisServer> redis_;
  std::unique_ptr<Store> store_;
};

TEST_F(RedisLimitsTest, WithoutMemoryNothingIsWrittenAndRoomCanBeMade) {
  ASSERT_OK(store_->Apply({}, Full("p1")));
  ASSERT_OK(redis_->Run({"CONFIG", "SET", "maxmemory", "1"}));
  Batch batch = Full("p1");
  batch.idempotency->key = "another";
  EXPECT_THAT(StatusOf(store_->Apply({}, batch)),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(store_->Get({}, "p1", kGoal)->version, 1);
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 1);
  EXPECT_FALSE(store_->Ping({}).ok());

  ASSERT_OK_AND_ASSIGN(const Lease lease,
                       store_->AcquireLease({}, "p1", "housekeeping", "me", absl::Minutes(1)));
  TrimRequest trim;
  trim.practice = "p1";
  trim.audit_through = 1;
  EXPECT_EQ(store_->Trim({}, trim).value(), 1);
  EXPECT_OK(store_->ReleaseLease({}, "p1", "housekeeping", lease.token));

  ASSERT_OK(redis_->Run({"CONFIG", "SET", "maxmemory", "0"}));
  EXPECT_OK(store_->Apply({}, batch));
}

// Whatever a batch would meet in the middle, it meets before it writes.
TEST_F(RedisLimitsTest, KeysOfAnotherTypeLetNoHalfOfABatchThrough) {
  const auto lost = IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss);
  // What stands behind the practice; a list is never right.
  const std::vector<std::string> names = {
      "m", "n", "xby", "j", "a", "k", "e", "ik", std::string("rgoal\0g", 7)};
  int practices = 0;
  for (const std::string& name : names) {
    const std::string practice = absl::StrCat("p", ++practices);
    const std::string base = absl::StrCat("outcomes:{", practice, "}");
    ASSERT_OK(redis_->Run({"RPUSH", base + name, "planted"}));
    ASSERT_OK_AND_ASSIGN(const RedisReply before, redis_->Run({"DBSIZE"}));
    EXPECT_THAT(StatusOf(store_->Apply({}, Full(practice))), lost) << name;
    ASSERT_OK_AND_ASSIGN(const RedisReply after, redis_->Run({"DBSIZE"}));
    EXPECT_EQ(after.integer, before.integer) << name;
    ASSERT_OK_AND_ASSIGN(const RedisReply keys, redis_->Run({"KEYS", base + "*"}));
    EXPECT_EQ(keys.elements.size(), 1u) << name << " was not all there is of the practice";
    EXPECT_EQ(redis_->Run({"LLEN", base + name})->integer, 1) << name;
  }
  EXPECT_THAT(store_->ListPractices({}, "", 100).value(), IsEmpty());
}

// An index that only the record's earlier state was in is checked as well.
TEST_F(RedisLimitsTest, AnIndexThatIsLeftIsCheckedToo) {
  ASSERT_OK(store_->Apply({}, Full("p1")));
  ASSERT_OK(redis_->Run({"DEL", "outcomes:{p1}xby"}));
  ASSERT_OK(redis_->Run({"SET", "outcomes:{p1}xby", "planted"}));
  Batch batch;
  batch.practice = "p1";
  batch.puts = {{kGoal, "changed", {{"new", "y"}}}};
  batch.journal = {"changed"};
  EXPECT_THAT(StatusOf(store_->Apply({}, batch)),
              IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
  EXPECT_EQ(store_->Get({}, "p1", kGoal)->version, 1);
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 1);
  ScanRequest scan;
  scan.practice = "p1";
  scan.index = "new";
  EXPECT_THAT(store_->Scan({}, scan)->rows, IsEmpty());
}

}  // namespace
}  // namespace securebase::storage
