#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_reply.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/redis_stream.h"

namespace securebase::storage {

// Who serves what, as somebody saw it.
struct RedisPrimaries {
  static constexpr int16_t kNobody = -1;
  std::vector<RedisOptions::Address> addresses;
  // With a cluster: for each slot the index of its primary, or kNobody. Otherwise empty.
  std::vector<int16_t> slots;
  // Sentinels, or cluster nodes of all sorts, that can be asked the next time.
  std::vector<RedisOptions::Address> known;
};

// Most primaries that a cluster may have: each costs connections and threads.
inline constexpr size_t kMaxRedisPrimaries = 128;

// Asks for the primaries.
//   Sentinel: all sentinels, those in the options and `known` ones. Of the primaries they name, the
//     one with the latest failover that says itself that it is a primary.
//   Cluster: some nodes, `known` ones first. Of what they say, that of the latest configuration.
//   Standalone: nobody is asked.
// UNAVAILABLE when nobody gave an answer that is of use; FAILED_PRECONDITION for more than
// kMaxRedisPrimaries; CANCELLED when stopped.
absl::StatusOr<RedisPrimaries> FindRedisPrimaries(const RedisOptions& options,
                                                  const std::vector<RedisOptions::Address>& known,
                                                  const RedisStop& stop);

// The reply of the node at `asked` to CLUSTER SLOTS. UNAVAILABLE when it is not of the form that
// Redis documents, or names nobody.
absl::StatusOr<RedisPrimaries> ParseClusterSlots(const RedisReply& reply,
                                                 const RedisOptions::Address& asked);

}  // namespace securebase::storage
