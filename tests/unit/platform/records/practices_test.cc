#include "services/platform/records/practices.h"

#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::records {
namespace {

using ::testing::ElementsAre;

class PracticesTest : public ::testing::Test {
 protected:
  // "p0000", "p0001" and so on.
  void MakePractices(int count) {
    for (int i = 0; i < count; ++i) {
      storage::Batch batch;
      batch.practice = absl::StrFormat("p%04d", i);
      names_.push_back(batch.practice);
      batch.puts.push_back({{"note", "n"}, "text", {}});
      ASSERT_OK(store_->Apply({}, batch));
    }
  }

  testing::FakeClock clock_;
  std::unique_ptr<storage::Store> store_ = storage::MakeMemoryStore(clock_);
  std::vector<std::string> names_;
};

TEST_F(PracticesTest, EachIsVisitedOnceInOrderHoweverManyPagesTheyFill) {
  MakePractices(1001);
  std::vector<std::string> visited;
  EXPECT_OK(ForEachPractice(*store_, absl::Seconds(30), [&](const std::string& practice) {
    visited.push_back(practice);
    return absl::OkStatus();
  }));
  EXPECT_EQ(visited, names_);
}

TEST_F(PracticesTest, TheFirstErrorEndsIt) {
  MakePractices(3);
  std::vector<std::string> visited;
  EXPECT_TRUE(
      absl::IsAborted(ForEachPractice(*store_, absl::Seconds(30), [&](const std::string& practice) {
        visited.push_back(practice);
        return practice == "p0001" ? absl::AbortedError("enough") : absl::OkStatus();
      })));
  EXPECT_THAT(visited, ElementsAre("p0000", "p0001"));
}

TEST_F(PracticesTest, AStoreThatDoesNotAnswerIsAnError) {
  MakePractices(1);
  ASSERT_OK(store_->Close());
  EXPECT_FALSE(ForEachPractice(*store_, absl::Seconds(30), [](const std::string&) {
                 return absl::OkStatus();
               }).ok());
}

}  // namespace
}  // namespace securebase::records
