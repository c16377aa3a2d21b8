#include "services/platform/storage/sqlite_check.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_schema.h"
#include "services/platform/storage/sqlite_writer.h"

namespace securebase::storage {
namespace {

using Severity = StoreFinding::Severity;

constexpr int kBusyMillis = 2000;
constexpr int64_t kMebibyte = 1 << 20;
// A house rule: room to go on for a while, and for the snapshot that a backup makes.
constexpr int64_t kLeastFreeBytes = 1024 * kMebibyte;

struct Filesystem {
  uint32_t magic;
  Severity severity;
  absl::string_view name;
  absl::string_view why;
};

constexpr absl::string_view kNetwork =
    "SQLite's log needs shared memory and honest locks, which network filesystems lack";
constexpr absl::string_view kMemory = "everything is lost when the machine stops";

// statfs(2) and linux/magic.h; those that the header lacks are in statfs(2).
constexpr Filesystem kFilesystems[] = {
    {EXT4_SUPER_MAGIC, Severity::kOk, "ext", ""},
    {XFS_SUPER_MAGIC, Severity::kOk, "xfs", ""},
    {BTRFS_SUPER_MAGIC, Severity::kOk, "btrfs", ""},
    {F2FS_SUPER_MAGIC, Severity::kOk, "f2fs", ""},
    {0x2fc12fc1, Severity::kOk, "zfs", ""},
    {OVERLAYFS_SUPER_MAGIC, Severity::kWarning, "overlay", "it goes with its container"},
    {FUSE_SUPER_MAGIC, Severity::kWarning, "fuse", "it may not sync what it is told to sync"},
    {TMPFS_MAGIC, Severity::kError, "tmpfs", kMemory},
    {RAMFS_MAGIC, Severity::kError, "ramfs", kMemory},
    {NFS_SUPER_MAGIC, Severity::kError, "nfs", kNetwork},
    {SMB_SUPER_MAGIC, Severity::kError, "smb", kNetwork},
    {CIFS_SUPER_MAGIC, Severity::kError, "cifs", kNetwork},
    {SMB2_SUPER_MAGIC, Severity::kError, "smb2", kNetwork},
    {V9FS_MAGIC, Severity::kError, "9p", kNetwork},
    {CEPH_SUPER_MAGIC, Severity::kError, "ceph", kNetwork},
    {AFS_SUPER_MAGIC, Severity::kError, "afs", kNetwork},
};

absl::Status CannotRead(const std::string& path) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat("cannot read ", path, ": ", std::strerror(errno),
                                "; name the file that the service's --store names"));
}

std::string Mebibytes(int64_t bytes) { return absl::StrCat(bytes / kMebibyte, " MiB"); }

std::string ModeText(mode_t mode) {
  return absl::StrFormat("%04o", static_cast<unsigned>(mode & 07777));
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

StoreFinding FilesystemOf(const std::string& path) {
  StoreFinding finding{Severity::kWarning, "",
                       "filesystem",       "",
                       "a local disk",     "it is not known to keep what is synced"};
  struct statfs info = {};
  if (statfs(path.c_str(), &info) != 0) {
    finding.is = std::strerror(errno);
    return finding;
  }
  const auto magic = static_cast<uint32_t>(info.f_type);
  const auto* known =
      std::find_if(std::begin(kFilesystems), std::end(kFilesystems),
                   [&](const Filesystem& filesystem) { return filesystem.magic == magic; });
  if (known == std::end(kFilesystems)) {
    finding.is = absl::StrFormat("type %#x", magic);
    return finding;
  }
  finding.severity = known->severity;
  finding.is = std::string(known->name);
  finding.why = std::string(known->why);
  return finding;
}

StoreFinding ModesOf(const std::string& path) {
  std::vector<std::string> open_to_others;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info = {};
    const std::string file = absl::StrCat(path, suffix);
    if (stat(file.c_str(), &info) == 0 && (info.st_mode & 0077) != 0) {
      open_to_others.push_back(
          absl::StrCat(suffix[0] == '\0' ? "" : absl::StrCat(suffix, " "), ModeText(info.st_mode)));
    }
  }
  const bool ok = open_to_others.empty();
  return {ok ? Severity::kOk : Severity::kError,
          "",
          "file modes",
          ok ? "0600" : absl::StrJoin(open_to_others, ", "),
          "0600",
          "others can read patient data"};
}

StoreFinding FolderModeOf(const std::string& path) {
  struct stat info = {};
  const bool known = stat(FolderOf(path).c_str(), &info) == 0;
  // A sticky folder (/tmp) keeps others from replacing the file.
  const bool ok = known && ((info.st_mode & 0022) == 0 || (info.st_mode & S_ISVTX) != 0);
  return {ok ? Severity::kOk : Severity::kError,
          "",
          "folder mode",
          known ? ModeText(info.st_mode) : std::strerror(errno),
          "writable by its owner",
          "others can put another file in its place"};
}

// Who has it open, without making the lock file or keeping the lock.
StoreFinding UserOf(const std::string& path) {
  StoreFinding finding{Severity::kOk, "", "in use", "no", "by one process at most", ""};
  const int fd = open(absl::StrCat(path, ".lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return finding;
  }
  // Shared, so that two checks at once do not take each other for a service.
  if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
    char pid[32] = {};
    const bool known = pread(fd, pid, sizeof(pid) - 1, 0) > 0;
    finding.is = known ? absl::StrCat("by process ", pid) : "by a process";
  }
  close(fd);
  return finding;
}

