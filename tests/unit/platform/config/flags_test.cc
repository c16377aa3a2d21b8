#include "services/platform/config/flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::config {
namespace {

using ::securebase::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() {
    flags_.AddString("jwks", jwks_, "Keys.");
    flags_.AddString("store", store_, "Store.", FlagSet::Display::kHide);
    flags_.AddBool("reflection", reflection_, "Reflection.");
    flags_.AddInteger("read-threads", threads_, 1, 64, "Threads.");
    flags_.AddDuration("drain-time", drain_, absl::ZeroDuration(), absl::Hours(1), "Drain.");
    flags_.AddChoice("log-level", level_, {"info", "error"}, "Level.");
    flags_.AddPairs("peer-services", peers_, "Peers.");
  }

  absl::StatusOr<std::optional<std::string>> Parse(std::vector<std::string> arguments) {
    return flags_.Parse(arguments, [&](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional(found->second);
    });
  }
  std::string ErrorOf(std::vector<std::string> arguments) {
    const auto result = Parse(std::move(arguments));
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(result.status().message());
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    return message;
  }

  FlagSet flags_{"securebase-test", "A test.", "1.2.3"};
  std::map<std::string, std::string> environment_;
  std::string jwks_ = "default.json";
  std::string store_ = "redis://u:DEFAULT-SECRET@h";
  bool reflection_ = false;
  int threads_ = 8;
  absl::Duration drain_ = absl::Seconds(20);
  std::string level_ = "info";
  std::map<std::string, std::string> peers_;
};

TEST_F(FlagsTest, DefaultsStay) {
  ASSERT_OK_AND_ASSIGN(const auto text, Parse({}));
  EXPECT_EQ(text, std::nullopt);
  EXPECT_EQ(jwks_, "default.json");
  EXPECT_EQ(threads_, 8);
  EXPECT_FALSE(reflection_);
}

TEST_F(FlagsTest, EveryKindIsRead) {
  ASSERT_OK(Parse({"--jwks", "a b.json", "--store=memory:", "--reflection", "--read-threads=3",
                   "--drain-time=1m30s", "--log-level", "error",
                   "--peer-services=spiffe://x/a=b=plans, goals.svc=goals"}));
  EXPECT_EQ(jwks_, "a b.json");
  EXPECT_EQ(store_, "memory:");
  EXPECT_TRUE(reflection_);
  EXPECT_EQ(threads_, 3);
  EXPECT_EQ(drain_, absl::Seconds(90));
  EXPECT_EQ(level_, "error");
  EXPECT_THAT(peers_, ElementsAre(Pair("goals.svc", "goals"), Pair("spiffe://x/a=b", "plans")));
}

TEST_F(FlagsTest, CommandLineBeatsEnvironmentBeatsFileBeatsDefault) {
  const TemporaryFolder dir;
  const std::string path = dir.Write("config.toml",
                                     "# a comment\njwks = \"file.json\"\nread-threads = 1\n"
                                     "drain-time = \"1s\"\nreflection = true\n");
  environment_ = {{"SECUREBASE_READ_THREADS", "2"}, {"SECUREBASE_DRAIN_TIME", "2s"}};
  ASSERT_OK(Parse({"--drain-time=3s", "--config", path}));
  EXPECT_EQ(level_, "info");
  EXPECT_EQ(jwks_, "file.json");
  EXPECT_TRUE(reflection_);
  EXPECT_EQ(threads_, 2);
  EXPECT_EQ(drain_, absl::Seconds(3));
}

TEST_F(FlagsTest, TheConfigFileMayComeFromTheEnvironment) {
  const TemporaryFolder dir;
  environment_ = {{"SECUREBASE_CONFIG", dir.Write("c.toml", "jwks = \"file.json\"\n")}};
  ASSERT_OK(Parse({}));
  EXPECT_EQ(jwks_, "file.json");
}

TEST_F(FlagsTest, ASwitchCanBeTurnedOff) {
  environment_ = {{"SECUREBASE_REFLECTION", "true"}};
  ASSERT_OK(Parse({"--reflection=false"}));
  EXPECT_FALSE(reflection_);
}

TEST_F(FlagsTest, AnEmptyVariableCountsAsAbsent) {
  environment_ = {{"SECUREBASE_JWKS", ""}, {"SECUREBASE_CONFIG", ""}};
  ASSERT_OK(Parse({}));
  EXPECT_EQ(jwks_, "default.json");
}

