#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/platform/storage/finding.h"

namespace securebase::storage {

struct SqliteCheckOptions {
  std::string path;
  // Reads every page. It takes as long as that takes, and a service that is running cannot begin
  // its log anew meanwhile.
  bool integrity = true;
};

// Looks at a database, its files and its disk, for an operator; a service may have it open, and
// nothing is changed. Everything that was looked at, also what is right, in a fixed order. What a
// service sets on its own connections (synchronous = FULL) cannot be seen from outside.
// FAILED_PRECONDITION when there is no such file or it is another program's database, DATA_LOSS
// when it cannot be read at all.
absl::StatusOr<std::vector<StoreFinding>> CheckSqlite(const SqliteCheckOptions& options);

}  // namespace securebase::storage
