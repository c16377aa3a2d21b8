#include "services/platform/storage/sqlite_connection.h"

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {
namespace {

constexpr absl::Duration kRetryAfter = absl::Seconds(1);

}  // namespace

absl::Status SqliteError(int code, absl::string_view doing) {
  // sqlite3_errstr and not sqlite3_errmsg: the latter may repeat what was stored.
  const std::string what =
      absl::StrCat("cannot ", doing, ": ", sqlite3_errstr(code), " (SQLite code ", code, ")");
  if (code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA) {
    return DataLossError(absl::StrCat(what, "; check the disk, then restore a backup"));
  }
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return DataLossError(absl::StrCat(
          what, "; if it never was one, name another file in --store, else restore a backup"));
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT:
      return DataLossError(absl::StrCat(what, "; check the disk, then restore a backup"));
    case SQLITE_FULL:
      return StoreUnavailableError(absl::StrCat(what, "; make room on its disk"), kRetryAfter);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StoreUnavailableError(absl::StrCat(what, "; another program holds it"), kRetryAfter);
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
      return StoreUnavailableError(what, kRetryAfter);
    default:
      return Internal(what);
  }
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path,
                                                                         int flags,
                                                                         const std::string& vfs) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) {
    sqlite3_close(handle);
    return SqliteError(code, absl::StrCat("open the database ", path));
  }
  return std::unique_ptr<SqliteConnection>(new SqliteConnection(handle));
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(handle_);
}

absl::Status SqliteConnection::Execute(const std::string& sql, absl::string_view doing) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(code, doing);
}

absl::StatusOr<int64_t> SqliteConnection::ReadInt(absl::string_view sql, absl::string_view doing) {
  SqliteQuery query(*this, sql);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step(doing));
  if (!found) {
    return DataLossError(absl::StrCat("cannot ", doing, ": it is missing; restore a backup"));
  }
  return query.Int(0);
}

sqlite3_stmt* SqliteConnection::Prepare(absl::string_view sql, int* code) {
  if (const auto it = statements_.find(sql); it != statements_.end()) {
    return it->second;
  }
  sqlite3_stmt* statement = nullptr;
  *code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (*code == SQLITE_OK) {
    statements_[std::string(sql)] = statement;
  }
  return statement;
}

SqliteQuery::~SqliteQuery() {
  if (statement_ == nullptr) {
    return;
  }
  // The error of the last step comes back from reset, and was returned by Step already.
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

absl::StatusOr<bool> SqliteQuery::Step(absl::string_view doing) {
  if (error_ != SQLITE_OK) {
    return SqliteError(error_, doing);
  }
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW || code == SQLITE_DONE) {
    return code == SQLITE_ROW;
  }
  return SqliteError(code, doing);
}

absl::Status SqliteQuery::Run(absl::string_view doing) { return Step(doing).status(); }

absl::string_view SqliteQuery::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return absl::string_view(data == nullptr ? "" : data,
                           static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

void SqliteQuery::Bind(int64_t value) {
  const int code = sqlite3_bind_int64(statement_, next_++, value);
  error_ = error_ == SQLITE_OK ? code : error_;
}

void SqliteQuery::Bind(absl::string_view value) {
  // A null pointer would bind NULL, and an empty view may have one.
  const int code = sqlite3_bind_blob64(statement_, next_++, value.empty() ? "" : value.data(),
                                       value.size(), SQLITE_STATIC);
  error_ = error_ == SQLITE_OK ? code : error_;
}

}  // namespace securebase::storage
