#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/backup_file.h"
#include "services/platform/storage/practice_digest.h"
#include "services/platform/storage/store.h"

// Copies of whole stores: store to file, file to store, and whether two hold the same. Everything
// is read and written page by page, so memory does not grow with the store.
namespace securebase::storage {

// Two readings of the same contents differ by the idempotency keys that expired in between. So what
// is compared leaves out those that expire within this time.
inline constexpr absl::Duration kComparedKeysLife = absl::Hours(24);

// Told after each page of the practice that is being copied and how many items it has so far.
using OnCopyProgress = std::function<void(const std::string& practice, int64_t items)>;

// Writes a backup of every practice to `path`, each as it is at one moment: one that is written to
// meanwhile is read again. ALREADY_EXISTS when there is something at `path`; otherwise the errors
// of BackupWriter and of the store, and
//   FAILED_PRECONDITION (STATE_NOT_ALLOWED)  the store holds an unfinished restore
//   UNAVAILABLE (STORE_UNAVAILABLE)          a practice changes faster than it can be read
// Nothing is left at `path` unless it returns OK.
absl::StatusOr<BackupContents> BackUpStore(Store& store, const std::string& path,
                                           const BackupInfo& info,
                                           const OnCopyProgress& on_progress);

struct RestoreResult {
  BackupContents backup;
  int64_t restored = 0;  // practices
  int64_t kept = 0;      // practices that were there already, as the backup has them
};

// Makes `store` hold what the backup at `path` holds. The whole file is checked before anything is
// written; the practices are made one after the other, compared with the file, and are served only
// when all are right. A restore that broke off is run again with the same file: it goes on.
// Errors are those of ReadBackup and of the store, and
//   ALREADY_EXISTS (ALREADY_EXISTS)  the store holds something that the backup does not hold or
//                                    holds differently; nothing was written
//   DATA_LOSS (DATA_LOSS)            what the store gives back is not what was written
absl::StatusOr<RestoreResult> RestoreBackup(const std::string& path, Store& store,
                                            const Clock& clock, const OnCopyProgress& on_progress);

// The same with a store that is opened, and so perhaps made, only after the file was found right.
// What `open` returns must outlive the call.
using OpenTarget = std::function<absl::StatusOr<Store*>()>;
absl::StatusOr<RestoreResult> RestoreBackup(const std::string& path, const OpenTarget& open,
                                            const Clock& clock, const OnCopyProgress& on_progress);

// What a store holds, in the byte order of the practices. Errors as for BackUpStore.
absl::StatusOr<std::vector<PracticeSummary>> SummarizeStore(Store& store, absl::Time keys_after,
                                                            const OnCopyProgress& on_progress);

struct SummaryPair {
  std::optional<PracticeSummary> left;
  std::optional<PracticeSummary> right;

  const std::string& practice() const {
    return left.has_value() ? left->practice : right->practice;
  }
  bool Same() const { return left.has_value() && right.has_value() && *left == *right; }
};

// Every practice of either, in byte order.
std::vector<SummaryPair> PairSummaries(const std::vector<PracticeSummary>& left,
                                       const std::vector<PracticeSummary>& right);

}  // namespace securebase::storage
