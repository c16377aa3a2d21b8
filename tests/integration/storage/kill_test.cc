// A process is killed (SIGKILL) at a random moment under load. This tests recovery and the lock,
// not fsync: what the kernel has in its cache survives a kill (power_cut_test.cc tests that).

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/integration/storage/rounds.h"
#include "tests/integration/storage/workload.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

extern char** environ;

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::testing::HasSubstr;

// A crash_writer with its output.
class Child {
 public:
  explicit Child(const std::string& database) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = SECUREBASE_BIN_DIR "/storage_crash_writer";
    std::string path = database;
    char* argv[] = {program.data(), path.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Child() {
    Kill();
    fclose(output_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next acknowledged number; false at the end of the output.
  bool Next(int& thread, int64_t& number) {
    long long n = 0;
    const bool read = fscanf(output_, "%d %lld\n", &thread, &n) == 2;
    number = n;
    return read;
  }
  // Returns the signal that ended it; 0 when it had ended before.
  int Kill() {
    if (pid_ <= 0) {
      return 0;
    }
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

TEST(KillTest, NothingAcknowledgedIsLostAndNothingIsHalfWritten) {
  const int rounds = Rounds(5, 100);
  int64_t acknowledged = 0;
  for (int round = 1; round <= rounds; ++round) {
    std::mt19937_64 random(static_cast<uint64_t>(round));
    const securebase::testing::TemporaryFolder folder;
    const securebase::testing::FakeClock clock;
    SqliteOptions options;
    options.path = folder.PathOf("store.db");
    std::vector<WorkloadProgress> progress(kWorkloadThreads);
    const auto note = [&](int thread, int64_t number) {
      // One more may be stored: acknowledged to the child, killed before it said so.
      progress.at(static_cast<size_t>(thread)) = {number, number + 1};
      ++acknowledged;
    };
    for (WorkloadProgress& thread : progress) {
      thread.attempted = 1;
    }
    Child child(options.path);
    const int stop_after = std::uniform_int_distribution<int>(1, 800)(random);
    int thread = 0;
    int64_t number = 0;
    for (int i = 0; i < stop_after; ++i) {
      ASSERT_TRUE(child.Next(thread, number)) << "the child ended by itself";
      note(thread, number);
    }
    if (round == 1) {
      const auto second = MakeSqliteStore(options, clock);
      EXPECT_THAT(second, IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
      EXPECT_THAT(std::string(second.status().message()),
                  HasSubstr("is locked by another process"));
    }
    ASSERT_EQ(child.Kill(), SIGKILL);
    while (child.Next(thread, number)) {
      note(thread, number);
    }

    ASSERT_OK_AND_ASSIGN(const auto store, MakeSqliteStore(options, clock));
    const WorkloadFindings findings = CheckWorkload(*store, progress);
    EXPECT_EQ(findings.lost, 0) << "round " << round;
    EXPECT_EQ(findings.damage, "") << "round " << round;
    if (HasFailure()) {
      break;
    }
  }
  printf("%d kills: %lld batches acknowledged, none lost\n", rounds,
         static_cast<long long>(acknowledged));
}

}  // namespace
}  // namespace securebase::storage
