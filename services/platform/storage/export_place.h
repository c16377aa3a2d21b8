#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/storage/store.h"

// What the implementations of Store's exports have in common. Nobody above the store needs this.
namespace securebase::storage {

// The parts of an export, in its order; what CopyItem's alternatives are.
enum class ExportPart { kCounters, kRecords, kJournal, kAudit, kResults, kLeases };
inline constexpr int kExportParts = 6;

// The last item that was exported, or, with everything but `part` empty, the place before the part.
struct ExportPlace {
  ExportPart part = ExportPart::kCounters;
  std::string name;      // a record's kind, an idempotency key, a lease
  std::string id;        // of a record
  int64_t sequence = 0;  // of a journal or an audit entry
};

std::string FormatExportCursor(const ExportPlace& place);
// The start for "". INVALID_ARGUMENT (INVALID_PAGE_TOKEN) for what FormatExportCursor did not make.
absl::StatusOr<ExportPlace> ParseExportCursor(absl::string_view cursor);

// The place of an item of a page.
ExportPlace PlaceOf(const CopyItem& item);

// What counts towards kMaxPageBytes and, for an import, kMaxBatchBytes.
size_t BytesOf(const CopyItem& item);

// Collects a page. An implementation walks the parts from ParseExportCursor's place on, adds what
// it reads while Full() is false, and returns Page().
class ExportPageBuilder {
 public:
  explicit ExportPageBuilder(int limit) : limit_(static_cast<size_t>(limit)) {}

  bool Full() const { return page_.items.size() >= limit_ || bytes_ >= kMaxPageBytes; }
  void Add(CopyItem item) {
    bytes_ += BytesOf(item);
    page_.items.push_back(std::move(item));
  }
  // Its cursor is empty unless the page is full.
  ExportPage Page(std::string mark) &&;

 private:
  const size_t limit_;
  size_t bytes_ = 0;
  ExportPage page_;
};

// INVALID_ARGUMENT for items that no export could have returned, or too many of them.
absl::Status CheckImport(absl::string_view practice, const std::vector<CopyItem>& items);

absl::Status CheckExport(absl::string_view practice, int limit);

absl::Status BeingImportedError();
absl::Status NotImportedError();  // Import of a practice that is there already
absl::Status ImportIncompleteError();

}  // namespace securebase::storage
