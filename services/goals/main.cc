#include <memory>
#include <utility>
#include <vector>

#include "clients/cpp/access_client.h"
#include "clients/cpp/client.h"
#include "services/goals/grpc_service.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/remote_neighbours.h"
#include "services/platform/api/page_token.h"
#include "services/platform/base/periodic.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"
#include "services/platform/records/database.h"
#include "services/platform/records/housekeeping.h"
#include "services/platform/rpc/runtime.h"
#include "services/platform/rpc/server.h"
#include "services/platform/rpc/service_main.h"
#include "services/platform/storage/observed_store.h"
#include "services/platform/storage/open_store.h"

namespace securebase::goals {
namespace {

constexpr char kService[] = "securebase.goals.v1.GoalsService";
constexpr absl::Duration kHousekeepingInterval = absl::Minutes(5);
constexpr absl::Duration kReadyTimeout = absl::Seconds(2);

client::ChannelOptions OutcomesChannel(const config::ServerOptions& options) {
  client::ChannelOptions channel;
  channel.address = options.neighbours.at("outcomes");
  channel.ca_file = options.neighbour_tls.ca;
  channel.certificate_file = options.neighbour_tls.certificate;
  channel.key_file = options.neighbour_tls.key;
  return channel;
}

records::HousekeepingOptions Housekeeping(const config::ServerOptions& options, IdGenerator& ids) {
  records::HousekeepingOptions housekeeping;
  housekeeping.journal_retention = options.journal_retention;
  housekeeping.audit_directory = options.audit_directory;
  housekeeping.audit_retention = options.audit_retention;
  housekeeping.service = "goals";
  housekeeping.owner = ids.NewId();
  return housekeeping;
}

absl::Status Serve(const config::ServerOptions& options) {
  SystemClock clock;
  UuidGenerator ids;
  obs::StderrSink sink;
  SB_ASSIGN_OR_RETURN(const auto runtime, rpc::MakeRuntime(options, {kService}, clock, ids, sink));
  SB_ASSIGN_OR_RETURN(auto opened, storage::OpenStore(options.store, clock));
  obs::StoreMetrics store_metrics(*runtime->metrics);
  const auto store = storage::MakeObservedStore(
      std::move(opened),
      [&](absl::string_view operation, absl::StatusCode code, absl::Duration took) {
        store_metrics.Done(operation, absl::StatusCodeToString(code), took);
      });
  SB_ASSIGN_OR_RETURN(const auto outcomes, client::MakeClient(OutcomesChannel(options)));
  client::AccessClient access(*outcomes, clock);
  RemoteNeighbours neighbours(*outcomes, clock);
  const api::PageTokens page_tokens(*runtime->keyring);
  const records::Database database({store.get(), &access, &page_tokens, &ids});
  GoalHandlers handlers(database, neighbours);

  const auto audit = records::MakeStoreAuditSink(*store);
  const auto adapter = rpc::MakeAdapter(options, *runtime, *audit);
  std::vector<std::unique_ptr<grpc::Service>> services(1);
  SB_ASSIGN_OR_RETURN(services[0], MakeGoalsGrpcService(handlers, *adapter));
  const auto ready = [&] { return store->Ping({absl::Now() + kReadyTimeout}); };
  SB_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(options, {*runtime, *adapter,
                                                                      std::move(services), ready}));
  Periodic housekeeping(kHousekeepingInterval, [&, keep = Housekeeping(options, ids)] {
    const absl::Status status = records::RunHousekeeping(*store, clock, keep);
    if (!status.ok()) {
      runtime->logger->Error("housekeeping failed", {{"error", std::string(status.message())}});
    }
  });
  rpc::WaitForShutdownSignal();
  server->Shutdown();
  housekeeping.Stop();
  return store->Close();
}

}  // namespace
}  // namespace securebase::goals

int main(int argc, char** argv) {
  securebase::rpc::Program program;
  program.name = "securebase-goals";
  program.description = "Goals, ratings, acceptance and attainment.";
  program.version = SECUREBASE_VERSION;
  program.neighbours = {"outcomes"};
  program.defaults.listen_address = "127.0.0.1:7401";
  program.defaults.health_address = "127.0.0.1:7411";
  program.defaults.metrics_address = "127.0.0.1:7421";
  return securebase::rpc::ServiceMain(std::move(program), argc, argv, securebase::goals::Serve);
}
