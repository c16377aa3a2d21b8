#include "services/platform/base/error.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase {
namespace {

using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ErrorTest, InvalidFieldsWithoutViolationsIsOk) { EXPECT_OK(InvalidFields({})); }

TEST(ErrorTest, InvalidFieldsKeepsEveryViolationAndShowsThree) {
  const absl::Status status =
      InvalidFields({{"a", "first"}, {"b", "second"}, {"c", "third"}, {"d", "fourth"}});
  EXPECT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_EQ(status.message(), "a: first; b: second; c: third; and 1 more");
  EXPECT_THAT(ViolationsOf(status),
              ElementsAre(FieldViolation{"a", "first"}, FieldViolation{"b", "second"},
                          FieldViolation{"c", "third"}, FieldViolation{"d", "fourth"}));
}

TEST(ErrorTest, TransitionNotAllowedNamesWhatWouldBe) {
  const absl::Status status = TransitionNotAllowed("DRAFT", "complete", {"activate", "revoke"});
  EXPECT_THAT(MetadataOf(status),
              ElementsAre(Pair("allowed", "activate, revoke"), Pair("state", "DRAFT")));
  EXPECT_EQ(status.message(), "cannot complete from state DRAFT; allowed: activate, revoke");
}

TEST(ErrorTest, RetryAfterSurvives) {
  EXPECT_EQ(RetryAfterOf(WithRetryAfter(Internal("x"), absl::Milliseconds(250))),
            absl::Milliseconds(250));
  EXPECT_EQ(RetryAfterOf(Internal("x")), absl::ZeroDuration());
}

TEST(ErrorTest, AStatusWithoutReasonHasNone) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), Reason::kUnspecified);
}

}  // namespace
}  // namespace securebase
