#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// A store that copies are read from.
class BackupSource {
 public:
  virtual ~BackupSource() = default;  // removes what was made for it
  virtual Store& store() = 0;
};

// Opens what a service's --store names. A service may go on using it: of SQLite a snapshot is made,
// as the database is at one moment, in a new folder of mode 0700 in `scratch`, which must have room
// for another copy of it; every other store is read itself. `clock` must outlive it. Errors are for
// the operator:
//   FAILED_PRECONDITION  there is no such database, or it is of a newer release
//   INVALID_ARGUMENT     not the form of a store, or one that lives in a service's memory
//   and those of opening the store
absl::StatusOr<std::unique_ptr<BackupSource>> OpenBackupSource(const std::string& url,
                                                               const std::string& scratch,
                                                               const Clock& clock);

// "sqlite", "redis", "redis+cluster"...: the form of a store's URL and nothing more of it.
std::string StoreKind(const std::string& url);

}  // namespace securebase::storage
