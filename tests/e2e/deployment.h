#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "google/protobuf/text_format.h"
#include "services/platform/auth/principal.h"
#include "services/platform/auth/token_minter.h"
#include "tests/testing/process.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::testing {

// Where the services keep what they are told.
enum class DeploymentStore { kSqlite, kRedis };

// What the environment variable SECUREBASE_E2E_STORE says, "sqlite" or "redis"; SQLite without it.
// So one program of tests runs on each.
DeploymentStore StoreOfEnvironment();

// The three services as they are shipped, with mutual TLS between all of them, in a folder of their
// own: keys from `securebase dev-setup`, free ports; on SQLite, or all on one Redis that is theirs.
// What the services logged is printed if the test failed. All ends with it.
//
// Services are known by their names: "outcomes", "goals", "plans". On Redis there may be further
// replicas, "outcomes-2", which behave the same. Use from the main thread only; but once a
// service's client has been made, many threads may make calls.
class Deployment {
 public:
  explicit Deployment(DeploymentStore store = StoreOfEnvironment());
  ~Deployment();

  // Starts a service, or starts it again: on the port that it had, so that its neighbours find it.
  // Returns when it serves; a client made before is gone then. `more` are flags on top of those
  // that it needs.
  absl::Status Start(const std::string& service, const std::vector<std::string>& more = {});
  // All of them, outcomes first.
  absl::Status StartAll();

  // Asks it to end (SIGTERM) and waits: the exit code.
  absl::StatusOr<int> Stop(const std::string& service);
  // SIGKILL, and waits.
  void Kill(const std::string& service);

  Process& process(const std::string& service) { return *running_.at(service).process; }
  std::string address(const std::string& service) const;
  int metrics_port(const std::string& service) const { return running_.at(service).metrics_port; }
  int health_port(const std::string& service) const { return running_.at(service).health_port; }
  // All that it wrote to standard error, those of its lives that have ended included.
  std::string Log(const std::string& service) const;

  // The URL of a service's store, as its --store says it.
  std::string StoreOf(const std::string& name) const;

  // The command line of a service, for starts that shall fail.
  std::vector<std::string> CommandLine(const std::string& service) const;
  static std::string Binary(const std::string& name);

  // A call with the certificate of a client and a token of `as`; the request is made from text.
  //
  //   Call<Episode, GetEpisodeRequest>(deployment.AsSystem(), "episodes", "GetEpisode",
  //                                    "name: 'practices/p1/episodes/e1'")
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const client::CallOptions& as, const std::string& package,
                                const std::string& method, const std::string& text) {
    Request request;
    if (!google::protobuf::TextFormat::ParseFromString(text, &request)) {
      return absl::InternalError(
          absl::StrCat("the test's request is no ", request.GetDescriptor()->name(), ": ", text));
    }
    return Send<Response>(as, package, method, request);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Send(const client::CallOptions& as, const std::string& package,
                                const std::string& method, const Request& request) {
    return Client(package).template Call<Response>(MethodPath(package, method), as, request);
  }
  // The client of the service that serves a package: "episodes" is served by outcomes. Or of a
  // replica, "outcomes-2".
  client::Client& Client(const std::string& package);
  // A client of other addresses: "ipv4:127.0.0.1:1,127.0.0.1:2" for those of several replicas.
  std::unique_ptr<client::Client> ClientOf(const std::string& addresses) const;
  static std::string MethodPath(const std::string& package, const std::string& method);

  // Who calls, in practice p1, with a fresh token of 15 minutes.
  client::CallOptions AsSystem() const;
  client::CallOptions AsStaff(const std::string& subject) const;
  // The token's subject, which is logged, is made from the patient's id if it is not given.
  client::CallOptions AsParticipant(const std::string& patient,
                                    const std::string& subject = "") const;

  // Runs `securebase` with the addresses, certificates and a system's token in its environment.
  absl::StatusOr<Finished> Cli(std::vector<std::string> arguments);

  const TemporaryFolder& folder() const { return folder_; }
  RedisServer& redis() { return *redis_; }  // only with kRedis

 private:
  struct Running {
    std::unique_ptr<Process> process;
    int port = 0;
    int health_port = 0;
    int metrics_port = 0;
    std::string former_logs;
  };

  client::CallOptions As(auth::PrincipalKind kind, const std::string& subject,
                         const std::string& scope, const std::string& patient) const;

  TemporaryFolder folder_;
  std::unique_ptr<RedisServer> redis_;
  std::unique_ptr<auth::TokenSigner> signer_;
  std::map<std::string, Running> running_;
  std::map<std::string, std::unique_ptr<client::Client>> clients_;  // by service
};

// GET http://127.0.0.1:port/path: the body of a 200, or an error with the status line.
absl::StatusOr<std::string> HttpGet(int port, const std::string& path);

}  // namespace securebase::testing
