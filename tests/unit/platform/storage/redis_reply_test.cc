#include "services/platform/storage/redis_reply.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/platform/storage/redis_slot.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using Kind = RedisReply::Kind;

TEST(RedisReplyTest, CommandsHoldAnyBytes) {
  std::string out = "before";
  AppendRedisCommand({"SET", absl::string_view("a\0\r\n", 4), ""}, out);
  EXPECT_EQ(out, std::string("before*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n", 35));
}

TEST(RedisReplyTest, RepliesOfAllKindsHoweverTheyAreCutUp) {
  const std::string stream =
      "+OK\r\n-ERR no\r\n:-12\r\n$-1\r\n$4\r\na\r\nb\r\n$0\r\n\r\n*-1\r\n*0\r\n"
      "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n*1\r\n-ERR in\r\n";
  for (size_t step = 1; step <= stream.size(); ++step) {
    RedisReplyReader reader;
    std::vector<RedisReply> replies;
    for (size_t at = 0; at < stream.size(); at += step) {
      ASSERT_OK(reader.Feed(absl::string_view(stream).substr(at, step)));
      while (true) {
        ASSERT_OK_AND_ASSIGN(std::optional<RedisReply> reply, reader.Next());
        if (!reply.has_value()) {
          break;
        }
        replies.push_back(*std::move(reply));
      }
    }
    EXPECT_TRUE(reader.Empty());
    ASSERT_EQ(replies.size(), 9u) << step;
    EXPECT_EQ(replies[0].kind, Kind::kStatus);
    EXPECT_EQ(replies[0].text, "OK");
    EXPECT_EQ(replies[1].kind, Kind::kError);
    EXPECT_EQ(replies[1].text, "ERR no");
    EXPECT_EQ(replies[2].kind, Kind::kInteger);
    EXPECT_EQ(replies[2].integer, -12);
    EXPECT_EQ(replies[3].kind, Kind::kNil);
    EXPECT_EQ(replies[4].kind, Kind::kString);
    EXPECT_EQ(replies[4].text, "a\r\nb");
    EXPECT_EQ(replies[5].kind, Kind::kString);
    EXPECT_EQ(replies[5].text, "");
    EXPECT_EQ(replies[6].kind, Kind::kNil);
    EXPECT_EQ(replies[7].kind, Kind::kArray);
    EXPECT_TRUE(replies[7].elements.empty());
    ASSERT_EQ(replies[8].elements.size(), 3u);
    EXPECT_EQ(replies[8].elements[0].integer, 1);
    ASSERT_EQ(replies[8].elements[1].elements.size(), 2u);
    EXPECT_EQ(replies[8].elements[1].elements[0].text, "x");
    EXPECT_EQ(replies[8].elements[1].elements[1].kind, Kind::kNil);
    EXPECT_EQ(replies[8].elements[2].elements[0].kind, Kind::kError);
    EXPECT_EQ(replies[8].elements[2].elements[0].text, "ERR in");
  }
}

TEST(RedisReplyTest, AHalfReplyIsNotEmpty) {
  for (const absl::string_view half : {"+", "+OK\r", "$3\r\nab", "*2\r\n:1\r\n"}) {
    RedisReplyReader reader;
    ASSERT_OK(reader.Feed(half));
    ASSERT_OK_AND_ASSIGN(const std::optional<RedisReply> reply, reader.Next());
    EXPECT_FALSE(reply.has_value());
    EXPECT_FALSE(reader.Empty()) << half;
  }
}

TEST(RedisReplyTest, WhatIsNotTheProtocolIsAnError) {
  for (const absl::string_view bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "$-2\r\n", "*-2\r\n", "$x\r\n", ":1x\r\n",
        // More than there is memory for, and more than we are willing to hold.
        "*2147483647\r\n", "*4611686018427387904\r\n", "*262145\r\n", "*3\r\n*262142\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    RedisReplyReader reader;
    absl::Status status = reader.Feed(bytes);
    if (status.ok()) {
      status = reader.Next().status();
    }
    EXPECT_TRUE(absl::IsUnavailable(status)) << bytes;
  }
}

TEST(RedisReplyTest, OneReplyHasABound) {
  RedisReplyReader reader;
  ASSERT_OK(reader.Feed("$1000000000\r\n"));
  const std::string part(1 << 20, 'x');
  absl::Status status;
  size_t fed = 0;
  while (status.ok() && fed <= RedisReplyReader::kMaxBytes) {
    status = reader.Feed(part);
    fed += part.size();
    if (status.ok()) {
      status = reader.Next().status();
    }
  }
  EXPECT_TRUE(absl::IsUnavailable(status));
}

