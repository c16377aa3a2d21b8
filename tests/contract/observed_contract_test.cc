#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/observed_store.h"
#include "tests/contract/store_contract.h"

namespace securebase::storage {
namespace {

class ObservedHome : public StoreHome {
 public:
  std::unique_ptr<Store> Open(const Clock& clock) override {
    return MakeObservedStore(MakeMemoryStore(clock),
                             [](absl::string_view, absl::StatusCode, absl::Duration) {});
  }
};

INSTANTIATE_TEST_SUITE_P(ObservedContract, StoreContract,
                         ::testing::Values(StoreBackend{
                             "Observed", [] { return std::make_unique<ObservedHome>(); }}),
                         BackendName);

}  // namespace
}  // namespace securebase::storage
