#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace securebase {

// Why a call failed, for programs. The same names, with an explanation and an example each, are
// the enum securebase.type.v1.ErrorReason (proto/securebase/type/v1/errors.proto); a test keeps the
// two equal. platform/rpc sends the name as google.rpc.ErrorInfo.reason.
#define SB_ERROR_REASONS(X)                               \
  X(kUnspecified, UNSPECIFIED)                            \
  X(kInvalidFields, INVALID_FIELDS)                       \
  X(kInvalidPageToken, INVALID_PAGE_TOKEN)                \
  X(kNotFound, NOT_FOUND)                                 \
  X(kAlreadyExists, ALREADY_EXISTS)                       \
  X(kEtagMismatch, ETAG_MISMATCH)                         \
  X(kConflict, CONFLICT)                                  \
  X(kRequestIdReused, REQUEST_ID_REUSED)                  \
  X(kTransitionNotAllowed, TRANSITION_NOT_ALLOWED)        \
  X(kStateNotAllowed, STATE_NOT_ALLOWED)                  \
  X(kLimitExceeded, LIMIT_EXCEEDED)                       \
  X(kTokenMissing, TOKEN_MISSING)                         \
  X(kTokenInvalid, TOKEN_INVALID)                         \
  X(kTokenExpired, TOKEN_EXPIRED)                         \
  X(kScopeMissing, SCOPE_MISSING)                         \
  X(kPrincipalNotAllowed, PRINCIPAL_NOT_ALLOWED)          \
  X(kPracticeMismatch, PRACTICE_MISMATCH)                 \
  X(kConsentMissing, CONSENT_MISSING)                     \
  X(kSignatureMissing, SIGNATURE_MISSING)                 \
  X(kTechniqueContraindicated, TECHNIQUE_CONTRAINDICATED) \
  X(kWarningUnanswered, WARNING_UNANSWERED)               \
  X(kScreeningMissing, SCREENING_MISSING)                 \
  X(kResyncRequired, RESYNC_REQUIRED)                     \
  X(kOverloaded, OVERLOADED)                              \
  X(kNeighbourUnavailable, NEIGHBOUR_UNAVAILABLE)         \
  X(kStoreUnavailable, STORE_UNAVAILABLE)                 \
  X(kOutcomeUnknown, OUTCOME_UNKNOWN)                     \
  X(kLeaseHeld, LEASE_HELD)                               \
  X(kLeaseLost, LEASE_LOST)                               \
  X(kDeadlineExceeded, DEADLINE_EXCEEDED)                 \
  X(kShuttingDown, SHUTTING_DOWN)                         \
  X(kDefinitionInvalid, DEFINITION_INVALID)               \
  X(kInternal, INTERNAL)                                  \
  X(kDataLoss, DATA_LOSS)

enum class Reason {
#define SB_ENUMERATOR(symbol, name) symbol,
  SB_ERROR_REASONS(SB_ENUMERATOR)
#undef SB_ENUMERATOR
};

// "ETAG_MISMATCH"; never empty.
absl::string_view ReasonName(Reason reason);

// The reason of that name, kUnspecified for every other text.
Reason ReasonFromName(absl::string_view name);

// One wrong field of a request.
struct FieldViolation {
  std::string field;        // path in the request: "goal.statement", "answers[3].value"
  std::string description;  // what is wrong and what would be right; never the value itself
};
bool operator==(const FieldViolation& a, const FieldViolation& b);

// An error of `code` (not OK). `message` is one or two sentences for a developer: what is wrong and
// what to do next. It must hold no patient data. `metadata` goes to ErrorInfo.metadata: names and
// states only, the same rule.
absl::Status MakeError(absl::StatusCode code, Reason reason, absl::string_view message,
                       const std::map<std::string, std::string>& metadata = {});

// INVALID_ARGUMENT with every violation at once. OK if there are none, so that a validator can end
// with it.
absl::Status InvalidFields(const std::vector<FieldViolation>& violations,
                           Reason reason = Reason::kInvalidFields);

// The family's common members; `what` names the thing by its resource name or kind.
absl::Status NotFound(absl::string_view name);
absl::Status AlreadyExists(absl::string_view name);
absl::Status EtagMismatch(absl::string_view name);
// `allowed`: the transitions that would be allowed, in words of the API.
absl::Status TransitionNotAllowed(absl::string_view from, absl::string_view verb,
                                  const std::vector<std::string>& allowed);
// `message`: what is in the wrong state, and what would set it right.
absl::Status StateNotAllowed(absl::string_view message);
absl::Status LimitExceeded(absl::string_view message);
// PERMISSION_DENIED: `message` says who may.
absl::Status PrincipalNotAllowed(absl::string_view message);
absl::Status Internal(absl::string_view message);

// Adds a hint how long to wait before a retry (google.rpc.RetryInfo at the edge).
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// Adds violations and leaves code, message and reason as they are: for an error received from
// elsewhere. InvalidFields makes one of our own.
absl::Status WithViolations(absl::Status status, const std::vector<FieldViolation>& violations);

// What the functions above put in; empty or zero where there is none.
Reason ReasonOf(const absl::Status& status);  // kUnspecified without one
std::map<std::string, std::string> MetadataOf(const absl::Status& status);
std::vector<FieldViolation> ViolationsOf(const absl::Status& status);
absl::Duration RetryAfterOf(const absl::Status& status);

}  // namespace securebase
