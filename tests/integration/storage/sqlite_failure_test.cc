// What callers of the SQLite store see when the disk fails, fills up or stands still.

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/mutex.h"
#include "services/platform/storage/sqlite_backup.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/integration/storage/fault_vfs.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::testing::Each;

constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;

// Holds whoever passes it while it is shut.
class Gate {
 public:
  void Shut() {
    MutexLock lock(mutex_);
    shut_ = true;
  }
  void Open() {
    MutexLock lock(mutex_);
    shut_ = false;
    changed_.NotifyAll();
  }
  void Pass() {
    MutexLock lock(mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (shut_) {
      changed_.Wait(mutex_);
    }
    --waiting_;
  }
  void AwaitWaiting() {
    MutexLock lock(mutex_);
    while (waiting_ == 0) {
      changed_.Wait(mutex_);
    }
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool shut_ ABSL_GUARDED_BY(mutex_) = false;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
};

class SqliteFailureTest : public ::testing::Test {
 protected:
  SqliteFailureTest() {
    options_.path = folder_.PathOf("store.db");
    options_.vfs = vfs_.name();
  }
  ~SqliteFailureTest() override { gate_.Open(); }

  void Open() {
    auto store = MakeSqliteStore(options_, clock_);
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  // A batch that makes or changes the goal `id`.
  static Batch BatchOf(absl::string_view id, absl::string_view value = "v") {
    Batch batch;
    batch.practice = "p1";
    batch.puts = {{{"goal", std::string(id)}, std::string(value), {{"by", std::string(id)}}}};
    batch.journal = {std::string(id)};
    return batch;
  }
  absl::Status Apply(absl::string_view id) { return store_->Apply({}, BatchOf(id)).status(); }
  absl::Status Get(absl::string_view id) {
    return store_->Get({}, "p1", {"goal", std::string(id)}).status();
  }
  // Fails operations of one sort with `code` until it is called again with SQLITE_OK.
  void Fail(FaultVfs::Operation operation, int code) {
    vfs_.SetHook([operation, code](FaultVfs::Operation o, FaultVfs::File) {
      return o == operation ? code : SQLITE_OK;
    });
  }
  // Lets every sync wait at the gate, and shuts it.
  void HoldSyncs() {
    gate_.Shut();
    vfs_.SetHook([this](FaultVfs::Operation o, FaultVfs::File) {
      if (o == FaultVfs::Operation::kSync) {
        gate_.Pass();
      }
      return SQLITE_OK;
    });
  }
  // Starts an Apply on a thread of its own, and returns when it is queued.
  void StartApply(absl::string_view id, const std::function<void(Batch&)>& change = nullptr,
                  Context context = {}) {
    const int64_t queued = store_->stats().queued;
    Batch batch = BatchOf(id);
    if (change) {
      change(batch);
    }
    results_.emplace_back();
    absl::Status& result = results_.back();
    threads_.emplace_back(
        [this, batch, context, &result] { result = store_->Apply(context, batch).status(); });
    while (store_->stats().queued <= queued) {
      std::this_thread::yield();
    }
  }
  // Starts one that the writer takes and holds at the gate.
  void StartHeldApply(absl::string_view id) {
    results_.emplace_back();
    absl::Status& result = results_.back();
    threads_.emplace_back([this, id = std::string(id), &result] {
      result = store_->Apply({}, BatchOf(id)).status();
    });
    gate_.AwaitWaiting();
  }
  void JoinAll() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

  securebase::testing::TemporaryFolder folder_;
  securebase::testing::FakeClock clock_;
  FaultVfs vfs_{"faults"};
  Gate gate_;
  SqliteOptions options_;
  std::unique_ptr<SqliteStore> store_;
  std::vector<std::thread> threads_;
  std::deque<absl::Status> results_;
};

TEST_F(SqliteFailureTest, BatchesThatWaitShareOneCommit) {
  Open();
  HoldSyncs();
  StartHeldApply("first");
  constexpr int kWaiting = 20;
  for (int i = 0; i < kWaiting; ++i) {
    StartApply(absl::StrCat("g", i));
  }
  const int64_t before = store_->stats().commits;
  gate_.Open();
  JoinAll();
  EXPECT_THAT(results_, Each(securebase::testing::IsOk()));
  EXPECT_EQ(store_->stats().commits - before, 2);
  EXPECT_EQ(store_->stats().operations, kWaiting + 1);
}

TEST_F(SqliteFailureTest, ABatchThatConflictsDoesNotDisturbItsGroup) {
  Open();
  HoldSyncs();
  StartHeldApply("first");
  StartApply("a");
  StartApply("b", [](Batch& batch) { batch.expectations = {{{"goal", "b"}, 7}}; });
  StartApply("c");
  StartApply("a", [](Batch& batch) { batch.expectations = {{{"goal", "a"}, 1}}; });
  gate_.Open();
  JoinAll();
  EXPECT_OK(results_[1]);
  EXPECT_THAT(results_[2], IsError(absl::StatusCode::kAborted, Reason::kConflict));
  EXPECT_OK(results_[3]);
  EXPECT_OK(results_[4]) << "it sees what stands before it in the same transaction";
  EXPECT_EQ(store_->Get({}, "p1", {"goal", "a"})->version, 2);
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 4);
}

TEST_F(SqliteFailureTest, NothingIsSeenBeforeItsCommitIsDurable) {
  Open();
  HoldSyncs();
  StartHeldApply("g");
  EXPECT_EQ(Get("g").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 0);
  gate_.Open();
  JoinAll();
  EXPECT_OK(Get("g"));
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 1);
}

TEST_F(SqliteFailureTest, AFailedCommitIsOutcomeUnknownForEveryBatchOfItsGroup) {
  Open();
  ASSERT_OK(Apply("before"));
  HoldSyncs();
  StartHeldApply("first");
  StartApply("a");
  StartApply("b");
  // This one does nothing whatever becomes of the others, so it may simply be tried again.
  StartApply("c", [](Batch& batch) { batch.expectations = {{{"goal", "a"}, 7}}; });
  Fail(FaultVfs::Operation::kSync, SQLITE_IOERR_FSYNC);  // from the next sync on
  gate_.Open();
  JoinAll();
  EXPECT_OK(results_[0]);
  EXPECT_THAT(results_[1], IsError(kUnavailable, Reason::kOutcomeUnknown));
  EXPECT_THAT(results_[2], IsError(kUnavailable, Reason::kOutcomeUnknown));
  EXPECT_THAT(std::string(results_[2].message()),
              ::testing::Not(::testing::HasSubstr("nothing was done")));
  EXPECT_THAT(results_[3], IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(store_->stats().failed_commits, 1);

  vfs_.SetHook(nullptr);
  EXPECT_OK(Apply("a"));
  EXPECT_OK(Get("before"));
  EXPECT_EQ(store_->Get({}, "p1", {"goal", "a"})->version, 1) << "the failed put was undone";
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 3);
  EXPECT_EQ(store_->Journal({}, "p1", 0, 10)->entries.size(), 3u);
}

TEST_F(SqliteFailureTest, AfterAFullDiskReadsGoOnAndWritesComeBackWithTheRoom) {
  Open();
  ASSERT_OK(Apply("before"));
  Fail(FaultVfs::Operation::kWrite, SQLITE_FULL);
  Batch batch = BatchOf("g");
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(store_->Apply({}, batch), IsError(kUnavailable, Reason::kOutcomeUnknown));
    EXPECT_EQ(store_->Ping({}).code(), kUnavailable);
    EXPECT_OK(Get("before"));
    EXPECT_EQ(Get("g").code(), absl::StatusCode::kNotFound);
  }
  vfs_.SetHook(nullptr);
  EXPECT_OK(store_->Ping({}));
  ASSERT_OK_AND_ASSIGN(const ApplyResult result, store_->Apply({}, batch));
  EXPECT_FALSE(result.replayed.has_value());
  ASSERT_OK_AND_ASSIGN(const ApplyResult repeat, store_->Apply({}, batch));
  EXPECT_EQ(repeat.replayed, "r");
  EXPECT_EQ(store_->Get({}, "p1", {"goal", "g"})->version, 1);

