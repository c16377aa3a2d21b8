#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/storage/store.h"

// Work that nobody called for: it goes through all practices of a store.
namespace securebase::records {

// Hands every practice to `work`, in byte order. Ends with the first error of `work`, or the
// store's when it does not say within `timeout` which practices come next. Work that must go on
// after a practice that failed keeps its errors to itself.
absl::Status ForEachPractice(storage::Store& store, absl::Duration timeout,
                             const std::function<absl::Status(const std::string&)>& work);

}  // namespace securebase::records
