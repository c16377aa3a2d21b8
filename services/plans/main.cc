#include <utility>

#include "clients/cpp/access_client.h"
#include "services/plans/grpc_service.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/remote_neighbours.h"
#include "services/plans/rules/library.h"
#include "services/plans/schedule_runner.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/process/process.h"
#include "services/platform/process/service_main.h"

namespace securebase::plans {
namespace {

absl::Status Serve(const config::ServerOptions& options) {
  SB_ASSIGN_OR_RETURN(const rules::PlanLibrary library, rules::PlanLibrary::LoadBuiltIn());
  SB_ASSIGN_OR_RETURN(const auto process,
                      process::Process::Make("plans", {kPlansService}, options));
  SB_ASSIGN_OR_RETURN(const auto outcomes, process->Connect("outcomes"));
  SB_ASSIGN_OR_RETURN(const auto goals, process->Connect("goals"));
  RemoteEpisodes remote_episodes(*outcomes);  // one process serves both
  RemoteOutcomes remote_outcomes(*outcomes);
  RemoteGoals remote_goals(*goals);
  const Neighbours neighbours = {&remote_episodes, &remote_goals, &remote_outcomes};
  client::AccessClient access(*outcomes, process->clock());
  const records::Database database = process->MakeDatabase(access);
  const rpc::Runtime& runtime = process->runtime();
  ScheduleRunner schedules(database, neighbours, process->clock(), process->ids(), *runtime.metrics,
                           *runtime.logger);
  PlanHandlers handlers(database, library, neighbours, [&] { schedules.Wake(); });
  SB_RETURN_IF_ERROR(process->Add(MakePlansGrpcService(handlers, process->adapter())));
  return process->Run([&] { schedules.Stop(); });
}

}  // namespace
}  // namespace securebase::plans

int main(int argc, char** argv) {
  securebase::process::Program program;
  program.name = "securebase-plans";
  program.description = "Treatment plans, signatures, reviews, sessions and techniques.";
  program.version = SECUREBASE_VERSION;
  program.neighbours = {"outcomes", "goals"};
  program.defaults.listen_address = "127.0.0.1:7402";
  program.defaults.health_address = "127.0.0.1:7412";
  program.defaults.metrics_address = "127.0.0.1:7422";
  return securebase::process::ServiceMain(std::move(program), argc, argv, securebase::plans::Serve);
}
