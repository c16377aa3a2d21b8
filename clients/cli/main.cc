#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "clients/cli/admin/admin.h"
#include "clients/cli/cli.h"
#include "clients/cli/online/online.h"
#include "services/platform/base/clock.h"

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  // https://no-color.org: any value, as long as it is not empty.
  const char* no_color = std::getenv("NO_COLOR");
  const bool colour = isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  securebase::cli::Console console{std::cout, std::cerr, colour, absl::OkStatus()};
  // What gRPC logs of a connection that fails stands in the error as well, in plain words. Whoever
  // looks for more sets one of these.
  if (std::getenv("GRPC_VERBOSITY") == nullptr && std::getenv("GRPC_TRACE") == nullptr) {
    setenv("GRPC_VERBOSITY", "NONE", 1);
  }
  const securebase::SystemClock clock;
  const int code = securebase::cli::RunCli(
      std::vector<std::string>(argv + 1, argv + argc), console,
      {securebase::cli::AddOnlineCommands, securebase::cli::AddTokenCommand,
       securebase::cli::AddDevSetupCommand, securebase::cli::AddBatchCommand,
       securebase::cli::AddReferenceCommand, [&clock](CLI::App& app, securebase::cli::Console& to) {
         securebase::cli::AddAdminCommand(app, to, clock);
       }});
  return securebase::cli::FinishOutput(std::cout, STDOUT_FILENO, std::cerr, code);
}
