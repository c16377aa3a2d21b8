#include "services/platform/config/server_options.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::config {
namespace {

using ::securebase::testing::ExpectGolden;
using ::securebase::testing::HasViolation;
using ::testing::HasSubstr;

// What a developer's machine runs.
ServerOptions Local() {
  ServerOptions options;
  options.allow_plaintext = true;
  options.issuer = "https://issuer.example.org";
  options.jwks = "jwks.json";
  options.keyring = "keyring.json";
  options.store = "memory:";
  return options;
}

// What a cluster runs.
ServerOptions Networked() {
  ServerOptions options = Local();
  options.listen_address = "0.0.0.0:7400";
  options.allow_plaintext = false;
  options.tls = {"tls.crt", "tls.key", "ca.crt"};
  options.store = "sqlite:/var/lib/securebase/outcomes.db";
  options.audit_directory = "/var/lib/securebase/audit";
  return options;
}

TEST(ServerOptionsTest, TheTwoUsualSetupsAreValid) {
  EXPECT_OK(ValidateServerOptions(Local()));
  EXPECT_OK(ValidateServerOptions(Networked()));
}

TEST(ServerOptionsTest, NothingIsServedWithoutBeingToldHow) {
  const absl::Status status = ValidateServerOptions(ServerOptions());
  for (const char* flag : {"--tls-certificate", "--issuer", "--jwks", "--keyring", "--store"}) {
    EXPECT_THAT(status, HasViolation(flag));
  }
}

TEST(ServerOptionsTest, PlaintextIsRefusedOffLoopback) {
  for (const char* address : {"0.0.0.0:7400", "[::]:7400", "10.1.2.3:7400", "securebase:7400",
                              "128.0.0.1:7400", "[::ffff:127.0.0.1]:7400"}) {
    ServerOptions options = Local();
    options.listen_address = address;
    options.store = "sqlite:x";
    options.audit_directory = "y";
    EXPECT_THAT(ValidateServerOptions(options), HasViolation("--tls-certificate")) << address;
  }
  for (const char* address : {"127.0.0.1:0", "127.8.9.1:7400", "[::1]:7400", "localhost:7400"}) {
    ServerOptions options = Local();
    options.listen_address = address;
    EXPECT_OK(ValidateServerOptions(options)) << address;
  }
}

TEST(ServerOptionsTest, PlaintextMustBeAskedFor) {
  ServerOptions options = Local();
  options.allow_plaintext = false;
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--tls-certificate"));
  options = Networked();
  options.allow_plaintext = true;
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--allow-plaintext"));
}

TEST(ServerOptionsTest, NetworkCallersNeedCertificates) {
  ServerOptions options = Networked();
  options.require_client_certificate = false;
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--require-client-certificate"));
  options = Networked();
  options.tls.ca.clear();
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--tls-client-ca"));
  options.require_client_certificate = false;
  options.listen_address = "127.0.0.1:7400";
  EXPECT_OK(ValidateServerOptions(options));
}

TEST(ServerOptionsTest, CertificateAndKeyComeTogether) {
  ServerOptions options = Networked();
  options.tls.key.clear();
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--tls-key"));
  options = Networked();
  options.tls.certificate.clear();
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--tls-certificate"));
}

TEST(ServerOptionsTest, PeersAreKnownByTheirCertificates) {
  ServerOptions options = Networked();
  options.peer_services = {{"plans.securebase.svc", "plans"}};
  EXPECT_OK(ValidateServerOptions(options));
  options = Local();
  options.peer_services = {{"plans.securebase.svc", "plans"}};
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--peer-services"));
  options = Networked();
  options.peer_services = {{"plans.securebase.svc", "a service"}};
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--peer-services"));
}

TEST(ServerOptionsTest, StoresHaveAForm) {
  ServerOptions options = Networked();
  for (const char* store :
       {"sqlite:x", "redis://h:1", "rediss://h:1/0?user=u", "redis+sentinel://h:1,i:1/primary",
        "rediss+sentinel://h:1/primary", "redis+cluster://h:1", "rediss+cluster://h:1"}) {
    options.store = store;
    EXPECT_OK(ValidateServerOptions(options)) << store;
  }
  for (const char* store : {"", "sqlite:", "/var/lib/x.db", "memory", "postgres://h", "redis:h:1",
                            "redis+other://h:1", "redis"}) {
    options.store = store;
    EXPECT_THAT(ValidateServerOptions(options), HasViolation("--store")) << store;
  }
  options.store = "memory:";
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--store")) << "forgets, on a network";
  options.store = "mysql://u:SECRET@h";
  EXPECT_THAT(std::string(ValidateServerOptions(options).message()), Not(HasSubstr("SECRET")));
}

TEST(ServerOptionsTest, AStoreThatLastsNeedsAnAuditExport) {
  ServerOptions options = Networked();
  options.audit_directory.clear();
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--audit-directory"));
}

TEST(ServerOptionsTest, NeighboursNeedTlsWhereverTheyAre) {
  ServerOptions options = Local();
  for (const char* address :
       {"127.0.0.1:7400", "10.0.0.1:7400", "dns:///outcomes.securebase.svc:7400"}) {
    options.neighbours = {{"outcomes", address}};
    const absl::Status status = ValidateServerOptions(options);
    EXPECT_THAT(status, HasViolation("--neighbour-ca")) << address;
    EXPECT_THAT(status, HasViolation("--neighbour-certificate")) << address;
    EXPECT_THAT(status, HasViolation("--neighbour-key")) << address;
  }
  options.neighbour_tls = {"c", "k", "ca"};
  EXPECT_OK(ValidateServerOptions(options));
  options.neighbours = {{"outcomes", ""}};
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--outcomes-address"));
}

TEST(ServerOptionsTest, AddressesAreChecked) {
  for (const char* address : {"", "7400", ":7400", "h:", "h:x", "h:+1", "h:70000", "::1:7400",
                              "[::1:7400", "[h]:1", "a/b:1"}) {
    EXPECT_FALSE(ParseAddress(address).ok()) << address;
  }
  ASSERT_OK_AND_ASSIGN(const Address v6, ParseAddress("[::1]:7400"));
  EXPECT_EQ(v6.host, "::1");
  EXPECT_EQ(v6.port, 7400);
  ServerOptions options = Local();
  options.metrics_address = "nonsense";
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--metrics-address"));
}

TEST(ServerOptionsTest, AFewRequestsDoNotUseUpTheMemoryOfAllConnections) {
  ServerOptions options = Local();
  options.max_message_bytes = 32 << 20;
  options.connection_memory_bytes = 128 << 20;
  EXPECT_OK(ValidateServerOptions(options));
  options.connection_memory_bytes = 127 << 20;
  EXPECT_THAT(ValidateServerOptions(options), HasViolation("--max-message-bytes"));
}

TEST(ServerOptionsTest, TheFlagsSetThem) {
  ServerOptions options;
  FlagSet flags("securebase-plans", "", "1");
  AddServerFlags(flags, options, {"outcomes"});
  ASSERT_OK(flags.Parse({"--listen-address=[::1]:1", "--outcomes-address=dns:///o:2",
                         "--claim-practice=tenant", "--read-queue=7", "--journal-retention=48h"},
                        [](const std::string&) { return std::nullopt; }));
  EXPECT_EQ(options.listen_address, "[::1]:1");
  EXPECT_EQ(options.neighbours["outcomes"], "dns:///o:2");
  EXPECT_EQ(options.claims.practice, "tenant");
  EXPECT_EQ(options.reads.queue, 7);
  EXPECT_EQ(options.journal_retention, absl::Hours(48));
}

TEST(ServerOptionsTest, HelpReadsWell) {
  ServerOptions options;
  FlagSet flags("securebase-plans", "Treatment plans.", "1");
  AddServerFlags(flags, options, {"outcomes", "goals"});
  ASSERT_OK_AND_ASSIGN(const auto help,
                       flags.Parse({"--help"}, [](const std::string&) { return std::nullopt; }));
  ExpectGolden("server-help.txt", *help);
}

}  // namespace
}  // namespace securebase::config
