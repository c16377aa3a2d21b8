#include "services/platform/base/error.h"

#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace securebase {
namespace {

// Payloads are kept as text: base knows no protobuf. platform/api turns them into google.rpc types.
constexpr absl::string_view kReasonUrl = "securebase/reason";
constexpr absl::string_view kMetadataUrl = "securebase/metadata";
constexpr absl::string_view kViolationsUrl = "securebase/violations";
constexpr absl::string_view kRetryUrl = "securebase/retry-after-ms";
constexpr char kPairEnd = '\x1e';
constexpr char kPairSeparator = '\x1f';

void SetPairs(absl::Status& status, absl::string_view url,
              const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string text;
  for (const auto& [first, second] : pairs) {
    absl::StrAppend(&text, first, std::string(1, kPairSeparator), second, std::string(1, kPairEnd));
  }
  status.SetPayload(url, absl::Cord(text));
}

std::vector<std::pair<std::string, std::string>> Pairs(const absl::Status& status,
                                                       absl::string_view url) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto payload = status.GetPayload(url);
  if (!payload.has_value()) {
    return pairs;
  }
  const std::string text(*payload);
  for (absl::string_view pair : absl::StrSplit(text, kPairEnd, absl::SkipEmpty())) {
    pairs.push_back(absl::StrSplit(pair, absl::MaxSplits(kPairSeparator, 1)));
  }
  return pairs;
}

}  // namespace

absl::string_view ReasonName(Reason reason) {
  switch (reason) {
#define SB_CASE(symbol, name) \
  case Reason::symbol:        \
    return #name;
    SB_ERROR_REASONS(SB_CASE)
#undef SB_CASE
  }
  return "UNSPECIFIED";
}

Reason ReasonFromName(absl::string_view name) {
#define SB_MATCH(symbol, text) \
  if (name == #text) {         \
    return Reason::symbol;     \
  }
  SB_ERROR_REASONS(SB_MATCH)
#undef SB_MATCH
  return Reason::kUnspecified;
}

bool operator==(const FieldViolation& a, const FieldViolation& b) {
  return a.field == b.field && a.description == b.description;
}

absl::Status MakeError(absl::StatusCode code, Reason reason, absl::string_view message,
                       const std::map<std::string, std::string>& metadata) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(ReasonName(reason)));
  if (!metadata.empty()) {
    SetPairs(status, kMetadataUrl, {metadata.begin(), metadata.end()});
  }
  return status;
}

absl::Status InvalidFields(const std::vector<FieldViolation>& violations, Reason reason) {
  if (violations.empty()) {
    return absl::OkStatus();
  }
  // The message names the first few; the details hold all.
  constexpr size_t kShown = 3;
  std::vector<std::string> shown;
  for (size_t i = 0; i < violations.size() && i < kShown; ++i) {
    shown.push_back(absl::StrCat(violations[i].field, ": ", violations[i].description));
  }
  std::string message = absl::StrJoin(shown, "; ");
  if (violations.size() > kShown) {
    absl::StrAppend(&message, "; and ", violations.size() - kShown, " more");
  }
  return WithViolations(MakeError(absl::StatusCode::kInvalidArgument, reason, message), violations);
}

absl::Status WithViolations(absl::Status status, const std::vector<FieldViolation>& violations) {
  if (!violations.empty()) {
    std::vector<std::pair<std::string, std::string>> pairs;
    pairs.reserve(violations.size());
    for (const FieldViolation& violation : violations) {
      pairs.emplace_back(violation.field, violation.description);
    }
    SetPairs(status, kViolationsUrl, pairs);
  }
  return status;
}

absl::Status NotFound(absl::string_view name) {
  return MakeError(absl::StatusCode::kNotFound, Reason::kNotFound,
                   absl::StrCat(name, " does not exist, or you may not see it"),
                   {{"resource", std::string(name)}});
}

absl::Status AlreadyExists(absl::string_view name) {
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   absl::StrCat(name, " exists already; read it, or choose another id"),
                   {{"resource", std::string(name)}});
}

absl::Status EtagMismatch(absl::string_view name) {
  return MakeError(absl::StatusCode::kAborted, Reason::kEtagMismatch,
                   absl::StrCat(name, " has changed since that etag; read it again, then retry"),
                   {{"resource", std::string(name)}});
}

absl::Status TransitionNotAllowed(absl::string_view from, absl::string_view verb,
                                  const std::vector<std::string>& allowed) {
  const std::string list = allowed.empty() ? "none" : absl::StrJoin(allowed, ", ");
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed,
                   absl::StrCat("cannot ", verb, " from state ", from, "; allowed: ", list),
                   {{"state", std::string(from)}, {"allowed", list}});
}

absl::Status StateNotAllowed(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed, message);
}

absl::Status LimitExceeded(absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded, message);
}

absl::Status PrincipalNotAllowed(absl::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed, message);
}

absl::Status Internal(absl::string_view message) {
  return MakeError(absl::StatusCode::kInternal, Reason::kInternal, message);
}

absl::Status WithRetryAfter(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

Reason ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  return payload.has_value() ? ReasonFromName(std::string(*payload)) : Reason::kUnspecified;
}

std::map<std::string, std::string> MetadataOf(const absl::Status& status) {
  const auto pairs = Pairs(status, kMetadataUrl);
  return {pairs.begin(), pairs.end()};
}

std::vector<FieldViolation> ViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  for (auto& [field, description] : Pairs(status, kViolationsUrl)) {
    violations.push_back({field, description});
  }
  return violations;
}

absl::Duration RetryAfterOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryUrl);
  int64_t millis = 0;
  if (payload.has_value() && absl::SimpleAtoi(std::string(*payload), &millis)) {
    return absl::Milliseconds(millis);
  }
  return absl::ZeroDuration();
}

}  // namespace securebase
