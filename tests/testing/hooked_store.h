#pragma once

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "services/platform/base/error.h"
#include "tests/testing/counting_store.h"

namespace securebase::testing {

// A store that lets a test do something in the midst of what others do. A hook may use the store;
// set it while nobody else does.
class HookedStore : public CountingStore {
 public:
  using CountingStore::CountingStore;

  // Called with the index before each of its pages is read.
  void OnScan(std::function<void(absl::string_view index)> hook) { on_scan_ = std::move(hook); }

  // From now on, reading that record by its key fails with UNAVAILABLE.
  void FailReadsOf(const std::string& id) { failing_ = id; }

  absl::StatusOr<storage::Record> Get(const storage::Context& context, absl::string_view practice,
                                      const storage::RecordKey& key) override {
    if (!failing_.empty() && key.id == failing_) {
      return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "away");
    }
    return CountingStore::Get(context, practice, key);
  }
  absl::StatusOr<storage::ScanPage> Scan(const storage::Context& context,
                                         const storage::ScanRequest& request) override {
    if (on_scan_) {
      on_scan_(request.index);
    }
    return CountingStore::Scan(context, request);
  }

 private:
  std::function<void(absl::string_view)> on_scan_;
  std::string failing_;
};

}  // namespace securebase::testing
