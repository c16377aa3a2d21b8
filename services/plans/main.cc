#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/access_client.h"
#include "clients/cpp/client.h"
#include "services/plans/grpc_service.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/remote_neighbours.h"
#include "services/plans/rules/library.h"
#include "services/plans/schedule_runner.h"
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

namespace securebase::plans {
namespace {

constexpr char kService[] = "securebase.plans.v1.PlansService";
constexpr absl::Duration kHousekeepingInterval = absl::Minutes(5);
constexpr absl::Duration kReadyTimeout = absl::Seconds(2);

client::ChannelOptions ChannelTo(const std::string& neighbour,
                                 const config::ServerOptions& options) {
  client::ChannelOptions channel;
  channel.address = options.neighbours.at(neighbour);
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
  housekeeping.service = "plans";
  housekeeping.owner = ids.NewId();
  return housekeeping;
}

absl::Status Serve(const config::ServerOptions& options) {
  SystemClock clock;
  UuidGenerator ids;
  obs::StderrSink sink;
  SB_ASSIGN_OR_RETURN(const rules::PlanLibrary library, rules::PlanLibrary::LoadBuiltIn());
  SB_ASSIGN_OR_RETURN(const auto runtime, rpc::MakeRuntime(options, {kService}, clock, ids, sink));
  SB_ASSIGN_OR_RETURN(auto opened, storage::OpenStore(options.store, clock));
  obs::StoreMetrics store_metrics(*runtime->metrics);
  const auto store = storage::MakeObservedStore(
      std::move(opened),
      [&](absl::string_view operation, absl::StatusCode code, absl::Duration took) {
        store_metrics.Done(operation, absl::StatusCodeToString(code), took);
      });
  SB_ASSIGN_OR_RETURN(const auto outcomes, client::MakeClient(ChannelTo("outcomes", options)));
  SB_ASSIGN_OR_RETURN(const auto goals, client::MakeClient(ChannelTo("goals", options)));
  RemoteEpisodes remote_episodes(*outcomes);  // one process serves both
  RemoteOutcomes remote_outcomes(*outcomes);
  RemoteGoals remote_goals(*goals);
  const Neighbours neighbours = {&remote_episodes, &remote_goals, &remote_outcomes};
  client::AccessClient access(*outcomes, clock);
  const api::PageTokens page_tokens(*runtime->keyring);
  const records::Database database({store.get(), &access, &page_tokens, &ids});

  ScheduleRunner schedules(database, neighbours, clock, ids, *runtime->metrics, *runtime->logger);
  PlanHandlers handlers(database, library, neighbours, [&] { schedules.Wake(); });

  const auto audit = records::MakeStoreAuditSink(*store);
  const auto adapter = rpc::MakeAdapter(options, *runtime, *audit);
  std::vector<std::unique_ptr<grpc::Service>> services(1);
  SB_ASSIGN_OR_RETURN(services[0], MakePlansGrpcService(handlers, *adapter));
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
  schedules.Stop();
  housekeeping.Stop();
  return store->Close();
}

}  // namespace
}  // namespace securebase::plans

int main(int argc, char** argv) {
  securebase::rpc::Program program;
  program.name = "securebase-plans";
  program.description = "Treatment plans, signatures, reviews, sessions and techniques.";
  program.version = SECUREBASE_VERSION;
  program.neighbours = {"outcomes", "goals"};
  program.defaults.listen_address = "127.0.0.1:7402";
  program.defaults.health_address = "127.0.0.1:7412";
  program.defaults.metrics_address = "127.0.0.1:7422";
  return securebase::rpc::ServiceMain(std::move(program), argc, argv, securebase::plans::Serve);
}
