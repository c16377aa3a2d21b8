#include "services/platform/storage/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/export_place.h"
#include "services/platform/storage/file_lock.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_operations.h"
#include "services/platform/storage/sqlite_schema.h"

namespace securebase::storage {
namespace {

// What every call would otherwise look up in the database: the practices' numbers and positions,
// and the epoch. Changes only after a COMMIT. Thread-safe.
class Published {
 public:
  void Set(const SqliteChanges& changes) {
    MutexLock lock(mutex_);
    for (const SqliteChanges::Practice& practice : changes.practices) {
      practices_[practice.name] = {practice.id, practice.journal_last, practice.importing};
    }
    if (changes.epoch.has_value()) {
      epoch_ = *changes.epoch;
    }
  }
  // A reader saw that the practice's journal had come so far. SQLite shows a commit a moment before
  // the writer publishes it; a position that is asked for next must not be an older one.
  void SawJournal(absl::string_view practice, int64_t last) {
    MutexLock lock(mutex_);
    if (const auto it = practices_.find(practice); it != practices_.end()) {
      it->second.journal_last = std::max(it->second.journal_last, last);
    }
  }
  // 0: unknown. BeingImportedError while it is.
  absl::StatusOr<int64_t> IdOf(absl::string_view practice) const {
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice found, Find(practice));
    return found.id;
  }
  absl::StatusOr<Position> PositionOf(absl::string_view practice) const {
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice found, Find(practice));
    return Position{epoch_, found.journal_last};
  }
  std::string epoch() const {
    MutexLock lock(mutex_);
    return epoch_;
  }

 private:
  struct Practice {
    int64_t id = 0;
    int64_t journal_last = 0;
    bool importing = false;
  };
  absl::StatusOr<Practice> Find(absl::string_view name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = practices_.find(name);
    if (it == practices_.end()) {
      return Practice{};
    }
    if (it->second.importing) {
      return BeingImportedError();
    }
    return it->second;
  }

  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Practice> practices_ ABSL_GUARDED_BY(mutex_);
  std::string epoch_ ABSL_GUARDED_BY(mutex_);
};

// A fixed number of connections, each one caller's at a time. Thread-safe.
class ReaderPool {
 public:
  explicit ReaderPool(std::vector<std::unique_ptr<SqliteConnection>> connections)
      : size_(connections.size()), free_(std::move(connections)) {}

  // A connection until it goes out of scope.
  class Reader {
   public:
    Reader(ReaderPool& pool, std::unique_ptr<SqliteConnection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Reader(Reader&& other) = default;
    Reader& operator=(Reader&& other) = delete;
    ~Reader() {
      if (connection_ != nullptr) {
        pool_->Return(std::move(connection_));
      }
    }
    SqliteConnection& operator*() const { return *connection_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<SqliteConnection> connection_;
  };

  absl::StatusOr<Reader> Borrow(const Context& context) {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    MutexLock lock(mutex_);
    while (!closed_ && free_.empty()) {
      const absl::Duration left = context.deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return DeadlineExceededError();
      }
      changed_.WaitFor(mutex_, left);
    }
    if (closed_) {
      return ShuttingDownError();
    }
    Reader reader(*this, std::move(free_.back()));
    free_.pop_back();
    return reader;
  }

  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }

  // Lends no more, waits for those that are lent, and closes all.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
    while (free_.size() < size_) {
      changed_.Wait(mutex_);
    }
    size_ = 0;
    free_.clear();
  }

 private:
  void Return(std::unique_ptr<SqliteConnection> connection) {
    MutexLock lock(mutex_);
    free_.push_back(std::move(connection));
    if (closed_) {
      changed_.NotifyAll();
    } else {
      changed_.NotifyOne();
    }
  }

  mutable Mutex mutex_;
  CondVar changed_;
  size_t size_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<SqliteConnection>> free_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// A read transaction: all its statements see the same moment.
