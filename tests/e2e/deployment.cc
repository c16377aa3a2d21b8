#include "tests/e2e/deployment.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/status_macros.h"

namespace securebase::testing {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);
// What `securebase dev-setup` and `securebase token` agree on.
constexpr char kIssuer[] = "https://issuer.invalid/development";
constexpr char kKeyId[] = "development";

// A fixture that cannot be made is no result of the test.
template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    fprintf(stderr, "deployment: %s\n", value.status().ToString().c_str());
    abort();
  }
  return *std::move(value);
}

// `"port":1234` of a log line.
absl::StatusOr<int> NumberOf(absl::string_view line, absl::string_view field) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(absl::StrCat("\"", field, "\":"), 1));
  int number = 0;
  if (!absl::SimpleAtoi(parts.second.substr(0, parts.second.find_first_of(",}")), &number)) {
    return absl::InternalError(absl::StrCat("no ", field, " in ", line));
  }
  return number;
}

// Of which service "outcomes-2" is a replica.
std::string NameOf(const std::string& service) { return service.substr(0, service.find('-')); }

}  // namespace

DeploymentStore StoreOfEnvironment() {
  const char* store = std::getenv("SECUREBASE_E2E_STORE");
  if (store == nullptr || store == absl::string_view("sqlite")) {
    return DeploymentStore::kSqlite;
  }
  if (store != absl::string_view("redis")) {
    fprintf(stderr, "deployment: SECUREBASE_E2E_STORE must be sqlite or redis\n");
    abort();
  }
  return DeploymentStore::kRedis;
}

Deployment::Deployment(DeploymentStore store) {
  if (store == DeploymentStore::kRedis) {
    redis_ = OrDie(RedisServer::Start({}));
  }
  std::filesystem::create_directory(folder_.PathOf("audit"));
  const Finished setup = OrDie(RunProgram({Binary("securebase"), "dev-setup", folder_.path()}));
  if (setup.exit_code != 0) {
    fprintf(stderr, "deployment: %s\n", setup.error.c_str());
    abort();
  }
  const auto pem = OrDie(auth::ReadFile(folder_.PathOf("token-key.pem"), auth::Secrecy::kPrivate));
  signer_ = std::make_unique<auth::TokenSigner>(
      OrDie(auth::TokenSigner::FromPem(auth::Algorithm::kEdDsa, kKeyId, pem.bytes)));
}

Deployment::~Deployment() {
  clients_.clear();
  if (::testing::Test::HasFailure()) {
    for (const auto& [service, running] : running_) {
      fprintf(stderr, "--- log of %s:\n%s---\n", service.c_str(), Log(service).c_str());
    }
  }
}

std::string Deployment::Binary(const std::string& name) {
  return absl::StrCat(SECUREBASE_BIN_DIR, "/", name);
}

std::string Deployment::address(const std::string& service) const {
  const auto found = running_.find(service);
  return absl::StrCat("127.0.0.1:", found == running_.end() ? 0 : found->second.port);
}

std::string Deployment::StoreOf(const std::string& name) const {
  return redis_ == nullptr ? absl::StrCat("sqlite:", folder_.PathOf(name + ".db"))
                           : absl::StrCat("redis://", redis_->host_and_port());
}

std::vector<std::string> Deployment::CommandLine(const std::string& service) const {
  const auto path = [this](const std::string& name) { return folder_.PathOf(name); };
  const std::string name = NameOf(service);
  std::vector<std::string> arguments = {Binary(absl::StrCat("securebase-", name)),
                                        absl::StrCat("--listen-address=", address(service)),
                                        "--health-address=127.0.0.1:0",
                                        "--metrics-address=127.0.0.1:0",
                                        absl::StrCat("--tls-certificate=", path("server.crt")),
                                        absl::StrCat("--tls-key=", path("server.key")),
                                        absl::StrCat("--tls-client-ca=", path("ca.crt")),
                                        absl::StrCat("--issuer=", kIssuer),
                                        absl::StrCat("--jwks=", path("jwks.json")),
                                        absl::StrCat("--keyring=", path("keyring.json")),
                                        absl::StrCat("--store=", StoreOf(name)),
                                        absl::StrCat("--audit-directory=", path("audit")),
                                        "--endpoint-wait=0s"};
  if (name != "plans") {
    arguments.push_back(name == "goals" ? "--peer-services=plans=plans"
                                        : "--peer-services=plans=plans,goals=goals");
  }
  if (name != "outcomes") {
    arguments.push_back(absl::StrCat("--outcomes-address=", address("outcomes")));
    arguments.push_back(absl::StrCat("--neighbour-ca=", path("ca.crt")));
    arguments.push_back(absl::StrCat("--neighbour-certificate=", path(name + ".crt")));
    arguments.push_back(absl::StrCat("--neighbour-key=", path(name + ".key")));
  }
  if (name == "plans") {
    arguments.push_back(absl::StrCat("--goals-address=", address("goals")));
  }
  return arguments;
}

