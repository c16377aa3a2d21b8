#include "services/platform/storage/export_place.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {
namespace {

constexpr char kSeparator = '\0';  // names and ids hold no NUL
constexpr absl::Duration kImportRetry = absl::Seconds(10);

absl::Status NotAnItem(absl::string_view field, absl::string_view why) {
  return InvalidFields({{std::string(field), std::string(why)}});
}

absl::Status CheckSequenceOf(absl::string_view field, int64_t sequence) {
  return sequence < 1 ? NotAnItem(absl::StrCat(field, ".sequence"), "must be 1 or more")
                      : absl::OkStatus();
}

// Of each alternative; `field` names the item.
struct ItemCheck {
  std::string field;

  absl::Status operator()(const PracticeCounters& counters) const {
    if (counters.journal_trimmed < 0 || counters.journal_last < counters.journal_trimmed ||
        counters.audit_last < 0) {
      return NotAnItem(field, "must hold 0 <= journal_trimmed <= journal_last and 0 <= audit_last");
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const RecordCopy& copy) const {
    SB_RETURN_IF_ERROR(CheckKey(absl::StrCat(field, ".key"), copy.key));
    if (copy.record.version < 1) {
      return NotAnItem(absl::StrCat(field, ".version"), "must be 1 or more");
    }
    if (copy.index.size() > kMaxIndexEntries) {
      return NotAnItem(absl::StrCat(field, ".index"),
                       absl::StrCat("must hold at most ", kMaxIndexEntries, " entries"));
    }
    for (const IndexEntry& entry : copy.index) {
      SB_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".index.index"), entry.index));
      SB_RETURN_IF_ERROR(CheckSortKey(absl::StrCat(field, ".index.sort_key"), entry.sort_key));
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const JournalEntry& entry) const {
    return CheckSequenceOf(field, entry.sequence);
  }
  absl::Status operator()(const AuditEntry& entry) const {
    return CheckSequenceOf(field, entry.sequence);
  }
  absl::Status operator()(const IdempotencyKey& key) const {
    return CheckName(absl::StrCat(field, ".key"), key.key);
  }
  absl::Status operator()(const LeaseCopy& lease) const {
    SB_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".name"), lease.name));
    return lease.token < 1 ? NotAnItem(absl::StrCat(field, ".token"), "must be 1 or more")
                           : absl::OkStatus();
  }
};

struct ItemBytes {
  size_t operator()(const PracticeCounters&) const { return sizeof(PracticeCounters); }
  size_t operator()(const RecordCopy& copy) const {
    size_t bytes = copy.key.kind.size() + copy.key.id.size() + copy.record.value.size();
    for (const IndexEntry& entry : copy.index) {
      bytes += entry.index.size() + entry.sort_key.size();
    }
    return bytes;
  }
  size_t operator()(const JournalEntry& entry) const { return entry.value.size(); }
  size_t operator()(const AuditEntry& entry) const { return entry.value.size(); }
  size_t operator()(const IdempotencyKey& key) const {
    return key.key.size() + key.fingerprint.size() + key.result.size();
  }
  size_t operator()(const LeaseCopy& lease) const { return lease.name.size(); }
};

struct ItemPlace {
  ExportPlace operator()(const PracticeCounters&) const {
    return {ExportPart::kRecords, "", "", 0};
  }
  ExportPlace operator()(const RecordCopy& copy) const {
    return {ExportPart::kRecords, copy.key.kind, copy.key.id, 0};
  }
  ExportPlace operator()(const JournalEntry& entry) const {
    return {ExportPart::kJournal, "", "", entry.sequence};
  }
  ExportPlace operator()(const AuditEntry& entry) const {
    return {ExportPart::kAudit, "", "", entry.sequence};
  }
  ExportPlace operator()(const IdempotencyKey& key) const {
    return {ExportPart::kResults, key.key, "", 0};
  }
  ExportPlace operator()(const LeaseCopy& lease) const {
    return {ExportPart::kLeases, lease.name, "", 0};
  }
};

}  // namespace

std::string FormatExportCursor(const ExportPlace& place) {
  const std::string separator(1, kSeparator);
  return absl::StrCat(static_cast<int>(place.part), separator, place.name, separator, place.id,
                      separator, place.sequence);
}

absl::StatusOr<ExportPlace> ParseExportCursor(absl::string_view cursor) {
  ExportPlace place;
  if (cursor.empty()) {
    return place;
  }
  const std::vector<std::string> parts = absl::StrSplit(cursor, kSeparator);
  int part = 0;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[0], &part) || part < 0 || part >= kExportParts ||
      !absl::SimpleAtoi(parts[3], &place.sequence) || place.sequence < 0) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken,
                     "the export's cursor is not one that an export returned; start again");
  }
  place.part = static_cast<ExportPart>(part);
  place.name = parts[1];
  place.id = parts[2];
  return place;
}

ExportPlace PlaceOf(const CopyItem& item) { return std::visit(ItemPlace(), item); }

size_t BytesOf(const CopyItem& item) { return std::visit(ItemBytes(), item); }

ExportPage ExportPageBuilder::Page(std::string mark) && {
  if (Full()) {
    page_.cursor = FormatExportCursor(PlaceOf(page_.items.back()));
  }
  page_.mark = std::move(mark);
  return std::move(page_);
}

absl::Status CheckImport(absl::string_view practice, const std::vector<CopyItem>& items) {
  SB_RETURN_IF_ERROR(CheckName("practice", practice));
  if (items.size() > kMaxPageRows) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded,
                     absl::StrCat("an import has ", items.size(), " items, ", kMaxPageRows,
                                  " are allowed; send several"),
                     {{"limit", absl::StrCat(kMaxPageRows)}});
  }
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string field = absl::StrCat("items[", i, "]");
    SB_RETURN_IF_ERROR(std::visit(ItemCheck{field}, items[i]));
    if (BytesOf(items[i]) > kMaxBatchBytes) {
      return NotAnItem(field, absl::StrCat("must have at most ", kMaxBatchBytes, " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckExport(absl::string_view practice, int limit) {
  SB_RETURN_IF_ERROR(CheckName("practice", practice));
  return CheckPageLimit(limit);
}

absl::Status BeingImportedError() {
  return StoreUnavailableError("this practice is being restored from a copy", kImportRetry);
}

absl::Status NotImportedError() {
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   "the practice is in the store already; a copy is made into a store without it");
}

absl::Status ImportIncompleteError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                   "the practice's counters or some of its journal entries were not imported; "
                   "import them, then finish");
}

}  // namespace securebase::storage
