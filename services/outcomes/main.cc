#include <memory>
#include <utility>
#include <vector>

#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/timed_work_runner.h"
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

namespace securebase::outcomes {
namespace {

constexpr char kEpisodes[] = "securebase.episodes.v1.EpisodesService";
constexpr char kOutcomes[] = "securebase.outcomes.v1.OutcomesService";
constexpr absl::Duration kHousekeepingInterval = absl::Minutes(5);
constexpr absl::Duration kReadyTimeout = absl::Seconds(2);

records::HousekeepingOptions Housekeeping(const config::ServerOptions& options, IdGenerator& ids) {
  records::HousekeepingOptions housekeeping;
  housekeeping.journal_retention = options.journal_retention;
  housekeeping.audit_directory = options.audit_directory;
  housekeeping.audit_retention = options.audit_retention;
  housekeeping.service = "outcomes";
  housekeeping.owner = ids.NewId();
  return housekeeping;
}

absl::Status Serve(const config::ServerOptions& options) {
  SystemClock clock;
  UuidGenerator ids;
  obs::StderrSink sink;
  SB_ASSIGN_OR_RETURN(const Catalogue catalogue, BuiltInCatalogue());
  SB_ASSIGN_OR_RETURN(const auto runtime,
                      rpc::MakeRuntime(options, {kEpisodes, kOutcomes}, clock, ids, sink));
  SB_ASSIGN_OR_RETURN(auto opened, storage::OpenStore(options.store, clock));
  obs::StoreMetrics store_metrics(*runtime->metrics);
  const auto store = storage::MakeObservedStore(
      std::move(opened),
      [&](absl::string_view operation, absl::StatusCode code, absl::Duration took) {
        store_metrics.Done(operation, absl::StatusCodeToString(code), took);
      });
  episodes::LocalAccess access(*store);
  const api::PageTokens page_tokens(*runtime->keyring);
  const records::Database database({store.get(), &access, &page_tokens, &ids});
  episodes::EpisodeHandlers episode_handlers(database, access);
  Projections projections(*store, catalogue);
  OutcomeHandlers outcome_handlers(database, catalogue, projections);

  const auto audit = records::MakeStoreAuditSink(*store);
  const auto adapter = rpc::MakeAdapter(options, *runtime, *audit);
  std::vector<std::unique_ptr<grpc::Service>> services(2);
  SB_ASSIGN_OR_RETURN(services[0], episodes::MakeEpisodesGrpcService(episode_handlers, *adapter));
  SB_ASSIGN_OR_RETURN(services[1], MakeOutcomesGrpcService(outcome_handlers, *adapter));
  const auto ready = [&] { return store->Ping({absl::Now() + kReadyTimeout}); };
  SB_ASSIGN_OR_RETURN(const auto server, rpc::Server::Start(options, {*runtime, *adapter,
                                                                      std::move(services), ready}));
  TimedWorkRunner timed_work(database, clock, ids, *runtime->metrics, *runtime->logger);
  Periodic housekeeping(kHousekeepingInterval, [&, keep = Housekeeping(options, ids)] {
    const absl::Status status = records::RunHousekeeping(*store, clock, keep);
    if (!status.ok()) {
      runtime->logger->Error("housekeeping failed", {{"error", std::string(status.message())}});
    }
  });
  rpc::WaitForShutdownSignal();
  server->Shutdown();
  timed_work.Stop();
  housekeeping.Stop();
  return store->Close();
}

}  // namespace
}  // namespace securebase::outcomes

int main(int argc, char** argv) {
  securebase::rpc::Program program;
  program.name = "securebase-outcomes";
  program.description =
      "Episodes, participants, care team and consents; instruments, assessments and alerts.";
  program.version = SECUREBASE_VERSION;
  return securebase::rpc::ServiceMain(std::move(program), argc, argv, securebase::outcomes::Serve);
}
