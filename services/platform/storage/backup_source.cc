#include "services/platform/storage/backup_source.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/open_store.h"
#include "services/platform/storage/sqlite_backup.h"

namespace securebase::storage {
namespace {

class OpenedStore : public BackupSource {
 public:
  explicit OpenedStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  Store& store() override { return *store_; }

 private:
  const std::unique_ptr<Store> store_;
};

// A folder that only its owner may look into, removed with everything in it.
class ScratchFolder {
 public:
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Make(const std::string& parent) {
    std::string path = absl::StrCat(parent, "/.securebase-snapshot-XXXXXX");
    if (mkdtemp(path.data()) == nullptr) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
          absl::StrCat("cannot make a folder in ", parent, ": ", std::strerror(errno)));
    }
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(std::move(path)));
  }
  ~ScratchFolder() {
    std::error_code ignored;  // what cannot be removed is left, private as it is
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string PathOf(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

class SqliteSnapshot : public BackupSource {
 public:
  SqliteSnapshot(std::unique_ptr<ScratchFolder> folder, std::unique_ptr<Store> store)
      : folder_(std::move(folder)), store_(std::move(store)) {}
  Store& store() override { return *store_; }

 private:
  const std::unique_ptr<ScratchFolder> folder_;  // outlives the store in it
  const std::unique_ptr<Store> store_;
};

}  // namespace

std::string StoreKind(const std::string& url) { return url.substr(0, url.find(':')); }

absl::StatusOr<std::unique_ptr<BackupSource>> OpenBackupSource(const std::string& url,
                                                               const std::string& scratch,
                                                               const Clock& clock) {
  absl::string_view path = url;
  if (StoreKind(url) == "memory") {
    return absl::InvalidArgumentError(
        "a memory: store lives in its service alone and cannot be copied");
  }
  if (!absl::ConsumePrefix(&path, "sqlite:") || path.empty()) {
    SB_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenStore(url, clock));
    return std::make_unique<OpenedStore>(std::move(store));
  }
  const std::string database(path);
  if (access(database.c_str(), R_OK) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat("cannot read ", database, ": ", std::strerror(errno),
                                  "; name the file that the service's --store names"));
  }
  SB_ASSIGN_OR_RETURN(std::unique_ptr<ScratchFolder> folder, ScratchFolder::Make(scratch));
  const std::string snapshot = folder->PathOf("snapshot.db");
  SB_RETURN_IF_ERROR(CopySqliteDatabase(absl::InfiniteFuture(), database, snapshot, /*vfs=*/""));
  SB_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                      OpenStore(absl::StrCat("sqlite:", snapshot), clock));
  return std::make_unique<SqliteSnapshot>(std::move(folder), std::move(store));
}

}  // namespace securebase::storage