class Snapshot {
 public:
  static absl::StatusOr<Snapshot> Begin(SqliteConnection& connection) {
    SB_RETURN_IF_ERROR(SqliteQuery(connection, "BEGIN").Run("begin to read"));
    return Snapshot(connection);
  }
  Snapshot(Snapshot&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot() {
    if (connection_ != nullptr && connection_->InTransaction()) {
      (void)SqliteQuery(*connection_, "ROLLBACK").Run("end a read");  // nothing was written
    }
  }

 private:
  explicit Snapshot(SqliteConnection& connection) : connection_(&connection) {}
  SqliteConnection* connection_;
};

class SqliteStoreImpl : public SqliteStore {
 public:
  SqliteStoreImpl(const SqliteOptions& options, const Clock& clock, std::unique_ptr<FileLock> lock,
                  const SqliteChanges& initial,
                  std::vector<std::unique_ptr<SqliteConnection>> readers,
                  std::unique_ptr<SqliteConnection> writer)
      : options_(options),
        clock_(clock),
        lock_(std::move(lock)),
        readers_(std::move(readers)),
        writer_(std::move(writer), options.writer,
                [this](const SqliteChanges& changes) { published_.Set(changes); }) {
    published_.Set(initial);
  }

  ~SqliteStoreImpl() override { (void)SqliteStoreImpl::Close(); }

