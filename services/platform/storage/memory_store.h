#pragma once

#include <memory>

#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// A store that lives as long as the object: for tests of what stands above it. `clock` must outlive
// it.
std::unique_ptr<Store> MakeMemoryStore(const Clock& clock);

}  // namespace securebase::storage
