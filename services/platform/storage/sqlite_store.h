#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/sqlite_writer.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

struct SqliteOptions {
  // The database file; `path`-wal, `path`-shm and `path`.lock stand beside it. Its folder must
  // exist, on a local disk: the log does not work on a network filesystem.
  std::string path;
  int readers = 4;  // connections for reads; more reads at once wait for each other
  // How long a connection waits for another program that looks into the file (the sqlite3 shell).
  absl::Duration busy_timeout = absl::Milliseconds(250);
  int64_t cache_bytes = 64 << 20;  // of the writer; readers have a quarter each
  SqliteWriterOptions writer;
  std::string vfs;  // SQLite's VFS; empty: the default

  // Anything but kFull loses acknowledged writes when the power fails. Only for the test that shows
  // so.
  enum class Synchronous { kFull, kOff };
  Synchronous synchronous = Synchronous::kFull;
};

// A Store in one SQLite file, for one process. docs/storage.md explains how it keeps its promises.
class SqliteStore : public Store {
 public:
  // Copies the store as it is at one moment to `path`, which must not exist, while it goes on
  // serving. The copy is one self-contained file (mode 0600), checked and synced when it returns
  // OK; otherwise nothing is left at `path`. DATA_LOSS when the check finds damage.
  virtual absl::Status Backup(const Context& context, const std::string& path) = 0;

  // Gives the store a new epoch: every position handed out before is then of another history.
  virtual absl::Status RenewEpoch(const Context& context) = 0;

  virtual SqliteWriterStats stats() const = 0;
};

// Opens the database, making it if it does not exist and migrating an older schema. Leases of the
// process before are released. `clock` must outlive the store. Errors are for the operator and name
// the path:
//   UNAVAILABLE           another process has it open (its id is named), or the disk fails
//   FAILED_PRECONDITION   it is of a newer release or another program, or the folder does not exist
//   DATA_LOSS             it is damaged
absl::StatusOr<std::unique_ptr<SqliteStore>> MakeSqliteStore(const SqliteOptions& options,
                                                             const Clock& clock);

// Makes a database at options.path, which must not exist, from a backup: checks the copy and gives
// it a new epoch, so that followers of the journal start again instead of missing what the backup
// lacks.
absl::Status RestoreSqliteBackup(const std::string& backup, const SqliteOptions& options);

}  // namespace securebase::storage
