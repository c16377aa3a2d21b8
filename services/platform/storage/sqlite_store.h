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
  // Whose data the file holds, "goals"; it is noted there, and no other service can open it. Empty:
  // whoever's it is.
  std::string service;
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
  virtual SqliteWriterStats stats() const = 0;
};

// Opens the database, making it if it does not exist and migrating an older schema. Leases of the
// process before are released. `clock` must outlive the store. Errors are for the operator and name
// the path:
//   UNAVAILABLE           another process has it open (its id is named), or the disk fails
//   FAILED_PRECONDITION   it is of a newer release, another program or another service, its folder
//                         does not exist, or a database that was removed left its log there
//   DATA_LOSS             it is damaged
absl::StatusOr<std::unique_ptr<SqliteStore>> MakeSqliteStore(const SqliteOptions& options,
                                                             const Clock& clock);

}  // namespace securebase::storage
