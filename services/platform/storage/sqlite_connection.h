#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase::storage {

// An error for SQLite's extended result code: DATA_LOSS for damage, UNAVAILABLE (STORE_UNAVAILABLE)
// for what may pass (disk full, I/O error, busy), INTERNAL for what only a fault of ours can cause.
// `doing` is a clause without values: "read a record".
absl::Status SqliteError(int code, absl::string_view doing);

// A connection with the statements that were prepared on it. One thread at a time.
class SqliteConnection {
 public:
  // `flags` are SQLITE_OPEN_READWRITE or SQLITE_OPEN_READONLY, with SQLITE_OPEN_CREATE or not;
  // `vfs` is empty for the default.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, int flags,
                                                                const std::string& vfs);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // Runs statements that return nothing of interest.
  absl::Status Execute(const std::string& sql, absl::string_view doing);
  // The first column of the first row; DATA_LOSS without one.
  absl::StatusOr<int64_t> ReadInt(absl::string_view sql, absl::string_view doing);

  sqlite3* handle() const { return handle_; }
  bool InTransaction() const { return sqlite3_get_autocommit(handle_) == 0; }

 private:
  friend class SqliteQuery;

  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}
  // Prepared once, kept as long as the connection. Null with `code` when SQLite refuses it.
  sqlite3_stmt* Prepare(absl::string_view sql, int* code);

  sqlite3* const handle_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
};

// One run of a statement: binds the arguments (int64_t or bytes) in order, and resets the statement
// when it goes out of scope. At most one run of the same text at a time. Bytes are bound without a
// copy: they must live as long as the query.
class SqliteQuery {
 public:
  template <typename... Arguments>
  explicit SqliteQuery(SqliteConnection& connection, absl::string_view sql,
                       const Arguments&... arguments)
      : statement_(connection.Prepare(sql, &error_)) {
    (Bind(arguments), ...);
  }
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  // True: a row is there. False: no more.
  absl::StatusOr<bool> Step(absl::string_view doing);
  // For statements without rows.
  absl::Status Run(absl::string_view doing);

  int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  // Valid until the next Step.
  absl::string_view Bytes(int column) const;

 private:
  void Bind(int64_t value);
  void Bind(absl::string_view value);

  int error_ = SQLITE_OK;  // of preparing or binding
  sqlite3_stmt* const statement_;
  int next_ = 1;
};

}  // namespace securebase::storage
