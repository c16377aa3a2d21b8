// The network that partition tests cut.

#include "tests/faults/network.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase::faults {
namespace {

using securebase::testing::RedisClient;
using securebase::testing::RedisServer;
using securebase::testing::RedisServerOptions;

// Whether machine `from` gets an answer of `to` within a second.
bool Reaches(const Network& network, size_t from, const RedisServer& to) {
  const auto done = securebase::testing::RunProgram(
      {"/sbin/ip", "netns", "exec", network.places()[from].network_namespace, "/usr/bin/timeout",
       "1", "/usr/bin/redis-cli", "-h", to.address(), "-p", absl::StrCat(to.port()), "PING"});
  return done.ok() && done->out == "PONG\n";
}

TEST(NetworkTest, ACutSeparatesMachinesWithoutClosingConnections) {
  if (const absl::Status possible = Network::IsPossible(); !possible.ok()) {
    GTEST_SKIP() << possible.message();
  }
  ASSERT_OK_AND_ASSIGN(const auto network, Network::Make(3));
  std::vector<std::unique_ptr<RedisServer>> servers;
  for (const auto& place : network->places()) {
    RedisServerOptions options;
    options.place = place;
    ASSERT_OK_AND_ASSIGN(auto server, RedisServer::Start(options));
    servers.push_back(std::move(server));
  }
  const absl::Duration patience = absl::Milliseconds(500);
  ASSERT_OK_AND_ASSIGN(
      const auto client,
      RedisClient::Connect(servers[2]->address(), servers[2]->port(), "", "", patience));
  EXPECT_OK(client->Run({"PING"}));
  EXPECT_TRUE(Reaches(*network, 0, *servers[2]));

  ASSERT_OK(network->Cut({1, 2}));
  EXPECT_FALSE(client->Run({"PING"}).ok());
  EXPECT_FALSE(Reaches(*network, 0, *servers[2]));
  EXPECT_TRUE(Reaches(*network, 1, *servers[2]));
  EXPECT_OK(RedisClient::Connect(servers[0]->address(), servers[0]->port(), "", "", patience));
  // The server has not noticed, and the fixture reaches it all the same.
  ASSERT_OK_AND_ASSIGN(const std::string clients, servers[2]->Info("connected_clients"));
  EXPECT_EQ(clients, "2");

  ASSERT_OK(network->Heal());
  EXPECT_TRUE(Reaches(*network, 0, *servers[2]));
}

}  // namespace
}  // namespace securebase::faults
