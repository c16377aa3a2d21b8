// How calls reach real servers: one, one with TLS, behind Sentinels, in a Cluster.
#include "services/platform/storage/redis_router.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::securebase::testing::RedisServer;
using ::testing::HasSubstr;

// Listed as the store lists keys: one that never exists makes a moving slot refuse the call.
const RedisScript& Append() {
  static const auto* script = new RedisScript(
      MakeRedisScript("append", "#!lua\nreturn redis.call('APPEND', KEYS[1], ARGV[1])"));
  return *script;
}
const RedisScript& Length() {
  static const auto* script = new RedisScript(
      MakeRedisScript("length", "#!lua flags=no-writes\nreturn redis.call('STRLEN', KEYS[1])"));
  return *script;
}

Context In(absl::Duration time) { return {absl::Now() + time}; }

RedisCall AppendTo(const std::string& practice, const std::string& text = "x") {
  return {&Append(), {"{" + practice + "}s", "{" + practice + "}!"}, {text}, true};
}
RedisCall LengthOf(const std::string& practice) {
  return {&Length(), {"{" + practice + "}s", "{" + practice + "}!"}, {}, false};
}

absl::StatusOr<std::unique_ptr<RedisRouter>> Open(const std::string& url) {
  auto options = ParseRedisUrl(url);
  if (!options.ok()) {
    return options.status();
  }
  return MakeRedisRouter(*options, nullptr);
}

TEST(RedisRouterTest, ScriptsRunAlsoAfterTheServerForgotThem) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  ASSERT_OK_AND_ASSIGN(const auto router, Open("redis://" + server->host_and_port() + "/3"));
  for (int64_t i = 1; i <= 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const RedisAnswer answer,
                         router->Run(In(absl::Seconds(5)), AppendTo("p")));
    EXPECT_EQ(answer.reply.kind, RedisReply::Kind::kInteger);
    EXPECT_EQ(answer.reply.integer, i);
    EXPECT_EQ(answer.replication_id.size(), 40u);
    ASSERT_OK(server->Run({"SCRIPT", "FLUSH"}));
  }
  ASSERT_OK_AND_ASSIGN(const RedisAnswer length, router->Run(In(absl::Seconds(5)), LengthOf("p")));
  EXPECT_EQ(length.reply.integer, 3);
  ASSERT_OK_AND_ASSIGN(const auto elsewhere, server->Run({"EXISTS", "{p}s"}));
  EXPECT_EQ(elsewhere.integer, 0) << "database 3 was not selected";
}

}  // namespace
}  // namespace securebase::storage
