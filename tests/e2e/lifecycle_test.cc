// Starting and stopping: what an operator sees, and what callers must not notice.

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/dev_pki.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kSubmitPath[] = "/securebase.outcomes.v1.OutcomesService/SubmitAssessment";

// The command line with a flag set to something else.
std::vector<std::string> With(std::vector<std::string> arguments, const std::string& flag,
                              const std::string& value) {
  for (std::string& argument : arguments) {
    if (absl::StartsWith(argument, flag + "=")) {
      argument = flag + "=" + value;
      return arguments;
    }
  }
  arguments.push_back(flag + "=" + value);
  return arguments;
}

class StartTest : public ::testing::Test {
 protected:
  // Ends with code 1 after one line on standard error that begins with the program's name and
  // holds `what`.
  void ExpectOneLine(const std::vector<std::string>& arguments, const std::string& what) {
    const absl::StatusOr<Finished> finished = RunProgram(arguments);
    ASSERT_OK(finished);
    EXPECT_EQ(finished->exit_code, 1);
    EXPECT_EQ(finished->out, "");
    EXPECT_THAT(finished->error, HasSubstr(what));
    EXPECT_THAT(finished->error, StartsWith("securebase-"));
    EXPECT_EQ(std::count(finished->error.begin(), finished->error.end(), '\n'), 1)
        << finished->error;
  }

  Deployment deployment_;
};

TEST_F(StartTest, AnUnknownFlag) {
  for (const std::string service : {"outcomes", "goals", "plans"}) {
    ExpectOneLine(With(deployment_.CommandLine(service), "--no-such-flag", "1"), "no-such-flag");
  }
}

TEST_F(StartTest, AValueThatIsNone) {
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--drain-time", "soon"), "drain-time");
}

TEST_F(StartTest, PlaintextForTheNetwork) {
  std::vector<std::string> arguments =
      With(deployment_.CommandLine("outcomes"), "--listen-address", "0.0.0.0:0");
  arguments = With(With(arguments, "--tls-certificate", ""), "--tls-key", "");
  ExpectOneLine(With(arguments, "--allow-plaintext", "true"), "tls-certificate");
}

TEST_F(StartTest, NoKeySet) {
  ExpectOneLine(
      With(deployment_.CommandLine("outcomes"), "--jwks", deployment_.folder().PathOf("none.json")),
      "none.json");
}

TEST_F(StartTest, ACertificateThatIsNone) {
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--tls-certificate",
                     deployment_.folder().Write("none.crt", "not PEM")),
                "none.crt");
}

TEST_F(StartTest, ADatabaseThatAnotherProcessHas) {
  ASSERT_OK(deployment_.Start("outcomes"));
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--listen-address", "127.0.0.1:0"),
                "outcomes.db");
}

TEST_F(StartTest, APortThatIsTaken) {
  ASSERT_OK(deployment_.Start("outcomes"));
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--store",
                     "sqlite:" + deployment_.folder().PathOf("other.db")),
                deployment_.address("outcomes"));
}

// gRPC would log three lines before it.
TEST_F(StartTest, ACommandThatCannotConnectSaysSoInOneLine) {
  ASSERT_OK(deployment_.Start("outcomes"));
  const std::string own = deployment_.folder().PathOf("own");
  ASSERT_TRUE(std::filesystem::create_directory(own));
  ASSERT_OK(auth::WriteDevPki(own, {"client"}, absl::Now(), absl::Hours(1)));
  const auto expect = [&](const std::vector<std::string>& flags, const std::string& what) {
    std::vector<std::string> arguments = {"episodes", "list"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    ASSERT_OK_AND_ASSIGN(const Finished finished, deployment_.Cli(arguments));
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.error, StartsWith("securebase: " + what));
    EXPECT_EQ(std::count(finished.error.begin(), finished.error.end(), '\n'), 1) << finished.error;
  };
  const std::string address = deployment_.address("outcomes");
  expect({"--ca", own + "/ca.crt"}, "the certificate of " + address + " is not signed by ");
  expect({"--certificate", own + "/client.crt", "--key", own + "/client.key"},
         address + " closes the connection: it does not accept the client certificate ");
  expect({"--plaintext"}, address + " closes connections without TLS");
}

TEST_F(StartTest, ARedisThatCannotKeepThePromise) {
  RedisServerOptions options;
  options.config = {"appendfsync everysec"};
  ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start(options));
  const std::string url = "redis://" + redis->host_and_port();
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--store", url),
                "appendfsync is \"everysec\", should be always");
}

TEST_F(StartTest, ARedisThatIsNotThere) {
  std::string nowhere;
  {
    ASSERT_OK_AND_ASSIGN(const auto redis, RedisServer::Start({}));
    nowhere = redis->host_and_port();
  }
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--store", "redis://" + nowhere),
                nowhere);
}

TEST_F(StartTest, ARedisWithAPasswordInItsUrl) {
  const std::vector<std::string> arguments = With(deployment_.CommandLine("outcomes"), "--store",
                                                  "redis://user:MARKEDSECRET@127.0.0.1:6379");
  ExpectOneLine(arguments, "password-file");
  ASSERT_OK_AND_ASSIGN(const Finished finished, RunProgram(arguments));
  EXPECT_THAT(finished.error, ::testing::Not(HasSubstr("MARKEDSECRET")));
}

