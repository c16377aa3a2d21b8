#include "services/platform/process/service_main.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/config/flags.h"

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

// What is wrong with a file begins with its path; this puts the flag that names it before it.
absl::Status WithFlag(const config::ServerOptions& options, const absl::Status& status) {
  const std::pair<absl::string_view, const std::string&> files[] = {
      {"--tls-certificate", options.tls.certificate},
      {"--tls-key", options.tls.key},
      {"--tls-client-ca", options.tls.ca},
      {"--jwks", options.jwks},
      {"--keyring", options.keyring},
      {"--neighbour-certificate", options.neighbour_tls.certificate},
      {"--neighbour-key", options.neighbour_tls.key},
      {"--neighbour-ca", options.neighbour_tls.ca},
  };
  for (const auto& [flag, path] : files) {
    if (!path.empty() && absl::StartsWith(status.message(), absl::StrCat(path, ": "))) {
      return absl::Status(status.code(), absl::StrCat(flag, ": ", status.message()));
    }
  }
  return status;
}

absl::Status Run(Program& program, const std::vector<std::string>& arguments,
                 const std::function<absl::Status(const config::ServerOptions&)>& serve) {
  config::ServerOptions options = program.defaults;
  config::FlagSet flags(program.name, program.description, program.version);
  config::AddServerFlags(flags, options, program.neighbours);
  SB_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                      flags.Parse(arguments, config::ProcessEnvironment()));
  if (text.has_value()) {
    fputs(text->c_str(), stdout);
    return absl::OkStatus();
  }
  SB_RETURN_IF_ERROR(config::ValidateServerOptions(options));
  return WithFlag(options, serve(options));
}

// The error in one line with all that is wrong: a message names the first few.
std::string Line(const absl::Status& status) {
  const std::vector<FieldViolation> violations = ViolationsOf(status);
  if (!violations.empty()) {
    return absl::StrJoin(violations, "; ", [](std::string* out, const FieldViolation& violation) {
      absl::StrAppend(out, violation.field, ": ", violation.description);
    });
  }
  return status.message().empty() ? status.ToString() : std::string(status.message());
}

}  // namespace

int ServiceMain(Program program, int argc, char** argv,
                const std::function<absl::Status(const config::ServerOptions&)>& serve) {
  PrepareProcess();
  const absl::Status status = Run(program, {argv + 1, argv + argc}, serve);
  if (status.ok()) {
    return 0;
  }
  const std::string line = absl::StrCat(program.name, ": ", Line(status), "\n");
  fputs(line.c_str(), stderr);
  return 1;
}

void WaitForShutdownSignal() {
  const sigset_t signals = ShutdownSignals();
  int signal = 0;
  sigwait(&signals, &signal);
}

}  // namespace securebase::process
