#include "services/platform/storage/sqlite_writer.h"

#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {
namespace {

constexpr absl::Duration kQueueFullRetry = absl::Milliseconds(200);
constexpr absl::Duration kFailedRetry = absl::Seconds(1);

int OnCommit(void* pages, sqlite3*, const char*, int wal_pages) {
  *static_cast<int64_t*>(pages) = wal_pages;
  return SQLITE_OK;
}

}  // namespace

SqliteWriter::SqliteWriter(std::unique_ptr<SqliteConnection> connection,
                           const SqliteWriterOptions& options, Publish publish)
    : options_(options), publish_(std::move(publish)), connection_(std::move(connection)) {
  // It also replaces the automatic checkpoint, which would run inside a commit.
  sqlite3_wal_hook(connection_->handle(), &OnCommit, &wal_pages_);
  MutexLock lock(close_mutex_);
  thread_ = std::thread([this] { Loop(); });
}

SqliteWriter::~SqliteWriter() { Close(); }

absl::Status SqliteWriter::Run(absl::Time deadline, Operation operation) {
  auto pending = std::make_shared<Pending>();
  pending->operation = std::move(operation);
  MutexLock lock(mutex_);
  if (closing_) {
    return ShuttingDownError();
  }
  if (queue_.size() >= static_cast<size_t>(options_.max_queue)) {
    return StoreUnavailableError("the store's write queue is full", kQueueFullRetry);
  }
  queue_.push_back(pending);
  work_.NotifyOne();
  while (pending->state != State::kDone) {
    const absl::Duration left =
        deadline == absl::InfiniteFuture() ? absl::InfiniteDuration() : deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      if (pending->state == State::kTaken) {
        return OutcomeUnknownError("the deadline passed during the commit");
      }
      queue_.erase(std::find(queue_.begin(), queue_.end(), pending));
      return DeadlineExceededError();
    }
    pending->done.WaitFor(mutex_, left);
  }
  // Moved, so that no other thread holds it too: ThreadSanitizer does not see the reference count
  // of a prebuilt Abseil.
  return std::move(pending->status);
}

SqliteWriterStats SqliteWriter::stats() const {
  MutexLock lock(mutex_);
  SqliteWriterStats stats = stats_;
  stats.queued = static_cast<int64_t>(queue_.size());
  return stats;
}

void SqliteWriter::Close() {
  MutexLock close_lock(close_mutex_);
  if (!thread_.joinable()) {
    return;
  }
  {
    MutexLock lock(mutex_);
    closing_ = true;
    work_.NotifyOne();
  }
  thread_.join();
}

void SqliteWriter::Loop() {
  for (bool ended = false; !ended;) {
    const Group group = Take(ended);
    if (group.empty()) {
      if (!ended) {
        Checkpoint();
      }
      continue;
    }
    std::vector<absl::Status> outcomes = Commit(group);
    if (wal_pages_ < tried_pages_) {  // the commit began the log anew
      copied_pages_ = 0;
      tried_pages_ = 0;
      waited_pages_ = 0;
    }
    {
      MutexLock lock(mutex_);
      stats_.wal_pages = wal_pages_;
      for (size_t i = 0; i < group.size(); ++i) {
        stats_.operations += outcomes[i].ok() ? 1 : 0;
        group[i]->status = std::move(outcomes[i]);
        group[i]->state = State::kDone;
        group[i]->done.NotifyOne();
      }
    }
    if (NewPages() >= options_.checkpoint_pages) {
      Checkpoint();
    }
  }
  // The last connection copies the log into the database and removes it.
  connection_.reset();
}

