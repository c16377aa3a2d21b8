#include <utility>

#include "clients/cpp/access_client.h"
#include "services/goals/grpc_service.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/remote_neighbours.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/process/process.h"
#include "services/platform/process/service_main.h"

namespace securebase::goals {
namespace {

absl::Status Serve(const config::ServerOptions& options) {
  SB_ASSIGN_OR_RETURN(const auto process,
                      process::Process::Make("goals", {kGoalsService}, options));
  SB_ASSIGN_OR_RETURN(const auto outcomes, process->Connect("outcomes"));
  client::AccessClient access(*outcomes, process->clock());
  RemoteNeighbours neighbours(*outcomes, process->clock());
  const records::Database database = process->MakeDatabase(access);
  GoalHandlers handlers(database, neighbours);
  SB_RETURN_IF_ERROR(process->Add(MakeGoalsGrpcService(handlers, process->adapter())));
  return process->Run();
}

}  // namespace
}  // namespace securebase::goals

int main(int argc, char** argv) {
  securebase::process::Program program;
  program.name = "securebase-goals";
  program.description = "Goals, ratings, acceptance and attainment.";
  program.version = SECUREBASE_VERSION;
  program.neighbours = {"outcomes"};
  program.defaults.listen_address = "127.0.0.1:7401";
  program.defaults.health_address = "127.0.0.1:7411";
  program.defaults.metrics_address = "127.0.0.1:7421";
  return securebase::process::ServiceMain(std::move(program), argc, argv, securebase::goals::Serve);
}
