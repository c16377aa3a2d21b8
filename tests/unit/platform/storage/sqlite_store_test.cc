#include "services/platform/storage/sqlite_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/storage/sqlite_backup.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_schema.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStoreTest() { options_.path = PathOf("store.db"); }

  std::string PathOf(const std::string& name) const { return folder_.PathOf(name); }
  std::unique_ptr<SqliteStore> Open() { return Open(options_); }
  std::unique_ptr<SqliteStore> Open(const SqliteOptions& options) {
    auto store = MakeSqliteStore(options, clock_);
    EXPECT_OK(store);
    return store.ok() ? *std::move(store) : nullptr;
  }
  static Batch BatchOf(absl::string_view id, absl::string_view value = "v") {
    Batch batch;
    batch.practice = "p1";
    batch.puts = {{{"goal", std::string(id)}, std::string(value), {{"by", std::string(id)}}}};
    batch.journal = {std::string(id)};
    return batch;
  }
  static std::string ValueOf(Store& store, absl::string_view id) {
    const auto record = store.Get({}, "p1", {"goal", std::string(id)});
    return record.ok() ? record->value : record.status().ToString();
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat info = {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  // A snapshot of the database, as another process takes it.
  absl::Status Copy(const std::string& to, absl::Time deadline = absl::InfiniteFuture()) const {
    return CopySqliteDatabase(deadline, options_.path, to, options_.vfs);
  }

  securebase::testing::TemporaryFolder folder_;
  securebase::testing::FakeClock clock_;
  SqliteOptions options_;
};

TEST_F(SqliteStoreTest, EveryFileIsItsOwnersAloneWhateverTheUmask) {
  const mode_t before = umask(0);
  {
    const auto store = Open();
    ASSERT_OK(store->Apply({}, BatchOf("g")));
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
      EXPECT_EQ(ModeOf(options_.path + suffix), 0600u) << suffix;
    }
    ASSERT_OK(Copy(PathOf("backup.db")));
    EXPECT_EQ(ModeOf(PathOf("backup.db")), 0600u);
  }
  ASSERT_EQ(chmod(options_.path.c_str(), 0644), 0);
  const auto store = Open();
  EXPECT_EQ(ModeOf(options_.path), 0600u);
  umask(before);
}

TEST_F(SqliteStoreTest, ASecondOpenIsRefusedWithTheProcessThatHasIt) {
  auto store = Open();
  const auto second = MakeSqliteStore(options_, clock_);
  EXPECT_THAT(second, IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(second.status().message(),
            absl::StrCat(options_.path, ".lock is locked by another process (", getpid(),
                         "): one process at a time may open a store, stop that one first; nothing "
                         "was done, try again"));
  ASSERT_OK(store->Close());
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SqliteStoreTest, AFolderThatDoesNotExistIsNamed) {
  options_.path = PathOf("nowhere/store.db");
  const auto store = MakeSqliteStore(options_, clock_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr(options_.path));
}

TEST_F(SqliteStoreTest, AFolderIsNoDatabase) {
  options_.path = folder_.PathOf("store");
  ASSERT_TRUE(std::filesystem::create_directory(options_.path));
  const auto store = MakeSqliteStore(options_, clock_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(store.status().message()),
              HasSubstr("store is a folder; name the database file in it"));
  EXPECT_FALSE(std::filesystem::exists(options_.path + ".lock"));
}

TEST_F(SqliteStoreTest, OptionsWithoutSenseAreRefused) {
  const auto refused = [&](const std::function<void(SqliteOptions&)>& change) {
    SqliteOptions options = options_;
    change(options);
    EXPECT_EQ(MakeSqliteStore(options, clock_).status().code(), absl::StatusCode::kInvalidArgument);
  };
  refused([](SqliteOptions& o) { o.path = ""; });
  refused([](SqliteOptions& o) { o.readers = 0; });
  refused([](SqliteOptions& o) { o.writer.max_queue = 0; });
  refused([](SqliteOptions& o) { o.writer.max_group = 0; });
  refused([](SqliteOptions& o) { o.writer.checkpoint_pages = 0; });
}

TEST_F(SqliteStoreTest, ACleanCloseLeavesOneFile) {
  const auto store = Open();
  ASSERT_OK(store->Apply({}, BatchOf("g")));
  ASSERT_OK(store->Close());
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, UnorderedElementsAre("store.db", "store.db.lock"));
}

