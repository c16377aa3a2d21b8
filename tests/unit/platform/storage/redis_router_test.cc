// The way to Redis against servers that answer as they should not. Real servers are in
// tests/integration/redis.
#include "services/platform/storage/redis_router.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "services/platform/storage/redis_reply.h"
#include "services/platform/storage/redis_slot.h"
#include "services/platform/storage/redis_topology.h"
#include "tests/testing/fake_redis.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::FakeRedis;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

const RedisScript& Script() {
  static const auto* script = new RedisScript(MakeRedisScript("test", "return 1"));
  return *script;
}
const RedisCall kWrite = {&Script(), {"{p}a", "{p}!"}, {"x"}, true};
const RedisCall kRead = {&Script(), {"{p}a", "{p}!"}, {}, false};

Context In(absl::Duration time) { return {absl::Now() + time}; }

RedisOptions OptionsFor(const FakeRedis& server) {
  RedisOptions options;
  options.addresses = {{"127.0.0.1", server.port()}};
  options.connections = 1;
  // So long that no test waits for them, however loaded the machine is.
  options.connect_timeout = absl::Seconds(30);
  options.reply_timeout = absl::Seconds(30);
  options.confirm_timeout = absl::Milliseconds(100);
  return options;
}

std::unique_ptr<RedisRouter> RouterFor(const RedisOptions& options,
                                       RedisNodeCheck check = nullptr) {
  auto router = MakeRedisRouter(options, std::move(check));
  EXPECT_OK(router);
  return router.ok() ? *std::move(router) : nullptr;
}

// What comes of a call that was tried at least twice. On a loaded machine a deadline may pass
// before anything was tried; then there is more time for it the next time.
absl::StatusOr<RedisAnswer> RunUntilRetried(RedisRouter& router, const RedisCall& call) {
  for (absl::Duration time = absl::Milliseconds(50);; time *= 2) {
    const int64_t before = router.stats().retries;
    auto answer = router.Run(In(time), call);
    if (answer.ok() || router.stats().retries > before) {
      return answer;
    }
  }
}

// Answers the first calls of a script one after the other, and all others with the last.
class Answers {
 public:
  explicit Answers(std::vector<std::string> answers) : answers_(std::move(answers)) {}
  std::string operator()(const Words& command) {
    if (command[0] != "EVALSHA") {
      return "";
    }
    const size_t number = calls_++;
    return answers_[std::min(number, answers_.size() - 1)];
  }

 private:
  const std::vector<std::string> answers_;
  size_t calls_ = 0;
};

TEST(RedisRouterUnitTest, ScriptsAreLoadedOnTheSameConnectionWhenTheyAreUnknown) {
  bool loaded = false;
  FakeRedis server([&](const Words& command) -> std::string {
    if (command[0] == "SCRIPT") {
      loaded = true;
      return FakeRedis::Bulk(Script().sha1);
    }
    if (command[0] == "EVALSHA") {
      return loaded ? ":7\r\n" : "-NOSCRIPT No matching script.\r\n";
    }
    return "";
  });
  const auto router = RouterFor(OptionsFor(server));
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(answer.reply.integer, 7);
  EXPECT_EQ(answer.replication_id, "first");
  ASSERT_OK(router->Run(In(absl::Minutes(1)), kRead));
  const Words write = {"EVALSHA", Script().sha1, "2", "{p}a", "{p}!", "x"};
  const Words read = {"EVALSHA", Script().sha1, "2", "{p}a", "{p}!"};
  EXPECT_THAT(server.commands(), ElementsAre(Words{"INFO", "replication"}, Words{"PING"}, write,
                                             Words{"SCRIPT", "LOAD", "return 1"}, write, read));
}

TEST(RedisRouterUnitTest, AScriptThatIsForgottenAgainAndAgainIsUnavailable) {
  FakeRedis server([&](const Words& command) -> std::string {
    return command[0] == "SCRIPT"    ? FakeRedis::Bulk("x")
           : command[0] == "EVALSHA" ? "-NOSCRIPT No matching script.\r\n"
                                     : "";
  });
  const auto router = RouterFor(OptionsFor(server));
  EXPECT_THAT(RunUntilRetried(*router, kRead), IsError(kUnavailable, Reason::kStoreUnavailable));
}

