#include <cstdlib>

#include "services/platform/storage/sqlite_store.h"
#include "tests/contract/store_contract.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

class SqliteHome : public StoreHome {
 public:
  std::unique_ptr<Store> Open(const Clock& clock) override {
    SqliteOptions options;
    options.path = folder_.PathOf("store.db");
    auto store = MakeSqliteStore(options, clock);
    if (!store.ok()) {
      fprintf(stderr, "%s\n", store.status().ToString().c_str());
      abort();
    }
    return *std::move(store);
  }

 private:
  securebase::testing::TemporaryFolder folder_;
};

const StoreBackend kSqlite{"Sqlite", [] { return std::make_unique<SqliteHome>(); }};

INSTANTIATE_TEST_SUITE_P(Contract, StoreContract, ::testing::Values(kSqlite), BackendName);
INSTANTIATE_TEST_SUITE_P(Contract, DurableStoreContract, ::testing::Values(kSqlite), BackendName);
INSTANTIATE_TEST_SUITE_P(Contract, OwnedStoreContract, ::testing::Values(kSqlite), BackendName);

}  // namespace
}  // namespace securebase::storage
