#include "services/platform/storage/redis_store.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

// What the contract suite cannot bring about with real servers: answers of the router that are
// errors, and answers that are none of ours.
namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::securebase::testing::StatusOf;
using ::testing::HasSubstr;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

RedisReply Text(const std::string& text) {
  RedisReply reply;
  reply.kind = RedisReply::Kind::kString;
  reply.text = text;
  return reply;
}

RedisReply Array(const std::vector<std::string>& elements) {
  RedisReply reply;
  reply.kind = RedisReply::Kind::kArray;
  for (const std::string& element : elements) {
    reply.elements.push_back(Text(element));
  }
  return reply;
}

using Answering = std::function<absl::StatusOr<RedisReply>(const RedisCall&)>;

// Answers as the test says, and a store that is opened.
class ScriptedRouter : public RedisRouter {
 public:
  explicit ScriptedRouter(Answering* answer, std::string* replication_id)
      : answer_(answer), replication_id_(replication_id) {}

  absl::StatusOr<RedisAnswer> Run(const Context&, const RedisCall& call) override {
    absl::StatusOr<RedisReply> reply = (*answer_)(call);
    if (!reply.ok()) {
      return reply.status();
    }
    return RedisAnswer{*std::move(reply), *replication_id_};
  }
  absl::StatusOr<std::vector<NodeReply>> RunOnPrimaries(const Context&,
                                                        const std::vector<std::string>&) override {
    return std::vector<NodeReply>();
  }
  void Close() override {}

 private:
  Answering* const answer_;
  std::string* const replication_id_;
};

class RedisStoreTest : public ::testing::Test {
 protected:
  void Open(RedisDurability durability = RedisDurability::kLocal) {
    answer_ = [](const RedisCall&) { return Array({"1", "epoch"}); };
    RedisStoreOptions options;
    options.prefix = "outcomes";
    options.durability = durability;
    ASSERT_OK_AND_ASSIGN(
        store_,
        MakeRedisStore(std::make_unique<ScriptedRouter>(&answer_, &replication_id_), options));
  }
  void AnswerWith(absl::StatusOr<RedisReply> reply) {
    answer_ = [reply = std::move(reply)](const RedisCall&) { return reply; };
  }
  static Batch SomeBatch() {
    Batch batch;
    batch.practice = "p1";
    batch.journal = {"j"};
    return batch;
  }

  Answering answer_;
  std::string replication_id_ = "first";
  std::unique_ptr<Store> store_;
};

TEST_F(RedisStoreTest, RecordsOfAnotherFormatAreRefused) {
  Answering answer = [](const RedisCall&) { return Array({"2", "epoch"}); };
  const auto store =
      MakeRedisStore(std::make_unique<ScriptedRouter>(&answer, &replication_id_), {"outcomes"});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("format 2"));
}

TEST_F(RedisStoreTest, ErrorsOfTheServerMeanSomethingToAnOperator) {
  Open();
  AnswerWith(Internal("OOM command not allowed when used memory > 'maxmemory'"));
  EXPECT_THAT(StatusOf(store_->Apply({}, SomeBatch())),
              IsError(kUnavailable, Reason::kStoreUnavailable));
  AnswerWith(Internal("MISCONF Errors writing to the AOF file: No space left on device"));
  EXPECT_THAT(StatusOf(store_->Apply({}, SomeBatch())),
              IsError(kUnavailable, Reason::kStoreUnavailable));
  AnswerWith(Internal("WRONGTYPE Operation against a key holding the wrong kind of value"));
  EXPECT_THAT(StatusOf(store_->Apply({}, SomeBatch())),
              IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
}

TEST_F(RedisStoreTest, WhatIsUnknownOfARegistrationIsCertainOfTheBatch) {
  Open();
  int applied = 0;
  answer_ = [&](const RedisCall& call) -> absl::StatusOr<RedisReply> {
    if (call.script->name == "register") {
      return MakeError(kUnavailable, Reason::kOutcomeUnknown, "not confirmed");
    }
    ++applied;
    EXPECT_EQ(call.arguments[0], "");
    return Array({"register"});
  };
  // The batch changed nothing: its caller need not repeat it with the same request id.
  EXPECT_THAT(StatusOf(store_->Apply({}, SomeBatch())),
              IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(applied, 1);
}

TEST_F(RedisStoreTest, AnUnknownOutcomeStaysOne) {
  Open();
  AnswerWith(MakeError(kUnavailable, Reason::kOutcomeUnknown, "not confirmed"));
  EXPECT_THAT(StatusOf(store_->Apply({}, SomeBatch())),
              IsError(kUnavailable, Reason::kOutcomeUnknown));
}

TEST_F(RedisStoreTest, RelaxedPositionsChangeTheirEpochWithThePrimary) {
  for (const RedisDurability durability :
       {RedisDurability::kLocal, RedisDurability::kReplicated, RedisDurability::kRelaxed}) {
    Open(durability);
    AnswerWith(Array({"epoch", "3"}));
    replication_id_ = "first";
    ASSERT_OK_AND_ASSIGN(const Position before, store_->GetPosition({}, "p1"));
    EXPECT_EQ(store_->GetPosition({}, "p1").value(), before);
    replication_id_ = "second";
    ASSERT_OK_AND_ASSIGN(const Position after, store_->GetPosition({}, "p1"));
    EXPECT_EQ(before == after, durability != RedisDurability::kRelaxed);
  }
}

TEST_F(RedisStoreTest, WhatNoScriptWroteIsDataLoss) {
  Open();
  const auto lost = IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss);
  AnswerWith(Array({"short"}));
  EXPECT_THAT(StatusOf(store_->Get({}, "p1", {"goal", "a"})), lost);
  AnswerWith(Array({std::string(12, '\xff')}));
  EXPECT_THAT(StatusOf(store_->Get({}, "p1", {"goal", "a"})), lost);
  AnswerWith(Text("no array"));
  EXPECT_THAT(StatusOf(store_->Get({}, "p1", {"goal", "a"})), lost);
  EXPECT_THAT(StatusOf(store_->GetPosition({}, "p1")), lost);
  EXPECT_THAT(StatusOf(store_->ListAudit({}, "p1", 0, 10)), lost);
  EXPECT_THAT(StatusOf(store_->FindResult({}, "p1", "k", "f")), lost);
  ScanRequest scan;
  scan.practice = "p1";
  scan.index = "by";
  AnswerWith(Array({"0", "no member", "x"}));
  EXPECT_THAT(StatusOf(store_->Scan({}, scan)), lost);
  AnswerWith(Array({"1", "not", "a number"}));
  EXPECT_THAT(StatusOf(store_->ListAudit({}, "p1", 0, 10)), lost);
}

TEST_F(RedisStoreTest, NumbersThatRedisCannotCountAreNotImported) {
  Open();
  AnswerWith(Array({"done"}));
  constexpr int64_t kMost = (int64_t{1} << 53) - 1;
  EXPECT_OK(store_->Import({}, "p1", {PracticeCounters{kMost, 0, 0}}));
  EXPECT_EQ(store_->Import({}, "p1", {PracticeCounters{kMost + 1, 0, 0}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Import({}, "p1", {LeaseCopy{"work", kMost + 1}}).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace securebase::storage
