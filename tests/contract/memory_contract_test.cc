#include "services/platform/storage/memory_store.h"
#include "tests/contract/store_contract.h"

namespace securebase::storage {
namespace {

class MemoryHome : public StoreHome {
 public:
  std::unique_ptr<Store> Open(const Clock& clock) override { return MakeMemoryStore(clock); }
};

INSTANTIATE_TEST_SUITE_P(Contract, StoreContract,
                         ::testing::Values(StoreBackend{
                             "Memory", [] { return std::make_unique<MemoryHome>(); }}),
                         BackendName);

}  // namespace
}  // namespace securebase::storage
