#include "services/platform/storage/redis_options.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RedisUrlTest, OneServer) {
  ASSERT_OK_AND_ASSIGN(const RedisOptions options, ParseRedisUrl("redis://127.0.0.1"));
  EXPECT_EQ(options.topology, RedisOptions::Topology::kStandalone);
  ASSERT_EQ(options.addresses.size(), 1u);
  EXPECT_EQ(FormatRedisAddress(options.addresses[0]), "127.0.0.1:6379");
  EXPECT_EQ(options.database, 0);
  EXPECT_FALSE(options.tls);
  EXPECT_EQ(options.durability, RedisDurability::kLocal);
  EXPECT_EQ(options.replicas, 0);
}

TEST(RedisUrlTest, EverythingThatCanBeSaidOfOneServer) {
  ASSERT_OK_AND_ASSIGN(
      const RedisOptions options,
      ParseRedisUrl("rediss://redis.clinic.example:7000/3?durability=replicated&replicas=2"
                    "&prefix=goals-2&user=securebase&password-file=/run/secrets/redis"
                    "&ca=/etc/ca.pem&certificate=/etc/a.pem&key=/etc/a.key&connections=8"));
  EXPECT_TRUE(options.tls);
  EXPECT_EQ(FormatRedisAddress(options.addresses[0]), "redis.clinic.example:7000");
  EXPECT_EQ(options.database, 3);
  EXPECT_EQ(options.durability, RedisDurability::kReplicated);
  EXPECT_EQ(options.replicas, 2);
  EXPECT_EQ(options.prefix, "goals-2");
  EXPECT_EQ(options.user, "securebase");
  EXPECT_EQ(options.password_file, "/run/secrets/redis");
  EXPECT_EQ(options.ca_file, "/etc/ca.pem");
  EXPECT_EQ(options.certificate_file, "/etc/a.pem");
  EXPECT_EQ(options.key_file, "/etc/a.key");
  EXPECT_EQ(options.connections, 8);
}

TEST(RedisUrlTest, Sentinels) {
  ASSERT_OK_AND_ASSIGN(const RedisOptions options,
                       ParseRedisUrl("rediss+sentinel://a,b:1,[fd00::3]:2/clinic/5?replicas=1"));
  EXPECT_EQ(options.topology, RedisOptions::Topology::kSentinel);
  ASSERT_EQ(options.addresses.size(), 3u);
  EXPECT_EQ(FormatRedisAddress(options.addresses[0]), "a:26379");
  EXPECT_EQ(FormatRedisAddress(options.addresses[1]), "b:1");
  EXPECT_EQ(FormatRedisAddress(options.addresses[2]), "[fd00::3]:2");
  EXPECT_EQ(options.primary_name, "clinic");
  EXPECT_EQ(options.database, 5);
  EXPECT_EQ(options.durability, RedisDurability::kReplicated);
}

TEST(RedisUrlTest, Cluster) {
  ASSERT_OK_AND_ASSIGN(const RedisOptions options,
                       ParseRedisUrl("redis+cluster://[::1]:1,localhost:2?durability=relaxed"));
  EXPECT_EQ(options.topology, RedisOptions::Topology::kCluster);
  EXPECT_EQ(options.addresses.size(), 2u);
  EXPECT_EQ(options.durability, RedisDurability::kRelaxed);
}

TEST(RedisUrlTest, WhatIsWrongIsRefusedWithoutRepeatingIt) {
  const struct {
    std::string url;
    std::string says;
  } cases[] = {
      {"redis:127.0.0.1", "begins with redis"},
      {"redis://", "host is missing"},
      {"redis://:6379", "host is missing"},
      {"http://secret", "begins with redis"},
      {"redis+ring://secret", "redis+cluster"},
      {"redis://:secret@127.0.0.1", "password-file"},
      {"redis://user:secret@127.0.0.1", "password-file"},
      {"redis://127.0.0.1:0", "a port"},
      {"redis://127.0.0.1:65536", "a port"},
      {"redis://127.0.0.1:secret", "a port"},
      {"redis://::1", "brackets"},
      {"redis://[::1", "both brackets"},
      {"redis://[secret]", "IPv6"},
      {"redis://[::1]secret", "IPv6"},
      {"redis://127.0.0.1/secret", "the database"},
      {"redis://127.0.0.1/-1", "the database"},
      {"redis://127.0.0.1/0/secret", "only a database"},
      {"redis://127.0.0.1,127.0.0.2", "one server"},
      {"redis+sentinel://127.0.0.1?replicas=1", "what they call the primary"},
      {"redis+sentinel://127.0.0.1/?replicas=1", "what they call the primary"},
      {"redis+sentinel://127.0.0.1/a/b?replicas=1", "the database"},
      {"redis+cluster://127.0.0.1/0?replicas=1", "no databases"},
      {"redis+cluster://127.0.0.1", "needs replicas"},
      {"redis+sentinel://127.0.0.1/p?durability=local", "failover"},
      {"redis://127.0.0.1?replicas=1", "only with durability=replicated"},
      {"redis://127.0.0.1?durability=replicated&replicas=0", "replicas must be"},
      {"redis://127.0.0.1?durability=secret", "local, replicated or relaxed"},
      {"redis://127.0.0.1?connections=0", "connections must be"},
      {"redis://127.0.0.1?connections=65", "connections must be"},
      {"redis://127.0.0.1?prefix=", "prefix must be"},
      {"redis://127.0.0.1?prefix=Secret", "prefix must be"},
      {"redis://127.0.0.1?user=secret", "needs password-file"},
      {"redis://127.0.0.1?password-file=", "must not be empty"},
      {"redis://127.0.0.1?password=secret", "the parameters are"},
      {"redis://127.0.0.1?connections=1&connections=1", "twice"},
      {"redis://127.0.0.1?ca=/secret", "for TLS"},
      {"rediss://h?certificate=/secret", "belong together"},
      {"rediss://h?key=/secret", "belong together"},
  };
  for (const auto& [url, says] : cases) {
    const absl::StatusOr<RedisOptions> options = ParseRedisUrl(url);
    ASSERT_TRUE(absl::IsInvalidArgument(options.status())) << url;
    EXPECT_THAT(std::string(options.status().message()), HasSubstr(says)) << url;
    EXPECT_THAT(std::string(options.status().message()), Not(HasSubstr("ecret"))) << url;
  }
}

TEST(RedisUrlTest, PlainConnectionsStayOnThisMachine) {
  for (const std::string host : {"127.0.0.1", "127.255.0.1", "[::1]", "localhost"}) {
    EXPECT_OK(ParseRedisUrl("redis://" + host)) << host;
  }
  for (const std::string host : {"10.0.0.1", "128.0.0.1", "redis", "localhost.example",
                                 "127.0.0.1.example", "[::2]", "[::ffff:10.0.0.1]", "0.0.0.0"}) {
    EXPECT_THAT(std::string(ParseRedisUrl("redis://" + host).status().message()),
                HasSubstr("rediss://"))
        << host;
    EXPECT_OK(ParseRedisUrl("rediss://" + host)) << host;
  }
}

}  // namespace
}  // namespace securebase::storage
