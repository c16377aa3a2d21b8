#include "services/platform/storage/checks.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

constexpr absl::string_view kNothingWasDone = "; nothing was done, try again";

constexpr char kCursorSeparator = '\0';  // keys hold no NUL

absl::Status LimitError(absl::string_view what, int64_t limit) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded,
                   absl::StrCat(what, "; the limit is ", limit), {{"limit", absl::StrCat(limit)}});
}

// The least string greater than all that begin with `prefix`; longer than any key if there is none.
std::string EndOfPrefix(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) {
    end.pop_back();
  }
  if (end.empty()) {
    return std::string(kMaxKeyBytes + 1, '\xff');
  }
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

absl::StatusOr<ScanPlace> ParseCursor(absl::string_view cursor) {
  const std::vector<std::string> parts = absl::StrSplit(cursor, kCursorSeparator);
  if (parts.size() != 3 || parts[1].empty() || parts[2].empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken,
                     "the scan's cursor is not one that a scan returned; start again without it");
  }
  return ScanPlace{parts[0], parts[1], parts[2]};
}

}  // namespace

absl::Status CheckSortKey(absl::string_view field, absl::string_view value) {
  if (value.size() > kMaxKeyBytes) {
    return LimitError(absl::StrCat(field, " has ", value.size(), " bytes"), kMaxKeyBytes);
  }
  if (absl::StrContains(value, '\0')) {
    return InvalidFields({{std::string(field), "must hold no NUL byte"}});
  }
  return absl::OkStatus();
}

absl::Status CheckName(absl::string_view field, absl::string_view value) {
  if (value.empty()) {
    return InvalidFields({{std::string(field), "must not be empty"}});
  }
  return CheckSortKey(field, value);
}

absl::Status CheckKey(absl::string_view field, const RecordKey& key) {
  SB_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".kind"), key.kind));
  return CheckName(absl::StrCat(field, ".id"), key.id);
}

absl::Status CheckPageLimit(int limit) {
  if (limit < 1) {
    return InvalidFields({{"limit", "must be 1 or more"}});
  }
  if (limit > kMaxPageRows) {
    return LimitError(absl::StrCat("the page's limit is ", limit), kMaxPageRows);
  }
  return absl::OkStatus();
}

absl::Status CheckSequence(int64_t after) {
  return after < 0 ? InvalidFields({{"after", "must be 0 or more"}}) : absl::OkStatus();
}

absl::Status CheckGetMany(absl::string_view practice, const std::vector<RecordKey>& keys) {
  SB_RETURN_IF_ERROR(CheckName("practice", practice));
  if (keys.size() > kMaxPageRows) {
    return LimitError(absl::StrCat(keys.size(), " records are asked for at once"), kMaxPageRows);
  }
  for (const RecordKey& key : keys) {
    SB_RETURN_IF_ERROR(CheckKey("keys", key));
  }
  return absl::OkStatus();
}

absl::Status CheckLease(absl::string_view practice, absl::string_view name, absl::string_view owner,
                        absl::Duration duration) {
  SB_RETURN_IF_ERROR(CheckName("practice", practice));
  SB_RETURN_IF_ERROR(CheckName("name", name));
  SB_RETURN_IF_ERROR(CheckName("owner", owner));
  if (duration < absl::Microseconds(1)) {
    return InvalidFields({{"duration", "must be a microsecond or more"}});
  }
  return absl::OkStatus();
}

absl::Status CheckTrim(const TrimRequest& request) {
  SB_RETURN_IF_ERROR(CheckName("practice", request.practice));
  return CheckPageLimit(request.limit);
}

absl::Status CheckDeadline(const Context& context) {
  if (context.deadline == absl::InfiniteFuture() || absl::Now() < context.deadline) {
    return absl::OkStatus();
  }
  return DeadlineExceededError();
}

