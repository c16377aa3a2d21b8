#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cpp/client.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/auth/token_minter.h"
#include "services/platform/rpc/server.h"
#include "tests/testing/capture.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::testing {

// A real server over mutual TLS for tests: free ports, an authority, keys and tokens made by the
// test, a clock that stands still, everything in one temporary folder. What the server logged is
// printed if the test failed. Ends with it.
//
//   TestServer server({"securebase.goals.v1.GoalsService"});
//   GoalHandlers handlers(server.runtime(), ...);
//   ASSERT_OK(server.Start({MakeGoalsGrpcService(handlers, server.adapter())}));
//   server.Client().Call<Goal>(kGetGoal, server.As(PrincipalKind::kStaff, "dr-a", "user/*.cruds"),
//                              request);
class TestServer {
 public:
  using GrpcService = absl::StatusOr<std::unique_ptr<grpc::Service>>;

  // `services`: full names. `change` may adjust the options before they are used. `audit` is where
  // reads and refusals go; null: into audit(). Problems end the process with a line that says what.
  explicit TestServer(const std::vector<std::string>& services,
                      const std::function<void(config::ServerOptions&)>& change = nullptr,
                      AuditSink* audit = nullptr);
  ~TestServer();  // Shutdown()

  // For handlers and services, before Start.
  rpc::Runtime& runtime() { return *runtime_; }
  rpc::Adapter& adapter() { return *adapter_; }

  // Starts to serve; once. `services` are what the Make…GrpcService functions return.
  absl::Status Start(std::vector<GrpcService> services,
                     absl::Duration handshake_time = absl::Seconds(10));
  void Shutdown();

  // A client with the certificate of this name ("ehr" or a service of ServiceNames()), made once.
  client::Client& Client(const std::string& name = "ehr");
  // How the options of a neighbour point here with that certificate.
  client::ChannelOptions ChannelOptions(const std::string& name = "ehr") const;

  // Call options with a fresh token of 15 minutes for such a principal.
  client::CallOptions As(auth::PrincipalKind kind, const std::string& subject,
                         const std::string& scopes, const std::string& practice = "p1",
                         const std::string& patient = "") const;
  client::CallOptions AsSystem(const std::string& scopes = "system/*.cruds",
                               const std::string& practice = "p1") const {
    return As(auth::PrincipalKind::kSystem, "ehr", scopes, practice);
  }
  client::CallOptions AsStaff(const std::string& subject,
                              const std::string& scopes = "user/*.cruds",
                              const std::string& practice = "p1") const {
    return As(auth::PrincipalKind::kStaff, subject, scopes, practice);
  }
  client::CallOptions AsParticipant(const std::string& patient,
                                    const std::string& scopes = "patient/*.cruds",
                                    const std::string& practice = "p1") const {
    return As(auth::PrincipalKind::kParticipant, "user-of-" + patient, scopes, practice, patient);
  }
  std::string Token(const auth::TokenRequest& request) const;
  // What As would sign, for tests that change it.
  auth::TokenRequest TokenRequest(auth::PrincipalKind kind, const std::string& subject,
                                  const std::string& scopes, const std::string& practice,
                                  const std::string& patient) const;

  std::string address() const;  // "127.0.0.1:<port>"
  rpc::Server& server() { return *server_; }
  const config::ServerOptions& options() const { return options_; }
  FakeClock& clock() { return clock_; }
  FakeIdGenerator& ids() { return ids_; }
  CapturedLog& log() { return log_; }
  CapturedAudit& audit() { return audit_; }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  FakeClock clock_;
  FakeIdGenerator ids_;
  CapturedLog log_;
  CapturedAudit audit_;
  auth::DevPki pki_;
  std::unique_ptr<auth::TokenSigner> signer_;
  config::ServerOptions options_;
  std::unique_ptr<rpc::Runtime> runtime_;
  std::unique_ptr<rpc::Adapter> adapter_;
  std::unique_ptr<rpc::Server> server_;
  std::map<std::string, std::unique_ptr<client::Client>> clients_;
};

// The services that the test server believes when they act for somebody.
inline const std::vector<std::string>& ServiceNames() {
  static const auto* names = new std::vector<std::string>{"plans", "goals", "outcomes"};
  return *names;
}

}  // namespace securebase::testing
