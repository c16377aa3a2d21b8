#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"

// Debian's Abseil has no status matchers.
namespace securebase::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

// EXPECT_THAT(store.Ping(context), IsOk())
MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// EXPECT_THAT(result, IsError(absl::StatusCode::kAborted, Reason::kConflict))
MATCHER_P2(IsError, code, reason,
           std::string("is ") + absl::StatusCodeToString(code) + " with reason " +
               std::string(ReasonName(reason))) {
  *result_listener << StatusOf(arg).ToString() << " reason "
                   << std::string(ReasonName(ReasonOf(StatusOf(arg))));
  return StatusOf(arg).code() == code && ReasonOf(StatusOf(arg)) == reason;
}

// The request was refused, and this field is among the violations.
MATCHER_P(HasViolation, field, std::string("has a violation of field ") + std::string(field)) {
  for (const FieldViolation& violation : ViolationsOf(StatusOf(arg))) {
    if (violation.field == field) {
      return true;
    }
    *result_listener << violation.field << ": " << violation.description << "; ";
  }
  *result_listener << StatusOf(arg).ToString();
  return false;
}

}  // namespace securebase::testing

// ASSERT_OK_AND_ASSIGN(const Record record, store.Get(...));
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL_(SB_TEST_CONCAT_(sb_test_status_or_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL_(tmp, lhs, expr)  \
  auto tmp = (expr);                                \
  ASSERT_TRUE(tmp.ok()) << tmp.status().ToString(); \
  lhs = std::move(tmp).value()
#define SB_TEST_CONCAT_(a, b) SB_TEST_CONCAT_IMPL_(a, b)
#define SB_TEST_CONCAT_IMPL_(a, b) a##b
#define ASSERT_OK(expr) ASSERT_THAT(expr, ::securebase::testing::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT(expr, ::securebase::testing::IsOk())
