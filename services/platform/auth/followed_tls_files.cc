#include "services/platform/auth/followed_tls_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "services/platform/base/descriptor.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

absl::Status Unusable(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal, message);
}

std::string PathOf(int descriptor) { return absl::StrCat("/proc/self/fd/", descriptor); }

// A file without a name that only this process can read.
absl::StatusOr<Descriptor> InMemory(const std::string& contents) {
  Descriptor file(memfd_create("tls", MFD_CLOEXEC));
  if (file.get() < 0 || fchmod(file.get(), 0600) != 0 ||
      write(file.get(), contents.data(), contents.size()) !=
          static_cast<ssize_t>(contents.size())) {
    return Unusable(absl::StrCat("cannot keep TLS files in memory: ", strerror(errno)));
  }
  return file;
}

}  // namespace

FollowedTlsFiles::FollowedTlsFiles(TlsFiles files, Secrecy secrecy, ReloadCallback on_reload)
    : files_(std::move(files)), secrecy_(secrecy), on_reload_(std::move(on_reload)) {}

absl::StatusOr<std::unique_ptr<FollowedTlsFiles>> FollowedTlsFiles::Open(const TlsFiles& files,
                                                                         Secrecy secrecy,
                                                                         ReloadCallback on_reload) {
  std::unique_ptr<FollowedTlsFiles> followed(
      new FollowedTlsFiles(files, secrecy, std::move(on_reload)));
  {
    MutexLock lock(followed->mutex_);
    // Before they are read: what changes meanwhile is then read again.
    followed->seen_ = followed->Identify();
    SB_RETURN_IF_ERROR(followed->Load());
  }
  followed->periodic_ =
      std::make_unique<Periodic>(kInterval, [self = followed.get()] { self->Look(); });
  return followed;
}

void FollowedTlsFiles::Look() {
  MutexLock lock(mutex_);
  Identities now = Identify();
  // A bad set is looked at again: a mode, or the time, may be all that has to change.
  if (now == seen_ && last_.ok()) {
    return;
  }
  seen_ = std::move(now);
  const absl::Status news = Load();
  const bool same_trouble = !news.ok() && news == last_;
  last_ = news;
  if (on_reload_ && !same_trouble) {
    on_reload_(news);
  }
}

FollowedTlsFiles::Identities FollowedTlsFiles::Identify() const {
  Identities identities;
  for (const std::string* path : {&files_.key, &files_.certificate, &files_.ca}) {
    const absl::StatusOr<FileIdentity> identity = IdentifyFile(*path);
    identities.push_back(identity.ok() ? std::optional<FileIdentity>(*identity) : std::nullopt);
  }
  return identities;
}

absl::Status FollowedTlsFiles::Load() {
  struct File {
    const std::string& path;
    Secrecy secrecy;
    std::string TlsFiles::*member;
  };
  const File files[] = {{files_.key, secrecy_, &TlsFiles::key},
                        {files_.certificate, Secrecy::kPublic, &TlsFiles::certificate},
                        {files_.ca, Secrecy::kPublic, &TlsFiles::ca}};
  // Copied first and checked then, so that what was checked is what is used.
  TlsFiles copies;
  std::vector<Descriptor> made;
  std::vector<std::pair<std::string, std::string>> names;
  std::vector<std::string> problems;
  for (const File& file : files) {
    if (file.path.empty()) {
      continue;
    }
    const absl::StatusOr<FileContents> contents = ReadFile(file.path, file.secrecy);
    if (!contents.ok()) {
      problems.emplace_back(contents.status().message());
      continue;
    }
    SB_ASSIGN_OR_RETURN(Descriptor copy, InMemory(contents->bytes));
    copies.*file.member = PathOf(copy.get());
    names.emplace_back(PathOf(copy.get()), file.path);
    made.push_back(std::move(copy));
  }
  for (const std::string& problem : CheckTlsFiles(copies, absl::Now())) {
    problems.push_back(absl::StrReplaceAll(problem, names));
  }
  if (!problems.empty()) {
    return Unusable(absl::StrJoin(problems, "; "));
  }
  if (descriptors_.empty()) {
    good_ = copies;
    for (Descriptor& copy : made) {
      descriptors_.push_back(copy.Release());
    }
    return absl::OkStatus();
  }
  // Each path leads to the old contents or to the new, whole. gRPC reads a pair again when one of
  // its files changed in between.
  for (size_t i = 0; i < made.size(); ++i) {
    if (dup3(made[i].get(), descriptors_[i], O_CLOEXEC) < 0) {
      return Unusable(absl::StrCat("cannot replace TLS files in memory: ", strerror(errno)));
    }
  }
  return absl::OkStatus();
}

}  // namespace securebase::auth
