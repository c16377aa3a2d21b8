#include "services/platform/process/service_main.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "services/platform/base/status_macros.h"

namespace securebase::process {
namespace {

sigset_t ShutdownSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

void PrepareProcess() {
  // A write to a closed pipe or socket is an error there, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // Files are followed, so there is nothing to reload; and a terminal that is closed is no reason
  // to drop calls.
  std::signal(SIGHUP, SIG_IGN);
  // A check for developers that Debian's Abseil is built with; it costs some percent of each call.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Every thread inherits the mask, so that only WaitForShutdownSignal gets them.
  const sigset_t signals = ShutdownSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Each connection takes two descriptors. Where the limit cannot be raised, the acceptor sheds.
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

absl::Status Run(Program& program, const std::vector<std::string>& arguments,
                 const std::function<absl::Status(const config::ServerOptions&)>& serve) {
  config::ServerOptions options = program.defaults;
  config::FlagSet flags(program.name, program.description, program.version);
  config::AddServerFlags(flags, options, program.neighbours);
  if (program.add_flags) {
    program.add_flags(flags);
  }
  SB_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                      flags.Parse(arguments, config::ProcessEnvironment()));
  if (text.has_value()) {
    fputs(text->c_str(), stdout);
    return absl::OkStatus();
  }
  SB_RETURN_IF_ERROR(config::ValidateServerOptions(options));
  return serve(options);
}

}  // namespace

int ServiceMain(Program program, int argc, char** argv,
                const std::function<absl::Status(const config::ServerOptions&)>& serve) {
  PrepareProcess();
  const absl::Status status = Run(program, {argv + 1, argv + argc}, serve);
  if (status.ok()) {
    return 0;
  }
  const std::string line = absl::StrCat(
      program.name, ": ",
      status.message().empty() ? status.ToString() : std::string(status.message()), "\n");
  fputs(line.c_str(), stderr);
  return 1;
}

void WaitForShutdownSignal() {
  const sigset_t signals = ShutdownSignals();
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace securebase::process
