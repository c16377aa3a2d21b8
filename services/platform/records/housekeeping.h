#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"

namespace securebase::records {

// Records reads and refusals in the audit trail of the practice they are about. `store` must
// outlive it.
std::unique_ptr<AuditSink> MakeStoreAuditSink(storage::Store& store);

struct HousekeepingOptions {
  absl::Duration journal_retention = absl::Hours(30 * 24);
  // Where the audit trail is exported to; it must exist. Empty: nothing is exported, and so nothing
  // of it is ever removed from the store.
  std::string audit_directory;
  std::string service;  // part of the files' names: "goals"
  // How long exported entries stay in the store.
  absl::Duration audit_retention = absl::Hours(90 * 24);
  std::string owner;  // of the leases: unique to this process
};

// Whether the audit trail can be exported to that directory: it is one, and this process may make
// files there. FAILED_PRECONDITION, saying what to do, otherwise.
absl::Status CheckAuditDirectory(const std::string& directory);

// What keeps a store from growing for ever. One run goes through every practice, each under a
// lease, so that of several replicas one does the work:
//
//   - audit entries that are new are appended to <directory>/audit-<service>-<UTC day of the
//     export>.ndjson (mode 0600, one JSON object a line, with `sequence` in front), synced, and
//     only then marked as exported. After a crash in between, some appear twice: sequence tells.
//   - exported audit entries older than the retention, journal entries older than theirs and
//     expired request ids are removed, in bounded steps.
//
// A practice that fails does not keep the others waiting, unless the store is down: the first error
// of the store or the disk is returned at the end, and the next run tries again. ABORTED is none:
// another replica holds the lease. An append that fails leaves the file as it was.
absl::Status RunHousekeeping(storage::Store& store, const Clock& clock,
                             const HousekeepingOptions& options);

}  // namespace securebase::records