SqliteWriter::Group SqliteWriter::Take(bool& ended) {
  MutexLock lock(mutex_);
  while (queue_.empty()) {
    if (closing_) {
      ended = true;
      return {};
    }
    if (NewPages() >= options_.idle_checkpoint_pages) {
      return {};
    }
    work_.Wait(mutex_);
  }
  Group group;
  while (!queue_.empty() && group.size() < static_cast<size_t>(options_.max_group)) {
    queue_.front()->state = State::kTaken;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

std::vector<absl::Status> SqliteWriter::Commit(const Group& group) {
  std::vector<absl::Status> outcomes(group.size());
  if (absl::Status begun = Execute("BEGIN IMMEDIATE", "begin to write"); !begun.ok()) {
    std::fill(outcomes.begin(), outcomes.end(), begun);
    return outcomes;
  }
  SqliteChanges changes;
  for (size_t i = 0; i < group.size(); ++i) {
    outcomes[i] = RunInSavepoint(group[i]->operation, changes);
    if (!connection_->InTransaction()) {
      // Some errors make SQLite undo the whole transaction. Only this operation knows why.
      const absl::Status cause = std::move(outcomes[i]);
      for (absl::Status& outcome : outcomes) {
        outcome = StoreUnavailableError("the store could not write", kFailedRetry);
      }
      outcomes[i] = cause;
      return outcomes;
    }
  }
  const absl::Status committed = Execute("COMMIT", "commit");
  {
    MutexLock lock(mutex_);
    ++(committed.ok() ? stats_.commits : stats_.failed_commits);
  }
  if (committed.ok()) {
    publish_(changes);
    return outcomes;
  }
  if (connection_->InTransaction()) {
    (void)Execute("ROLLBACK", "undo a transaction");  // the first error tells more
  }
  for (absl::Status& outcome : outcomes) {
    // One that failed did nothing, but it may have failed over what is now undone: try again.
    outcome = outcome.ok() ? OutcomeUnknownError(committed.message())
                           : StoreUnavailableError("the store could not write", kFailedRetry);
  }
  return outcomes;
}

absl::Status SqliteWriter::RunInSavepoint(const Operation& operation, SqliteChanges& changes) {
  SqliteChanges made;
  absl::Status status = Execute("SAVEPOINT operation", "begin to write");
  if (status.ok()) {
    status = operation(*connection_, made);
    if (!connection_->InTransaction()) {
      return status;
    }
    absl::Status ended;
    if (!status.ok()) {
      ended = Execute("ROLLBACK TO operation", "undo a write");
    }
    if (ended.ok()) {
      ended = Execute("RELEASE operation", "end a write");
    }
    if (!ended.ok()) {
      (void)Execute("ROLLBACK", "undo a transaction");
      return ended;
    }
  }
  if (status.ok()) {
    std::move(made.practices.begin(), made.practices.end(), std::back_inserter(changes.practices));
    if (made.epoch.has_value()) {
      changes.epoch = std::move(made.epoch);
    }
  }
  return status;
}

absl::Status SqliteWriter::Execute(absl::string_view sql, absl::string_view doing) {
  return SqliteQuery(*connection_, sql).Run(doing);
}

void SqliteWriter::Checkpoint() {
  // A passive checkpoint copies what no reader prevents. But while some read is always under way
  // the log is never begun anew and grows without end, unless that is waited for. Everybody who
  // writes waits too, so not at every small checkpoint: a snapshot may be open for long.
  const bool reset = wal_pages_ >= kSqliteLogResetFactor * options_.checkpoint_pages &&
                     wal_pages_ - waited_pages_ >= options_.checkpoint_pages;
  int pages = -1;
  int copied = -1;
  const int code = sqlite3_wal_checkpoint_v2(
      connection_->handle(), nullptr, reset ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
      &pages, &copied);
  if (pages >= 0 && copied >= 0) {
    wal_pages_ = pages;
    copied_pages_ = copied;
  }
  waited_pages_ = reset ? wal_pages_ : waited_pages_;
  // A failure loses nothing: the log still holds everything. It is tried again when it has grown.
  tried_pages_ = wal_pages_;
  MutexLock lock(mutex_);
  stats_.wal_pages = wal_pages_;
  ++(code == SQLITE_OK ? stats_.checkpoints : stats_.failed_checkpoints);
}

}  // namespace securebase::storage
