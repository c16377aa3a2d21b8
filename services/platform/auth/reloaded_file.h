#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {

// Told about every reload: OK when new contents are in use, else why the old ones stay. Called once
// per change of the file, from whichever thread noticed it.
using ReloadCallback = std::function<void(const absl::Status&)>;

// A parsed file that is read again when it changes: JWK sets, keyrings. Thread-safe.
//
// The file is looked at (device, inode, size, modification time) by the first call of Current()
// after `kInterval` has passed. A file that is gone or bad keeps the last good contents in use.
template <typename T>
class ReloadedFile {
 public:
  using Parser = std::function<absl::StatusOr<T>(absl::string_view)>;
  static constexpr absl::Duration kInterval = absl::Seconds(5);

  // Reads and parses the file for the first time; its error is that of ReadFile or `parse`, with
  // the path in front. `clock` must outlive the object; `on_reload` may be empty.
  static absl::StatusOr<std::unique_ptr<ReloadedFile>> Open(std::string path, Secrecy secrecy,
                                                            Parser parse, const Clock& clock,
                                                            ReloadCallback on_reload) {
    std::unique_ptr<ReloadedFile> file(
        new ReloadedFile(std::move(path), secrecy, std::move(parse), clock, std::move(on_reload)));
    MutexLock lock(file->mutex_);
    SB_RETURN_IF_ERROR(file->Load());
    file->checked_ = clock.Now();
    return file;
  }

  // Never null. Two calls return the same pointer as long as the contents are the same.
  std::shared_ptr<const T> Current() {
    std::shared_ptr<const T> current;
    std::optional<absl::Status> news;
    {
      MutexLock lock(mutex_);
      const absl::Time now = clock_.Now();
      if (now >= checked_ + kInterval || now < checked_) {
        checked_ = now;
        news = Check();
      }
      current = current_;
    }
    if (news.has_value() && on_reload_) {
      on_reload_(*news);
    }
    return current;
  }

 private:
  ReloadedFile(std::string path, Secrecy secrecy, Parser parse, const Clock& clock,
               ReloadCallback on_reload)
      : path_(std::move(path)),
        secrecy_(secrecy),
        parse_(std::move(parse)),
        clock_(clock),
        on_reload_(std::move(on_reload)) {}

  // What there is to report, if the file changed since it was last seen.
  std::optional<absl::Status> Check() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::StatusOr<FileIdentity> identity = IdentifyFile(path_);
    if (!identity.ok()) {
      if (!std::exchange(seen_, std::nullopt).has_value()) {
        return std::nullopt;
      }
      return identity.status();
    }
    if (seen_ == *identity) {
      return std::nullopt;
    }
    seen_ = *identity;
    return Load();
  }

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    SB_ASSIGN_OR_RETURN(FileContents contents, ReadFile(path_, secrecy_));
    seen_ = contents.identity;
    absl::StatusOr<T> parsed = parse_(contents.bytes);
    if (!parsed.ok()) {
      return absl::FailedPreconditionError(absl::StrCat(path_, ": ", parsed.status().message()));
    }
    current_ = std::make_shared<const T>(*std::move(parsed));
    return absl::OkStatus();
  }

  const std::string path_;
  const Secrecy secrecy_;
  const Parser parse_;
  const Clock& clock_;
  const ReloadCallback on_reload_;
  Mutex mutex_;
  absl::Time checked_ ABSL_GUARDED_BY(mutex_);
  std::optional<FileIdentity> seen_ ABSL_GUARDED_BY(mutex_);  // none: there was no file
  std::shared_ptr<const T> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::auth
