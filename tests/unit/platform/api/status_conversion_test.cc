#include "services/platform/api/status_conversion.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "securebase/type/v1/errors.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr char kCallId[] = "01980000-0000-7000-8000-000000000001";

class RoundTripTest : public ::testing::TestWithParam<absl::StatusCode> {};

TEST_P(RoundTripTest, EverythingSurvives) {
  const absl::Status sent = WithRetryAfter(
      MakeError(GetParam(), Reason::kConflict, "what is wrong; what to do", {{"state", "DRAFT"}}),
      absl::Milliseconds(1250));
  const absl::Status received = FromRpcStatus(ToRpcStatus(sent, kCallId));
  EXPECT_THAT(received, IsError(sent.code(), Reason::kConflict));
  EXPECT_EQ(received.message(), sent.message());
  EXPECT_THAT(MetadataOf(received), ElementsAre(Pair("state", "DRAFT")));
  EXPECT_EQ(RetryAfterOf(received), absl::Milliseconds(1250));
}

INSTANTIATE_TEST_SUITE_P(
    EveryCodeOfTheApi, RoundTripTest,
    ::testing::Values(absl::StatusCode::kCancelled, absl::StatusCode::kInvalidArgument,
                      absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kNotFound,
                      absl::StatusCode::kAlreadyExists, absl::StatusCode::kPermissionDenied,
                      absl::StatusCode::kResourceExhausted, absl::StatusCode::kFailedPrecondition,
                      absl::StatusCode::kAborted, absl::StatusCode::kOutOfRange,
                      absl::StatusCode::kUnimplemented, absl::StatusCode::kUnavailable,
                      absl::StatusCode::kUnauthenticated),
    [](const auto& test) { return absl::StatusCodeToString(test.param); });

TEST(StatusConversionTest, OkStaysOk) {
  EXPECT_EQ(ToRpcStatus(absl::OkStatus(), kCallId).SerializeAsString(), "");
  EXPECT_OK(FromRpcStatus(google::rpc::Status()));
}

TEST(StatusConversionTest, ViolationsSurvive) {
  const std::vector<FieldViolation> violations = {{"a", "is required"}, {"b[2].c", "is odd"}};
  const absl::Status received = FromRpcStatus(ToRpcStatus(InvalidFields(violations), kCallId));
  EXPECT_THAT(received, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_EQ(ViolationsOf(received), violations);
}

TEST(StatusConversionTest, FaultsOfOursShowOnlyTheCallId) {
  for (const absl::StatusCode code :
       {absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kDataLoss}) {
    const google::rpc::Status sent = ToRpcStatus(
        MakeError(code, Reason::kUnspecified, "row 7 of /var/lib/x", {{"resource", "secret"}}),
        kCallId);
    EXPECT_EQ(sent.message(), std::string("a fault of the service; report call ") + kCallId);
    EXPECT_THAT(sent.DebugString(), Not(HasSubstr("secret")));
    EXPECT_THAT(sent.DebugString(), Not(HasSubstr("/var")));
    const absl::Status received = FromRpcStatus(sent);
    EXPECT_THAT(received, IsError(code, code == absl::StatusCode::kDataLoss ? Reason::kDataLoss
                                                                            : Reason::kInternal));
    EXPECT_THAT(MetadataOf(received), ElementsAre(Pair("call_id", kCallId)));
  }
}

TEST(StatusConversionTest, AStatusIsCappedAndSaysHowManyViolationsAreMissing) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 100; ++i) {
    violations.push_back({absl::StrCat("answers[", i, "].value"), std::string(90, 'd')});
  }
  const google::rpc::Status sent = ToRpcStatus(InvalidFields(violations), kCallId);
  EXPECT_LE(sent.ByteSizeLong(), kMaxStatusBytes);
  EXPECT_GT(sent.ByteSizeLong(), kMaxStatusBytes - 200);  // no more is dropped than needed
  const absl::Status received = FromRpcStatus(sent);
  const auto shown = ViolationsOf(received);
  ASSERT_THAT(shown, Not(IsEmpty()));
  EXPECT_EQ(shown[0], violations[0]);
  EXPECT_EQ(MetadataOf(received)["violations_omitted"], absl::StrCat(100 - shown.size()));
}

TEST(StatusConversionTest, MetadataThatIsTooLargeIsDropped) {
  std::map<std::string, std::string> metadata;
  for (int i = 0; i < 100; ++i) {
    metadata[absl::StrCat("key", i)] = std::string(100, 'v');
  }
  const google::rpc::Status sent = ToRpcStatus(
      MakeError(absl::StatusCode::kAborted, Reason::kConflict, "text", metadata), kCallId);
  EXPECT_LE(sent.ByteSizeLong(), kMaxStatusBytes);
  EXPECT_THAT(FromRpcStatus(sent), IsError(absl::StatusCode::kAborted, Reason::kConflict));
}

TEST(StatusConversionTest, TheMessageIsCappedAsItIsSentAndStaysUtf8) {
  std::string message;
  for (int i = 0; i < 1000; ++i) {
    message += "ä";  // six bytes each when percent-encoded
  }
  const google::rpc::Status sent = ToRpcStatus(absl::AbortedError(message), kCallId);
  EXPECT_LE(sent.message().size() * 3, kMaxMessageBytes + 6);
  EXPECT_GT(sent.message().size() * 3, kMaxMessageBytes - 16);
  EXPECT_EQ(sent.message().substr(0, 2), "ä");
  EXPECT_THAT(sent.message(), ::testing::EndsWith("ä..."));
  EXPECT_EQ(ToRpcStatus(absl::AbortedError("a\xff"), kCallId).message(), "a?");
}

TEST(StatusConversionTest, AStatusOfAnotherDomainKeepsCodeAndMessage) {
  google::rpc::Status proxy;
  proxy.set_code(14);
  proxy.set_message("no upstream");
  google::rpc::ErrorInfo info;
  info.set_domain("example.org");
  info.set_reason("CONFLICT");
  proxy.add_details()->PackFrom(info);
  proxy.add_details()->set_type_url("type.example.org/unknown");
  const absl::Status received = FromRpcStatus(proxy);
  EXPECT_THAT(received, IsError(absl::StatusCode::kUnavailable, Reason::kUnspecified));
  EXPECT_EQ(received.message(), "no upstream");
}

// The reasons are said twice, in C++ and in the proto; they must be the same.
TEST(ReasonsTest, TheProtoHasTheReasonsOfTheCode) {
  const auto* type = type::v1::ErrorReason_descriptor();
  int known = 0;
#define SB_CHECK(symbol, name)                                               \
  EXPECT_NE(type->FindValueByName("ERROR_REASON_" #name), nullptr) << #name; \
  EXPECT_EQ(ReasonFromName(#name), Reason::symbol);                          \
  ++known;
  SB_ERROR_REASONS(SB_CHECK)
#undef SB_CHECK
  EXPECT_EQ(type->value_count(), known);
}

}  // namespace
}  // namespace securebase::api
