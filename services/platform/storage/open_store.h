#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// The store that --store names: "sqlite:<path>", "memory:", or a Redis in one of the forms of
// ParseRedisUrl. INVALID_ARGUMENT for another form; otherwise the errors of opening it, for the
// operator. `clock` must outlive it; a Redis has its own.
//
// `prefix`: of the keys in a Redis whose URL does not say it. A service gives its name; empty: the
// URL must say it.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url, const Clock& clock,
                                                 const std::string& prefix = "");

}  // namespace securebase::storage
