#include "tests/testing/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/platform/base/status_macros.h"

namespace securebase::testing {
namespace {

absl::Status Failed(absl::string_view what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

std::vector<std::string> InheritedEnvironment() {
  std::vector<std::string> inherited;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "SECUREBASE_")) {
      inherited.emplace_back(*variable);
    }
  }
  return inherited;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) {
    pointers.push_back(string.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec of a program with threads: async-signal-safe calls only.
[[noreturn]] void BecomeProgram(char* const* arguments, char* const* environment, int out,
                                int error, pid_t parent) {
  // posix_spawn cannot ask for this, and a service that outlives a crashed test holds its port.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const std::vector<std::string>& arguments) {
  int out[2];
  int error[2];
  if (pipe2(out, O_CLOEXEC) != 0) {
    return Failed("pipe2");
  }
  if (pipe2(error, O_CLOEXEC) != 0) {
    close(out[0]);
    close(out[1]);
    return Failed("pipe2");
  }
  std::vector<std::string> argument_strings = arguments;
  std::vector<std::string> environment_strings = InheritedEnvironment();
  const std::vector<char*> argument_pointers = Pointers(argument_strings);
  const std::vector<char*> environment_pointers = Pointers(environment_strings);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeProgram(argument_pointers.data(), environment_pointers.data(), out[1], error[1], parent);
  }
  close(out[1]);
  close(error[1]);
  if (pid < 0) {
    close(out[0]);
    close(error[0]);
    return Failed("fork");
  }
  return std::unique_ptr<Process>(new Process(pid, out[0], error[0]));
}

Process::Process(pid_t pid, int out, int error)
    : pid_(pid), gatherer_([this, out, error] { Gather(out, error); }) {}

Process::~Process() {
  Signal(SIGKILL);
  gatherer_.join();
}

void Process::Signal(int signal) const {
  // Under the lock, so that an id that was reaped, and maybe given away, is never signalled.
  MutexLock lock(mutex_);
  if (!ended_) {
    kill(pid_, signal);
  }
}

void Process::Gather(int out, int error) {
  pollfd descriptors[] = {{out, POLLIN, 0}, {error, POLLIN, 0}};
  while (descriptors[0].fd >= 0 || descriptors[1].fd >= 0) {
    if (poll(descriptors, 2, -1) < 0) {
      continue;
    }
    for (pollfd& descriptor : descriptors) {
      if (descriptor.fd < 0 || descriptor.revents == 0) {
        continue;
      }
      char buffer[4096];
      const ssize_t count = read(descriptor.fd, buffer, sizeof(buffer));
      if (count > 0) {
        MutexLock lock(mutex_);
        (&descriptor == descriptors ? out_ : error_).append(buffer, static_cast<size_t>(count));
        changed_.NotifyAll();
      } else if (count == 0 || errno != EINTR) {
        close(descriptor.fd);
        descriptor.fd = -1;
      }
    }
  }
  siginfo_t ignored;
  while (waitid(P_PID, static_cast<id_t>(pid_), &ignored, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  MutexLock lock(mutex_);
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  ended_ = true;
  changed_.NotifyAll();
}

absl::StatusOr<std::string> Process::WaitForLine(absl::string_view text, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (true) {
    // The last piece is a line only when its end has come.
    std::vector<std::string> lines = absl::StrSplit(error_, '\n');
    lines.pop_back();
    for (std::string& line : lines) {
      if (absl::StrContains(line, text)) {
        return std::move(line);
      }
    }
    if (ended_) {
      return absl::FailedPreconditionError(
          absl::StrCat("it ended with ", exit_code_, " before \"", text, "\":\n", error_));
    }
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("no \"", text, "\" in time:\n", error_));
    }
    changed_.WaitFor(mutex_, deadline - absl::Now());
  }
}

absl::StatusOr<int> Process::WaitForExit(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (!ended_) {
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat("it goes on:\n", error_));
    }
    changed_.WaitFor(mutex_, deadline - absl::Now());
  }
  return exit_code_;
}

std::string Process::standard_output() const {
  MutexLock lock(mutex_);
  return out_;
}

std::string Process::standard_error() const {
  MutexLock lock(mutex_);
  return error_;
}

absl::StatusOr<Finished> RunProgram(const std::vector<std::string>& arguments,
                                    absl::Duration timeout) {
  SB_ASSIGN_OR_RETURN(const std::unique_ptr<Process> process, Process::Start(arguments));
  SB_ASSIGN_OR_RETURN(const int exit_code, process->WaitForExit(timeout));
  return Finished{exit_code, process->standard_output(), process->standard_error()};
}

}  // namespace securebase::testing
