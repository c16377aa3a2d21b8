#include "services/platform/api/status_conversion.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/utf8.h"

namespace securebase::api {
namespace {

constexpr absl::string_view kOmitted = "violations_omitted";
constexpr absl::string_view kEllipsis = "...";

bool IsFaultOfOurs(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

// gRPC percent-encodes everything but printable ASCII, and the percent sign.
size_t SentBytes(absl::string_view text) {
  size_t bytes = 0;
  for (const char c : text) {
    bytes += c >= 0x20 && c <= 0x7e && c != '%' ? 1 : 3;
  }
  return bytes;
}

// A message that is UTF-8 (a proto string must be) and not longer than the limit as it is sent.
std::string CappedMessage(absl::string_view message) {
  std::string out;
  size_t sent = 0;
  while (!message.empty()) {
    const size_t length = Utf8SequenceLength(message);
    const absl::string_view next = length == 0 ? "?" : message.substr(0, length);
    sent += SentBytes(next);
    if (sent + kEllipsis.size() > kMaxMessageBytes) {
      return absl::StrCat(out, kEllipsis);
    }
    absl::StrAppend(&out, next);
    message.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

google::rpc::Status Assemble(const google::rpc::Status& head, const google::rpc::ErrorInfo& info,
                             const std::vector<FieldViolation>& violations, size_t shown,
                             absl::Duration retry_after) {
  google::rpc::Status out = head;
  google::rpc::ErrorInfo with_count = info;
  if (shown < violations.size()) {
    (*with_count.mutable_metadata())[std::string(kOmitted)] =
        absl::StrCat(violations.size() - shown);
  }
  out.add_details()->PackFrom(with_count);
  if (shown > 0) {
    google::rpc::BadRequest bad;
    for (size_t i = 0; i < shown; ++i) {
      auto* violation = bad.add_field_violations();
      violation->set_field(violations[i].field);
      violation->set_description(violations[i].description);
    }
    out.add_details()->PackFrom(bad);
  }
  if (retry_after > absl::ZeroDuration()) {
    google::rpc::RetryInfo retry;
    const int64_t millis = absl::ToInt64Milliseconds(retry_after);
    retry.mutable_retry_delay()->set_seconds(millis / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(millis % 1000 * 1000000));
    out.add_details()->PackFrom(retry);
  }
  return out;
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status, absl::string_view call_id) {
  google::rpc::Status head;
  if (status.ok()) {
    return head;
  }
  head.set_code(static_cast<int>(status.code()));
  google::rpc::ErrorInfo info;
  info.set_domain(std::string(kErrorDomain));
  if (IsFaultOfOurs(status.code())) {
    head.set_message(absl::StrCat("a fault of the service; report call ", call_id));
    const bool lost = status.code() == absl::StatusCode::kDataLoss;
    info.set_reason(std::string(ReasonName(lost ? Reason::kDataLoss : Reason::kInternal)));
    (*info.mutable_metadata())["call_id"] = std::string(call_id);
    return Assemble(head, info, {}, 0, absl::ZeroDuration());
  }
  head.set_message(CappedMessage(status.message()));
  info.set_reason(std::string(ReasonName(ReasonOf(status))));
  for (const auto& [key, value] : MetadataOf(status)) {
    (*info.mutable_metadata())[key] = CappedMessage(value);
  }
  const std::vector<FieldViolation> violations = ViolationsOf(status);
  const absl::Duration retry_after = RetryAfterOf(status);
  // The most violations that fit, by bisection.
  size_t fits = 0;
  size_t too_many = violations.size() + 1;
  while (too_many - fits > 1) {
    const size_t shown = fits + (too_many - fits) / 2;
    const bool small =
        Assemble(head, info, violations, shown, retry_after).ByteSizeLong() <= kMaxStatusBytes;
    (small ? fits : too_many) = shown;
  }
  google::rpc::Status out = Assemble(head, info, violations, fits, retry_after);
  if (out.ByteSizeLong() > kMaxStatusBytes) {
    info.clear_metadata();
    out = Assemble(head, info, violations, 0, retry_after);
  }
  return out;
}

absl::Status FromRpcStatus(const google::rpc::Status& status) {
  if (status.code() == 0) {
    return absl::OkStatus();
  }
  const auto code = static_cast<absl::StatusCode>(status.code());
  absl::Status out(code, status.message());
  absl::Duration retry_after;
  std::vector<FieldViolation> violations;
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == kErrorDomain) {
      out = MakeError(code, ReasonFromName(info.reason()), status.message(),
                      {info.metadata().begin(), info.metadata().end()});
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        violations.push_back({violation.field(), violation.description()});
      }
    } else if (detail.UnpackTo(&retry)) {
      retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                    absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  out = WithViolations(std::move(out), violations);
  return retry_after > absl::ZeroDuration() ? WithRetryAfter(std::move(out), retry_after) : out;
}

}  // namespace securebase::api
