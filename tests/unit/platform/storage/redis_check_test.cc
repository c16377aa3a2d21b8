#include "services/platform/storage/redis_check.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::ExpectGolden;
using ::securebase::testing::IsError;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Severity = RedisFinding::Severity;

RedisOptions OptionsOf(RedisDurability durability) {
  RedisOptions options;
  options.durability = durability;
  if (durability == RedisDurability::kReplicated) {
    options.topology = RedisOptions::Topology::kCluster;
    options.replicas = 2;
  }
  return options;
}

// A server that can keep every promise.
RedisFacts GoodFacts(const RedisOptions& options) {
  RedisFacts facts;
  facts.info = {
      {"redis_version", "7.0.15"},
      {"aof_last_write_status", "ok"},
      {"connected_slaves", absl::StrCat(options.replicas)},
      {"cluster_enabled", options.topology == RedisOptions::Topology::kCluster ? "1" : "0"}};
  for (int i = 0; i < options.replicas; ++i) {
    facts.info[absl::StrCat("slave", i)] =
        absl::StrCat("ip=10.0.0.", i, ",port=6379,state=online,offset=14,lag=0");
  }
  facts.config = {{"appendonly", "yes"},
                  {"appendfsync", "always"},
                  {"no-appendfsync-on-rewrite", "no"},
                  {"aof-load-truncated", "yes"},
                  {"auto-aof-rewrite-percentage", "100"},
                  {"maxmemory", "1073741824"},
                  {"maxmemory-policy", "noeviction"},
                  {"min-replicas-to-write", absl::StrCat(options.replicas)},
                  {"min-replicas-max-lag", "10"},
                  {"replica-serve-stale-data", "no"},
                  {"cluster-allow-reads-when-down", "no"},
                  {"cluster-allow-replica-migration", "no"}};
  return facts;
}

// The names of what is wrong, and how badly.
std::vector<std::string> WrongOf(const RedisOptions& options, const RedisFacts& facts) {
  std::vector<std::string> wrong;
  for (const RedisFinding& finding : JudgeRedis(options, facts)) {
    if (finding.severity != Severity::kOk) {
      wrong.push_back(absl::StrCat(finding.severity == Severity::kError ? "error " : "warning ",
                                   finding.setting));
    }
  }
  return wrong;
}

TEST(RedisCheckTest, AServerThatKeepsThePromiseHasNothingWrong) {
  for (const RedisDurability durability :
       {RedisDurability::kLocal, RedisDurability::kReplicated, RedisDurability::kRelaxed}) {
    const RedisOptions options = OptionsOf(durability);
    EXPECT_THAT(WrongOf(options, GoodFacts(options)), IsEmpty());
    EXPECT_OK(StatusOfFindings(options, JudgeRedis(options, GoodFacts(options))));
  }
}

TEST(RedisCheckTest, EachWrongSettingIsFound) {
  struct Case {
    std::string setting;
    std::string value;
    std::string local;
    std::string replicated;
    std::string relaxed;
  };
  // "-": does not matter there.
  const std::vector<Case> cases = {
      {"appendonly", "no", "error", "error", "warning"},
      {"appendfsync", "everysec", "error", "error", "-"},
      {"appendfsync", "no", "error", "error", "-"},
      {"no-appendfsync-on-rewrite", "yes", "error", "error", "-"},
      {"aof-load-truncated", "no", "warning", "warning", "warning"},
      {"auto-aof-rewrite-percentage", "0", "warning", "warning", "warning"},
      {"maxmemory", "0", "warning", "warning", "warning"},
      {"maxmemory-policy", "allkeys-lru", "error", "error", "error"},
      {"min-replicas-to-write", "1", "-", "error", "-"},
      {"min-replicas-max-lag", "0", "-", "error", "-"},
      {"replica-serve-stale-data", "yes", "-", "warning", "warning"},
      {"cluster-allow-reads-when-down", "yes", "-", "error", "-"},
      {"cluster-allow-replica-migration", "yes", "-", "error", "-"},
  };
  for (const Case& c : cases) {
    for (const auto& [durability, severity] :
         {std::make_pair(RedisDurability::kLocal, c.local),
          std::make_pair(RedisDurability::kReplicated, c.replicated),
          std::make_pair(RedisDurability::kRelaxed, c.relaxed)}) {
      const RedisOptions options = OptionsOf(durability);
      RedisFacts facts = GoodFacts(options);
      facts.config[c.setting] = c.value;
      std::vector<std::string> expected;
      if (severity != "-") {
        expected.push_back(absl::StrCat(severity, " ", c.setting));
      }
      EXPECT_EQ(WrongOf(options, facts), expected) << c.setting << "=" << c.value;
    }
  }
}