TEST_F(FlagsTest, AnEmptyValueIsEmptyAndLeavesTheNextArgumentAlone) {
  environment_ = {{"SECUREBASE_JWKS", "environment.json"}};
  ASSERT_OK(Parse({"--jwks=", "--drain-time=30s"}));
  EXPECT_EQ(jwks_, "");
  EXPECT_EQ(drain_, absl::Seconds(30));
  ASSERT_OK(Parse({"--drain-time=40s", "--jwks="}));
  EXPECT_EQ(jwks_, "");
  EXPECT_THAT(ErrorOf({"--drain-time=", "--jwks=x"}),
              HasSubstr("--drain-time: \"\" is not a duration"));
}

TEST_F(FlagsTest, ErrorsSayWhichFlagFromWhereAndWhatWouldBeRight) {
  EXPECT_EQ(ErrorOf({"--drain-time=5 parsecs"}),
            "--drain-time: \"5 parsecs\" is not a duration; write for example 90s, 5m or 1h30m");
  EXPECT_EQ(ErrorOf({"--drain-time=2h"}), "--drain-time: \"2h\" is not within 0 to 1h");
  EXPECT_EQ(ErrorOf({"--read-threads=65"}), "--read-threads: \"65\" is not a number from 1 to 64");
  EXPECT_EQ(ErrorOf({"--log-level=loud"}), "--log-level: \"loud\" is unknown; choose info, error");
  EXPECT_EQ(ErrorOf({"--reflection=perhaps"}), "--reflection: \"perhaps\" is not true or false");
  EXPECT_EQ(ErrorOf({"--peer-services=plans"}),
            "--peer-services: \"plans\" is not a list of key=value, separated by commas");
  EXPECT_EQ(ErrorOf({"--peer-services=a=b,a=c"}), "--peer-services: \"a=b,a=c\" names a key twice");
  environment_ = {{"SECUREBASE_READ_THREADS", "many"}};
  EXPECT_EQ(ErrorOf({}),
            "--read-threads (environment SECUREBASE_READ_THREADS): \"many\" is not a number from 1 "
            "to 64");
}

TEST_F(FlagsTest, ErrorsInTheFileNameIt) {
  const TemporaryFolder dir;
  const std::string path = dir.Write("c.toml", "read-threads = 0\n");
  EXPECT_EQ(ErrorOf({"--config=" + path}),
            "--read-threads (file " + path + "): \"0\" is not a number from 1 to 64");
  dir.Write("c.toml", "thread-count = 1\n");
  EXPECT_THAT(ErrorOf({"--config=" + path}), HasSubstr("sets \"thread-count\", which is no flag"));
  dir.Write("c.toml", "read-thread = 1\n");
  EXPECT_THAT(ErrorOf({"--config=" + path}), HasSubstr("did you mean \"read-threads\"?"));
  dir.Write("c.toml", "[serving]\nread-threads = 1\n");
  EXPECT_THAT(ErrorOf({"--config=" + path}), HasSubstr("serving"));
  EXPECT_THAT(ErrorOf({"--config=/nowhere"}), HasSubstr("/nowhere cannot be read"));
  EXPECT_EQ(ErrorOf({"--config=" + dir.path()}),
            "--config: " + dir.path() + " is a folder; name the file in it");
}

TEST_F(FlagsTest, UnknownArgumentsAreNamedWithoutTheirValue) {
  EXPECT_EQ(ErrorOf({"--jwsk=SECRET"}),
            "--jwsk: there is no such flag; did you mean \"--jwks\"? --help lists them");
  EXPECT_EQ(ErrorOf({"--zzzz=SECRET"}), "--zzzz: there is no such flag; --help lists them");
  EXPECT_THAT(ErrorOf({"SECRET"}), Not(HasSubstr("SECRET")));
  EXPECT_THAT(ErrorOf({"--jwks"}), HasSubstr("jwks"));
}

TEST_F(FlagsTest, HelpExplainsEveryFlagAndHidesSecrets) {
  ASSERT_OK_AND_ASSIGN(const auto help, Parse({"--help"}));
  ASSERT_TRUE(help.has_value());
  EXPECT_THAT(*help, HasSubstr("SECUREBASE_DRAIN_TIME"));
  EXPECT_THAT(*help, HasSubstr("Drain. From 0 to 1h. Default: 20s."));
  EXPECT_THAT(*help, HasSubstr("Threads. From 1 to 64. Default: 8."));
  EXPECT_THAT(*help, HasSubstr("--config"));
  EXPECT_THAT(*help, Not(HasSubstr("SECRET")));
}

TEST_F(FlagsTest, VersionIsPrinted) {
  ASSERT_OK_AND_ASSIGN(const auto version, Parse({"--version"}));
  EXPECT_EQ(version, "securebase-test 1.2.3\n");
}

TEST(EnvironmentNameTest, IsTheFlagInCapitals) {
  EXPECT_EQ(EnvironmentName("drain-time"), "SECUREBASE_DRAIN_TIME");
}

}  // namespace
}  // namespace securebase::config
