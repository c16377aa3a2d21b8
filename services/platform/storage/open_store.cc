#include "services/platform/storage/open_store.h"

#include "absl/strings/strip.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/sqlite_store.h"

namespace securebase::storage {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url, const Clock& clock) {
  absl::string_view rest = url;
  if (rest == "memory:") {
    return MakeMemoryStore(clock);
  }
  if (absl::ConsumePrefix(&rest, "sqlite:") && !rest.empty()) {
    SqliteOptions options;
    options.path = std::string(rest);
    SB_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, MakeSqliteStore(options, clock));
    return store;
  }
  // The value may hold a password: it is not repeated.
  return absl::InvalidArgumentError("--store must be sqlite:<path> or memory:");
}

}  // namespace securebase::storage
