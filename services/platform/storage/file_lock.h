#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace securebase::storage {

// Holds a lock of the kernel (flock) on a file while it exists; the kernel releases it whenever and
// however the process ends. Also excludes a second holder in the same process.
class FileLock {
 public:
  // Makes the file if need be. UNAVAILABLE (STORE_UNAVAILABLE) while somebody else holds it, with
  // their process id.
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace securebase::storage