TEST(RedisRouterUnitTest, WhatAServerRefusesIsTriedAgain) {
  for (const std::string refusal :
       {"LOADING Redis is loading", "TRYAGAIN later", "CLUSTERDOWN down", "NOREPLICAS none",
        "BUSY busy", "READONLY replica", "MASTERDOWN alone"}) {
    FakeRedis server(Answers(
        {absl::StrCat("-", refusal, "\r\n"), absl::StrCat("-", refusal, "\r\n"), ":3\r\n"}));
    const auto router = RouterFor(OptionsFor(server));
    EXPECT_OK(router->Run(In(absl::Minutes(1)), kWrite)) << refusal;
    EXPECT_EQ(router->stats().retries, 2) << refusal;
  }
}

TEST(RedisRouterUnitTest, WhatIsRefusedToTheEndIsUnavailable) {
  FakeRedis server(Answers({"-LOADING Redis is loading\r\n"}));
  const auto router = RouterFor(OptionsFor(server));
  const absl::Time begun = absl::Now();
  const auto answer = RunUntilRetried(*router, kRead);
  EXPECT_THAT(answer, IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("LOADING"));
  EXPECT_GE(absl::Now() - begun, absl::Milliseconds(45)) << "for nine tenths of its time";
}

TEST(RedisRouterUnitTest, NoRoomIsSaidAtOnce) {
  FakeRedis server(Answers({"-OOM command not allowed\r\n"}));
  const auto router = RouterFor(OptionsFor(server));
  EXPECT_THAT(router->Run(In(absl::Hours(1)), kWrite),
              IsError(kUnavailable, Reason::kStoreUnavailable));
}

TEST(RedisRouterUnitTest, OtherErrorsAreInternalWithTheirText) {
  FakeRedis server(Answers({"-WRONGTYPE Operation against a key\r\n"}));
  const auto router = RouterFor(OptionsFor(server));
  const auto answer = router->Run(In(absl::Hours(1)), kWrite);
  EXPECT_THAT(answer, IsError(absl::StatusCode::kInternal, Reason::kInternal));
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("WRONGTYPE Operation"));
}

TEST(RedisRouterUnitTest, AnAnswerThatIsCutOffLeavesAWriteInDoubtAndNoRead) {
  for (const std::string cut : {"<close>", ":", ":1<close>", "$5\r\nab<close>", "nonsense\r\n"}) {
    FakeRedis server(Answers({cut, ":2\r\n"}));
    RedisOptions options = OptionsFor(server);
    if (cut == ":") {
      options.reply_timeout = absl::Seconds(1);  // only silence says that the rest will not come
    }
    const auto router = RouterFor(options);
    EXPECT_THAT(router->Run(In(absl::Minutes(1)), kWrite),
                IsError(kUnavailable, Reason::kOutcomeUnknown))
        << cut;
    EXPECT_OK(router->Run(In(absl::Minutes(1)), kWrite));
    EXPECT_EQ(router->stats().discarded, 1);
  }
  for (const std::string cut : {"<close>", ":1<close>", "nonsense\r\n"}) {
    FakeRedis server(Answers({cut, ":2\r\n"}));
    const auto router = RouterFor(OptionsFor(server));
    ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kRead));
    EXPECT_EQ(answer.reply.integer, 2) << cut;
  }
}

TEST(RedisRouterUnitTest, AnAnswerTooManyIsNeverTakenForAnotherCalls) {
  FakeRedis server(Answers({":1\r\n:666\r\n", ":2\r\n"}));
  const auto router = RouterFor(OptionsFor(server));
  const auto first = router->Run(In(absl::Minutes(1)), kRead);
  ASSERT_OK(first);
  ASSERT_OK_AND_ASSIGN(const RedisAnswer second, router->Run(In(absl::Minutes(1)), kRead));
  EXPECT_EQ(second.reply.integer, 2);
}