// Schema

TEST_F(SqliteStoreTest, ANewerSchemaRefusesToStart) {
  ASSERT_OK(Open()->Close());
  const size_t known = StoreMigrations().size();
  {
    auto connection = SqliteConnection::Open(options_.path, SQLITE_OPEN_READWRITE, "");
    ASSERT_OK((*connection)->Execute(absl::StrCat("PRAGMA user_version = ", known + 1), "x"));
  }
  const auto store = MakeSqliteStore(options_, clock_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store.status().message(),
            absl::StrCat(options_.path, " has schema ", known + 1,
                         " and this release knows schemas up to ", known,
                         "; install the release that wrote it, or restore an older backup"));
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsLeftAlone) {
  {
    auto connection =
        SqliteConnection::Open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
    ASSERT_OK((*connection)->Execute("CREATE TABLE theirs (x)", "x"));
  }
  ASSERT_EQ(chmod(options_.path.c_str(), 0640), 0);
  EXPECT_EQ(MakeSqliteStore(options_, clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  auto connection = SqliteConnection::Open(options_.path, SQLITE_OPEN_READONLY, "");
  EXPECT_EQ((*connection)->ReadInt("SELECT count(*) FROM sqlite_schema", "count").value(), 1);
  EXPECT_EQ(ModeOf(options_.path), 0640u);
  SqliteQuery mode(**connection, "PRAGMA journal_mode");
  ASSERT_OK_AND_ASSIGN(const bool answered, mode.Step("read the journal's mode"));
  ASSERT_TRUE(answered);
  EXPECT_EQ(mode.Bytes(0), "delete");
}

TEST_F(SqliteStoreTest, AnotherServicesDatabaseIsLeftAlone) {
  options_.service = "outcomes";
  ASSERT_OK(Open()->Close());
  options_.service = "goals";
  EXPECT_EQ(MakeSqliteStore(options_, clock_).status().message(),
            absl::StrCat(options_.path,
                         " holds the data of outcomes; give goals a file of its own in --store"));
  options_.service = "outcomes";
  ASSERT_OK(Open()->Close());
  // Backups and checks are of any service.
  options_.service.clear();
  ASSERT_OK(Open()->Close());
}

// The database as it is on the disk in the middle of its first transaction, which has a rollback
// journal since the write-ahead log is not begun.
TEST_F(SqliteStoreTest, APowerCutInTheFirstOpeningIsUndone) {
  const std::string running = options_.path + ".running";
  {
    auto connection =
        SqliteConnection::Open(running, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
    ASSERT_OK((*connection)->Execute("PRAGMA cache_size = 2; BEGIN; CREATE TABLE t (x)", "x"));
    for (int i = 0; i < 20; ++i) {
      ASSERT_OK((*connection)->Execute("INSERT INTO t VALUES (zeroblob(9000))", "x"));
    }
    std::filesystem::copy_file(running, options_.path);
    std::filesystem::copy_file(running + "-journal", options_.path + "-journal");
    ASSERT_GT(std::filesystem::file_size(options_.path + "-journal"), 0u);
    ASSERT_GT(std::filesystem::file_size(options_.path), 9000u);
  }
  ASSERT_OK(Open()->Close());
  auto connection = SqliteConnection::Open(options_.path, SQLITE_OPEN_READONLY, "");
  EXPECT_EQ((*connection)
                ->ReadInt("SELECT count(*) FROM sqlite_schema WHERE name = 't'", "count")
                .value(),
            0);
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsDataLoss) {
  std::ofstream(options_.path) << std::string(8192, 'x');
  const auto store = MakeSqliteStore(options_, clock_);
  EXPECT_THAT(store, IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
  EXPECT_THAT(std::string(store.status().message()),
              AllOf(StartsWith(absl::StrCat(options_.path, ": ")), HasSubstr("name another file")));
}

TEST_F(SqliteStoreTest, AnOlderSchemaIsMigratedInOrderAndOnlyOnce) {
  auto connection =
      SqliteConnection::Open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
  SqliteMigrations migrations = {"CREATE TABLE t (x INTEGER)"};
  ASSERT_OK(MigrateSqlite(**connection, "db", migrations));
  ASSERT_OK((*connection)->Execute("INSERT INTO t VALUES (1)", "x"));
  migrations.push_back("ALTER TABLE t ADD COLUMN y INTEGER");
  migrations.push_back("UPDATE t SET y = x + 1; INSERT INTO t VALUES (5, 6)");
  ASSERT_OK(MigrateSqlite(**connection, "db", migrations));
  ASSERT_OK(MigrateSqlite(**connection, "db", migrations));
  EXPECT_EQ((*connection)->ReadInt("SELECT sum(y) FROM t", "x").value(), 8);
  EXPECT_EQ((*connection)->ReadInt("PRAGMA user_version", "x").value(), 3);
}

TEST_F(SqliteStoreTest, AMigrationThatFailsLeavesTheOlderSchema) {
  auto connection =
      SqliteConnection::Open(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
  SqliteMigrations migrations = {"CREATE TABLE t (x INTEGER)"};
  ASSERT_OK(MigrateSqlite(**connection, "db", migrations));
  migrations.push_back("CREATE TABLE u (x INTEGER)");
  migrations.push_back("INSERT INTO nowhere VALUES (1)");
  EXPECT_FALSE(MigrateSqlite(**connection, "db", migrations).ok());
  EXPECT_EQ((*connection)->ReadInt("PRAGMA user_version", "x").value(), 1);
  EXPECT_EQ((*connection)->ReadInt("SELECT count(*) FROM sqlite_schema", "x").value(), 1);
}

// Leases, snapshots

TEST_F(SqliteStoreTest, LeasesOfTheProcessBeforeAreFreeAndTheirTokensDead) {
  auto store = Open();
  ASSERT_OK_AND_ASSIGN(const Lease before,
                       store->AcquireLease({}, "p1", "work", "before", absl::Hours(1)));
  store.reset();
  store = Open();
  Batch batch = BatchOf("g");
  batch.fence = Fence{"work", before.token};
  EXPECT_THAT(store->Apply({}, batch), IsError(absl::StatusCode::kAborted, Reason::kLeaseLost));
  ASSERT_OK_AND_ASSIGN(const Lease after,
                       store->AcquireLease({}, "p1", "work", "after", absl::Hours(1)));
  EXPECT_GT(after.token, before.token);
}

TEST_F(SqliteStoreTest, ASnapshotUnderLoadIsOneMomentOfTheStore) {
  const auto store = Open();
  // Each batch adds one record, one index entry and one journal entry: their numbers must agree.
  std::atomic<bool> done = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    while (!done) {
      const std::string id = absl::StrCat("g", 100000 + written);
      EXPECT_OK(store->Apply({}, BatchOf(id, std::string(3000, 'x'))));
      ++written;
    }
  });
  while (written < 500) {
    std::this_thread::yield();
  }
  const int before = written;
  EXPECT_OK(Copy(PathOf("copy.db")));
  const int after = written;
  done = true;
  writer.join();

  SqliteOptions copied = options_;
  copied.path = PathOf("copy.db");
  const auto copy = Open(copied);
  const int64_t sequence = copy->GetPosition({}, "p1")->sequence;
  EXPECT_GE(sequence, before);
  EXPECT_LE(sequence, after + 1);
  ScanRequest request;
  request.practice = "p1";
  request.index = "by";
  request.limit = kMaxPageRows;
  int64_t rows = 0;
  for (bool more = true; more;) {
    ASSERT_OK_AND_ASSIGN(const ScanPage page, copy->Scan({}, request));
    rows += static_cast<int64_t>(page.rows.size());
    more = page.more;
    request.after = page.rows.back().cursor;
  }
  EXPECT_EQ(rows, sequence);
}

TEST_F(SqliteStoreTest, ASnapshotIsOneFileAndReplacesNothing) {
  const auto store = Open();
  ASSERT_OK(store->Apply({}, BatchOf("g", "first")));
  std::filesystem::create_directory(PathOf("copies"));
  SqliteOptions copied = options_;
  copied.path = PathOf("copies/c.db");
  ASSERT_OK(Copy(copied.path));
  ASSERT_OK(store->Apply({}, BatchOf("g", "second")));
  EXPECT_THAT(Copy(copied.path), IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(PathOf("copies"))) {
    names.push_back(entry.path().filename());
  }
  EXPECT_THAT(names, ElementsAre("c.db"));
  EXPECT_EQ(ValueOf(*Open(copied), "g"), "first");
}

TEST_F(SqliteStoreTest, ASnapshotPastItsDeadlineLeavesNothing) {
  const auto store = Open();
  for (int i = 0; i < 12; ++i) {
    ASSERT_OK(store->Apply({}, BatchOf(absl::StrCat("g", i), std::string(900'000, 'x'))));
  }
  std::filesystem::create_directory(PathOf("copies"));
  EXPECT_THAT(Copy(PathOf("copies/c.db"), absl::Now() + absl::Milliseconds(1)),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  EXPECT_TRUE(std::filesystem::is_empty(PathOf("copies")));
}

TEST_F(SqliteStoreTest, ASnapshotToNowhereIsRefusedAndDoesNoHarm) {
  const auto store = Open();
  EXPECT_EQ(Copy(PathOf("nowhere/c.db")).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_OK(store->Apply({}, BatchOf("g")));
}

TEST_F(SqliteStoreTest, TheLogOfADatabaseThatIsGoneIsNotTakenForANewOnes) {
  {
    const auto store = Open();
    ASSERT_OK(store->Apply({}, BatchOf("g", "of the one before")));
    // As a kill leaves it.
    std::filesystem::copy_file(options_.path + "-wal", PathOf("log"));
  }
  std::filesystem::remove(options_.path);
  std::filesystem::rename(PathOf("log"), options_.path + "-wal");
  for (const bool empty : {false, true}) {
    if (empty) {
      std::ofstream(options_.path).flush();
    }
    EXPECT_THAT(MakeSqliteStore(options_, clock_),
                IsError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable));
  }
  std::filesystem::remove(options_.path + "-wal");
  EXPECT_THAT(ValueOf(*Open(), "g"), HasSubstr("NOT_FOUND"));
}

// The log

TEST_F(SqliteStoreTest, TheLogStaysBoundedWhileReadsNeverPause) {
  options_.writer.checkpoint_pages = 200;
  options_.writer.idle_checkpoint_pages = 100;
  const auto store = Open();
  ASSERT_OK(store->Apply({}, BatchOf("g0")));
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      ScanRequest request;
      request.practice = "p1";
      request.index = "by";
      while (!done) {
        EXPECT_OK(store->Scan({}, request));
      }
    });
  }
  int64_t longest = 0;
  for (int i = 0; i < 1500; ++i) {
    ASSERT_OK(store->Apply({}, BatchOf(absl::StrCat("g", i % 50), std::string(4000, 'x'))));
    longest = std::max(longest, store->stats().wal_pages);
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  // 1,500 batches write more than 6,000 pages.
  EXPECT_LT(longest, 2000);
  EXPECT_GT(store->stats().checkpoints, 0);
}

// A read that is under way until it goes out of scope, as a backup's.
class OpenSnapshot {
 public:
  explicit OpenSnapshot(const std::string& path)
      : connection_(*SqliteConnection::Open(path, SQLITE_OPEN_READONLY, "")) {
    EXPECT_OK(connection_->Execute("BEGIN; SELECT count(*) FROM practice", "begin to read"));
  }

 private:
  std::unique_ptr<SqliteConnection> connection_;
};

TEST_F(SqliteStoreTest, ALongSnapshotIsNotWaitedForAtEverySmallCheckpoint) {
  options_.writer.checkpoint_pages = 100;
  options_.writer.idle_checkpoint_pages = 10;
  options_.busy_timeout = absl::Milliseconds(1);
  const auto store = Open();
  const OpenSnapshot snapshot(options_.path);
  for (int i = 0; store->stats().wal_pages < 800; ++i) {
    ASSERT_OK(store->Apply({}, BatchOf(absl::StrCat("g", i), std::string(4000, 'x'))));
  }
  const SqliteWriterStats stats = store->stats();
  EXPECT_GE(stats.failed_checkpoints, 1) << "at 400 pages the snapshot was waited for";
  EXPECT_LE(stats.failed_checkpoints, (stats.wal_pages - 400) / 100 + 1);
}

TEST_F(SqliteStoreTest, ALogThatHasGrownGivesItsSpaceBack) {
  options_.writer.checkpoint_pages = 100;
  options_.writer.idle_checkpoint_pages = 10;
  options_.busy_timeout = absl::Milliseconds(1);
  const auto store = Open();
  const auto log_bytes = [&] {
    struct stat info = {};
    EXPECT_EQ(stat((options_.path + "-wal").c_str(), &info), 0);
    return info.st_size;
  };
  int n = 0;
  const auto write = [&] {
    EXPECT_OK(store->Apply({}, BatchOf(absl::StrCat("g", n++), std::string(4000, 'x'))));
  };
  {
    const OpenSnapshot snapshot(options_.path);
    while (log_bytes() < 3'000'000) {
      write();
    }
  }
  for (int i = 0; i < 200 && log_bytes() > 2 * 100 * 4096; ++i) {
    write();
  }
  EXPECT_LE(log_bytes(), 2 * 100 * 4096);
}

TEST_F(SqliteStoreTest, FiguresCountWhatItCommits) {
  const auto store = Open();
  const auto value = [&](absl::string_view name) {
    for (const StoreFigure& figure : store->Figures()) {
      if (figure.name == name) {
        return figure.value;
      }
    }
    return int64_t{-1};
  };
  const int64_t before = value("committed_batches");
  EXPECT_GE(before, 0);
  ASSERT_OK(store->Apply({}, BatchOf("g1", "x")));
  EXPECT_EQ(value("committed_batches"), before + 1);
  EXPECT_GT(value("wal_pages"), 0);
}

TEST_F(SqliteStoreTest, MoreReadsThanConnectionsTakeTurns) {
  options_.readers = 1;
  const auto store = Open();
  ASSERT_OK(store->Apply({}, BatchOf("g")));
  std::vector<std::thread> threads;
  threads.reserve(8);
  std::atomic<int> answered = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        answered += store->Get({}, "p1", {"goal", "g"}).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(answered, 400);
}

TEST_F(SqliteStoreTest, ErrorsRepeatNothingThatIsStored) {
  const auto store = Open();
  Batch batch = BatchOf("secret-id", "secret-value");
  batch.expectations = {{{"goal", "secret-id"}, 9}};
  for (const absl::Status& status :
       {store->Apply({}, batch).status(), store->Get({}, "p1", {"goal", "secret-id"}).status()}) {
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.ToString(absl::StatusToStringMode::kWithEverything),
                ::testing::Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace securebase::storage
