// Preloaded into redis-server (LD_PRELOAD): notes which bytes of its files were synced, so that the
// test can take the others away when it kills it. Never syncs for real. Redis writes its files from
// begin to end, so a length says which bytes those are.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "tests/faults/disk_state.h"

namespace {

using ::securebase::faults::DiskState;

DiskState& State() {
  static DiskState* const state = [] {
    const char* path = getenv(DiskState::kVariable);
    const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void* memory =
        fd < 0 ? MAP_FAILED
               : mmap(nullptr, sizeof(DiskState), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
      perror("disk_shim");
      abort();
    }
    close(fd);
    return static_cast<DiskState*>(memory);
  }();
  return *state;
}

void SetDurable(const struct stat& file, int64_t size) {
  DiskState::Slot* slot = State().Find(file.st_ino, /*make=*/true);
  if (slot == nullptr) {
    fprintf(stderr, "disk_shim: too many files\n");
    abort();
  }
  slot->durable = size;
}

int Sync(int fd) {
  if (State().syncs_left >= 0 && --State().syncs_left < 0) {
    State().syncs_left = 0;
    if (State().end == DiskState::kPowerCut) {
      kill(getpid(), SIGKILL);
    }
    errno = EIO;
    return -1;
  }
  // Before the wait: what is written meanwhile may or may not reach the disk.
  struct stat file {};
  if (fstat(fd, &file) != 0) {
    return -1;
  }
  const timespec as_a_disk = {0, 200'000};
  nanosleep(&as_a_disk, nullptr);
  if (S_ISREG(file.st_mode)) {
    SetDurable(file, file.st_size);
  }
  return 0;
}

void Shorten(const struct stat& file, int64_t size) {
  DiskState::Slot* slot = State().Find(file.st_ino, /*make=*/false);
  if (slot != nullptr) {
    slot->durable = std::min<int64_t>(slot->durable, size);
  } else {
    SetDurable(file, size);
  }
}

}  // namespace

extern "C" {

int fdatasync(int fd) { return Sync(fd); }
int fsync(int fd) { return Sync(fd); }

int ftruncate64(int fd, off64_t size) {
  struct stat file {};
  if (fstat(fd, &file) == 0) {
    Shorten(file, size);
  }
  return static_cast<int>(syscall(SYS_ftruncate, fd, size));
}

int truncate64(const char* path, off64_t size) {
  struct stat file {};
  if (stat(path, &file) == 0) {
    Shorten(file, size);
  }
  return static_cast<int>(syscall(SYS_truncate, path, size));
}

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  struct stat file {};
  if (fd >= 0 && (flags & (O_CREAT | O_TRUNC)) != 0 && fstat(fd, &file) == 0 &&
      S_ISREG(file.st_mode) && file.st_size == 0) {
    SetDurable(file, 0);  // its number may have been that of a file that is gone
  }
  return fd;
}

}  // extern "C"
