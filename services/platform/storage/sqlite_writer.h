#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/base/mutex.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_operations.h"

namespace securebase::storage {

// What the writer has done since it was made.
struct SqliteWriterStats {
  int64_t operations = 0;  // that were committed
  int64_t commits = 0;     // transactions; operations / commits is the size of a group
  int64_t failed_commits = 0;
  int64_t checkpoints = 0;
  int64_t failed_checkpoints = 0;
  int64_t wal_pages = 0;  // frames in the write-ahead log now
  int64_t queued = 0;     // operations waiting now
};

struct SqliteWriterOptions {
  int max_queue = 1024;  // operations waiting; more are refused
  int max_group = 256;   // operations in one transaction
  int64_t checkpoint_pages = 16000;
  int64_t idle_checkpoint_pages = 1000;
};

// A log this many times checkpoint_pages long is reset even if readers must be waited for; where
// that fails, again after so many more.
inline constexpr int64_t kSqliteLogResetFactor = 4;

// The one thread that writes to a database and checkpoints it. It takes all operations that wait,
// runs each in a savepoint of one transaction and commits them with one fsync (group commit): so
// many callers share the fsync, which is what a commit costs.
//
// Checkpoints are made between commits: small ones whenever nothing waits, a big one when the
// write-ahead log has reached checkpoint_pages all the same.
class SqliteWriter {
 public:
  // Runs on the writer's thread inside its own savepoint. An error undoes what it did.
  using Operation = std::function<absl::Status(SqliteConnection&, SqliteChanges&)>;
  // Called on the writer's thread after a COMMIT, before any caller hears of it.
  using Publish = std::function<void(const SqliteChanges&)>;

  SqliteWriter(std::unique_ptr<SqliteConnection> connection, const SqliteWriterOptions& options,
               Publish publish);
  ~SqliteWriter();  // as Close
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // Returns when the operation is committed, or its own error, or
  //   UNAVAILABLE (STORE_UNAVAILABLE)  the queue is full or the transaction could not be made
  //   UNAVAILABLE (OUTCOME_UNKNOWN)    COMMIT failed, or the deadline passed during it. In the
  //                                    latter case the operation may still run: what it refers to
  //                                    must be its own (shared).
  //   DEADLINE_EXCEEDED                it was still waiting at the deadline, and will not run
  //   UNAVAILABLE (SHUTTING_DOWN)      after Close
  absl::Status Run(absl::Time deadline, Operation operation);

  SqliteWriterStats stats() const;

  // Refuses new operations, finishes those that wait, and ends the thread and the connection.
  void Close();

 private:
  enum class State { kQueued, kTaken, kDone };
  struct Pending {
    Operation operation;
    State state = State::kQueued;
    absl::Status status;
    CondVar done;
  };
  using Group = std::vector<std::shared_ptr<Pending>>;

  void Loop();
  // The next group. Empty when there is time for a checkpoint, or when `ended` is set.
  Group Take(bool& ended);
  // The outcome of each operation, in order.
  std::vector<absl::Status> Commit(const Group& group);
  // After an error that could not be undone alone, no transaction is left.
  absl::Status RunInSavepoint(const Operation& operation, SqliteChanges& changes);
  absl::Status Execute(absl::string_view sql, absl::string_view doing);
  // Frames that came to the log since it was last copied into the database file, or tried to be.
  int64_t NewPages() const { return wal_pages_ - std::max(copied_pages_, tried_pages_); }
  void Checkpoint();

  const SqliteWriterOptions options_;
  const Publish publish_;

  // Of the writer's thread.
  std::unique_ptr<SqliteConnection> connection_;
  int64_t wal_pages_ = 0;     // frames in the log
  int64_t copied_pages_ = 0;  // of which are in the database file
  int64_t tried_pages_ = 0;   // at the last checkpoint that could not copy everything
  int64_t waited_pages_ = 0;  // at the last one that waited for readers

  mutable Mutex mutex_;
  CondVar work_;
  std::deque<std::shared_ptr<Pending>> queue_ ABSL_GUARDED_BY(mutex_);
  SqliteWriterStats stats_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex close_mutex_;  // one Close at a time
  std::thread thread_ ABSL_GUARDED_BY(close_mutex_);
};

}  // namespace securebase::storage