  absl::StatusOr<Record> Get(const Context& context, absl::string_view practice,
                             const RecordKey& key) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckKey("key", key));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const int64_t id, published_.IdOf(practice));
    SB_ASSIGN_OR_RETURN(std::optional<Record> record, ReadRecord(*reader, id, key));
    return FoundRecord(key.kind, std::move(record));
  }

  absl::StatusOr<std::vector<std::optional<Record>>> GetMany(
      const Context& context, absl::string_view practice,
      const std::vector<RecordKey>& keys) override {
    SB_RETURN_IF_ERROR(CheckGetMany(practice, keys));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const int64_t id, published_.IdOf(practice));
    SB_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Begin(*reader));
    std::vector<std::optional<Record>> records;
    records.reserve(keys.size());
    for (const RecordKey& key : keys) {
      SB_ASSIGN_OR_RETURN(records.emplace_back(), ReadRecord(*reader, id, key));
    }
    return records;
  }

  absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) override {
    SB_RETURN_IF_ERROR(CheckBatch(batch));
    // Shared with the operation, which may outlive a call whose deadline passes.
    const auto copy = std::make_shared<const Batch>(batch);
    SB_ASSIGN_OR_RETURN(ApplyResult result,
                        Write<ApplyResult>(context, [copy](SqliteConnection& connection,
                                                           absl::Time now, SqliteChanges& changes) {
                          return WriteBatch(connection, *copy, now, changes);
                        }));
    result.position.epoch = published_.epoch();
    return result;
  }

  absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("key", key));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const int64_t id, published_.IdOf(practice));
    return ReadResult(*reader, id, key, fingerprint, clock_.Now());
  }

  absl::StatusOr<ScanPage> Scan(const Context& context, const ScanRequest& request) override {
    SB_ASSIGN_OR_RETURN(const ScanRange range, RangeOf(request));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const int64_t id, published_.IdOf(request.practice));
    return ReadScan(*reader, id, request, range);
  }

  absl::StatusOr<JournalPage> Journal(const Context& context, absl::string_view practice,
                                      int64_t after, int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Begin(*reader));
    SB_ASSIGN_OR_RETURN(JournalPage page, ReadJournal(*reader, practice, after, limit));
    published_.SawJournal(practice, page.position.sequence);
    page.position.epoch = published_.epoch();
    return page;
  }

  absl::StatusOr<Position> GetPosition(const Context& context,
                                       absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    if (readers_.closed()) {
      return ShuttingDownError();
    }
    return published_.PositionOf(practice);
  }

  absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    return ListNames(context, after, limit, /*importing=*/false);
  }

  absl::StatusOr<Lease> AcquireLease(const Context& context, absl::string_view practice,
                                     absl::string_view name, absl::string_view owner,
                                     absl::Duration duration) override {
    SB_RETURN_IF_ERROR(CheckLease(practice, name, owner, duration));
    return Write<Lease>(
        context,
        [practice = std::string(practice), name = std::string(name), owner = std::string(owner),
         duration](SqliteConnection& connection, absl::Time now, SqliteChanges& changes) {
          return WriteLease(connection, practice, name, owner, duration, now, changes);
        });
  }

  absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("name", name));
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    return writer_.Run(context.deadline,
                       [practice = std::string(practice), name = std::string(name), token](
                           SqliteConnection& connection, SqliteChanges&) {
                         return WriteLeaseRelease(connection, practice, name, token);
                       });
  }

  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const Context& context,
                                                    absl::string_view practice, int64_t after,
                                                    int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const int64_t id, published_.IdOf(practice));
    return ReadAudit(*reader, id, after, limit);
  }

  absl::StatusOr<int64_t> Trim(const Context& context, const TrimRequest& request) override {
    SB_RETURN_IF_ERROR(CheckTrim(request));
    return Write<int64_t>(context,
                          [request](SqliteConnection& connection, absl::Time now, SqliteChanges&) {
                            return WriteTrim(connection, request, now);
                          });
  }

  absl::StatusOr<ExportPage> Export(const Context& context, absl::string_view practice,
                                    absl::string_view cursor, int limit) override {
    SB_RETURN_IF_ERROR(CheckExport(practice, limit));
    SB_ASSIGN_OR_RETURN(const ExportPlace place, ParseExportCursor(cursor));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    SB_ASSIGN_OR_RETURN(const Snapshot snapshot, Snapshot::Begin(*reader));
    SB_ASSIGN_OR_RETURN(ExportPage page, ReadExport(*reader, practice, place, limit, clock_.Now()));
    page.mark = absl::StrCat(published_.epoch(), ":", page.mark);
    return page;
  }

  absl::Status Import(const Context& context, absl::string_view practice,
                      const std::vector<CopyItem>& items) override {
    SB_RETURN_IF_ERROR(CheckImport(practice, items));
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    // Shared with the operation, which may outlive a call whose deadline passes.
    const auto copy = std::make_shared<const std::vector<CopyItem>>(items);
    return writer_.Run(context.deadline, [practice = std::string(practice), copy](
                                             SqliteConnection& connection, SqliteChanges& changes) {
      return WriteImport(connection, practice, *copy, changes);
    });
  }

  absl::Status FinishImport(const Context& context, absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    return writer_.Run(context.deadline, [practice = std::string(practice)](
                                             SqliteConnection& connection, SqliteChanges& changes) {
      return WriteFinishedImport(connection, practice, changes);
    });
  }

  absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    return ListNames(context, after, limit, /*importing=*/true);
  }

  absl::Status Ping(const Context& context) override {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    return writer_.Run(context.deadline,
                       [now = clock_.Now()](SqliteConnection& connection, SqliteChanges&) {
                         return WriteProbe(connection, now);
                       });
  }

  SqliteWriterStats stats() const override { return writer_.stats(); }

  std::vector<StoreFigure> Figures() const override {
    const SqliteWriterStats stats = writer_.stats();
    return {
        {"commits", "Transactions, each for all batches that waited.", stats.commits},
        {"committed_batches", "Batches in them.", stats.operations},
        {"failed_commits", "Transactions whose outcome is unknown.", stats.failed_commits},
        {"failed_checkpoints", "Times the log could not be copied into the database.",
         stats.failed_checkpoints},
        {"wal_pages", "Pages in the write-ahead log now.", stats.wal_pages},
        {"queued", "Batches that wait for the writer now.", stats.queued},
    };
  }

  absl::Status Close() override {
    // Readers first: the writer's connection must be the last, since the last one copies the log.
    readers_.Close();
    writer_.Close();
    MutexLock lock(close_mutex_);
    lock_.reset();
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<std::vector<std::string>> ListNames(const Context& context,
                                                     absl::string_view after, int limit,
                                                     bool importing) {
    SB_RETURN_IF_ERROR(CheckSortKey("after", after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    SB_ASSIGN_OR_RETURN(const ReaderPool::Reader reader, readers_.Borrow(context));
    return ReadPracticeNames(*reader, after, limit, importing);
  }

  // Runs `write` on the writer's thread and returns what it returned.
  template <typename T, typename F>
  absl::StatusOr<T> Write(const Context& context, F write) {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    const auto result = std::make_shared<T>();
    SB_RETURN_IF_ERROR(
        writer_.Run(context.deadline, [result, write = std::move(write), &clock = clock_](
                                          SqliteConnection& connection, SqliteChanges& changes) {
          absl::StatusOr<T> written = write(connection, clock.Now(), changes);
          absl::Status status = written.status();
          if (status.ok()) {
            *result = *std::move(written);
          }
          return status;
        }));
    return std::move(*result);
  }

  const SqliteOptions options_;
  const Clock& clock_;
  Mutex close_mutex_;
  std::unique_ptr<FileLock> lock_ ABSL_GUARDED_BY(close_mutex_);
  Published published_;
  ReaderPool readers_;
  SqliteWriter writer_;
};

absl::Status SystemError(absl::string_view doing, const std::string& path) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(errno)));
}