TEST(RedisErrorTest, EachIsKnownByItsFirstWord) {
  using ErrorKind = RedisError::Kind;
  const RedisError moved = ParseRedisError("MOVED 3999 127.0.0.1:6381");
  EXPECT_EQ(moved.kind, ErrorKind::kMoved);
  EXPECT_EQ(moved.slot, 3999);
  EXPECT_EQ(FormatRedisAddress(moved.address), "127.0.0.1:6381");
  const RedisError ask = ParseRedisError("ASK 1 fd00::1:7");
  EXPECT_EQ(ask.kind, ErrorKind::kAsk);
  EXPECT_EQ(FormatRedisAddress(ask.address), "[fd00::1]:7");
  const RedisError here = ParseRedisError("MOVED 1 :6381");
  EXPECT_EQ(here.kind, ErrorKind::kMoved);
  EXPECT_EQ(here.address.host, "");
  const std::pair<absl::string_view, ErrorKind> others[] = {
      {"NOSCRIPT No matching script. Please use EVAL.", ErrorKind::kNoScript},
      {"READONLY You can't write against a read only replica.", ErrorKind::kNotPrimary},
      {"MASTERDOWN Link with MASTER is down", ErrorKind::kNotPrimary},
      {"TRYAGAIN Multiple keys request during rehashing of slot", ErrorKind::kLater},
      {"CLUSTERDOWN Hash slot not served", ErrorKind::kLater},
      {"LOADING Redis is loading the dataset in memory", ErrorKind::kLater},
      {"NOREPLICAS Not enough good replicas to write.", ErrorKind::kLater},
      {"BUSY Redis is busy running a script.", ErrorKind::kLater},
      {"OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::kFull},
      {"MISCONF Redis is configured to save RDB snapshots", ErrorKind::kFull},
      {"ERR unknown", ErrorKind::kOther},
      {"", ErrorKind::kOther},
      {"MOVED", ErrorKind::kOther},
      {"MOVED 16384 127.0.0.1:1", ErrorKind::kOther},
      {"MOVED -1 127.0.0.1:1", ErrorKind::kOther},
      {"MOVED 1 127.0.0.1", ErrorKind::kOther},
      {"MOVED 1 127.0.0.1:0", ErrorKind::kOther},
      {"ASK x 127.0.0.1:1", ErrorKind::kOther},
      {"MOVEDON 1 127.0.0.1:1", ErrorKind::kOther},
  };
  for (const auto& [text, kind] : others) {
    EXPECT_EQ(ParseRedisError(text).kind, kind) << text;
  }
}

TEST(RedisErrorTest, FieldsOfInfo) {
  const absl::string_view info = "# Replication\r\nrole:master\r\nmaster_replid:abc\r\nempty:\r\n";
  EXPECT_EQ(RedisInfoField(info, "role"), "master");
  EXPECT_EQ(RedisInfoField(info, "master_replid"), "abc");
  EXPECT_EQ(RedisInfoField(info, "empty"), "");
  EXPECT_EQ(RedisInfoField(info, "replid"), "");
}

TEST(RedisSlotTest, TheChecksumIsTheOneOfTheSpecification) {
  // The check value that the Redis Cluster specification, Appendix A, gives for its CRC16.
  EXPECT_EQ(RedisCrc16("123456789"), 0x31c3);
  EXPECT_EQ(RedisCrc16(""), 0);
}

TEST(RedisSlotTest, OnlyTheHashTagCounts) {
  // The examples of the specification, "Hash tags".
  EXPECT_EQ(RedisSlotOf("{user1000}.following"), RedisSlotOf("{user1000}.followers"));
  EXPECT_EQ(RedisSlotOf("{user1000}.following"), RedisSlotOf("user1000"));
  EXPECT_EQ(RedisSlotOf("foo{}{bar}"), RedisCrc16("foo{}{bar}") % kRedisSlots);
  EXPECT_EQ(RedisSlotOf("foo{{bar}}zap"), RedisSlotOf("{bar"));
  EXPECT_EQ(RedisSlotOf("foo{bar}{zap}"), RedisSlotOf("bar"));
  EXPECT_EQ(RedisSlotOf("foo{bar"), RedisCrc16("foo{bar") % kRedisSlots);
}

TEST(RedisSlotTest, EverySlotHasATag) {
  const std::vector<std::string> tags = MakeRedisSlotTags();
  ASSERT_EQ(tags.size(), static_cast<size_t>(kRedisSlots));
  for (int slot = 0; slot < kRedisSlots; ++slot) {
    ASSERT_EQ(RedisSlotOf(absl::StrCat("{", tags[static_cast<size_t>(slot)], "}x")), slot);
  }
}

}  // namespace
}  // namespace securebase::storage
