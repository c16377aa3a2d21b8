#include <openssl/sha.h>

#include "absl/strings/escaping.h"
#include "services/platform/storage/redis_router.h"

namespace securebase::storage {

RedisScript MakeRedisScript(absl::string_view name, absl::string_view source) {
  RedisScript script;
  script.name = std::string(name);
  script.source = std::string(source);
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(source.data()), source.size(), digest);
  script.sha1 = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
  return script;
}

}  // namespace securebase::storage
