#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/store.h"

namespace securebase::storage {

// Told of every operation when it is done: "get", "get_many", "apply", "find_result", "scan",
// "journal", "position", "practices", "lease", "audit", "trim", "copy" (of exports and imports) or
// "ping"; its code, and how long it took. Called on the caller's thread; thread-safe.
using StoreObserver =
    std::function<void(absl::string_view operation, absl::StatusCode code, absl::Duration took)>;

// `store` with somebody watching.
std::unique_ptr<Store> MakeObservedStore(std::unique_ptr<Store> store, StoreObserver observer);

}  // namespace securebase::storage