TEST_F(StartTest, NetworkCallersWithoutCertificates) {
  const std::vector<std::string> network =
      With(deployment_.CommandLine("outcomes"), "--listen-address", "0.0.0.0:0");
  ExpectOneLine(With(network, "--tls-client-ca", ""), "tls-client-ca");
  ExpectOneLine(With(network, "--require-client-certificate", "false"),
                "require-client-certificate");
}

TEST_F(StartTest, AStoreThatForgetsOnTheNetwork) {
  const std::vector<std::string> network =
      With(deployment_.CommandLine("outcomes"), "--listen-address", "0.0.0.0:0");
  ExpectOneLine(With(network, "--store", "memory:"), "memory:");
}

TEST_F(StartTest, SecretsThatOthersMayRead) {
  for (const std::string name : {"keyring.json", "server.key"}) {
    const std::string path = deployment_.folder().PathOf(name);
    ASSERT_EQ(chmod(path.c_str(), 0644), 0);
    ExpectOneLine(deployment_.CommandLine("outcomes"), name);
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  }
}

TEST_F(StartTest, CertificatesThatHaveEnded) {
  ASSERT_OK(auth::WriteDevPki(deployment_.folder().path(), {"goals"}, absl::Now() - absl::Hours(48),
                              absl::Hours(24)));
  ExpectOneLine(deployment_.CommandLine("outcomes"), "expired on");
}

TEST_F(StartTest, ANeighboursCertificateThatIsNone) {
  ExpectOneLine(With(deployment_.CommandLine("goals"), "--neighbour-certificate",
                     deployment_.folder().Write("none.crt", "not PEM")),
                "none.crt");
}

TEST_F(StartTest, AKeySetThatIsNone) {
  ExpectOneLine(With(deployment_.CommandLine("plans"), "--jwks",
                     deployment_.folder().Write("bad.json", "{\"keys\": []}")),
                "bad.json");
}

TEST_F(StartTest, NoWhereForTheAuditTrail) {
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--audit-directory", ""),
                "audit-directory");
  ExpectOneLine(With(deployment_.CommandLine("outcomes"), "--audit-directory",
                     deployment_.folder().PathOf("nowhere")),
                "nowhere");
}

TEST_F(StartTest, NoNeighbour) {
  ExpectOneLine(With(deployment_.CommandLine("goals"), "--outcomes-address", ""),
                "outcomes-address");
}

TEST(LifecycleTest, AServiceIsReadyWhenItServesAndEndsWhenItIsAskedTo) {
  Deployment deployment;
  ASSERT_OK(deployment.StartAll());
  for (const std::string service : {"plans", "goals", "outcomes"}) {
    const int port = deployment.metrics_port(service);
    EXPECT_OK(HttpGet(port, "/livez")) << service;
    EXPECT_OK(HttpGet(port, "/readyz")) << service;
    ASSERT_OK_AND_ASSIGN(const std::string metrics, HttpGet(port, "/metrics"));
    EXPECT_THAT(metrics, HasSubstr("securebase_calls_in_flight")) << service;
    EXPECT_THAT(metrics, HasSubstr("securebase_store_queued")) << service;
    ASSERT_OK_AND_ASSIGN(const int exit_code, deployment.Stop(service));
    EXPECT_EQ(exit_code, 0) << service;
    EXPECT_FALSE(HttpGet(port, "/livez").ok()) << service;
  }
}

// Every call that a stopping service does not refuse it finishes, and answers: what was answered is
// there afterwards, and what was refused never happened.
TEST(LifecycleTest, SigtermCutsNoCallOff) {
  constexpr int kCallers = 8;
  Deployment deployment;
  ASSERT_OK(deployment.Start("outcomes"));
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_OK(OpenEpisode(deployment, absl::StrCat("e", caller)));
  }
  client::Client& client = deployment.Client("outcomes");
  const client::CallOptions as = deployment.AsSystem();

  std::atomic<int> answered{0};
  std::vector<std::set<std::string>> acknowledged(kCallers);
  std::vector<absl::Status> last(kCallers);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (int i = 0; last[caller].ok(); ++i) {
        const std::string id = absl::StrCat("c", caller, "-", i);
        outcomes::v1::SubmitAssessmentResponse response;
        last[caller] = client.CallMethod(
            kSubmitPath, as, PhqNine(id, absl::StrCat("e", caller), i % 40, i % 4), response);
        if (last[caller].ok()) {
          acknowledged[caller].insert(id);
          ++answered;
          answered.notify_one();
        }
      }
    });
  }
  for (int seen = 0; seen < 50; seen = answered.load()) {
    answered.wait(seen);
  }
  ASSERT_OK_AND_ASSIGN(const int exit_code, deployment.Stop("outcomes"));
  EXPECT_EQ(exit_code, 0);
  for (std::thread& caller : callers) {
    caller.join();
  }
  std::set<std::string> expected;
  for (int caller = 0; caller < kCallers; ++caller) {
    EXPECT_TRUE(absl::IsUnavailable(last[caller])) << last[caller];
    for (const std::string& id : acknowledged[caller]) {
      expected.insert("practices/p1/assessments/" + id);
    }
  }
  ASSERT_OK(deployment.Start("outcomes"));
  std::set<std::string> found;
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_OK_AND_ASSIGN(const auto stored, ListAssessments(deployment, absl::StrCat("e", caller)));
    for (const auto& assessment : stored) {
      found.insert(assessment.name());
    }
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace securebase::testing
