#include "services/plans/rules/lifecycle.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans::rules {
namespace {

using testing::IsError;

TEST(LifecycleTest, TransitionsAreThoseOfTheTable) {
  const auto by_word = [](std::string* out, PlanStatus status) { *out += StatusWord(status); };
  std::string table = "# from -> to, printed by plans_rules_test\n";
  for (int from = 0; from < v1::PlanStatus_ARRAYSIZE; ++from) {
    const auto allowed = AllowedTransitions(static_cast<PlanStatus>(from));
    absl::StrAppend(&table, StatusWord(static_cast<PlanStatus>(from)), " -> ",
                    allowed.empty() ? "(nothing)" : absl::StrJoin(allowed, ", ", by_word), "\n");
  }
  testing::ExpectGolden("plan_transitions.txt", table);
}

TEST(LifecycleTest, ARefusalNamesWhatIsAllowed) {
  const absl::Status status = CheckTransition(v1::PLAN_STATUS_DRAFT, v1::PLAN_STATUS_COMPLETED);
  EXPECT_THAT(status,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(status).at("allowed"), "ACTIVE, REVOKED, ENTERED_IN_ERROR");
  EXPECT_OK(CheckTransition(v1::PLAN_STATUS_DRAFT, v1::PLAN_STATUS_ACTIVE));
}

TEST(LifecycleTest, NoStatusLeadsToItself) {
  for (int status = 0; status < v1::PlanStatus_ARRAYSIZE; ++status) {
    EXPECT_FALSE(CanTransition(static_cast<PlanStatus>(status), static_cast<PlanStatus>(status)));
  }
}

TEST(LifecycleTest, WhatHasEndedLeadsNowhereButToEnteredInError) {
  for (int from = 1; from < v1::PlanStatus_ARRAYSIZE; ++from) {
    for (int to = 1; to < v1::PlanStatus_ARRAYSIZE; ++to) {
      if (HasEnded(static_cast<PlanStatus>(from)) && to != v1::PLAN_STATUS_ENTERED_IN_ERROR) {
        EXPECT_FALSE(CanTransition(static_cast<PlanStatus>(from), static_cast<PlanStatus>(to)));
      }
    }
  }
}

}  // namespace
}  // namespace securebase::plans::rules
