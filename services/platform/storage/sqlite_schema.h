#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/platform/storage/sqlite_connection.h"

namespace securebase::storage {

inline constexpr int64_t kSqliteApplicationId = 0x53427374;  // "SBst"

// Statements that bring a database from the schema before to this one. Migration i (from 0) makes
// schema i + 1; one that was released never changes.
using SqliteMigrations = std::vector<std::string>;
const SqliteMigrations& StoreMigrations();

// Whether MigrateSqlite would take the database; the same errors. Only reads.
absl::Status CheckSqliteSchema(SqliteConnection& connection, absl::string_view path,
                               const SqliteMigrations& migrations);

// Brings the database to the last schema, in one transaction, or leaves it as it is.
// FAILED_PRECONDITION when its schema is newer than the last migration, or when it is another
// program's database; the message names `path` and says what to do.
absl::Status MigrateSqlite(SqliteConnection& connection, absl::string_view path,
                           const SqliteMigrations& migrations);

}  // namespace securebase::storage
