#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/platform/storage/redis_router.h"

// The Lua scripts (redis/*.lua) that are the operations of the Redis store, and the names of the
// keys they work on.
namespace securebase::storage {

// Each script by its file's name without ".lua", with the prelude behind its first line.
const std::map<std::string, RedisScript, std::less<>>& RedisScripts();

// What every script is given as KEYS: the practice's own hash, and the key that never exists (see
// redis/prelude.lua). All keys of a practice lie in one slot, whatever bytes its name holds, and
// none is ever another practice's. `prefix`: of this store (RedisOptions::prefix).
std::vector<std::string> RedisKeysOfPractice(absl::string_view prefix, absl::string_view practice);
// The same for what belongs to no practice: the store's format and epoch, the list of practices.
std::vector<std::string> RedisKeysOfStore(absl::string_view prefix);

}  // namespace securebase::storage
