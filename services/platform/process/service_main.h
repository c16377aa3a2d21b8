#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/platform/config/server_options.h"

namespace securebase::process {

// The frame of a service's main(), which says nothing that another would not say too.
struct Program {
  std::string name;         // "securebase-goals"
  std::string description;  // the first line of --help
  std::string version;
  std::vector<std::string> neighbours;  // services that it calls: "outcomes"
  config::ServerOptions defaults;       // ports
};

// Ignores SIGPIPE and SIGHUP and blocks SIGTERM and SIGINT before any thread exists, raises the
// limit of open files as far as it goes, reads and checks the configuration, and calls `serve`,
// which returns when the service has ended. The exit code: 0 when it ended as asked or --help was
// answered, 1 with one line on standard error otherwise.
int ServiceMain(Program program, int argc, char** argv,
                const std::function<absl::Status(const config::ServerOptions&)>& serve);

// Returns when the process is asked to end, by SIGTERM or SIGINT. For `serve` only.
void WaitForShutdownSignal();

}  // namespace securebase::process
