#include "services/platform/auth/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace securebase::auth {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// strerror_r, because strerror may share its buffer between threads.
std::string ErrorText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof(buffer));
}

absl::Status Failed(const std::string& path, absl::string_view what, int error) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": cannot ", what, " (", ErrorText(error), ")"));
}

FileIdentity IdentityOf(const struct stat& info) {
  return {info.st_dev, info.st_ino, info.st_size,
          info.st_mtim.tv_sec * int64_t{1000000000} + info.st_mtim.tv_nsec};
}

absl::Status CheckPrivate(const std::string& path, const struct stat& info) {
  const bool of_root = info.st_uid == 0 && geteuid() != 0;
  const mode_t allowed = of_root ? 0640 : 0600;
  const mode_t mode = info.st_mode & 0777;
  if ((mode & ~allowed & 077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: holds a secret but has mode %04o; run chmod %04o", path,
                        static_cast<unsigned>(mode), static_cast<unsigned>(allowed)));
  }
  return absl::OkStatus();
}

// The owner before the mode: changing it may clear bits.
bool KeepOwnerAndMode(int file, const struct stat& old) {
  struct stat made = {};
  if (fstat(file, &made) != 0) {
    return false;
  }
  const bool same_owner = made.st_uid == old.st_uid && made.st_gid == old.st_gid;
  return (same_owner || fchown(file, old.st_uid, old.st_gid) == 0) &&
         fchmod(file, old.st_mode & 0777) == 0;
}

}  // namespace

bool operator==(const FileIdentity& a, const FileIdentity& b) {
  return a.device == b.device && a.inode == b.inode && a.size == b.size &&
         a.modified_nanos == b.modified_nanos;
}

absl::StatusOr<FileContents> ReadFile(const std::string& path, Secrecy secrecy) {
  // O_NONBLOCK: opening a FIFO by mistake must not hang the start.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    return Failed(path, "open", errno);
  }
  struct stat info = {};
  if (fstat(file.get(), &info) != 0) {
    return Failed(path, "stat", errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": is not a regular file"));
  }
  if (secrecy == Secrecy::kPrivate) {
    if (absl::Status status = CheckPrivate(path, info); !status.ok()) {
      return status;
    }
  }
  FileContents contents;
  contents.identity = IdentityOf(info);
  char buffer[16384];
  while (true) {
    const ssize_t count = read(file.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return Failed(path, "read", errno);
    }
    if (count == 0) {
      return contents;
    }
    contents.bytes.append(buffer, static_cast<size_t>(count));
    if (contents.bytes.size() > kMaxBytes) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": is larger than 1 MiB"));
    }
  }
}

absl::StatusOr<FileIdentity> IdentifyFile(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    return Failed(path, "stat", errno);
  }
  return IdentityOf(info);
}

absl::Status WritePrivateFile(const std::string& path, absl::string_view contents) {
  std::string target = path;
  struct stat old = {};
  const bool exists = stat(path.c_str(), &old) == 0;
  if (exists) {
    const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
    if (resolved == nullptr) {
      return Failed(path, "resolve", errno);
    }
    target = resolved.get();
  }
  std::string temporary = target + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));  // creates it with mode 0600
  if (file.get() < 0) {
    return Failed(path, "create", errno);
  }
  absl::Status status;
  while (status.ok() && !contents.empty()) {
    const ssize_t count = write(file.get(), contents.data(), contents.size());
    if (count < 0 && errno != EINTR) {
      status = Failed(path, "write", errno);
    } else if (count > 0) {
      contents.remove_prefix(static_cast<size_t>(count));
    }
  }
  if (status.ok() && exists && !KeepOwnerAndMode(file.get(), old)) {
    status = Failed(path, "keep the owner of", errno);
  }
  if (status.ok() && fsync(file.get()) != 0) {
    status = Failed(path, "write", errno);
  }
  if (status.ok() && rename(temporary.c_str(), target.c_str()) != 0) {
    status = Failed(path, "rename to", errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) {
    return Failed(path, "sync the folder of", errno);
  }
  return absl::OkStatus();
}

}  // namespace securebase::auth
