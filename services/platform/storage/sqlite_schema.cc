#include "services/platform/storage/sqlite_schema.h"

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

// Names and keys are BLOBs: they order as bytes and need not be UTF-8.
//
// Practices have a short number, since every row begins with it. Index entries and journals are
// their own key (WITHOUT ROWID); a record is not, because its value is long and entries point to
// its row. The index entries of a record stand in the record as well (`entries`), so that a put
// knows which ones to remove without a second index.
constexpr char kSchema1[] = R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE practice (
  id INTEGER PRIMARY KEY,
  name BLOB NOT NULL UNIQUE,
  journal_last INTEGER NOT NULL,
  journal_trimmed INTEGER NOT NULL,
  audit_last INTEGER NOT NULL
) STRICT;

CREATE TABLE record (
  row INTEGER PRIMARY KEY,
  practice INTEGER NOT NULL,
  kind BLOB NOT NULL,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  entries BLOB NOT NULL,
  value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX record_key ON record (practice, kind, id);

CREATE TABLE index_entry (
  practice INTEGER NOT NULL,
  name BLOB NOT NULL,
  sort_key BLOB NOT NULL,
  kind BLOB NOT NULL,
  id BLOB NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (practice, name, sort_key, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  practice INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (practice, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  practice INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (practice, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
  row INTEGER PRIMARY KEY,
  practice INTEGER NOT NULL,
  key BLOB NOT NULL,
  expire_time INTEGER NOT NULL,
  fingerprint BLOB NOT NULL,
  result BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX idempotency_key ON idempotency (practice, key);
CREATE INDEX idempotency_expiry ON idempotency (practice, expire_time);

CREATE TABLE lease (
  practice INTEGER NOT NULL,
  name BLOB NOT NULL,
  owner BLOB NOT NULL,
  token INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  PRIMARY KEY (practice, name)
) STRICT, WITHOUT ROWID;
)sql";

// `importing`: 0 live, 1 an import has begun, 2 and has brought the counters. `changes` counts what
// changed of what an export shows.
constexpr char kSchema2[] = R"sql(
ALTER TABLE practice ADD COLUMN importing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE practice ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
)sql";

// The schema of a database that this release can serve; 0: it is empty.
absl::StatusOr<int64_t> ReadSchema(SqliteConnection& connection, absl::string_view path,
                                   const SqliteMigrations& migrations) {
  SB_ASSIGN_OR_RETURN(const int64_t version,
                      connection.ReadInt("PRAGMA user_version", "read the schema's number"));
  SB_ASSIGN_OR_RETURN(const int64_t application,
                      connection.ReadInt("PRAGMA application_id", "read the application's id"));
  SB_ASSIGN_OR_RETURN(const int64_t tables,
                      connection.ReadInt("SELECT count(*) FROM sqlite_schema", "read the schema"));
  if (application != kSqliteApplicationId && (application != 0 || version != 0 || tables != 0)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat(path, " is another program's database; choose another path"));
  }
  const auto last = static_cast<int64_t>(migrations.size());
  if (version > last) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
        absl::StrCat(path, " has schema ", version, " and this release knows schemas up to ", last,
                     "; install the release that wrote it, or restore an older backup"));
  }
  return version;
}

absl::Status MigrateInTransaction(SqliteConnection& connection, absl::string_view path,
                                  const SqliteMigrations& migrations) {
  SB_ASSIGN_OR_RETURN(const int64_t version, ReadSchema(connection, path, migrations));
  const auto last = static_cast<int64_t>(migrations.size());
  for (int64_t next = version; next < last; ++next) {
    SB_RETURN_IF_ERROR(connection.Execute(migrations[static_cast<size_t>(next)],
                                          absl::StrCat("migrate to schema ", next + 1)));
  }
  if (version < last) {
    SB_RETURN_IF_ERROR(
        connection.Execute(absl::StrCat("PRAGMA user_version = ", last,
                                        "; PRAGMA application_id = ", kSqliteApplicationId),
                           "store the schema's number"));
  }
  return absl::OkStatus();
}

}  // namespace

const SqliteMigrations& StoreMigrations() {
  static const auto* migrations = new SqliteMigrations{kSchema1, kSchema2};
  return *migrations;
}

absl::Status CheckSqliteSchema(SqliteConnection& connection, absl::string_view path,
                               const SqliteMigrations& migrations) {
  return ReadSchema(connection, path, migrations).status();
}

absl::Status MigrateSqlite(SqliteConnection& connection, absl::string_view path,
                           const SqliteMigrations& migrations) {
  SB_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE", "begin the migration"));
  absl::Status status = MigrateInTransaction(connection, path, migrations);
  if (status.ok()) {
    status = connection.Execute("COMMIT", "commit the migration");
  }
  if (!status.ok() && connection.InTransaction()) {
    (void)connection.Execute("ROLLBACK", "undo the migration");  // the first error tells more
  }
  return status;
}

}  // namespace securebase::storage
