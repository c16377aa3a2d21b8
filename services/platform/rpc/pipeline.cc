#include "services/platform/rpc/pipeline.h"

#include <cxxabi.h>

#include <exception>
#include <typeinfo>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/api/authorize.h"
#include "services/platform/auth/token_verifier.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/rpc/trace_context.h"

namespace securebase::rpc {
namespace {

constexpr int kRefusalLines = 20;
constexpr absl::Duration kRefusalWindow = absl::Seconds(10);

std::string CodeName(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

bool IsFaultOfOurs(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInternal ||
         status.code() == absl::StatusCode::kUnknown ||
         status.code() == absl::StatusCode::kDataLoss;
}

bool AnswersNotModified(const ServedCall& call) {
  return call.policy->not_modified != nullptr &&
         call.response->GetReflection()->GetBool(*call.response, call.policy->not_modified);
}

// The name of the exception that is being handled.
std::string CurrentExceptionType() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type == nullptr ? "unknown" : type->name();
}

// What is said of a read that could not be recorded. To its caller it is not unknown whether
// something was written: a read can just be made again.
absl::Status AuditFailure(const absl::Status& recorded, absl::Time deadline) {
  const bool unknown = ReasonOf(recorded) == Reason::kOutcomeUnknown;
  if (recorded.code() == absl::StatusCode::kDeadlineExceeded ||
      (unknown && absl::Now() >= deadline)) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded,
                     "the deadline passed before the read was on record; retry with more time");
  }
  if (unknown) {
    return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                     "the read could not be put on record and is withheld; retry");
  }
  return recorded;
}

obs::LogLevel LevelOf(const absl::Status& outcome) {
  if (IsFaultOfOurs(outcome)) {
    return obs::LogLevel::kError;
  }
  return outcome.code() == absl::StatusCode::kUnavailable ? obs::LogLevel::kWarning
                                                          : obs::LogLevel::kInfo;
}

}  // namespace

absl::Status CheckAlive(const ServedCall& call, absl::Time now) {
  if (call.cancelled()) {
    return MakeError(absl::StatusCode::kCancelled, Reason::kUnspecified,
                     "the caller cancelled the call");
  }
  if (now >= call.call.deadline) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded,
                     "the call's deadline passed before anything was done; retry with more time");
  }
  return absl::OkStatus();
}

absl::Status Authenticate(const Authenticator& authenticator, ServedCall& call) {
  SB_ASSIGN_OR_RETURN(call.call.principal, authenticator.Authenticate(call.credentials));
  call.authenticated = true;
  return absl::OkStatus();
}

absl::Status UnreadableRequest() {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields,
                   "the request cannot be read: send the method's request message in protobuf's "
                   "binary form, whole, with text in UTF-8");
}

absl::Status ReadRequest(const ServedCall& call) {
  if (!call.read()) {
    call.request->Clear();
    return UnreadableRequest();
  }
  call.request->DiscardUnknownFields();
  return absl::OkStatus();
}

absl::Status AuthorizeCall(const ServedCall& call) {
  SB_RETURN_IF_ERROR(api::Authorize(call.call.principal, *call.policy));
  return call.policy->rules->CheckPractice(*call.request, call.call.practice());
}

absl::Status ValidateCall(const ServedCall& call) {
  return call.policy->rules->Validate(*call.request, call.call.practice(), call.call.time);
}

absl::Status Handle(const ServedCall& call) {
  try {
    return call.handler(call.call);
  } catch (...) {
    return Internal(absl::StrCat("exception of type ", CurrentExceptionType()));
  }
}

bool NeedsAudit(const ServedCall& call, const absl::Status& outcome) {
  if (outcome.ok()) {
    return call.policy->discloses_patient_data && !AnswersNotModified(call);
  }
  if (!call.authenticated) {
    return false;
  }
  return outcome.code() == absl::StatusCode::kPermissionDenied ||
         (outcome.code() == absl::StatusCode::kNotFound && call.policy->discloses_patient_data);
}

AuditRecord MakeAuditRecord(const ServedCall& call, const absl::Status& outcome) {
  AuditRecord record;
  record.time = call.call.time;
  record.practice = call.call.practice();
  record.principal = auth::FormatPrincipal(call.call.principal);
  record.method = call.call.method;
  record.resource = call.policy->rules->ResourceOf(*call.request);
  record.outcome = CodeName(outcome);
  record.call_id = call.call.call_id;
  return record;
}

