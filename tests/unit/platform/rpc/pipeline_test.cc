#include "services/platform/rpc/pipeline.h"

#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/auth/scopes.h"
#include "services/platform/base/error.h"
#include "tests/testing/capture.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::rpc {
namespace {

using ::securebase::auth::Principal;
using ::securebase::auth::PrincipalKind;
using ::securebase::testing::CapturedAudit;
using ::securebase::testing::CapturedLog;
using ::securebase::testing::FakeClock;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest()
      : authenticator_(
            [](absl::string_view scopes) -> absl::StatusOr<Principal> {
              // The "token" of these tests is the scopes that it grants.
              Principal principal;
              principal.practice = "p1";
              principal.kind = PrincipalKind::kSystem;
              principal.subject = "ehr";
              principal.grants = auth::ParseScopes(scopes, principal.kind);
              return principal;
            },
            {}),
        logger_(log_, clock_, obs::LogLevel::kInfo),
        registry_(obs::MakeMetricsRegistry()) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        "securebase.testing.v1.NotesService");
    policies_ = *api::ReadMethodPolicies(*service);
    std::vector<std::string> methods;
    for (const api::MethodPolicy& policy : policies_) {
      methods.push_back(policy.method);
    }
    metrics_ = std::make_unique<obs::CallMetrics>(*registry_, methods);
    pipeline_ = std::make_unique<Pipeline>(
        Pipeline::Parts{authenticator_, audit_, clock_, logger_, *metrics_});
    get_.set_name("practices/p1/notes/n1");
  }

  const api::MethodPolicy& Policy(const std::string& name) const {
    for (const api::MethodPolicy& policy : policies_) {
      if (policy.name == name) {
        return policy;
      }
    }
    ADD_FAILURE() << name;
    return policies_[0];
  }

  ServedCall MakeCall(const std::string& method, google::protobuf::Message& request,
                      google::protobuf::Message& response, BoundHandler handler) {
    ServedCall call;
    call.policy = &Policy(method);
    call.request = &request;
    call.response = &response;
    call.read = [] { return true; };
    call.handler = std::move(handler);
    call.cancelled = [] { return false; };
    call.credentials.has_authorization = true;
    call.credentials.authorization = "Bearer system/*.cruds";
    call.call.method = call.policy->method;
    call.call.call_id = "01980000-0000-7000-8000-000000000001";
    call.call.time = clock_.Now();
    call.call.deadline = absl::InfiniteFuture();
    return call;
  }

  // A GetNote that its handler answers with `outcome`.
  ServedCall MakeGet(absl::Status outcome = absl::OkStatus()) {
    return MakeCall("GetNote", get_, note_,
                    [this, outcome = std::move(outcome)](const api::Call& call) {
                      ++handled_;
                      clock_.Advance(absl::Milliseconds(7));
                      EXPECT_EQ(call.practice(), "p1");
                      return outcome;
                    });
  }

  FakeClock clock_;
  Authenticator authenticator_;
  CapturedAudit audit_;
  CapturedLog log_;
  obs::Logger logger_;
  std::unique_ptr<obs::MetricsRegistry> registry_;
  std::unique_ptr<obs::CallMetrics> metrics_;
  std::vector<api::MethodPolicy> policies_;
  std::unique_ptr<Pipeline> pipeline_;
  testing::v1::GetNoteRequest get_;
  testing::v1::Note note_;
  int handled_ = 0;
};

// Each step by itself.

