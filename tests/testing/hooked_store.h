#pragma once

#include <functional>
#include <utility>

#include "absl/strings/string_view.h"
#include "tests/testing/counting_store.h"

namespace securebase::testing {

// A store that lets a test do something in the midst of what others do. A hook may use the store;
// set it while nobody else does.
class HookedStore : public CountingStore {
 public:
  using CountingStore::CountingStore;

  // Called with the index before each of its pages is read.
  void OnScan(std::function<void(absl::string_view index)> hook) { on_scan_ = std::move(hook); }

  absl::StatusOr<storage::ScanPage> Scan(const storage::Context& context,
                                         const storage::ScanRequest& request) override {
    if (on_scan_) {
      on_scan_(request.index);
    }
    return CountingStore::Scan(context, request);
  }

 private:
  std::function<void(absl::string_view)> on_scan_;
};

}  // namespace securebase::testing