TEST(RedisCheckTest, OldServersAreRefusedForTheirVersionAlone) {
  const RedisOptions options = OptionsOf(RedisDurability::kLocal);
  RedisFacts facts;
  facts.info = {{"redis_version", "6.2.7"}};
  EXPECT_THAT(WrongOf(options, facts), ::testing::ElementsAre("error redis_version"));
  facts = GoodFacts(options);
  facts.info["redis_version"] = "10.2.1";
  EXPECT_THAT(WrongOf(options, facts), IsEmpty());
}

TEST(RedisCheckTest, MoreReplicasThanAreWaitedForAreRefused) {
  const RedisOptions options = OptionsOf(RedisDurability::kReplicated);
  RedisFacts facts = GoodFacts(options);
  facts.info["connected_slaves"] = "3";
  facts.info["slave2"] = "ip=10.0.0.9,port=6379,state=online,offset=14,lag=0";
  EXPECT_THAT(WrongOf(options, facts), ::testing::ElementsAre("error connected replicas"));
  facts.info["slave2"] = facts.info["slave1"];  // has reconnected, the old line is still there
  EXPECT_THAT(WrongOf(options, facts), IsEmpty());
  facts.info["connected_slaves"] = "1";
  EXPECT_THAT(WrongOf(options, facts), ::testing::ElementsAre("warning connected replicas"));
}

TEST(RedisCheckTest, TheKindOfServerMustBeTheOneOfTheUrl) {
  RedisOptions options = OptionsOf(RedisDurability::kLocal);
  RedisFacts facts = GoodFacts(options);
  facts.info["cluster_enabled"] = "1";
  EXPECT_THAT(WrongOf(options, facts), ::testing::ElementsAre("error cluster_enabled"));
  options = OptionsOf(RedisDurability::kReplicated);
  facts = GoodFacts(options);
  facts.info["cluster_enabled"] = "0";
  EXPECT_THAT(WrongOf(options, facts), ::testing::ElementsAre("error cluster_enabled"));
}

// Debian's redis-server as it is installed.
TEST(RedisCheckTest, TheRefusalSaysWhatIsWrongAndWhatToDo) {
  const RedisOptions options = OptionsOf(RedisDurability::kLocal);
  RedisFacts facts = GoodFacts(options);
  facts.config["appendonly"] = "no";
  facts.config["appendfsync"] = "everysec";
  const absl::Status status = StatusOfFindings(options, JudgeRedis(options, facts));
  EXPECT_THAT(status, IsError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable));
  ExpectGolden("redis-refusal.txt", absl::StrCat(std::string(status.message()), "\n"));
}

RedisReply TextReply(RedisReply::Kind kind, const std::string& text) {
  RedisReply reply;
  reply.kind = kind;
  reply.text = text;
  return reply;
}

TEST(RedisCheckTest, TheNodeCheckReadsWhatTheServerAnswers) {
  const RedisOptions options = OptionsOf(RedisDurability::kRelaxed);
  const RedisNodeCheck check = MakeRedisNodeCheck(options);
  std::string policy = "noeviction";
  const auto run = [&](const std::vector<std::string>& command) -> absl::StatusOr<RedisReply> {
    if (command[0] == "INFO") {
      return TextReply(
          RedisReply::Kind::kString,
          "# Server\r\nredis_version:7.0.15\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n");
    }
    RedisReply reply;
    reply.kind = RedisReply::Kind::kArray;
    for (const std::string& text : {std::string("maxmemory-policy"), policy}) {
      reply.elements.push_back(TextReply(RedisReply::Kind::kString, text));
    }
    return reply;
  };
  EXPECT_OK(check(run));
  policy = "volatile-ttl";
  EXPECT_THAT(std::string(check(run).message()), HasSubstr("maxmemory-policy is \"volatile-ttl\""));
}

TEST(RedisCheckTest, AUserWhoMayNotLookIsRefusedWithTheRemedy) {
  const RedisNodeCheck check = MakeRedisNodeCheck(OptionsOf(RedisDurability::kRelaxed));
  const absl::Status status = check([](const std::vector<std::string>&) {
    return TextReply(RedisReply::Kind::kError, "NOPERM this user has no permissions");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("NOPERM"), HasSubstr("+config|get")));
}

}  // namespace
}  // namespace securebase::storage