  ASSERT_OK(store_->Close());
  Open();
  EXPECT_OK(Get("before"));
  EXPECT_OK(Get("g"));
}

TEST_F(SqliteFailureTest, ADiskThatFillsUpWithinABatchUndoesIt) {
  // A cache this small spills into the log before the commit, so that the batch itself fails.
  options_.cache_bytes = 16 << 10;
  Open();
  ASSERT_OK(Apply("before"));
  Fail(FaultVfs::Operation::kWrite, SQLITE_FULL);
  Batch large = BatchOf("large");
  for (int i = 0; i < 100; ++i) {
    large.puts.push_back({{"goal", absl::StrCat("large", i)}, std::string(9000, 'x'), {}});
  }
  EXPECT_THAT(store_->Apply({}, large), IsError(kUnavailable, Reason::kStoreUnavailable));
  vfs_.SetHook(nullptr);
  EXPECT_EQ(Get("large1").code(), absl::StatusCode::kNotFound);
  EXPECT_OK(store_->Apply({}, large));
  EXPECT_OK(Get("large1"));
  EXPECT_EQ(store_->GetPosition({}, "p1")->sequence, 2);
}

TEST_F(SqliteFailureTest, AFailedCheckpointLosesNothingAndIsMadeUpFor) {
  options_.writer.checkpoint_pages = 10;
  options_.writer.idle_checkpoint_pages = 5;
  Open();
  // Only a checkpoint syncs the database file.
  vfs_.SetHook([](FaultVfs::Operation o, FaultVfs::File file) {
    return o == FaultVfs::Operation::kSync && file == FaultVfs::File::kDatabase ? SQLITE_IOERR_FSYNC
                                                                                : SQLITE_OK;
  });
  for (int i = 0; i < 40; ++i) {
    EXPECT_OK(Apply(absl::StrCat("g", i)));
  }
  EXPECT_GT(store_->stats().failed_checkpoints, 0);
  EXPECT_EQ(store_->stats().checkpoints, 0);
  vfs_.SetHook(nullptr);
  for (int i = 0; i < 40; ++i) {
    EXPECT_OK(Apply(absl::StrCat("g", i)));
  }
  EXPECT_GT(store_->stats().checkpoints, 0);
  ASSERT_OK(store_->Close());
  options_.vfs = "";
  Open();
  for (int i = 0; i < 40; ++i) {
    EXPECT_OK(Get(absl::StrCat("g", i)));
  }
}

