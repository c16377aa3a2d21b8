#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// The store that a service's --store names: "sqlite:<path>" or "memory:". INVALID_ARGUMENT for
// another form; otherwise the errors of opening it, for the operator. `clock` must outlive it.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url, const Clock& clock);

}  // namespace securebase::storage