StoreFinding SchemaOf(int64_t version) {
  const auto known = static_cast<int64_t>(StoreMigrations().size());
  StoreFinding finding{Severity::kOk, "", "schema", absl::StrCat(version), absl::StrCat(known), ""};
  if (version < known) {
    finding.severity = Severity::kWarning;
    finding.why = "the next start brings it up to date; back it up before";
  } else if (version > known) {
    finding.severity = Severity::kError;
    finding.why = "a newer release wrote it, and this one does not open it";
  }
  return finding;
}

absl::StatusOr<std::string> ReadText(SqliteConnection& connection, absl::string_view sql,
                                     absl::string_view doing) {
  SqliteQuery query(connection, sql);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step(doing));
  return found ? std::string(query.Bytes(0)) : std::string();
}

StoreFinding LogOf(const std::string& path, int64_t page_bytes) {
  struct stat info = {};
  const int64_t bytes = stat(absl::StrCat(path, "-wal").c_str(), &info) == 0 ? info.st_size : 0;
  const int64_t most =
      (kSqliteLogResetFactor + 1) * SqliteWriterOptions().checkpoint_pages * page_bytes;
  return {bytes <= most ? Severity::kOk : Severity::kWarning,
          "",
          "write-ahead log",
          Mebibytes(bytes),
          absl::StrCat("at most ", Mebibytes(most)),
          "something reads for so long that it cannot be begun anew"};
}

StoreFinding FreeSpaceOf(const std::string& path, int64_t database_bytes) {
  struct statvfs info = {};
  const bool known = statvfs(path.c_str(), &info) == 0;
  const auto free = static_cast<int64_t>(info.f_bavail * info.f_frsize);
  const int64_t least = std::max(kLeastFreeBytes, database_bytes);
  return {known && free >= least ? Severity::kOk : Severity::kWarning,
          "",
          "free disk space",
          known ? Mebibytes(free) : std::strerror(errno),
          absl::StrCat("at least ", Mebibytes(least)),
          "writes are refused when it is full, and a backup needs room for a snapshot"};
}

absl::StatusOr<StoreFinding> ImportsOf(SqliteConnection& connection, int64_t schema) {
  int64_t importing = 0;
  if (schema >= 2) {
    SB_ASSIGN_OR_RETURN(importing,
                        connection.ReadInt("SELECT count(*) FROM practice WHERE importing != 0",
                                           "read the practices"));
  }
  return StoreFinding{importing == 0 ? Severity::kOk : Severity::kError,
                      "",
                      "unfinished restore",
                      importing == 0
                          ? "none"
                          : absl::StrCat(importing, importing == 1 ? " practice" : " practices"),
                      "none",
                      "nobody is served from them; run the restore again"};
}

}  // namespace

absl::StatusOr<std::vector<StoreFinding>> CheckSqlite(const SqliteCheckOptions& options) {
  struct stat info = {};
  if (stat(options.path.c_str(), &info) != 0 || access(options.path.c_str(), R_OK) != 0) {
    return CannotRead(options.path);
  }
  std::vector<StoreFinding> findings = {FilesystemOf(options.path), ModesOf(options.path),
                                        FolderModeOf(options.path), UserOf(options.path)};

  SB_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteConnection> connection,
                      SqliteConnection::Open(options.path, SQLITE_OPEN_READONLY, /*vfs=*/""));
  sqlite3_busy_timeout(connection->handle(), kBusyMillis);
  SB_ASSIGN_OR_RETURN(const int64_t application,
                      connection->ReadInt("PRAGMA application_id", "read the application's id"));
  if (application != kSqliteApplicationId) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat(options.path,
                                  " is no database of Securebase; name the file that "
                                  "the service's --store names"));
  }
  SB_ASSIGN_OR_RETURN(const int64_t schema,
                      connection->ReadInt("PRAGMA user_version", "read the schema's number"));
  findings.push_back(SchemaOf(schema));
  SB_ASSIGN_OR_RETURN(const std::string mode,
                      ReadText(*connection, "PRAGMA journal_mode", "read the journal's mode"));
  findings.push_back({mode == "wal" ? Severity::kOk : Severity::kWarning, "", "journal_mode", mode,
                      "wal", "the next start of the service sets it"});
  SB_ASSIGN_OR_RETURN(const int64_t page_bytes,
                      connection->ReadInt("PRAGMA page_size", "read the page's size"));
  findings.push_back(LogOf(options.path, page_bytes));
  findings.push_back(FreeSpaceOf(options.path, info.st_size));
  SB_ASSIGN_OR_RETURN(findings.emplace_back(), ImportsOf(*connection, schema));
  if (options.integrity) {
    SB_ASSIGN_OR_RETURN(const std::string result, ReadText(*connection, "PRAGMA integrity_check(1)",
                                                           "check the database's integrity"));
    // SQLite's text may quote what is stored.
    const bool ok = result == "ok";
    findings.push_back({ok ? Severity::kOk : Severity::kError, "", "integrity_check",
                        ok ? "ok" : "damage", "ok", "stored records are lost; restore a backup"});
  }
  return findings;
}

}  // namespace securebase::storage
