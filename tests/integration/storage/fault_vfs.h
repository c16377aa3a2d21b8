#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "services/platform/base/mutex.h"

namespace securebase::storage {

// A VFS of SQLite over the default one, registered under `name` while it exists, that makes what
// disks do: it fails calls, and when its power is cut it forgets what was not synced.
//
// It never syncs for real. What a file held at its last sync is kept in memory, 512-byte sector by
// sector, and put back when the power fails, for each unsynced sector at random: disks write when
// and in the order they like. That a file was created or removed is taken as durable at once.
class FaultVfs {
 public:
  enum class Operation { kWrite, kSync, kTruncate };
  enum class File { kDatabase, kLog, kOther };
  // Returns SQLITE_OK to let an operation happen, or the error it fails with. Called without locks
  // held, from the thread that does the operation; may block.
  using Hook = std::function<int(Operation operation, File file)>;

  explicit FaultVfs(std::string name);
  ~FaultVfs();  // all connections must be closed
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const { return name_; }

  void SetHook(Hook hook);  // an empty one removes it

  // After this many more operations none happens any more: they fail with SQLITE_IOERR.
  void CutPowerAfter(int64_t operations);
  bool power_is_cut() const;
  // Sectors that are written and not synced.
  int64_t unsynced_sectors() const;

  // To be called when all connections are closed: leaves the files as a disk might have, keeping
  // each unsynced sector with probability `keep`. Returns how many sectors were lost.
  int64_t LoseUnsynced(double keep, std::mt19937_64& random);

 private:
  struct Calls;  // the C functions that SQLite calls
  struct State {
    std::map<int64_t, std::string> before;  // by sector: what it held at the last sync
    int64_t synced_size = 0;
  };

  // Decides over an operation.
  int Admit(Operation operation, File file);

  const std::string name_;
  sqlite3_vfs* const real_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  mutable Mutex mutex_;
  Hook hook_ ABSL_GUARDED_BY(mutex_);
  int64_t operations_left_ ABSL_GUARDED_BY(mutex_) = INT64_MAX;
  std::map<std::string, std::shared_ptr<State>> files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::storage
