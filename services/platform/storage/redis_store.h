#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// The layout of what is stored. A release refuses a Redis that holds another.
inline constexpr int kRedisFormat = 1;

struct RedisStoreOptions {
  std::string prefix;  // of all keys, as in RedisOptions; not empty
  RedisDurability durability = RedisDurability::kLocal;
  // The store's clock; must outlive it. Null: the time of the Redis server, which is one clock for
  // all replicas of a service. Anything else is for tests.
  const Clock* clock = nullptr;
  // How long Close waits for calls under way before it fails them.
  absl::Duration close_grace = absl::Seconds(10);
};

// A Store on Redis, shared by any number of processes. Every operation is one script, run and
// confirmed by `router` as its durability says; docs/storage.md explains the rest. With kRelaxed
// the epoch of positions changes whenever another server becomes primary, since acknowledged
// entries of the journal may then be lost.
//
// UNAVAILABLE when Redis does not answer. FAILED_PRECONDITION when the prefix holds what another
// release wrote in another layout.
absl::StatusOr<std::unique_ptr<Store>> MakeRedisStore(std::unique_ptr<RedisRouter> router,
                                                      const RedisStoreOptions& options);

}  // namespace securebase::storage
