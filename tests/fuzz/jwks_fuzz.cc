// Key sets: whatever parses can be used, and never verifies a signature nobody made.
#include <cstddef>
#include <cstdint>
#include <set>

#include "services/platform/auth/jwks.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const auto keys = securebase::auth::JwkSet::Parse(input);
  if (!keys.ok()) {
    FUZZ_CHECK(!keys.status().message().empty());
    return 0;
  }
  std::set<std::string> kids;
  FUZZ_CHECK(!keys->keys().empty());
  for (const securebase::auth::VerificationKey& key : keys->keys()) {
    FUZZ_CHECK(kids.insert(key.kid).second);
    FUZZ_CHECK(key.kid.empty() || keys->Find(key.kid) == &key);
    FUZZ_CHECK(!securebase::auth::VerifySignature(key, "message", std::string(64, 'x')));
    FUZZ_CHECK(!securebase::auth::VerifySignature(key, "message", input));
  }
  return 0;
}