Pipeline::Pipeline(const Parts& parts)
    : parts_(parts), refusals_(parts.logger, kRefusalLines, kRefusalWindow) {}

absl::Status Pipeline::Serve(ServedCall& call) {
  parts_.metrics.Started();
  absl::Status outcome = Audit(call, RunSteps(call));
  Report(call, outcome);
  return outcome;
}

absl::Status Pipeline::RunSteps(ServedCall& call) const {
  SB_RETURN_IF_ERROR(CheckAlive(call, absl::Now()));
  SB_RETURN_IF_ERROR(Authenticate(parts_.authenticator, call));
  SB_RETURN_IF_ERROR(ReadRequest(call));
  SB_RETURN_IF_ERROR(AuthorizeCall(call));
  SB_RETURN_IF_ERROR(ValidateCall(call));
  return Handle(call);
}

absl::Status Pipeline::Audit(const ServedCall& call, absl::Status outcome) {
  if (!NeedsAudit(call, outcome)) {
    return outcome;
  }
  const absl::Status recorded =
      parts_.audit.Record(MakeAuditRecord(call, outcome), call.call.deadline);
  if (recorded.ok()) {
    return outcome;
  }
  const absl::Status failure = AuditFailure(recorded, call.call.deadline);
  const bool in_vain = failure.code() == absl::StatusCode::kDeadlineExceeded;
  parts_.logger.Log(in_vain ? obs::LogLevel::kWarning : obs::LogLevel::kError, "audit failed",
                    {{"call_id", call.call.call_id},
                     {"method", call.call.method},
                     {"error", std::string(recorded.message())}});
  // A refusal discloses nothing, and stays the more useful answer.
  return outcome.ok() ? failure : outcome;
}

void Pipeline::Report(const ServedCall& call, const absl::Status& outcome) {
  const absl::Duration duration = parts_.clock.Now() - call.call.time;
  parts_.metrics.Finished(call.call.method, CodeName(outcome), duration);
  const Reason reason = ReasonOf(outcome);
  std::vector<obs::LogField> fields = {{"method", call.call.method},
                                       {"code", CodeName(outcome)},
                                       {"duration_ms", duration},
                                       {"call_id", call.call.call_id},
                                       {"trace_id", std::string(TraceId(call.call.traceparent))}};
  if (!outcome.ok()) {
    fields.emplace_back("reason", ReasonName(reason));
  }
  if (IsFaultOfOurs(outcome)) {
    // The caller sees the call id instead.
    fields.emplace_back("error", outcome.message());
  }
  if (!call.authenticated) {
    if (outcome.code() == absl::StatusCode::kUnauthenticated) {
      const auth::TokenRefusal refusal = auth::TokenRefusalOf(outcome);
      const absl::string_view why = refusal == auth::TokenRefusal::kNone
                                        ? ReasonName(reason)
                                        : auth::TokenRefusalName(refusal);
      parts_.metrics.AuthRefused(why);
      fields.emplace_back("refusal", why);
    }
    refusals_.Log(LevelOf(outcome), "call", std::move(fields));
    return;
  }
  if (outcome.code() == absl::StatusCode::kPermissionDenied) {
    parts_.metrics.AuthRefused(ReasonName(reason));
  }
  fields.emplace_back("practice", call.call.practice());
  fields.emplace_back("principal", auth::FormatPrincipal(call.call.principal));
  if (const std::string resource = call.policy->rules->ResourceOf(*call.request);
      !resource.empty()) {
    fields.emplace_back("resource", resource);
  }
  parts_.logger.Log(LevelOf(outcome), "call", fields);
}

void Pipeline::ReportNotAdmitted(const ServedCall& call, const absl::Status& outcome,
                                 absl::string_view pool) {
  parts_.metrics.AdmissionRefused(pool);
  refusals_.Log(obs::LogLevel::kWarning, "call refused",
                {{"method", call.call.method},
                 {"code", CodeName(outcome)},
                 {"reason", ReasonName(ReasonOf(outcome))},
                 {"call_id", call.call.call_id}});
}

}  // namespace securebase::rpc
