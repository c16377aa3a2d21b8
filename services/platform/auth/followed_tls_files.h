#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/reloaded_file.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/periodic.h"

namespace securebase::auth {

// Stands between the files of a certificate and gRPC, which follows files by itself, but ends the
// process when it meets an empty one and refuses every handshake while key and certificate do not
// belong together. Looks at the files every kInterval: a set that passes CheckTlsFiles is handed
// on; anything else is reported, and leaves the last good one in use. Thread-safe.
//
// What is handed on is in memory, behind paths that gRPC can follow. They stay, with their last
// contents, until the process ends, because gRPC may read them for longer than this object lives.
// So make few of them.
class FollowedTlsFiles {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(2);

  // FAILED_PRECONDITION with every problem that CheckTlsFiles finds. `secrecy`: of the key.
  // `on_reload` may be empty.
  static absl::StatusOr<std::unique_ptr<FollowedTlsFiles>> Open(const TlsFiles& files,
                                                                Secrecy secrecy,
                                                                ReloadCallback on_reload);

  // The paths of the last good set.
  const TlsFiles& good() const { return good_; }

  // Looks at the files now, and returns when what there is to report has been.
  void Look();

 private:
  // What was seen last of each file; none where there was none.
  using Identities = std::vector<std::optional<FileIdentity>>;

  FollowedTlsFiles(TlsFiles files, Secrecy secrecy, ReloadCallback on_reload);
  Identities Identify() const;
  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TlsFiles files_;
  const Secrecy secrecy_;
  const ReloadCallback on_reload_;
  TlsFiles good_;  // set by the first Load, and never again
  Mutex mutex_;
  Identities seen_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_ ABSL_GUARDED_BY(mutex_);             // of Load
  std::vector<int> descriptors_ ABSL_GUARDED_BY(mutex_);  // behind good_
  std::unique_ptr<Periodic> periodic_;                    // uses all of the above
};

}  // namespace securebase::auth
