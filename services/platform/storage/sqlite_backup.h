#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/storage/sqlite_connection.h"

namespace securebase::storage {

// Copies the database at `from` as it is at one moment, also while it is written to, into one
// self-contained file `to` (mode 0600), which must not exist. `change` (may be empty) is made to
// the copy before anybody can see it. The copy is checked and synced when it returns OK; otherwise
// nothing is left at `to`.
//   ALREADY_EXISTS      there is something at `to`
//   DEADLINE_EXCEEDED   the deadline passed; what had been copied is removed
//   DATA_LOSS           the copy did not pass SQLite's integrity check
absl::Status CopySqliteDatabase(absl::Time deadline, const std::string& from, const std::string& to,
                                const std::string& vfs,
                                const std::function<absl::Status(SqliteConnection&)>& change);

}  // namespace securebase::storage
