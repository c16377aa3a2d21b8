#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/store.h"

// How the Redis store reaches its servers: which node serves a practice, connections, pipelining,
// retries and the confirmation by replicas. It knows nothing of what the scripts do.
namespace securebase::storage {

// What a server answered. `kError` holds the server's text ("NOREPLICAS Not enough good replicas").
struct RedisReply {
  enum class Kind { kNil, kStatus, kString, kInteger, kArray, kError };
  Kind kind = Kind::kNil;
  std::string text;                  // of kStatus, kString and kError
  int64_t integer = 0;               // of kInteger
  std::vector<RedisReply> elements;  // of kArray
};

// A Lua script, sent by its digest and, where a server does not know it, in full. It must outlive
// the router it is run with.
struct RedisScript {
  std::string name;  // for messages: "apply"
  std::string source;
  std::string sha1;  // 40 lower-case hexadecimal digits
};
RedisScript MakeRedisScript(absl::string_view name, absl::string_view source);

// One call of a script. All keys it touches, listed or not, lie in one slot.
//
// While a cluster moves a slot from one node to another, each has a part of its keys, and Redis
// refuses (TRYAGAIN) only calls that list several keys of which one is missing. A script that
// touches keys which are not listed would work on a part. So its calls list two keys or more, of
// which one never exists: they then wait until the slot has moved.
struct RedisCall {
  const RedisScript* script = nullptr;
  std::vector<std::string> keys;  // at least one; the slot is the first key's
  std::vector<std::string> arguments;
  bool writes = false;  // whether a call that was sent may have changed something
};

struct RedisAnswer {
  RedisReply reply;  // never kError: errors of servers are statuses
  // The replication id of the primary that answered. It changes when a replica is promoted.
  std::string replication_id;
};

// What a router has done since it was made, on all of its nodes.
struct RedisRouterStats {
  int64_t calls = 0;                // that were answered and confirmed
  int64_t flushes = 0;              // round trips for them; calls / flushes is the size of a group
  int64_t connects = 0;             // connections made
  int64_t failed_connects = 0;      // and not made
  int64_t discarded = 0;            // connections given up while calls were on their way
  int64_t short_confirmations = 0;  // flushes that fewer replicas confirmed than have to
  int64_t retries = 0;              // calls that were tried again
  int64_t redirects = 0;            // of these, because the slot was or went elsewhere
  int64_t searches = 0;             // for the primaries
  int64_t queued = 0;               // calls waiting to be sent now
  int64_t connections = 0;          // to primaries now
};

// Thread-safe.
class RedisRouter {
 public:
  virtual ~RedisRouter() = default;

  // Runs the script on the primary of its slot, and returns once the durability that the options
  // ask for is confirmed: with kReplicated, all replicas of that primary confirmed, after the
  // script ran, all that it had written or could have seen. So an isolated former primary answers
  // neither a write nor a read. Calls that wait at the same time share round trips and
  // confirmations.
  //
  // What a server refuses before it ran anything (MOVED, ASK, TRYAGAIN, CLUSTERDOWN, READONLY,
  // LOADING, MASTERDOWN, NOREPLICAS) and connections that fail before anything was sent are tried
  // again until the deadline; a read, also after it was sent.
  //   UNAVAILABLE (STORE_UNAVAILABLE)  nothing was done: the deadline's time went by without a
  //                                    primary that could take it; or Redis has no room
  //   UNAVAILABLE (OUTCOME_UNKNOWN)    a write that was sent and not confirmed
  //   DEADLINE_EXCEEDED                it was never sent
  //   UNAVAILABLE (SHUTTING_DOWN)      after Close
  //   INTERNAL                         another error of the script or the server; its text is kept
  virtual absl::StatusOr<RedisAnswer> Run(const Context& context, const RedisCall& call) = 0;

  // Plain commands on every primary there is now (one unless a cluster), without confirmation:
  // INFO, CONFIG GET, SCAN. One answer each, in no order.
  struct NodeReply {
    std::string address;  // "127.0.0.1:6379"
    RedisReply reply;     // may be kError
  };
  virtual absl::StatusOr<std::vector<NodeReply>> RunOnPrimaries(
      const Context& context, const std::vector<std::string>& command) = 0;

  virtual RedisRouterStats stats() const { return {}; }

  // Fails what waits and closes all connections. Idempotent.
  virtual void Close() = 0;
};

// Called with each new connection's node before it is used, so that settings that cannot keep the
// promise are found at start and after every reconnect. Runs plain commands on that connection.
using RedisNodeCheck = std::function<absl::Status(
    const std::function<absl::StatusOr<RedisReply>(const std::vector<std::string>&)>& run)>;

// Connects to what `options` names and finds its primaries. UNAVAILABLE with the address when none
// answers, FAILED_PRECONDITION for files that cannot be used, or the error of `check`.
absl::StatusOr<std::unique_ptr<RedisRouter>> MakeRedisRouter(const RedisOptions& options,
                                                             RedisNodeCheck check);

}  // namespace securebase::storage
