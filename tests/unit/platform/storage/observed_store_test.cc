#include "services/platform/storage/observed_store.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::testing::ElementsAre;

TEST(ObservedStore, TellsOfEveryOperationItsNameAndCode) {
  testing::FakeClock clock;
  std::vector<std::string> seen;
  const auto store = MakeObservedStore(
      MakeMemoryStore(clock), [&](absl::string_view name, absl::StatusCode code, absl::Duration d) {
        EXPECT_GE(d, absl::ZeroDuration());
        seen.push_back(absl::StrCat(name, " ", absl::StatusCodeToString(code)));
      });
  Batch batch;
  batch.practice = "p1";
  batch.puts.push_back({{"kind", "id"}, "value", {}});
  EXPECT_OK(store->Apply({}, batch));
  EXPECT_OK(store->Get({}, "p1", {"kind", "id"}));
  EXPECT_FALSE(store->Get({}, "p1", {"kind", "other"}).ok());
  EXPECT_OK(store->GetMany({}, "p1", {{"kind", "id"}}));
  EXPECT_OK(store->FindResult({}, "p1", "k", "f"));
  EXPECT_FALSE(store->Scan({}, {}).ok());
  EXPECT_OK(store->Journal({}, "p1", 0, 1));
  EXPECT_OK(store->GetPosition({}, "p1"));
  EXPECT_OK(store->ListPractices({}, "", 1));
  const auto lease = store->AcquireLease({}, "p1", "l", "me", absl::Seconds(1));
  EXPECT_OK(lease);
  EXPECT_OK(store->ReleaseLease({}, "p1", "l", lease->token));
  EXPECT_OK(store->ListAudit({}, "p1", 0, 1));
  TrimRequest trim;
  trim.practice = "p1";
  EXPECT_OK(store->Trim({}, trim));
  EXPECT_OK(store->Export({}, "p1", "", 1));
  EXPECT_OK(store->Import({}, "p2", {}));
  EXPECT_FALSE(store->FinishImport({}, "p2").ok());
  EXPECT_OK(store->ListImports({}, "", 1));
  EXPECT_OK(store->Ping({}));
  EXPECT_OK(store->Close());
  EXPECT_THAT(seen,
              ElementsAre("apply OK", "get OK", "get NOT_FOUND", "get_many OK", "find_result OK",
                          "scan INVALID_ARGUMENT", "journal OK", "position OK", "practices OK",
                          "lease OK", "lease OK", "audit OK", "trim OK", "copy OK", "copy OK",
                          "copy FAILED_PRECONDITION", "copy OK", "ping OK"));
}

}  // namespace
}  // namespace securebase::storage