TEST_F(PipelineTest, CheckAliveNoticesCancellationAndDeadline) {
  ServedCall call = MakeGet();
  const absl::Time now = absl::Now();
  call.call.deadline = now + absl::Nanoseconds(1);
  EXPECT_OK(CheckAlive(call, now));
  call.call.deadline = now;
  EXPECT_THAT(CheckAlive(call, now),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  call.cancelled = [] { return true; };
  EXPECT_EQ(CheckAlive(call, now).code(), absl::StatusCode::kCancelled);
}

TEST_F(PipelineTest, AuthorizeChecksScopeThenPractice) {
  ServedCall call = MakeGet();
  call.credentials.authorization = "Bearer system/Note.c";
  ASSERT_OK(Authenticate(authenticator_, call));
  EXPECT_THAT(AuthorizeCall(call),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  call.credentials.authorization = "Bearer system/Note.r";
  ASSERT_OK(Authenticate(authenticator_, call));
  EXPECT_OK(AuthorizeCall(call));
  get_.set_name("practices/p2/notes/n1");
  EXPECT_THAT(AuthorizeCall(call),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
}

TEST_F(PipelineTest, ValidateReportsTheFields) {
  ServedCall call = MakeGet();
  ASSERT_OK(Authenticate(authenticator_, call));
  EXPECT_OK(ValidateCall(call));
  get_.clear_name();
  EXPECT_THAT(ValidateCall(call), HasViolation("name"));
}

TEST_F(PipelineTest, AnExceptionBecomesInternalWithoutItsText) {
  for (int i = 0; i < 3; ++i) {
    ServedCall call = MakeCall("GetNote", get_, note_, [i](const api::Call&) -> absl::Status {
      if (i == 0) {
        throw std::runtime_error("Jane Doe");
      }
      if (i == 1) {
        throw std::bad_alloc();
      }
      throw 7;
    });
    const absl::Status status = Handle(call);
    EXPECT_THAT(status, IsError(absl::StatusCode::kInternal, Reason::kInternal));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("Jane")));
  }
}

TEST_F(PipelineTest, WhatCannotBeReadIsRefusedAndLeavesNothingOfItself) {
  ServedCall call = MakeGet();
  call.read = [this] {
    get_.set_name("practices/p1/notes/half");
    return false;
  };
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(log_.text(), HasSubstr("\"principal\":\"system:ehr\"}"));
  EXPECT_THAT(log_.text(), Not(HasSubstr("half")));
}

TEST_F(PipelineTest, WhatThisReleaseDoesNotKnowIsNotHandled) {
  get_.GetReflection()->MutableUnknownFields(&get_)->AddLengthDelimited(4711, "unknown");
  ASSERT_OK(ReadRequest(MakeGet()));
  EXPECT_EQ(get_.GetReflection()->GetUnknownFields(get_).field_count(), 0);
  EXPECT_EQ(get_.name(), "practices/p1/notes/n1");
}

// The order: what comes first decides.

TEST_F(PipelineTest, ARequestIsReadForWhoIsKnownAndBeforeItsPracticeIsLookedAt) {
  int read = 0;
  ServedCall call = MakeGet();
  call.read = [&] {
    ++read;
    get_.set_name("practices/p2/notes/n1");
    return true;
  };
  const Credentials good = std::exchange(call.credentials, Credentials());
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  EXPECT_EQ(read, 0);
  call.credentials = good;
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
  EXPECT_EQ(read, 1);
}

TEST_F(PipelineTest, AuthenticationComesBeforeAuthorizationBeforeValidation) {
  get_.set_name("practices/p2/notes/not valid");
  ServedCall call = MakeGet();
  call.credentials = Credentials();
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  call = MakeGet();
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
  get_.set_name("practices/p1/notes/not valid");
  call = MakeGet();
  EXPECT_THAT(pipeline_->Serve(call), HasViolation("name"));
  EXPECT_EQ(handled_, 0);
  get_.set_name("practices/p1/notes/n1");
  call = MakeGet();
  EXPECT_OK(pipeline_->Serve(call));
  EXPECT_EQ(handled_, 1);
}

TEST_F(PipelineTest, ACallThatWaitedTooLongIsNotHandled) {
  ServedCall call = MakeGet();
  call.call.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  call = MakeGet();
  call.cancelled = [] { return true; };
  EXPECT_EQ(pipeline_->Serve(call).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(handled_, 0);
  EXPECT_THAT(audit_.records(), IsEmpty());
}

// Audit.

TEST_F(PipelineTest, AReadThatDisclosesIsAuditedBeforeItIsAnswered) {
  ServedCall call = MakeGet();
  ASSERT_OK(pipeline_->Serve(call));
  ASSERT_THAT(audit_.records(), SizeIs(1));
  EXPECT_EQ(FormatAuditRecord(audit_.records()[0]),
            "{\"time\":\"2026-01-01T09:00:00.000000Z\",\"practice\":\"p1\","
            "\"principal\":\"system:ehr\","
            "\"method\":\"/securebase.testing.v1.NotesService/GetNote\","
            "\"resource\":\"practices/p1/notes/n1\",\"outcome\":\"OK\","
            "\"call_id\":\"01980000-0000-7000-8000-000000000001\"}");
}

TEST_F(PipelineTest, AnAnswerThatCannotBeAuditedIsWithheld) {
  audit_.Fail(MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "no store"));
  ServedCall call = MakeGet();
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(handled_, 1);
  call = MakeGet();
  call.credentials.authorization = "Bearer none";
  EXPECT_THAT(pipeline_->Serve(call),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  EXPECT_THAT(log_.text(), HasSubstr("audit failed"));
}

TEST_F(PipelineTest, AReadWhoseAuditRunsOutOfTimeIsNotAnUnknownOutcome) {
  audit_.Fail(MakeError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown, "too late"));
  const auto serve = [&](absl::Time deadline) {
    ServedCall call = MakeGet();
    call.call.deadline = deadline;
    // The deadline is real time, and passes while the call is handled.
    call.handler = [](const api::Call& handled) {
      while (absl::Now() < handled.deadline && handled.deadline != absl::InfiniteFuture()) {
      }
      return absl::OkStatus();
    };
    return pipeline_->Serve(call);
  };
  EXPECT_THAT(serve(absl::Now() + absl::Milliseconds(200)),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
  EXPECT_THAT(log_.text(), HasSubstr("\"level\":\"warning\",\"msg\":\"audit failed\""));
  EXPECT_THAT(serve(absl::InfiniteFuture()),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  audit_.Fail(MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded, "queue"));
  EXPECT_THAT(serve(absl::InfiniteFuture()),
              IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded));
}

TEST_F(PipelineTest, RefusalsOfVerifiedPrincipalsAreAuditedAndOthersAreNot) {
  ServedCall call = MakeGet();
  call.credentials.authorization = "Bearer none";
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  ASSERT_THAT(audit_.records(), SizeIs(1));
  EXPECT_EQ(audit_.records()[0].outcome, "PERMISSION_DENIED");
  call = MakeGet();
  call.credentials = Credentials();
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  EXPECT_THAT(audit_.records(), SizeIs(1));
  call = MakeGet(MakeError(absl::StatusCode::kPermissionDenied, Reason::kConsentMissing, "no"));
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  EXPECT_THAT(audit_.records(), SizeIs(2));
}

TEST_F(PipelineTest, AReadOfWhatTheCallerMayNotSeeIsAudited) {
  ServedCall call = MakeGet(NotFound("practices/p1/notes/n1"));
  EXPECT_THAT(pipeline_->Serve(call), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_THAT(audit_.records(), SizeIs(1));
  EXPECT_EQ(audit_.records()[0].outcome, "NOT_FOUND");
  EXPECT_EQ(audit_.records()[0].resource, "practices/p1/notes/n1");
  // It discloses nothing, so it is answered though it cannot be recorded.
  audit_.Fail(MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "no store"));
  call = MakeGet(NotFound("practices/p1/notes/n1"));
  EXPECT_THAT(pipeline_->Serve(call), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  audit_.Fail(absl::OkStatus());
  // What discloses no patient data anyway needs no record.
  testing::v1::DeleteNoteRequest request;
  request.set_name("practices/p1/notes/n1");
  call = MakeCall("DeleteNote", request, note_,
                  [](const api::Call&) { return NotFound("practices/p1/notes/n1"); });
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  EXPECT_THAT(audit_.records(), SizeIs(1));
}

TEST_F(PipelineTest, NotModifiedDisclosesNothing) {
  testing::v1::SummarizeNotesRequest request;
  request.set_parent("practices/p1");
  testing::v1::SummarizeNotesResponse response;
  bool not_modified = true;
  const BoundHandler handler = [&](const api::Call&) {
    response.set_not_modified(not_modified);
    return absl::OkStatus();
  };
  ServedCall call = MakeCall("SummarizeNotes", request, response, handler);
  ASSERT_OK(pipeline_->Serve(call));
  EXPECT_THAT(audit_.records(), IsEmpty());
  not_modified = false;
  call = MakeCall("SummarizeNotes", request, response, handler);
  ASSERT_OK(pipeline_->Serve(call));
  EXPECT_THAT(audit_.records(), SizeIs(1));
}

TEST_F(PipelineTest, AWriteIsAuditedByItsOwnBatch) {
  testing::v1::DeleteNoteRequest request;
  request.set_name("practices/p1/notes/n1");
  ServedCall call =
      MakeCall("DeleteNote", request, note_, [](const api::Call&) { return absl::OkStatus(); });
  ASSERT_OK(pipeline_->Serve(call));
  EXPECT_THAT(audit_.records(), IsEmpty());
}

// Log and metrics.

TEST_F(PipelineTest, EachCallIsOneLogLine) {
  ServedCall call = MakeGet();
  call.call.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_OK(pipeline_->Serve(call));
  EXPECT_EQ(log_.text(),
            "{\"ts\":\"2026-01-01T09:00:00.007Z\",\"level\":\"info\",\"msg\":\"call\","
            "\"method\":\"/securebase.testing.v1.NotesService/GetNote\",\"code\":\"OK\","
            "\"duration_ms\":7,\"call_id\":\"01980000-0000-7000-8000-000000000001\","
            "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"practice\":\"p1\","
            "\"principal\":\"system:ehr\",\"resource\":\"practices/p1/notes/n1\"}\n");
}

TEST_F(PipelineTest, FaultsOfOursAreLoggedAsErrorsWithTheirText) {
  ServedCall call = MakeGet(Internal("the index is wrong"));
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  EXPECT_THAT(log_.text(), HasSubstr("\"level\":\"error\""));
  EXPECT_THAT(log_.text(), HasSubstr("\"error\":\"the index is wrong\""));
}

TEST_F(PipelineTest, NoPatientDataIsLogged) {
  testing::v1::CreateNoteRequest request;
  request.set_parent("practices/p1");
  request.mutable_note()->set_text("canary-1");
  request.mutable_note()->add_tags("canary-2");
  (*request.mutable_note()->mutable_by_key())["canary-3"].set_item("canary-4 is no id");
  request.set_request_id("canary-5 is no id");
  ServedCall call =
      MakeCall("CreateNote", request, note_, [](const api::Call&) { return absl::OkStatus(); });
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  EXPECT_THAT(log_.text(), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(log_.text(), Not(HasSubstr("canary")));
}

TEST_F(PipelineTest, StrangersCannotFillTheLog) {
  for (int i = 0; i < 1000; ++i) {
    ServedCall call = MakeGet();
    call.credentials = Credentials();
    EXPECT_FALSE(pipeline_->Serve(call).ok());
  }
  const std::string text = log_.text();
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_THAT(registry_->Text(), HasSubstr("1000"));
}

TEST_F(PipelineTest, CallsAreCounted) {
  ServedCall call = MakeGet();
  ASSERT_OK(pipeline_->Serve(call));
  call = MakeGet(NotFound("practices/p1/notes/n1"));
  EXPECT_FALSE(pipeline_->Serve(call).ok());
  const std::string text = registry_->Text();
  EXPECT_THAT(text, HasSubstr("GetNote"));
  EXPECT_THAT(text, HasSubstr("code=\"NOT_FOUND\""));
  EXPECT_THAT(text, HasSubstr("code=\"OK\""));
}

}  // namespace
}  // namespace securebase::rpc
