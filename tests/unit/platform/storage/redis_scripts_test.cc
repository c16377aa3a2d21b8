#include "services/platform/storage/redis_scripts.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace securebase::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(RedisScriptsTest, AllKeysOfAPracticeLieInOneSlot) {
  EXPECT_THAT(RedisKeysOfPractice("outcomes", "p1"),
              ElementsAre("outcomes:{p1}m", "outcomes:{p1}!"));
  // The slot is that of what stands between the first '{' and the first '}' behind it.
  EXPECT_THAT(RedisKeysOfPractice("goals", "a}b"), ElementsAre("goals:{a%7Db}m", "goals:{a%7Db}!"));
  EXPECT_THAT(RedisKeysOfPractice("goals", "}"), ElementsAre("goals:{%7D}m", "goals:{%7D}!"));
  EXPECT_THAT(RedisKeysOfPractice("goals", "{"), ElementsAre("goals:{{}m", "goals:{{}!"));
}

TEST(RedisScriptsTest, NoTwoPracticesShareAKey) {
  std::set<std::string> seen = {RedisKeysOfStore("p").front()};
  for (const char* practice :
       {"a", "a}", "a%7D", "a%257D", "%", "%25", "a}m", "a}rgoal", "{a", "}m", "%}", "%p"}) {
    EXPECT_TRUE(seen.insert(RedisKeysOfPractice("p", practice).front()).second) << practice;
  }
}

TEST(RedisScriptsTest, EveryScriptStatesWhetherItWrites) {
  for (const auto& [name, script] : RedisScripts()) {
    EXPECT_THAT(script.source, StartsWith("#!lua")) << name;
    EXPECT_EQ(script.name, name);
  }
  EXPECT_THAT(RedisScripts().find("get")->second.source, StartsWith("#!lua flags=no-writes\n"));
  EXPECT_THAT(RedisScripts().find("apply")->second.source, StartsWith("#!lua\n"));
}

}  // namespace
}  // namespace securebase::storage
