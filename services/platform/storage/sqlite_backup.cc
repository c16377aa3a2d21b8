#include "services/platform/storage/sqlite_backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/sqlite_connection.h"

namespace securebase::storage {
namespace {

constexpr int kStepsPerLook = 100'000;  // of SQLite's virtual machine, some milliseconds
constexpr int kPagesPerStep = 1024;     // 4 MiB between looks at the deadline

absl::Status SystemError(absl::string_view doing, const std::string& path) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(errno)));
}

absl::Status MakeNewPrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return errno == EEXIST ? AlreadyExists(path) : SystemError("make", path);
  }
  absl::Status status = fchmod(fd, 0600) == 0 ? absl::OkStatus() : SystemError("protect", path);
  close(fd);
  return status;
}

absl::Status SyncPath(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return SystemError("open", path);
  }
  absl::Status status = fsync(fd) == 0 ? absl::OkStatus() : SystemError("sync", path);
  close(fd);
  return status;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

absl::Status CopyPages(absl::Time deadline, SqliteConnection& from, SqliteConnection& to) {
  // One read transaction around all steps: otherwise each write to `from` begins the copy anew.
  SB_RETURN_IF_ERROR(from.Execute("BEGIN", "begin to read"));
  SB_RETURN_IF_ERROR(
      from.ReadInt("SELECT count(*) FROM sqlite_schema", "read the schema").status());
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) {
    return SqliteError(sqlite3_extended_errcode(to.handle()), "begin the copy");
  }
  int code = SQLITE_OK;
  bool late = false;
  while (code == SQLITE_OK && !late && Interrupted() == 0) {
    code = sqlite3_backup_step(backup, kPagesPerStep);
    late = absl::Now() >= deadline;
  }
  const int finished = sqlite3_backup_finish(backup);
  SB_RETURN_IF_ERROR(CheckInterrupted());
  if (code != SQLITE_DONE) {
    return late && code == SQLITE_OK ? DeadlineExceededError() : SqliteError(code, "copy");
  }
  return finished == SQLITE_OK ? absl::OkStatus() : SqliteError(finished, "finish the copy");
}

absl::Status CheckIntegrity(SqliteConnection& connection) {
  SqliteQuery query(connection, "PRAGMA integrity_check(1)");
  SB_ASSIGN_OR_RETURN(const bool answered, query.Step("check the copy"));
  if (!answered || query.Bytes(0) != "ok") {
    return DataLossError("the copy did not pass the integrity check: the database is damaged");
  }
  return absl::OkStatus();
}

absl::Status CopyInto(absl::Time deadline, const std::string& from, const std::string& to,
                      const std::string& vfs) {
  SB_RETURN_IF_ERROR(MakeNewPrivateFile(to));
  SB_ASSIGN_OR_RETURN(const auto target, SqliteConnection::Open(to, SQLITE_OPEN_READWRITE, vfs));
  // The integrity check takes long, too.
  sqlite3_progress_handler(
      target->handle(), kStepsPerLook, [](void*) { return Interrupted() == 0 ? 0 : 1; }, nullptr);
  {
    SB_ASSIGN_OR_RETURN(const auto source, SqliteConnection::Open(from, SQLITE_OPEN_READONLY, vfs));
    SB_RETURN_IF_ERROR(CopyPages(deadline, *source, *target));
  }
  // The copy says of itself that it has a write-ahead log; without one it is one file.
  SB_RETURN_IF_ERROR(target->Execute("PRAGMA journal_mode = DELETE", "close the copy"));
  return CheckIntegrity(*target);
}

}  // namespace

absl::Status CopySqliteDatabase(absl::Time deadline, const std::string& from, const std::string& to,
                                const std::string& vfs) {
  if (access(to.c_str(), F_OK) == 0) {
    return AlreadyExists(to);
  }
  // A name of its own: what an interrupted copy left behind is in nobody's way.
  const std::string partial = absl::StrCat(to, ".", NewEpoch(), ".partial");
  absl::Status status = CopyInto(deadline, from, partial, vfs);
  if (status.ok()) {
    status = SyncPath(partial, 0);
  }
  // link and not rename: it fails when something has come to be at `to` meanwhile.
  if (status.ok() && link(partial.c_str(), to.c_str()) != 0) {
    status = errno == EEXIST ? AlreadyExists(to) : SystemError("make", to);
  }
  unlink(partial.c_str());
  if (status.ok()) {
    status = SyncPath(FolderOf(to), O_DIRECTORY);
  }
  return status;
}

}  // namespace securebase::storage
