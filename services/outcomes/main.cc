#include <utility>

#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/timed_work_runner.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/process/process.h"
#include "services/platform/process/service_main.h"

namespace securebase::outcomes {
namespace {

absl::Status Serve(const config::ServerOptions& options) {
  SB_ASSIGN_OR_RETURN(const Catalogue catalogue, BuiltInCatalogue());
  SB_ASSIGN_OR_RETURN(
      const auto process,
      process::Process::Make("outcomes", {episodes::kEpisodesService, kOutcomesService}, options));
  episodes::LocalAccess access(process->store());
  const records::Database database = process->MakeDatabase(access);
  episodes::EpisodeHandlers episode_handlers(database, access);
  Projections projections(process->store(), catalogue);
  OutcomeHandlers outcome_handlers(database, catalogue, projections);
  rpc::Adapter& adapter = process->adapter();
  SB_RETURN_IF_ERROR(process->Add(episodes::MakeEpisodesGrpcService(episode_handlers, adapter)));
  SB_RETURN_IF_ERROR(process->Add(MakeOutcomesGrpcService(outcome_handlers, adapter)));
  const rpc::Runtime& runtime = process->runtime();
  TimedWorkRunner timed_work(database, process->clock(), process->ids(), *runtime.metrics,
                             *runtime.logger);
  return process->Run([&] { timed_work.Stop(); });
}

}  // namespace
}  // namespace securebase::outcomes

int main(int argc, char** argv) {
  securebase::process::Program program;
  program.name = "securebase-outcomes";
  program.description =
      "Episodes, participants, care team and consents; instruments, assessments and alerts.";
  program.version = SECUREBASE_VERSION;
  return securebase::process::ServiceMain(std::move(program), argc, argv,
                                          securebase::outcomes::Serve);
}