// SQLite gives the log and its index the mode of the database file, so this covers all three.
absl::Status MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return SystemError("open the database", path);
  }
  // Again, for a file that was there before; and the umask does not matter to fchmod.
  absl::Status status =
      fchmod(fd, 0600) == 0 ? absl::OkStatus() : SystemError("protect the database", path);
  close(fd);
  return status;
}

// SQLite would take the log of a database that was removed for that of a new one in its place.
absl::Status CheckNoLogAlone(const std::string& path) {
  struct stat database = {};
  struct stat log = {};
  const std::string log_path = absl::StrCat(path, "-wal");
  const bool empty = stat(path.c_str(), &database) != 0 || database.st_size == 0;
  if (!empty || stat(log_path.c_str(), &log) != 0 || log.st_size == 0) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat(log_path,
                                " is the log of a database that is gone; put the database "
                                "back, or remove its log"));
}

// Before anything of it is changed: its mode, its kind of journal.
absl::Status CheckIsOurs(const SqliteOptions& options) {
  struct stat database = {};
  if (stat(options.path.c_str(), &database) != 0 || database.st_size == 0) {
    return absl::OkStatus();
  }
  // A power cut in the first opening leaves a rollback journal, without which there is nothing to
  // read, and which only a writer may play back.
  struct stat journal = {};
  const bool interrupted =
      stat(absl::StrCat(options.path, "-journal").c_str(), &journal) == 0 && journal.st_size > 0;
  SB_ASSIGN_OR_RETURN(
      std::unique_ptr<SqliteConnection> connection,
      SqliteConnection::Open(
          options.path, interrupted ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, options.vfs));
  sqlite3_busy_timeout(connection->handle(),
                       static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
  return CheckSqliteSchema(*connection, options.path, StoreMigrations());
}

absl::Status ConfigureConnection(SqliteConnection& connection, const SqliteOptions& options,
                                 int64_t cache_bytes) {
  sqlite3_busy_timeout(connection.handle(),
                       static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
  // docs/storage.md says why for each.
  return connection.Execute(
      absl::StrCat("PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                   "PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 0;"
                   "PRAGMA secure_delete = FAST; PRAGMA cache_size = -",
                   cache_bytes / 1024),
      "configure the database");
}

constexpr int64_t kPageBytes = 4096;  // SQLite's default

absl::StatusOr<std::unique_ptr<SqliteConnection>> OpenWriter(const SqliteOptions& options) {
  SB_ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> connection,
                      SqliteConnection::Open(options.path, SQLITE_OPEN_READWRITE, options.vfs));
  SB_RETURN_IF_ERROR(ConfigureConnection(*connection, options, options.cache_bytes));
  SB_RETURN_IF_ERROR(connection->Execute(options.synchronous == SqliteOptions::Synchronous::kFull
                                             ? "PRAGMA synchronous = FULL"
                                             : "PRAGMA synchronous = OFF",
                                         "configure the database"));
  // Twice what the log holds as long as no read keeps it from being begun anew.
  SB_RETURN_IF_ERROR(
      connection->Execute(absl::StrCat("PRAGMA journal_size_limit = ",
                                       2 * options.writer.checkpoint_pages * kPageBytes),
                          "configure the database"));
  // SQLite answers with the mode it stayed in when it cannot change.
  SqliteQuery wal(*connection, "PRAGMA journal_mode = WAL");
  SB_ASSIGN_OR_RETURN(const bool answered, wal.Step("begin the write-ahead log"));
  if (!answered || wal.Bytes(0) != "wal") {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
        absl::StrCat(options.path, " cannot have a write-ahead log; put it on a local disk"));
  }
  return connection;
}

