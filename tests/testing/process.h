#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/base/mutex.h"

namespace securebase::testing {

// A program that a test runs. What it writes is gathered as it comes, so that it never blocks on a
// full pipe. Dies with the test, even with one that crashes. Thread-safe.
class Process {
 public:
  // `arguments` begin with the program's path. Its environment is ours without SECUREBASE_...
  static absl::StatusOr<std::unique_ptr<Process>> Start(const std::vector<std::string>& arguments);
  ~Process();  // kills it (SIGKILL) if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;

  // The first line of standard error with `text` in it. DEADLINE_EXCEEDED when it does not come in
  // time, FAILED_PRECONDITION when the program ends without it; both with all that it wrote.
  absl::StatusOr<std::string> WaitForLine(absl::string_view text, absl::Duration timeout);

  // Waits for its end: the exit code, or 128 + the signal that ended it. DEADLINE_EXCEEDED when it
  // goes on. May be called again.
  absl::StatusOr<int> WaitForExit(absl::Duration timeout);

  std::string standard_output() const;
  std::string standard_error() const;

 private:
  Process(pid_t pid, int out, int error);
  void Gather(int out, int error);

  const pid_t pid_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::string out_ ABSL_GUARDED_BY(mutex_);
  std::string error_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  int exit_code_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread gatherer_;
};

// A program that has run to its end.
struct Finished {
  int exit_code = 0;
  std::string out;
  std::string error;
};
absl::StatusOr<Finished> RunProgram(const std::vector<std::string>& arguments,
                                    absl::Duration timeout = absl::Seconds(60));

}  // namespace securebase::testing
