#include "services/platform/storage/open_store.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/redis_check.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/redis_store.h"
#include "services/platform/storage/sqlite_store.h"

namespace securebase::storage {

namespace {

absl::StatusOr<std::unique_ptr<Store>> OpenRedisStore(const std::string& url,
                                                      const std::string& prefix) {
  SB_ASSIGN_OR_RETURN(RedisOptions options, ParseRedisUrl(url));
  if (options.prefix.empty()) {
    options.prefix = prefix;
  }
  if (options.prefix.empty()) {
    return absl::InvalidArgumentError(
        "several stores share a Redis: say whose this is, with prefix=outcomes, goals or plans "
        "among the parameters of --store");
  }
  SB_ASSIGN_OR_RETURN(std::unique_ptr<RedisRouter> router,
                      MakeRedisRouter(options, MakeRedisNodeCheck(options)));
  RedisStoreOptions store;
  store.prefix = options.prefix;
  store.durability = options.durability;
  return MakeRedisStore(std::move(router), store);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url, const Clock& clock,
                                                 const std::string& service) {
  absl::string_view rest = url;
  if (rest == "memory:") {
    return MakeMemoryStore(clock);
  }
  if (absl::ConsumePrefix(&rest, "sqlite:") && !rest.empty()) {
    SqliteOptions options;
    options.path = std::string(rest);
    options.service = service;
    SB_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, MakeSqliteStore(options, clock));
    return store;
  }
  if (absl::StartsWith(rest, "redis")) {
    return OpenRedisStore(url, service);
  }
  // The value may hold a password: it is not repeated.
  return absl::InvalidArgumentError("--store must be sqlite:<path>, a redis:// URL or memory:");
}

}  // namespace securebase::storage