// Two services that share a file, one after the other, would each serve what is not theirs.
absl::Status ClaimFor(SqliteConnection& connection, const SqliteOptions& options) {
  if (options.service.empty()) {
    return absl::OkStatus();
  }
  SB_ASSIGN_OR_RETURN(const std::string owner, ReadService(connection));
  if (owner.empty()) {
    return WriteService(connection, options.service);
  }
  if (owner != options.service) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat(options.path, " holds the data of ", owner, "; give ",
                                  options.service, " a file of its own in --store"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SqliteChanges> ReadPublished(SqliteConnection& connection) {
  SqliteChanges changes;
  SB_ASSIGN_OR_RETURN(changes.practices, ReadPractices(connection));
  SB_ASSIGN_OR_RETURN(std::string epoch, ReadEpoch(connection));
  if (epoch.empty()) {
    epoch = NewEpoch();
    SB_RETURN_IF_ERROR(WriteEpoch(connection, epoch));
  }
  changes.epoch = std::move(epoch);
  return changes;
}

absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const SqliteOptions& options,
                                                  const Clock& clock) {
  if (options.path.empty() || options.readers < 1 || options.writer.max_queue < 1 ||
      options.writer.max_group < 1 || options.writer.checkpoint_pages < 1 ||
      options.writer.idle_checkpoint_pages < 1) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields,
                     "a SQLite store needs a path, and readers, queue, group and checkpoint sizes "
                     "of 1 or more");
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(options.path, ignored)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat(options.path, " is a folder; name the database file in it"));
  }
  SB_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock,
                      FileLock::Acquire(absl::StrCat(options.path, ".lock")));
  SB_RETURN_IF_ERROR(CheckNoLogAlone(options.path));
  SB_RETURN_IF_ERROR(CheckIsOurs(options));
  SB_RETURN_IF_ERROR(MakePrivateFile(options.path));
  SB_ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> writer, OpenWriter(options));
  SB_RETURN_IF_ERROR(MigrateSqlite(*writer, options.path, StoreMigrations()));
  SB_RETURN_IF_ERROR(ClaimFor(*writer, options));
  // The file's lock says that no other process lives that could hold one: what a killed process
  // left undone need not wait until its leases expire.
  SB_RETURN_IF_ERROR(WriteReleaseOfAllLeases(*writer));
  SB_ASSIGN_OR_RETURN(const SqliteChanges published, ReadPublished(*writer));
  std::vector<std::unique_ptr<SqliteConnection>> readers;
  for (int i = 0; i < options.readers; ++i) {
    SB_ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> reader,
                        SqliteConnection::Open(options.path, SQLITE_OPEN_READONLY, options.vfs));
    SB_RETURN_IF_ERROR(ConfigureConnection(*reader, options, options.cache_bytes / 4));
    readers.push_back(std::move(reader));
  }
  return std::make_unique<SqliteStoreImpl>(options, clock, std::move(lock), published,
                                           std::move(readers), std::move(writer));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> MakeSqliteStore(const SqliteOptions& options,
                                                             const Clock& clock) {
  auto store = Open(options, clock);
  const absl::Status& status = store.status();
  if (status.ok() || absl::StrContains(status.message(), options.path)) {
    return store;
  }
  return MakeError(status.code(), ReasonOf(status),
                   absl::StrCat(options.path, ": ", status.message()));
}

}  // namespace securebase::storage
