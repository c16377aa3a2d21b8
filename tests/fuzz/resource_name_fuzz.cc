// Names of resources: whatever parses is the only name of its ids.
#include <cstddef>
#include <cstdint>

#include "services/platform/base/resource_name.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view name(reinterpret_cast<const char*>(data), size);
  for (const absl::string_view pattern :
       {"practices/{practice}", "practices/{practice}/goals/{goal}",
        "practices/{practice}/plans/{plan}/revisions/{revision}"}) {
    const auto ids = securebase::ParseName(pattern, name);
    if (!ids.ok()) {
      continue;
    }
    for (const std::string& id : *ids) {
      FUZZ_CHECK(securebase::IsValidId(id));
    }
    FUZZ_CHECK(securebase::FormatName(pattern, *ids) == name);
    FUZZ_CHECK(securebase::PracticeOf(name) == ids->front());
    FUZZ_CHECK(securebase::LastId(name) == ids->back());
  }
  return 0;
}
