#include "services/platform/storage/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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
