#pragma once

#include <optional>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/store.h"

// What the implementations of Store have in common: its limits, its errors and the order of a scan.
// Nobody above the store needs this.
namespace securebase::storage {

// INVALID_ARGUMENT naming `field` (never its value) when it is empty or has a NUL (INVALID_FIELDS)
// or is longer than kMaxKeyBytes (LIMIT_EXCEEDED).
absl::Status CheckName(absl::string_view field, absl::string_view value);
absl::Status CheckSortKey(absl::string_view field, absl::string_view value);  // may be empty
absl::Status CheckKey(absl::string_view field, const RecordKey& key);
// 1..kMaxPageRows
absl::Status CheckPageLimit(int limit);
// `after` of a journal or an audit trail: 0 or more.
absl::Status CheckSequence(int64_t after);
absl::Status CheckGetMany(absl::string_view practice, const std::vector<RecordKey>& keys);
absl::Status CheckLease(absl::string_view practice, absl::string_view name, absl::string_view owner,
                        absl::Duration duration);
absl::Status CheckTrim(const TrimRequest& request);
// DEADLINE_EXCEEDED once it has passed.
absl::Status CheckDeadline(const Context& context);

// What Get answers: the record of `kind` that was found, or NOT_FOUND.
absl::StatusOr<Record> FoundRecord(absl::string_view kind, std::optional<Record> record);
absl::Status ConflictError(absl::string_view kind);
absl::Status LeaseLostError();
absl::Status LeaseHeldError(absl::Duration remaining);
absl::Status RequestIdReusedError();
absl::Status ResyncRequiredError();
absl::Status DeadlineExceededError();
absl::Status ShuttingDownError();
// Nothing was done. `what` is a clause: "the write queue is full".
absl::Status StoreUnavailableError(absl::string_view what, absl::Duration retry_after);
absl::Status OutcomeUnknownError(absl::string_view what);
absl::Status DataLossError(absl::string_view message);

// A place in the order of an index.
struct ScanPlace {
  std::string sort_key;
  std::string kind;
  std::string id;
};
inline bool operator<(const ScanPlace& a, const ScanPlace& b) {
  return std::tie(a.sort_key, a.kind, a.id) < std::tie(b.sort_key, b.kind, b.id);
}

// The places strictly between two, in either direction.
struct ScanRange {
  ScanPlace above;
  ScanPlace below;
};

// The range of a request: its prefix, `until` and cursor are all in it. INVALID_ARGUMENT when it
// breaks a limit, or for a cursor that no scan made (INVALID_PAGE_TOKEN).
absl::StatusOr<ScanRange> RangeOf(const ScanRequest& request);

std::string FormatCursor(const ScanPlace& place);

// A time as the store keeps it: microseconds since 1970, rounded down; the infinities saturate.
int64_t ToStoredTime(absl::Time time);
absl::Time FromStoredTime(int64_t micros);

// A new epoch: 32 random hexadecimal digits.
std::string NewEpoch();

}  // namespace securebase::storage