TEST(RedisRouterUnitTest, ALateAnswerIsNeverTakenForAnotherCalls) {
  std::atomic<bool> release = false;
  std::atomic<int> calls = 0;
  FakeRedis server([&](const Words& command) -> std::string {
    if (command[0] != "EVALSHA") {
      return "";
    }
    const int number = ++calls;
    while (number == 1 && !release) {
      std::this_thread::yield();
    }
    return absl::StrCat(":", number, "\r\n");
  });
  RedisOptions options = OptionsFor(server);
  options.reply_timeout = absl::Seconds(30);
  const auto router = RouterFor(options);
  absl::Status late;
  do {  // until it was sent before its deadline
    late = router->Run(In(absl::Milliseconds(50)), kWrite).status();
  } while (absl::IsDeadlineExceeded(late));
  EXPECT_THAT(late, IsError(kUnavailable, Reason::kOutcomeUnknown));
  // Behind it, on the only connection: never sent.
  EXPECT_THAT(router->Run(In(absl::Milliseconds(50)), kWrite),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  release = true;
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(answer.reply.integer, 2);
  EXPECT_EQ(router->stats().connects, 1) << "it was in step all the while";
}

TEST(RedisRouterUnitTest, ASilentServerIsGivenUpForReadsToBeTriedAgain) {
  FakeRedis server(Answers({"", ":2\r\n"}));
  RedisOptions options = OptionsFor(server);
  options.reply_timeout = absl::Milliseconds(100);
  const auto router = RouterFor(options);
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kRead));
  EXPECT_EQ(answer.reply.integer, 2);
  EXPECT_GE(router->stats().discarded, 1);
}