absl::StatusOr<Record> FoundRecord(absl::string_view kind, std::optional<Record> record) {
  if (!record.has_value()) {
    return NotFound(kind);
  }
  return *std::move(record);
}

absl::Status ConflictError(absl::string_view kind) {
  return MakeError(
      absl::StatusCode::kAborted, Reason::kConflict,
      absl::StrCat("the ", kind,
                   " is not at the version this change was based on; read it again, then retry"),
      {{"kind", std::string(kind)}});
}

absl::Status LeaseLostError() {
  return MakeError(absl::StatusCode::kAborted, Reason::kLeaseLost,
                   "the lease has expired or is another owner's; stop this work");
}

absl::Status LeaseHeldError(absl::Duration remaining) {
  return WithRetryAfter(MakeError(absl::StatusCode::kAborted, Reason::kLeaseHeld,
                                  "another owner holds the lease; try again when it has expired"),
                        remaining);
}

absl::Status RequestIdReusedError() {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused,
                   "this request id was used for a different request; choose a new one");
}

absl::Status ResyncRequiredError() {
  return MakeError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired,
                   "the journal does not reach back (or up) to that position; read everything "
                   "again, then follow from the position of that reading");
}

absl::Status DeadlineExceededError() {
  return MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded,
                   "the deadline passed before the store began; nothing was done");
}

absl::Status ShuttingDownError() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kShuttingDown,
                   "the store is closed; nothing was done");
}

absl::Status StoreUnavailableError(absl::string_view what, absl::Duration retry_after) {
  return WithRetryAfter(MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                                  absl::StrCat(what, kNothingWasDone)),
                        retry_after);
}

absl::Status OutcomeUnknownError(absl::string_view what) {
  // The cause may have been an error by itself, before it was one of a commit.
  absl::ConsumeSuffix(&what, kNothingWasDone);
  return MakeError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown,
                   absl::StrCat(what,
                                "; the write may or may not have been stored, repeat it with the "
                                "same request id"));
}

absl::Status DataLossError(absl::string_view message) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kDataLoss, message);
}

absl::StatusOr<ScanRange> RangeOf(const ScanRequest& request) {
  SB_RETURN_IF_ERROR(CheckName("practice", request.practice));
  SB_RETURN_IF_ERROR(CheckName("index", request.index));
  SB_RETURN_IF_ERROR(CheckSortKey("prefix", request.prefix));
  SB_RETURN_IF_ERROR(CheckSortKey("until", request.until));
  SB_RETURN_IF_ERROR(CheckPageLimit(request.limit));
  // A place without a kind stands before every entry with its sort key.
  ScanRange range{{request.prefix, "", ""}, {EndOfPrefix(request.prefix), "", ""}};
  if (!request.until.empty()) {
    range.below.sort_key = std::min(range.below.sort_key, request.until);
  }
  if (!request.after.empty()) {
    SB_ASSIGN_OR_RETURN(ScanPlace after, ParseCursor(request.after));
    if (request.reverse) {
      range.below = std::min(range.below, after);
    } else {
      range.above = std::max(range.above, after);
    }
  }
  return range;
}

std::string FormatCursor(const ScanPlace& place) {
  const std::string separator(1, kCursorSeparator);
  return absl::StrCat(place.sort_key, separator, place.kind, separator, place.id);
}

int64_t ToStoredTime(absl::Time time) {
  if (time == absl::InfiniteFuture()) {
    return std::numeric_limits<int64_t>::max();
  }
  if (time == absl::InfinitePast()) {
    return std::numeric_limits<int64_t>::min();
  }
  return absl::ToUnixMicros(time);
}

absl::Time FromStoredTime(int64_t micros) {
  if (micros == std::numeric_limits<int64_t>::max()) {
    return absl::InfiniteFuture();
  }
  return absl::FromUnixMicros(micros);
}

std::string NewEpoch() { return absl::BytesToHexString(RandomBytes(16)); }

}  // namespace securebase::storage