TEST_F(SqliteFailureTest, AFullQueueRefusesAndSaysWhenToTryAgain) {
  options_.writer.max_queue = 2;
  Open();
  HoldSyncs();
  StartHeldApply("held");
  StartApply("a");
  StartApply("b");
  const absl::Status refused = Apply("c");
  EXPECT_THAT(refused, IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_GT(RetryAfterOf(refused), absl::ZeroDuration());
  gate_.Open();
  JoinAll();
  EXPECT_THAT(results_, Each(securebase::testing::IsOk()));
  EXPECT_EQ(Get("c").code(), absl::StatusCode::kNotFound);
  EXPECT_OK(Apply("c"));
}

TEST_F(SqliteFailureTest, ABatchWhoseDeadlinePassesInTheQueueIsNeverWritten) {
  Open();
  HoldSyncs();
  StartHeldApply("held");
  Context soon;
  soon.deadline = absl::Now() + absl::Milliseconds(20);
  EXPECT_THAT(store_->Apply(soon, BatchOf("late")),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  gate_.Open();
  JoinAll();
  EXPECT_OK(Apply("after"));
  EXPECT_EQ(Get("late").code(), absl::StatusCode::kNotFound);
}

TEST_F(SqliteFailureTest, ADeadlineDuringTheCommitIsOutcomeUnknown) {
  Open();
  HoldSyncs();
  absl::Status status;
  do {  // until its commit began before its deadline, which a loaded machine may prevent
    status = store_->Apply({absl::Now() + absl::Milliseconds(50)}, BatchOf("g")).status();
  } while (absl::IsDeadlineExceeded(status));
  EXPECT_THAT(status, IsError(kUnavailable, Reason::kOutcomeUnknown));
  gate_.Open();
  EXPECT_OK(Apply("after"));
  EXPECT_OK(Get("g")) << "unknown, and in this case it was stored";
}

TEST_F(SqliteFailureTest, AnotherProgramThatHoldsTheWriteLockMakesWritesFailAndNotHang) {
  options_.busy_timeout = absl::Milliseconds(20);
  Open();
  ASSERT_OK(Apply("before"));
  {
    ASSERT_OK_AND_ASSIGN(const auto shell,
                         SqliteConnection::Open(options_.path, SQLITE_OPEN_READWRITE, ""));
    ASSERT_OK(shell->Execute("BEGIN IMMEDIATE", "lock"));
    EXPECT_THAT(Apply("g"), IsError(kUnavailable, Reason::kStoreUnavailable));
    EXPECT_EQ(store_->Ping({}).code(), kUnavailable);
    EXPECT_OK(Get("before"));
    ASSERT_OK(shell->Execute("ROLLBACK", "unlock"));
  }
  EXPECT_OK(Apply("g"));
}

TEST_F(SqliteFailureTest, DamagedPagesAreDataLossAndTheRestStaysReadable) {
  constexpr int kRecords = 2000;
  Open();
  for (int i = 0; i < kRecords; i += 200) {
    Batch batch = BatchOf("first");
    batch.puts.clear();
    for (int j = i; j < i + 200; ++j) {
      batch.puts.push_back({{"goal", absl::StrCat("g", 10000 + j)}, std::string(500, 'x'), {}});
    }
    ASSERT_OK(store_->Apply({}, batch));
  }
  ASSERT_OK(store_->Close());
  {
    std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0, std::ios::end);
    const auto pages = static_cast<int>(file.tellp()) / 4096;
    ASSERT_GT(pages, 100);
    for (int page = pages / 2; page < pages / 2 + 20; ++page) {
      file.seekp(std::streamoff{4096} * page);
      file << std::string(4096, '\x5a');
    }
  }
  Open();
  int lost = 0;
  int read = 0;
  for (int i = 0; i < kRecords; ++i) {
    const absl::Status status = Get(absl::StrCat("g", 10000 + i));
    if (status.ok()) {
      ++read;
    } else {
      EXPECT_THAT(status, IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
      ++lost;
    }
  }
  EXPECT_GT(lost, 0);
  EXPECT_GT(read, kRecords / 2);
  EXPECT_THAT(CopySqliteDatabase(absl::InfiniteFuture(), options_.path, folder_.PathOf("backup.db"),
                                 options_.vfs),
              IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
  EXPECT_FALSE(std::filesystem::exists(folder_.PathOf("backup.db")));
}

TEST_F(SqliteFailureTest, ADiskThatFailsWhileOpeningIsOneClearError) {
  Fail(FaultVfs::Operation::kWrite, SQLITE_IOERR_WRITE);
  EXPECT_THAT(MakeSqliteStore(options_, clock_), IsError(kUnavailable, Reason::kStoreUnavailable));
  vfs_.SetHook(nullptr);
  Open();
  EXPECT_OK(Apply("g"));
}

}  // namespace
}  // namespace securebase::storage