TEST(RedisRouterUnitTest, APassedDeadlineSendsNothing) {
  FakeRedis server(Answers({":1\r\n"}));
  const auto router = RouterFor(OptionsFor(server));
  EXPECT_THAT(router->Run({absl::Now() - absl::Seconds(1)}, kWrite),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  EXPECT_THAT(server.commands(), ElementsAre(Words{"INFO", "replication"}, Words{"PING"}));
}

TEST(RedisRouterUnitTest, ReadsAndWritesAreConfirmedByAllReplicas) {
  std::atomic<int> confirming = 1;
  FakeRedis server([&](const Words& command) -> std::string {
    return command[0] == "EVALSHA" ? ":1\r\n"
           : command[0] == "EVAL"  ? "$-1\r\n"
           : command[0] == "WAIT"  ? absl::StrCat(":", confirming.load(), "\r\n")
                                   : "";
  });
  RedisOptions options = OptionsFor(server);
  options.durability = RedisDurability::kReplicated;
  options.replicas = 2;
  const auto router = RouterFor(options);
  EXPECT_THAT(router->Run(In(absl::Minutes(1)), kWrite),
              IsError(kUnavailable, Reason::kOutcomeUnknown));
  EXPECT_THAT(RunUntilRetried(*router, kRead), IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_GE(router->stats().short_confirmations, 2);
  EXPECT_EQ(router->stats().calls, 0);
  confirming = 2;
  EXPECT_OK(router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_OK(router->Run(In(absl::Minutes(1)), kRead));
  const std::vector<Words> commands = server.commands();
  EXPECT_EQ(commands[2][0], "EVALSHA");
  EXPECT_EQ(commands[3][0], "EVAL");
  EXPECT_THAT(commands[4], ElementsAre("WAIT", "2", "100"));
}

TEST(RedisRouterUnitTest, WhatCannotBeConfirmedWasPerhapsDone) {
  for (const std::string confirmation :
       {"-NOREPLICAS Not enough good replicas to write.\r\n", "-READONLY no\r\n", "<close>"}) {
    FakeRedis server([&](const Words& command) -> std::string {
      return command[0] == "EVALSHA" ? ":1\r\n"
             : command[0] == "EVAL"  ? confirmation
             : command[0] == "WAIT"  ? ":1\r\n"
                                     : "";
    });
    RedisOptions options = OptionsFor(server);
    options.durability = RedisDurability::kReplicated;
    options.replicas = 1;
    const auto router = RouterFor(options);
    EXPECT_THAT(router->Run(In(absl::Minutes(1)), kWrite),
                IsError(kUnavailable, Reason::kOutcomeUnknown))
        << confirmation;
    EXPECT_THAT(RunUntilRetried(*router, kRead), IsError(kUnavailable, Reason::kStoreUnavailable))
        << confirmation;
  }
}

TEST(RedisRouterUnitTest, RelaxedAnswersCarryTheHistoryTheyAreOf) {
  std::atomic<int> histories = 1;
  FakeRedis server([&](const Words& command) -> std::string {
    return command[0] == "EVALSHA" ? ":1\r\n"
           : command[0] == "INFO"
               ? FakeRedis::InfoOfPrimary(absl::StrCat("history-", histories.load()))
               : "";
  });
  RedisOptions options = OptionsFor(server);
  options.durability = RedisDurability::kRelaxed;
  const auto router = RouterFor(options);
  ASSERT_OK_AND_ASSIGN(const RedisAnswer first, router->Run(In(absl::Minutes(1)), kRead));
  EXPECT_EQ(first.replication_id, "history-1");
  // The node was made a replica and a primary again, and the connection has not noticed.
  histories = 2;
  EXPECT_THAT(router->Run(In(absl::Minutes(1)), kWrite),
              IsError(kUnavailable, Reason::kOutcomeUnknown));
  ASSERT_OK_AND_ASSIGN(const RedisAnswer second, router->Run(In(absl::Minutes(1)), kRead));
  EXPECT_EQ(second.replication_id, "history-2");
}

TEST(RedisRouterUnitTest, AReplicaIsNotUsed) {
  FakeRedis server([](const Words& command) -> std::string {
    return command[0] == "INFO" ? FakeRedis::Bulk("role:slave\r\nmaster_replid:x\r\n") : "";
  });
  const absl::Status status = MakeRedisRouter(OptionsFor(server), nullptr).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("replica"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(server.host_and_port()));
}

TEST(RedisRouterUnitTest, TheCheckSeesEveryConnectionAndItsErrorIsKept) {
  std::atomic<bool> closes = false;
  FakeRedis server([&](const Words& command) -> std::string {
    return command[0] == "EVALSHA"  ? (closes ? "<close>" : ":1\r\n")
           : command[0] == "CONFIG" ? "*0\r\n"
                                    : "";
  });
  std::atomic<int> checks = 0;
  std::atomic<bool> content = true;
  const RedisNodeCheck check = [&](const auto& run) -> absl::Status {
    ++checks;
    EXPECT_OK(run({"CONFIG", "GET", "appendonly"}));
    return content ? absl::OkStatus() : absl::FailedPreconditionError("appendonly is off");
  };
  const auto router = RouterFor(OptionsFor(server), check);
  EXPECT_EQ(checks, 1);
  content = false;
  closes = true;
  EXPECT_FALSE(router->Run(In(absl::Minutes(1)), kWrite).ok());
  closes = false;
  const auto refused = RunUntilRetried(*router, kWrite);
  EXPECT_THAT(refused, IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("appendonly is off"));
  content = true;
  EXPECT_OK(router->Run(In(absl::Minutes(1)), kWrite));
  content = false;
  EXPECT_EQ(MakeRedisRouter(OptionsFor(server), check).status(),
            absl::FailedPreconditionError("appendonly is off"));
}

TEST(RedisRouterUnitTest, CloseFailsWhatWaitsAndAllThatFollows) {
  std::atomic<bool> called = false;
  FakeRedis server([&](const Words& command) -> std::string {
    called = called || command[0] == "EVALSHA";
    return "";
  });
  RedisOptions options = OptionsFor(server);
  options.reply_timeout = absl::Hours(1);
  const auto router = RouterFor(options);
  std::thread sent([&] {
    EXPECT_THAT(router->Run({}, kWrite), IsError(kUnavailable, Reason::kOutcomeUnknown));
  });
  while (!called) {
    std::this_thread::yield();
  }
  std::thread waiting(
      [&] { EXPECT_THAT(router->Run({}, kWrite), IsError(kUnavailable, Reason::kShuttingDown)); });
  while (router->stats().queued == 0) {
    std::this_thread::yield();
  }
  router->Close();
  sent.join();
  waiting.join();
  EXPECT_THAT(router->Run({}, kRead), IsError(kUnavailable, Reason::kShuttingDown));
  EXPECT_THAT(router->RunOnPrimaries({}, {"PING"}), IsError(kUnavailable, Reason::kShuttingDown));
  router->Close();
}

// What CLUSTER SLOTS answers: ranges ("0 99"), and the port of each one's primary.
std::string ClusterSlots(const std::vector<std::pair<std::string, int>>& ranges) {
  std::string reply = absl::StrCat("*", ranges.size(), "\r\n");
  for (const auto& [range, port] : ranges) {
    const std::pair<std::string, std::string> ends = absl::StrSplit(range, ' ');
    // An empty host: where it was asked.
    absl::StrAppend(&reply, "*3\r\n:", ends.first, "\r\n:", ends.second,
                    "\r\n*3\r\n$0\r\n\r\n:", port, "\r\n", FakeRedis::Bulk("id"));
  }
  return reply;
}

// Two nodes that know each other.
class RedisClusterUnitTest : public ::testing::Test {
 protected:
  struct Node {
    std::atomic<int> epoch = 1;
    std::function<std::string()> slots;
    std::function<std::string()> run;  // a script
    std::string operator()(const Words& command) const {
      if (command[0] == "CLUSTER") {
        return command[1] == "INFO"
                   ? FakeRedis::Bulk(absl::StrCat("cluster_current_epoch:", epoch.load(), "\r\n"))
                   : slots();
      }
      return command[0] == "EVALSHA" ? run() : command[0] == "ASKING" ? "+OK\r\n" : "";
    }
  };

  std::unique_ptr<RedisRouter> Open() {
    RedisOptions options = OptionsFor(one_);
    options.addresses.push_back({"127.0.0.1", two_.port()});
    options.topology = RedisOptions::Topology::kCluster;
    return RouterFor(options);
  }
  std::string SlotsOfOne() const { return ClusterSlots({{"0 16383", one_.port()}}); }
  std::string SlotsOfTwo() const { return ClusterSlots({{"0 16383", two_.port()}}); }
  std::string Elsewhere(absl::string_view how, const FakeRedis& other) const {
    return absl::StrCat("-", how, " ", RedisSlotOf("{p}a"), " :", other.port(), "\r\n");
  }

  Node node_one_;
  Node node_two_;
  FakeRedis one_{[this](const Words& command) { return node_one_(command); }};
  FakeRedis two_{[this](const Words& command) { return node_two_(command); }};
};

TEST_F(RedisClusterUnitTest, MovedIsFollowedAndRemembered) {
  node_one_.slots = node_two_.slots = [&] { return SlotsOfOne(); };
  node_one_.run = [&] { return Elsewhere("MOVED", two_); };
  node_two_.run = [] { return ":2\r\n"; };
  const auto router = Open();
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(answer.reply.integer, 2);
  EXPECT_EQ(router->stats().redirects, 1);
}

TEST_F(RedisClusterUnitTest, NodesThatPointAtEachOtherAreNotHammered) {
  node_one_.slots = node_two_.slots = [&] { return SlotsOfOne(); };
  node_one_.run = [&] { return Elsewhere("MOVED", two_); };
  node_two_.run = [&] { return Elsewhere("MOVED", one_); };
  const auto router = Open();
  const absl::Time begun = absl::Now();
  EXPECT_THAT(RunUntilRetried(*router, kWrite), IsError(kUnavailable, Reason::kStoreUnavailable));
  // Some at once, then fewer and fewer.
  EXPECT_LT(router->stats().redirects, 50 + absl::ToInt64Milliseconds(absl::Now() - begun) / 4);
}

TEST_F(RedisClusterUnitTest, AskIsFollowedForOneCallWithAskingBeforeIt) {
  node_one_.slots = node_two_.slots = [&] { return SlotsOfOne(); };
  std::atomic<int> calls = 0;
  node_one_.run = [&] { return ++calls == 1 ? Elsewhere("ASK", two_) : ":1\r\n"; };
  node_two_.run = [] { return ":2\r\n"; };
  const auto router = Open();
  ASSERT_OK_AND_ASSIGN(const RedisAnswer asked, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(asked.reply.integer, 2);
  std::vector<std::string> names;
  for (const Words& command : two_.commands()) {
    if (command[0] != "CLUSTER") {
      names.push_back(command[0]);
    }
  }
  EXPECT_THAT(names, ElementsAre("INFO", "ASKING", "EVALSHA"));
  ASSERT_OK_AND_ASSIGN(const RedisAnswer next, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(next.reply.integer, 1);
}

TEST_F(RedisClusterUnitTest, TheLatestConfigurationIsBelieved) {
  // The first one was cut off before its replica was promoted.
  node_one_.slots = [&] { return SlotsOfOne(); };
  node_two_.slots = [&] { return SlotsOfTwo(); };
  node_two_.epoch = 2;
  node_one_.run = [] { return ":1\r\n"; };
  node_two_.run = [] { return ":2\r\n"; };
  const auto router = Open();
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kWrite));
  EXPECT_EQ(answer.reply.integer, 2);
}

TEST_F(RedisClusterUnitTest, ASlotThatNobodyServesIsUnavailableUntilSomebodyDoes) {
  std::atomic<bool> served = false;
  node_one_.slots = node_two_.slots = [&] {
    return served ? SlotsOfOne() : ClusterSlots({{"0 0", one_.port()}});
  };
  node_one_.run = [] { return ":1\r\n"; };
  const auto router = Open();
  EXPECT_THAT(RunUntilRetried(*router, kWrite), IsError(kUnavailable, Reason::kStoreUnavailable));
  served = true;
  EXPECT_OK(router->Run(In(absl::Minutes(1)), kWrite));
}

TEST_F(RedisClusterUnitTest, APrimaryThatIsGoneIsLookedForElsewhere) {
  std::atomic<bool> promoted = false;
  node_one_.slots = node_two_.slots = [&] { return promoted ? SlotsOfTwo() : SlotsOfOne(); };
  node_one_.run = [&] {
    promoted = true;
    return "<close>";
  };
  node_two_.run = [] { return ":2\r\n"; };
  const auto router = Open();
  ASSERT_OK_AND_ASSIGN(const RedisAnswer answer, router->Run(In(absl::Minutes(1)), kRead));
  EXPECT_EQ(answer.reply.integer, 2);
}

RedisReply ParseReply(const std::string& bytes) {
  RedisReplyReader reader;
  EXPECT_OK(reader.Feed(bytes));
  auto reply = reader.Next();
  EXPECT_OK(reply);
  return reply.ok() && reply->has_value() ? **reply : RedisReply();
}

TEST(RedisTopologyTest, ClusterSlotsWithReplicas) {
  const std::string range =
      "*4\r\n:0\r\n:8000\r\n*2\r\n$9\r\n127.0.0.2\r\n:1\r\n*2\r\n$9\r\n127.0.0.3\r\n:2\r\n";
  const std::string here = "*3\r\n:8001\r\n:8001\r\n*4\r\n$-1\r\n:3\r\n$1\r\nx\r\n*0\r\n";
  const std::string again = "*3\r\n:8003\r\n:16383\r\n*2\r\n$9\r\n127.0.0.2\r\n:1\r\n";
  ASSERT_OK_AND_ASSIGN(
      const RedisPrimaries found,
      ParseClusterSlots(ParseReply("*3\r\n" + range + here + again), {"127.0.0.9", 9}));
  ASSERT_EQ(found.addresses.size(), 2u);
  EXPECT_EQ(FormatRedisAddress(found.addresses[0]), "127.0.0.2:1");
  EXPECT_EQ(FormatRedisAddress(found.addresses[1]), "127.0.0.9:3");
  ASSERT_EQ(found.slots.size(), static_cast<size_t>(kRedisSlots));
  EXPECT_EQ(found.slots[0], 0);
  EXPECT_EQ(found.slots[8000], 0);
  EXPECT_EQ(found.slots[8001], 1);
  EXPECT_EQ(found.slots[8002], RedisPrimaries::kNobody);
  EXPECT_EQ(found.slots[16383], 0);
  EXPECT_EQ(found.known.size(), 3u);
}

TEST(RedisTopologyTest, WhatIsNoAnswerToClusterSlotsIsRefused) {
  const std::string node = "*2\r\n$1\r\nh\r\n:1\r\n";
  const std::string replies[] = {
      "*0\r\n",
      "-ERR disabled\r\n",
      "$-1\r\n",
      "*1\r\n*2\r\n:0\r\n:1\r\n",
      "*1\r\n*3\r\n:-1\r\n:1\r\n" + node,
      "*1\r\n*3\r\n:2\r\n:1\r\n" + node,
      "*1\r\n*3\r\n:0\r\n:16384\r\n" + node,
      "*1\r\n*3\r\n+0\r\n:1\r\n" + node,
      "*1\r\n*3\r\n:0\r\n:1\r\n:2\r\n",
      "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:65536\r\n",
  };
  for (const std::string& reply : replies) {
    EXPECT_TRUE(absl::IsUnavailable(ParseClusterSlots(ParseReply(reply), {"h", 1}).status()))
        << reply;
  }
  std::string many = absl::StrCat("*", kMaxRedisPrimaries + 1, "\r\n");
  for (size_t i = 0; i <= kMaxRedisPrimaries; ++i) {
    absl::StrAppend(&many, "*3\r\n:", i, "\r\n:", i, "\r\n*2\r\n$1\r\nh\r\n:", i + 1, "\r\n");
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(ParseClusterSlots(ParseReply(many), {"h", 1}).status()));
}

}  // namespace
}  // namespace securebase::storage
