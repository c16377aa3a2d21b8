#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase::auth {

// Who may read a file that we are given.
enum class Secrecy {
  kPublic,
  // Keys. PostgreSQL's rule for its server key: 0600 or less if it is ours, 0640 or less if it is
  // root's (which is how Kubernetes mounts a Secret for a group); anything more is refused.
  kPrivate,
};

// What changes when a file is rewritten or replaced, a Kubernetes-style symlink swap included.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  int64_t size = 0;
  int64_t modified_nanos = 0;
};
bool operator==(const FileIdentity& a, const FileIdentity& b);

struct FileContents {
  std::string bytes;
  FileIdentity identity;  // of the very file that was read
};

// Reads a file of at most 1 MiB. FAILED_PRECONDITION saying what to do when it cannot be opened,
// is too large, or is private and open to others. The message names the path, never the contents.
absl::StatusOr<FileContents> ReadFile(const std::string& path, Secrecy secrecy);

// The identity of what `path` leads to now; FAILED_PRECONDITION when there is nothing.
absl::StatusOr<FileIdentity> IdentifyFile(const std::string& path);

// Writes a file with mode 0600 that appears complete or not at all, also after a power cut. One
// that is there keeps its owner, group and mode, and a symbolic link leads to the new contents:
// whoever could read the old ones can read the new. FAILED_PRECONDITION when that cannot be done,
// and nothing is changed then.
absl::Status WritePrivateFile(const std::string& path, absl::string_view contents);

}  // namespace securebase::auth
