#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/id.h"
#include "services/platform/base/json.h"
#include "services/platform/base/nearest.h"
#include "services/platform/base/resource_name.h"
#include "tests/testing/status_matchers.h"

namespace securebase {
namespace {

using ::securebase::testing::HasViolation;
using ::testing::ElementsAre;

TEST(IdTest, UuidV7OfTheRfcExample) {
  // RFC 9562, appendix A.6.
  const std::string random = "\x0c\xc3\x18\xc4\xdc\x0c\x0c\x07\x39\x8f";
  EXPECT_EQ(FormatUuidV7(absl::FromUnixMillis(0x017F22E279B0), random),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

TEST(IdTest, LaterIdsSortLater) {
  const std::string random(10, '\xff');
  const std::string zeros(10, '\0');
  EXPECT_LT(FormatUuidV7(absl::FromUnixMillis(1), random),
            FormatUuidV7(absl::FromUnixMillis(2), zeros));
}

TEST(IdTest, GeneratorDoesNotRepeat) {
  UuidGenerator generator;
  EXPECT_NE(generator.NewId(), generator.NewId());
}

TEST(JsonTest, EscapesAndRepairs) {
  EXPECT_EQ(JsonString("a\"b\\\n\x01"), "\"a\\\"b\\\\\\n\\u0001\"");
  EXPECT_EQ(JsonString("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(JsonString("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(JsonString("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(ResourceNameTest, ParsesWhatItFormats) {
  const std::string name = FormatName("practices/{practice}/goals/{goal}", {"p1", "g7"});
  EXPECT_EQ(name, "practices/p1/goals/g7");
  ASSERT_OK_AND_ASSIGN(const auto ids, ParseName("practices/{practice}/goals/{goal}", name));
  EXPECT_THAT(ids, ElementsAre("p1", "g7"));
  EXPECT_EQ(PracticeOf(name), "p1");
  EXPECT_EQ(LastId(name), "g7");
}

TEST(ResourceNameTest, RefusesEveryOtherForm) {
  for (const char* name :
       {"", "practices", "practices/p1", "practices/p1/goals/", "practices/p1/goals/a b",
        "practices/p1/goals/..", "practices/p1/goal/g7", "practices/p1/goals/g7/", "/p1/goals/g7",
        "practices/p1/goals/g%2f7", "practices/p1/goals/\xc3\xa9"}) {
    EXPECT_THAT(ParseName("practices/{practice}/goals/{goal}", name, "goal.name"),
                HasViolation("goal.name"))
        << name;
  }
  const std::string long_id(64, 'x');
  EXPECT_FALSE(ParseName("practices/{practice}", "practices/" + long_id).ok());
}

TEST(AuditTest, IsOneJsonLine) {
  AuditRecord record;
  record.time = absl::FromUnixSeconds(0);
  record.practice = "p1";
  record.principal = "staff:\"x\"\n";
  record.method = "/m";
  record.outcome = "OK";
  EXPECT_EQ(FormatAuditRecord(record),
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"practice\":\"p1\","
            "\"principal\":\"staff:\\\"x\\\"\\n\",\"method\":\"/m\",\"resource\":\"\","
            "\"outcome\":\"OK\",\"call_id\":\"\"}");
}

TEST(NearestTest, FindsWhatWasMeantAndNothingElse) {
  const std::vector<std::string> words = {"list", "show", "create", "assessments"};
  EXPECT_EQ(Nearest("lst", words), "list");
  EXPECT_EQ(Nearest("lsit", words), "list");
  EXPECT_EQ(Nearest("List", words), "list");
  EXPECT_EQ(Nearest("craete", words), "create");
  EXPECT_EQ(Nearest("assess", words), "assessments");
  EXPECT_EQ(Nearest("asessments", words), "assessments");
  EXPECT_EQ(Nearest("", words), "");
  EXPECT_EQ(Nearest("delete", words), "");
  EXPECT_EQ(DidYouMean("shwo", words), "; did you mean \"show\"?");
  EXPECT_EQ(DidYouMean("x", words), "");
}

}  // namespace
}  // namespace securebase