absl::Status Deployment::Start(const std::string& service, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = CommandLine(service);
  arguments.insert(arguments.end(), more.begin(), more.end());
  SB_ASSIGN_OR_RETURN(std::unique_ptr<Process> process, Process::Start(arguments));
  SB_ASSIGN_OR_RETURN(const std::string line,
                      process->WaitForLine("\"msg\":\"serving\"", kStartTimeout));
  // One made before may be waiting before it connects again.
  clients_.erase(service);
  Running& running = running_[service];
  running.process = std::move(process);
  SB_ASSIGN_OR_RETURN(running.port, NumberOf(line, "port"));
  SB_ASSIGN_OR_RETURN(running.health_port, NumberOf(line, "health_port"));
  SB_ASSIGN_OR_RETURN(running.metrics_port, NumberOf(line, "metrics_port"));
  return absl::OkStatus();
}

absl::Status Deployment::StartAll() {
  SB_RETURN_IF_ERROR(Start("outcomes"));
  SB_RETURN_IF_ERROR(Start("goals"));
  return Start("plans");
}

absl::StatusOr<int> Deployment::Stop(const std::string& service) {
  Running& running = running_.at(service);
  running.process->Signal(SIGTERM);
  SB_ASSIGN_OR_RETURN(const int exit_code, running.process->WaitForExit(kStopTimeout));
  running.former_logs += running.process->standard_error();
  running.process.reset();
  return exit_code;
}

void Deployment::Kill(const std::string& service) {
  Running& running = running_.at(service);
  running.process->Signal(SIGKILL);
  OrDie(running.process->WaitForExit(kStopTimeout));
  running.former_logs += running.process->standard_error();
  running.process.reset();
}

std::string Deployment::Log(const std::string& service) const {
  const Running& running = running_.at(service);
  return running.former_logs +
         (running.process == nullptr ? "" : running.process->standard_error());
}

client::Client& Deployment::Client(const std::string& package) {
  const std::string service = package == "episodes" ? "outcomes" : package;
  const auto found = clients_.find(service);
  if (found != clients_.end()) {
    return *found->second;
  }
  return *clients_.emplace(service, ClientOf(address(service))).first->second;
}

std::unique_ptr<client::Client> Deployment::ClientOf(const std::string& addresses) const {
  client::ChannelOptions channel;
  channel.address = addresses;
  channel.ca_file = folder_.PathOf("ca.crt");
  channel.certificate_file = folder_.PathOf("client.crt");
  channel.key_file = folder_.PathOf("client.key");
  return OrDie(client::MakeClient(channel));
}

std::string Deployment::MethodPath(const std::string& package, const std::string& method) {
  std::string service = package;
  service[0] = static_cast<char>(service[0] - 'a' + 'A');
  return absl::StrCat("/securebase.", package, ".v1.", service, "Service/", method);
}

client::CallOptions Deployment::As(auth::PrincipalKind kind, const std::string& subject,
                                   const std::string& scope, const std::string& patient) const {
  auth::TokenRequest request;
  request.issuer = kIssuer;
  request.audience = "securebase";
  request.practice = "p1";
  request.kind = kind;
  request.subject = subject;
  request.patient = patient;
  request.scope = scope;
  request.issued = absl::Now();
  client::CallOptions options;
  options.token = auth::MintToken(*signer_, request);
  return options;
}

client::CallOptions Deployment::AsSystem() const {
  return As(auth::PrincipalKind::kSystem, "ehr", "system/*.cruds", "");
}

client::CallOptions Deployment::AsStaff(const std::string& subject) const {
  return As(auth::PrincipalKind::kStaff, subject, "user/*.cruds", "");
}

client::CallOptions Deployment::AsParticipant(const std::string& patient,
                                              const std::string& subject) const {
  return As(auth::PrincipalKind::kParticipant,
            subject.empty() ? absl::StrCat("user-of-", patient) : subject, "patient/*.cruds",
            patient);
}

absl::StatusOr<Finished> Deployment::Cli(std::vector<std::string> arguments) {
  SB_RETURN_IF_ERROR(auth::WritePrivateFile(folder_.PathOf("ehr.token"), AsSystem().token + "\n"));
  arguments.insert(arguments.begin(), Binary("securebase"));
  const std::string profile = folder_.Write(
      "client.env",
      absl::StrCat("SECUREBASE_PRACTICE=p1\nSECUREBASE_TOKEN_FILE=", folder_.PathOf("ehr.token"),
                   "\nSECUREBASE_CA_FILE=", folder_.PathOf("ca.crt"),
                   "\nSECUREBASE_CERTIFICATE_FILE=", folder_.PathOf("client.crt"),
                   "\nSECUREBASE_KEY_FILE=", folder_.PathOf("client.key"),
                   "\nSECUREBASE_OUTCOMES_ADDRESS=", address("outcomes"),
                   "\nSECUREBASE_GOALS_ADDRESS=", address("goals"),
                   "\nSECUREBASE_PLANS_ADDRESS=", address("plans"), "\n"));
  arguments.insert(arguments.end(), {"--profile", profile});
  return RunProgram(arguments);
}

absl::StatusOr<std::string> HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return absl::UnavailableError("nobody listens there");
  }
  const std::string request =
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  std::string response;
  if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
      static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t count = 0; (count = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      response.append(buffer, static_cast<size_t>(count));
    }
  }
  close(fd);
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(response, absl::MaxSplits("\r\n\r\n", 1));
  if (!absl::StartsWith(parts.first, "HTTP/1.1 200")) {
    return absl::UnavailableError(response.substr(0, response.find('\r')));
  }
  return parts.second;
}

}  // namespace securebase::testing
