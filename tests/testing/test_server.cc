#include "tests/testing/test_server.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/status_macros.h"

namespace securebase::testing {
namespace {

constexpr char kIssuer[] = "https://issuer.example.org";

// A fixture that cannot be made is no result of the test.
void OrDie(const absl::Status& status) {
  if (!status.ok()) {
    fprintf(stderr, "test server: %s\n", status.ToString().c_str());
    abort();
  }
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  OrDie(value.status());
  return *std::move(value);
}

std::vector<std::string> ClientNames() {
  std::vector<std::string> names = ServiceNames();
  names.push_back("ehr");
  return names;
}

}  // namespace

TestServer::TestServer(const std::vector<std::string>& services,
                       const std::function<void(config::ServerOptions&)>& change,
                       AuditSink* audit) {
  // Certificates are checked against the real time, whatever the test's clock says.
  pki_ = OrDie(auth::WriteDevPki(folder_.path(), ClientNames(), absl::Now(), absl::Hours(24)));
  signer_ = std::make_unique<auth::TokenSigner>(
      OrDie(auth::TokenSigner::Generate(auth::Algorithm::kEdDsa, "test-key")));
  options_.listen_address = "127.0.0.1:0";
  options_.health_address = "127.0.0.1:0";
  options_.metrics_address = "127.0.0.1:0";
  options_.tls = pki_.server;
  for (const std::string& name : ServiceNames()) {
    options_.peer_services[name] = name;
  }
  options_.issuer = kIssuer;
  options_.jwks = folder_.Write("jwks.json", auth::FormatJwkSet({*signer_}));
  options_.keyring = folder_.PathOf("keyring.json");
  OrDie(auth::WritePrivateFile(options_.keyring, auth::GenerateKeyring(absl::Now())));
  options_.store = "memory:";
  options_.endpoint_wait = absl::ZeroDuration();
  if (change) {
    change(options_);
  }
  runtime_ = OrDie(rpc::MakeRuntime(options_, services, clock_, ids_, log_));
  adapter_ = rpc::MakeAdapter(options_, *runtime_, audit == nullptr ? audit_ : *audit);
}

TestServer::~TestServer() {
  Shutdown();
  if (::testing::Test::HasFailure()) {
    fprintf(stderr, "--- the server's log:\n%s---\n", log_.text().c_str());
  }
}

absl::Status TestServer::Start(std::vector<GrpcService> services, absl::Duration handshake_time) {
  rpc::Server::Parts parts{
      *runtime_, *adapter_, {}, [] { return absl::OkStatus(); }, handshake_time};
  for (GrpcService& service : services) {
    SB_RETURN_IF_ERROR(service.status());
    parts.services.push_back(*std::move(service));
  }
  SB_ASSIGN_OR_RETURN(server_, rpc::Server::Start(options_, std::move(parts)));
  return absl::OkStatus();
}

void TestServer::Shutdown() {
  clients_.clear();
  server_.reset();
}

client::ChannelOptions TestServer::ChannelOptions(const std::string& name) const {
  client::ChannelOptions channel;
  channel.address = address();
  if (options_.tls.certificate.empty()) {
    channel.plaintext = true;
    return channel;
  }
  channel.ca_file = folder_.PathOf("ca.crt");
  channel.certificate_file = folder_.PathOf(name + ".crt");
  channel.key_file = folder_.PathOf(name + ".key");
  return channel;
}

client::Client& TestServer::Client(const std::string& name) {
  std::unique_ptr<client::Client>& made = clients_[name];
  if (made == nullptr) {
    made = OrDie(client::MakeClient(ChannelOptions(name)));
  }
  return *made;
}

auth::TokenRequest TestServer::TokenRequest(auth::PrincipalKind kind, const std::string& subject,
                                            const std::string& scopes, const std::string& practice,
                                            const std::string& patient) const {
  auth::TokenRequest request;
  request.issuer = kIssuer;
  request.audience = options_.audience;
  request.practice = practice;
  request.kind = kind;
  request.subject = subject;
  request.patient = patient;
  request.scope = scopes;
  request.issued = clock_.Now();
  return request;
}

std::string TestServer::Token(const auth::TokenRequest& request) const {
  return auth::MintToken(*signer_, request);
}

client::CallOptions TestServer::As(auth::PrincipalKind kind, const std::string& subject,
                                   const std::string& scopes, const std::string& practice,
                                   const std::string& patient) const {
  client::CallOptions options;
  options.token = Token(TokenRequest(kind, subject, scopes, practice, patient));
  return options;
}

std::string TestServer::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

}  // namespace securebase::testing
