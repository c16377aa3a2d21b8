#include "services/platform/storage/file_lock.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {
namespace {

// "user securebase", or by number where the name is not known.
std::string UserName(uid_t id) {
  passwd entry = {};
  passwd* found = nullptr;
  char buffer[4096];
  const bool known =
      getpwuid_r(id, &entry, buffer, sizeof(buffer), &found) == 0 && found != nullptr;
  return known ? absl::StrCat("user ", found->pw_name) : absl::StrCat("user ", id);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat info = {};
  if (fd < 0 && errno == EACCES && stat(path.c_str(), &info) == 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat("cannot open the lock file ", path, ", which belongs to ",
                                  UserName(info.st_uid),
                                  ": run as that user, or have it and the "
                                  "store's other files given to ",
                                  UserName(geteuid())));
  }
  if (fd < 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat("cannot make the lock file ", path, ": ", std::strerror(errno),
                                  "; the store's folder must exist and be writable"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = {};
    const bool known = pread(fd, pid, sizeof(pid) - 1, 0) > 0;
    close(fd);
    return StoreUnavailableError(
        absl::StrCat(path, " is locked by another process",
                     known ? absl::StrCat(" (", pid, ")") : "",
                     ": one process at a time may open a store, stop that one first"),
        absl::Seconds(1));
  }
  // Only for the message above; that the lock is held does not depend on it.
  const std::string pid = absl::StrCat(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    close(fd);
    return StoreUnavailableError(
        absl::StrCat("cannot write the lock file ", path, ": ", std::strerror(errno)),
        absl::Seconds(1));
  }
  return std::unique_ptr<FileLock>(new FileLock(fd));
}

FileLock::~FileLock() { close(fd_); }

}  // namespace securebase::storage
