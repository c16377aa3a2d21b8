#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/export_place.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/store.h"

// What the calls of Store are in SQL. Each runs on a connection that is its caller's alone; those
// that write run inside a transaction, and on an error the caller undoes what they did.
namespace securebase::storage {

// A practice's row.
struct SqlitePractice {
  int64_t id = 0;  // 0: there is none
  int64_t journal_last = 0;
  int64_t journal_trimmed = 0;
  int64_t audit_last = 0;
  int64_t importing = 0;  // as in the schema
  int64_t changes = 0;
};

// What a write changed of the things that are kept in memory, to be published after its COMMIT.
struct SqliteChanges {
  struct Practice {
    std::string name;
    int64_t id = 0;
    int64_t journal_last = 0;
    bool importing = false;
  };
  std::vector<Practice> practices;
  std::optional<std::string> epoch;
};

// All but those of an import end with BeingImportedError when the practice is being imported.

absl::StatusOr<std::vector<SqliteChanges::Practice>> ReadPractices(SqliteConnection& connection);
absl::StatusOr<std::string> ReadEpoch(SqliteConnection& connection);

// Of those that are being imported, or of the others.
absl::StatusOr<std::vector<std::string>> ReadPracticeNames(SqliteConnection& connection,
                                                           absl::string_view after, int limit,
                                                           bool importing);

// Reads take the practice's id; 0 finds nothing.
absl::StatusOr<std::optional<Record>> ReadRecord(SqliteConnection& connection, int64_t practice,
                                                 const RecordKey& key);
absl::StatusOr<std::optional<std::string>> ReadResult(SqliteConnection& connection,
                                                      int64_t practice, absl::string_view key,
                                                      absl::string_view fingerprint,
                                                      absl::Time now);
absl::StatusOr<ScanPage> ReadScan(SqliteConnection& connection, int64_t practice,
                                  const ScanRequest& request, const ScanRange& range);
absl::StatusOr<JournalPage> ReadJournal(SqliteConnection& connection, absl::string_view practice,
                                        int64_t after, int limit);
absl::StatusOr<std::vector<AuditEntry>> ReadAudit(SqliteConnection& connection, int64_t practice,
                                                  int64_t after, int limit);
// The epoch is not in the page's mark yet.
absl::StatusOr<ExportPage> ReadExport(SqliteConnection& connection, absl::string_view practice,
                                      const ExportPlace& place, int limit, absl::Time now);

// The position's epoch is left empty.
absl::StatusOr<ApplyResult> WriteBatch(SqliteConnection& connection, const Batch& batch,
                                       absl::Time now, SqliteChanges& changes);
absl::StatusOr<Lease> WriteLease(SqliteConnection& connection, absl::string_view practice,
                                 absl::string_view name, absl::string_view owner,
                                 absl::Duration duration, absl::Time now, SqliteChanges& changes);
absl::Status WriteLeaseRelease(SqliteConnection& connection, absl::string_view practice,
                               absl::string_view name, int64_t token);
// For a store that nobody has open: whoever held a lease is gone.
absl::Status WriteReleaseOfAllLeases(SqliteConnection& connection);
absl::StatusOr<int64_t> WriteTrim(SqliteConnection& connection, const TrimRequest& request,
                                  absl::Time now);
absl::Status WriteImport(SqliteConnection& connection, absl::string_view practice,
                         const std::vector<CopyItem>& items, SqliteChanges& changes);
absl::Status WriteFinishedImport(SqliteConnection& connection, absl::string_view practice,
                                 SqliteChanges& changes);
// The service whose data the database holds, "goals"; empty: none has claimed it.
absl::StatusOr<std::string> ReadService(SqliteConnection& connection);
absl::Status WriteService(SqliteConnection& connection, absl::string_view service);
absl::Status WriteEpoch(SqliteConnection& connection, absl::string_view epoch);
// Changes one row, to learn whether the disk takes a write.
absl::Status WriteProbe(SqliteConnection& connection, absl::Time now);

}  // namespace securebase::storage
