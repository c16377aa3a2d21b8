#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/storage/store.h"

// Concurrent calls of a store while a test does to it what it likes, and the check afterwards that
// the store kept its promise.
namespace securebase::faults {

struct LoadOptions {
  // Each thread uses one of them: the replicas of a service. They must outlive the load.
  std::vector<storage::Store*> stores;
  std::vector<std::string> practices = {"p1", "p2"};  // never written to before
  int records = 3;                                    // of each practice, that all writers update
  int writers = 4;                                    // threads
  int readers = 2;
  absl::Duration deadline = absl::Seconds(2);      // of every call
  absl::Duration pause = absl::Microseconds(500);  // of a thread between two calls, on average
  uint64_t seed = 1;
};

struct LoadCounts {
  int64_t acknowledged = 0;   // batches, those acknowledged to a repetition included
  int64_t refused = 0;        // batches of which the store said that nothing was done
  int64_t conflicts = 0;      // batches that came too late for the version they expected
  int64_t leases_lost = 0;    // batches of a thread whose lease had gone to another
  int64_t unknown = 0;        // batches that were OUTCOME_UNKNOWN at least once
  int64_t unknown_done = 0;   // of these: had been done when they were repeated
  int64_t reads = 0;          // answered
  int64_t audited_reads = 0;  // of these: with their audit entry
  int64_t reads_refused = 0;
  absl::Duration latest;  // how long after its deadline a call returned, at most
  // How long after its time a thread that only slept was woken, at most: what this machine's other
  // work added to `latest`.
  absl::Duration machine_latest;
};

struct LoadFindings {
  int64_t lost = 0;                     // acknowledged batches that are not in the journal
  int64_t doubled = 0;                  // batches that are there more than once
  std::vector<std::string> violations;  // of the promise, these included
};

// Writers read one of a practice's records and update it if it still has that version, in a batch
// that also makes a record of its own, may delete an older one, and adds to the journal and the
// audit trail; some batches touch nothing that others do. An OUTCOME_UNKNOWN is repeated with its
// idempotency key, at once or when the load has settled. Some are fenced by a lease for which the
// writers compete. Readers read records, positions, journals
// and stored results, some with an audit entry. All calls and answers are kept.
//
// Start, Stop, Settle and Check are for one thread; the rest is thread-safe.
class Load {
 public:
  explicit Load(LoadOptions options);
  ~Load();  // Stop
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void Start();
  void Stop();  // returns when all calls have; may be started again

  // Waits until `count` more batches are acknowledged; false if they were not in time.
  bool AwaitAcknowledged(int64_t count, absl::Duration timeout);
  // When the first call that began at `from` or later returned OK; nullopt: none has yet.
  std::optional<absl::Time> FirstWrite(absl::Time from) const;
  std::optional<absl::Time> FirstRead(absl::Time from) const;  // of any sort
  std::optional<absl::Time> FirstAuditedRead(absl::Time from) const;

  // When stopped: repeats what is unknown until all is known, an error when that takes longer.
  absl::Status Settle(storage::Store& store, absl::Duration timeout);

  // When stopped and settled: reads everything and compares it with all calls and answers. That
  //   - every acknowledged batch is there exactly once and whole: its journal entry, its audit
  //     entry, its records at their versions, their index entries and no others;
  //   - what was refused or conflicted left nothing;
  //   - journal and audit trail have no gaps, and every reader saw the same entries in them;
  //   - each record, and each journal with its position, was linearizable: no read was older than
  //     what was acknowledged before it began (history.h);
  //   - two records that are always written together were never seen apart;
  //   - no position had another epoch;
  //   - lease tokens grew, each had one owner, and no batch came behind one of a later token;
  //   - no call ended with an error that the contract does not name.
  LoadFindings Check(storage::Store& store);

  LoadCounts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// "1234 acknowledged, 5 unknown (2 done), ..."
std::string Describe(const LoadCounts& counts);

}  // namespace securebase::faults
