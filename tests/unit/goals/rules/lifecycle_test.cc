#include "services/goals/rules/lifecycle.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::goals {
namespace {

using ::securebase::testing::ExpectGolden;
using ::securebase::testing::IsError;
using ::testing::HasSubstr;
using v1::GoalLifecycleStatus;

std::vector<GoalLifecycleStatus> AllStatuses() {
  std::vector<GoalLifecycleStatus> all;
  for (int value = 1; v1::GoalLifecycleStatus_IsValid(value); ++value) {
    all.push_back(static_cast<GoalLifecycleStatus>(value));
  }
  return all;
}

TEST(LifecycleTest, TransitionsAreThoseOfTheGoldenTable) {
  std::string table;
  for (const GoalLifecycleStatus from : AllStatuses()) {
    std::vector<std::string> allowed;
    for (const GoalLifecycleStatus to : AllStatuses()) {
      if (CanTransition(from, to)) {
        allowed.push_back(LifecycleStatusName(to));
      }
    }
    absl::StrAppend(&table, LifecycleStatusName(from), " -> ",
                    allowed.empty() ? "(final)" : absl::StrJoin(allowed, ", "), "\n");
  }
  ExpectGolden("goals/lifecycle.txt", table);
}

TEST(LifecycleTest, EveryStatusButTheLastLeadsToEnteredInError) {
  for (const GoalLifecycleStatus from : AllStatuses()) {
    EXPECT_EQ(CanTransition(from, v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR),
              from != v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR)
        << LifecycleStatusName(from);
  }
}

TEST(LifecycleTest, NoStatusLeadsToItself) {
  for (const GoalLifecycleStatus status : AllStatuses()) {
    EXPECT_FALSE(CanTransition(status, status)) << LifecycleStatusName(status);
  }
}

TEST(LifecycleTest, RefusalNamesWhatIsAllowed) {
  const absl::Status refused =
      CheckTransition(v1::GOAL_LIFECYCLE_STATUS_COMPLETED, v1::GOAL_LIFECYCLE_STATUS_ON_HOLD);
  EXPECT_THAT(refused,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_THAT(MetadataOf(refused).at("allowed"), HasSubstr("ACTIVE"));
  EXPECT_EQ(MetadataOf(refused).at("state"), "COMPLETED");
}

TEST(LifecycleTest, GoalsThatEndedAreNotOpenButCompletedOnesAreFollowedUp) {
  EXPECT_TRUE(IsOpen(v1::GOAL_LIFECYCLE_STATUS_ON_HOLD));
  EXPECT_FALSE(IsOpen(v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
  EXPECT_FALSE(IsOpen(v1::GOAL_LIFECYCLE_STATUS_UNSPECIFIED));
  EXPECT_TRUE(TakesRatings(v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
  EXPECT_FALSE(TakesRatings(v1::GOAL_LIFECYCLE_STATUS_CANCELLED));
  EXPECT_FALSE(CountsInAttainment(v1::GOAL_LIFECYCLE_STATUS_PROPOSED));
  EXPECT_TRUE(CountsInAttainment(v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
}

}  // namespace
}  // namespace securebase::goals
