#include "services/platform/process/service_main.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/platform/base/error.h"

namespace securebase::process {
namespace {

// Runs it as a process of its own would, and ends that with its exit code.
[[noreturn]] void RunAndExit(
    std::vector<std::string> arguments,
    const std::function<absl::Status(const config::ServerOptions&)>& serve) {
  Program program;
  program.name = "securebase-notes";
  program.description = "Keeps notes.";
  program.version = "1.2.3";
  arguments.insert(arguments.begin(), program.name);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  // Exit tests look at standard error.
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const int code = ServiceMain(program, static_cast<int>(argv.size()), argv.data(), serve);
  fflush(nullptr);
  _exit(code);
}

const std::vector<std::string>& GoodArguments() {
  static const auto* arguments = new std::vector<std::string>{"--listen-address=127.0.0.1:0",
                                                              "--allow-plaintext",
                                                              "--issuer=https://issuer.example.org",
                                                              "--jwks=/keys/jwks.json",
                                                              "--keyring=/keys/ring",
                                                              "--store=memory:",
                                                              "--require-client-certificate=false"};
  return *arguments;
}

absl::Status NotReached(const config::ServerOptions&) { return Internal("served"); }

class ServiceMainTest : public ::testing::Test {
 protected:
  ServiceMainTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ServiceMainTest, HelpAndVersionAreAnswered) {
  EXPECT_EXIT(RunAndExit({"--help"}, NotReached), ::testing::ExitedWithCode(0), "Keeps notes");
  EXPECT_EXIT(RunAndExit({"--version"}, NotReached), ::testing::ExitedWithCode(0), "1\\.2\\.3");
}

TEST_F(ServiceMainTest, AConfigurationErrorIsOneLine) {
  EXPECT_EXIT(RunAndExit({"--nonsense"}, NotReached), ::testing::ExitedWithCode(1),
              "^securebase-notes: .*nonsense[^\n]*\n$");
  EXPECT_EXIT(RunAndExit({"--listen-address=0.0.0.0:7400", "--allow-plaintext"}, NotReached),
              ::testing::ExitedWithCode(1), "^securebase-notes: [^\n]*\n$");
}

TEST_F(ServiceMainTest, AllThatIsWrongIsNamed) {
  EXPECT_EXIT(RunAndExit({"--allow-plaintext", "--require-client-certificate=false"}, NotReached),
              ::testing::ExitedWithCode(1),
              "^securebase-notes: --issuer: [^\n]*--jwks: [^\n]*--keyring: [^\n]*--store: is "
              "missing[^\n]*\n$");
}

TEST_F(ServiceMainTest, AFileThatCannotBeUsedIsNamedWithItsFlag) {
  EXPECT_EXIT(RunAndExit(GoodArguments(),
                         [](const config::ServerOptions& options) {
                           return MakeError(absl::StatusCode::kFailedPrecondition,
                                            Reason::kInternal, options.keyring + ": cannot open");
                         }),
              ::testing::ExitedWithCode(1),
              "^securebase-notes: --keyring: /keys/ring: cannot open\n$");
}

TEST_F(ServiceMainTest, AnErrorOfTheServiceIsOneLine) {
  EXPECT_EXIT(RunAndExit(GoodArguments(),
                         [](const config::ServerOptions&) {
                           return MakeError(absl::StatusCode::kFailedPrecondition,
                                            Reason::kInternal, "no disk; make room");
                         }),
              ::testing::ExitedWithCode(1), "^securebase-notes: no disk; make room\n$");
}

TEST_F(ServiceMainTest, SigtermEndsTheServiceAndNotTheProcess) {
  EXPECT_EXIT(RunAndExit(GoodArguments(),
                         [](const config::ServerOptions&) {
                           // Sent by another thread to the whole process, as Kubernetes does.
                           std::thread([] { kill(getpid(), SIGTERM); }).join();
                           WaitForShutdownSignal();
                           fputs("ended\n", stderr);
                           return absl::OkStatus();
                         }),
              ::testing::ExitedWithCode(0), "ended");
}

TEST_F(ServiceMainTest, AClosedTerminalDoesNotEndTheService) {
  EXPECT_EXIT(RunAndExit(GoodArguments(),
                         [](const config::ServerOptions&) {
                           kill(getpid(), SIGHUP);
                           fputs("goes on\n", stderr);
                           return absl::OkStatus();
                         }),
              ::testing::ExitedWithCode(0), "goes on");
}

TEST_F(ServiceMainTest, AClosedPipeDoesNotEndTheProcess) {
  EXPECT_EXIT(RunAndExit(GoodArguments(),
                         [](const config::ServerOptions&) {
                           int ends[2];
                           if (pipe(ends) != 0) {
                             return Internal("no pipe");
                           }
                           close(ends[0]);
                           return write(ends[1], "x", 1) == -1 ? absl::OkStatus()
                                                               : Internal("wrote");
                         }),
              ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace securebase::process
