#include "tests/faults/crash_disk.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace securebase::faults {

CrashDisk::CrashDisk() {
  const int fd = open(folder_.PathOf("state").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* memory = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof(DiskState)) == 0) {
    memory = mmap(nullptr, sizeof(DiskState), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    perror("a state for disk_shim");
    abort();
  }
  close(fd);
  state_ = static_cast<DiskState*>(memory);
  state_->syncs_left = -1;
}

CrashDisk::~CrashDisk() { munmap(state_, sizeof(DiskState)); }

std::string CrashDisk::library() const { return SECUREBASE_BIN_DIR "/libdisk_shim.so"; }

std::vector<std::string> CrashDisk::environment() const {
  return {absl::StrCat(DiskState::kVariable, "=", folder_.PathOf("state"))};
}

void CrashDisk::BreakAfter(int64_t syncs) {
  state_->end = DiskState::kError;
  state_->syncs_left = syncs;
}

void CrashDisk::CutPowerAfter(int64_t syncs) {
  state_->end = DiskState::kPowerCut;
  state_->syncs_left = syncs;
}

void CrashDisk::LoseNothing() { state_->syncs_left = -1; }

absl::StatusOr<int64_t> CrashDisk::LoseUnsynced(const std::string& folder,
                                                std::mt19937_64* random) {
  int64_t lost = 0;
  std::map<uint64_t, int64_t> left;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end; at != end && !error;
       at.increment(error)) {
    struct stat file {};
    const std::string path = at->path().string();
    // The configuration is the test's, and not written by the server.
    if (at->path().extension() == ".conf" || lstat(path.c_str(), &file) != 0 ||
        !S_ISREG(file.st_mode)) {
      continue;
    }
    int64_t durable = 0;
    const DiskState::Slot* slot = state_->Find(file.st_ino, /*make=*/false);
    if (slot != nullptr) {
      durable = slot->durable;
    } else if (const auto before = durable_before_.find(file.st_ino);
               before != durable_before_.end()) {
      durable = before->second;
    }
    durable = std::min<int64_t>(durable, file.st_size);
    const int64_t size =
        random == nullptr ? durable
                          : std::uniform_int_distribution<int64_t>(durable, file.st_size)(*random);
    if (truncate(path.c_str(), size) != 0) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot cut ", path));
    }
    lost += file.st_size - size;
    left[file.st_ino] = size;
  }
  if (error) {
    return absl::InternalError(absl::StrCat("cannot list ", folder, ": ", error.message()));
  }
  durable_before_ = left;
  state_->syncs_left = -1;
  for (DiskState::Slot& slot : state_->slots) {
    slot.inode = 0;
    slot.durable = 0;
  }
  return lost;
}

}  // namespace securebase::faults
