#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/storage/finding.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/store.h"

// Whether a Redis server is set up so that it can keep what `durability` promises.
namespace securebase::storage {

// Each names its server where there may be several, and settings as CONFIG GET does, or a field of
// INFO: "connected replicas".
using RedisFinding = StoreFinding;

// What a server says of itself. Fields and settings that it does not have are missing.
struct RedisFacts {
  std::map<std::string, std::string> info;    // the fields of INFO
  std::map<std::string, std::string> config;  // the settings of CONFIG GET
};

// Everything that was looked at, also what is right, in a fixed order.
std::vector<RedisFinding> JudgeRedis(const RedisOptions& options, const RedisFacts& facts);

// OK when no finding is an error. Else FAILED_PRECONDITION in one line with what to do.
absl::Status StatusOfFindings(const RedisOptions& options,
                              const std::vector<RedisFinding>& findings);

// Judges the node of every new connection: StatusOfFindings. FAILED_PRECONDITION with the remedy,
// too, when the user may not read the settings.
RedisNodeCheck MakeRedisNodeCheck(const RedisOptions& options);

// Judges every primary there is now, for an operator. The errors of reaching them, or of reading
// their settings.
absl::StatusOr<std::vector<RedisFinding>> CheckRedis(const RedisOptions& options,
                                                     const Context& context);

}  // namespace securebase::storage
