#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace securebase::storage {

// Copies the database at `from` as it is at one moment, also while it is written to, into one
// self-contained file `to` (mode 0600), which must not exist. The copy is checked and synced when
// it returns OK; otherwise nothing is left at `to`.
//   ALREADY_EXISTS      there is something at `to`
//   DEADLINE_EXCEEDED   the deadline passed; what had been copied is removed
//   DATA_LOSS           the copy did not pass SQLite's integrity check
absl::Status CopySqliteDatabase(absl::Time deadline, const std::string& from, const std::string& to,
                                const std::string& vfs);

}  // namespace securebase::storage
