#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"
#include "tests/testing/fake_clock.h"

// The promises of services/platform/storage/store.h as tests. A backend takes part with one small
// file that instantiates them with its factory:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, Values(...));
//   INSTANTIATE_TEST_SUITE_P(Sqlite, DurableStoreContract, Values(...));   if it outlives a process
//
// and, if so, with one of
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, OwnedStoreContract, Values(...));     if it is one process's
//   INSTANTIATE_TEST_SUITE_P(Redis, SharedStoreContract, Values(...));     if several share it
namespace securebase::storage {

// Where one store lives: made anew and empty for each test, and gone with the object.
class StoreHome {
 public:
  virtual ~StoreHome() = default;
  // The store of this home: empty the first time, later what the one before left, which must have
  // been closed unless the store is shared. Ends the test program when it cannot.
  virtual std::unique_ptr<Store> Open(const Clock& clock) = 0;
};

struct StoreBackend {
  std::string name;
  std::function<std::unique_ptr<StoreHome>()> make_home;
};
inline void PrintTo(const StoreBackend& backend, std::ostream* out) { *out << backend.name; }

class StoreContract : public ::testing::TestWithParam<StoreBackend> {
 protected:
  StoreContract() : home_(GetParam().make_home()), store_(home_->Open(clock_)) {}

  securebase::testing::FakeClock clock_;
  std::unique_ptr<StoreHome> home_;
  std::unique_ptr<Store> store_;
  const Context context_;
};

// Only for backends whose store outlives the process.
class DurableStoreContract : public StoreContract {
 protected:
  void Reopen();
};

// Only for backends whose store belongs to one process at a time.
class OwnedStoreContract : public DurableStoreContract {};

// Only for backends whose store several processes use at once: `other_` is a second one's.
class SharedStoreContract : public DurableStoreContract {
 protected:
  SharedStoreContract() : other_(home_->Open(clock_)) {}
  std::unique_ptr<Store> other_;
};

// For INSTANTIATE_TEST_SUITE_P's last argument.
inline std::string BackendName(const ::testing::TestParamInfo<StoreBackend>& info) {
  return info.param.name;
}

}  // namespace securebase::storage
