#include <memory>
#include <utility>
#include <vector>

#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/records/risk_watch.h"
#include "services/outcomes/records/timed_work.h"
#include "services/outcomes/rules/catalogue.h"
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
constexpr absl::Duration kTimedWorkInterval = absl::Minutes(1);
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
  TimedWork timed_work(database, clock, ids);
  RiskWatch risk_watch(clock);
  runtime->metrics->AddComputedGauge(
      "securebase_oldest_unacknowledged_risk_alert_seconds",
      "How long the oldest open risk alert of all practices has been waiting; 0: none is.",
      [&] { return absl::ToDoubleSeconds(risk_watch.Age()); });
  auto& timed_work_failures = runtime->metrics->AddCounter(
      "securebase_timed_work_failures_total",
      "Practices whose overdue assessments and escalations could not be looked at.", {});
  Periodic timed_work_timer(kTimedWorkInterval, [&] {
    const auto report = timed_work.Run();
    if (report.ok()) {
      risk_watch.Note(*report);
      timed_work_failures.Add(report->failed);
    } else {
      timed_work_failures.Increment();
      runtime->logger->Error("timed work failed",
                             {{"error", std::string(report.status().message())}});
    }
  });
  Periodic housekeeping(kHousekeepingInterval, [&, keep = Housekeeping(options, ids)] {
    const absl::Status status = records::RunHousekeeping(*store, clock, keep);
    if (!status.ok()) {
      runtime->logger->Error("housekeeping failed", {{"error", std::string(status.message())}});
    }
  });
  rpc::WaitForShutdownSignal();
  server->Shutdown();
  timed_work_timer.Stop();
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
