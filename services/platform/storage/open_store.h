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
// `service`: whose data it is, "goals". A SQLite file is noted to be its own; in a Redis it is the
// prefix of its keys, unless the URL says another. Empty: a SQLite file is opened whoever's it is,
// and a Redis URL must say the prefix.
absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& url, const Clock& clock,
                                                 const std::string& service = "");

}  // namespace securebase::storage
