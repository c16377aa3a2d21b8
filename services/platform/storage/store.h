#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The store contract. One suite (tests/contract) runs on every implementation.
//
// A store holds, for each practice and never across practices: records (bytes under a kind and an
// id, each with a version), index entries that point to them, a journal, an audit trail,
// idempotency keys and leases. It knows nothing of what the bytes mean.
//
// Errors that every call may return:
//   UNAVAILABLE (STORE_UNAVAILABLE)   nothing was done; the same call may be tried again
//   UNAVAILABLE (OUTCOME_UNKNOWN)     writes only: it may or may not have been committed
//   DEADLINE_EXCEEDED (DEADLINE_EXCEEDED)  nothing was done, the context's deadline passed first
//   INVALID_ARGUMENT (LIMIT_EXCEEDED, INVALID_FIELDS)  a limit or a form below is broken; nothing
//                                     was done
//   UNAVAILABLE (SHUTTING_DOWN)       after Close; nothing was done
//   DATA_LOSS (DATA_LOSS)             what is stored cannot be read back
// A practice that is being imported (Store::Import) answers everything but Export, Import and
// FinishImport with UNAVAILABLE (STORE_UNAVAILABLE).
//
// Times are kept to the microsecond. What expires at a time is gone at that time by the store's
// clock, not after it.
namespace securebase::storage {

// Limits of one batch. INVALID_ARGUMENT (LIMIT_EXCEEDED) beyond them.
inline constexpr int kMaxBatchOperations = 256;    // expectations, puts, deletes, journal, audit
inline constexpr size_t kMaxBatchBytes = 1 << 20;  // of all keys, values and entries
inline constexpr size_t kMaxKeyBytes = 512;        // of a practice, kind, id, index or sort key
inline constexpr size_t kMaxIndexEntries = 256;    // of one put
inline constexpr int kMaxPageRows = 1000;          // of every page, of GetMany and of Trim
// A page of Scan, Journal or ListAudit ends early, with `more` set, once its values are this long.
inline constexpr size_t kMaxPageBytes = 8 << 20;

struct Context {
  // By the system's clock, as an RPC gives it, and not by the store's: a test may set that as it
  // likes.
  absl::Time deadline = absl::InfiniteFuture();
};

// Identifies a record within its practice. Both parts are 1..kMaxKeyBytes bytes without NUL, as are
// all practices and the names of indexes, leases and idempotency keys.
struct RecordKey {
  std::string kind;  // "goal"
  std::string id;
};
bool operator==(const RecordKey& a, const RecordKey& b);
bool operator<(const RecordKey& a, const RecordKey& b);

struct Record {
  int64_t version = 0;  // 1 for a new record (also after a delete), one more with each Put
  std::string value;
};

// A record under `sort_key` in the index `index`. Sort keys order as bytes (memcmp), hold no NUL,
// may be empty and need not be unique: equal ones order by kind, then id.
struct IndexEntry {
  std::string index;
  std::string sort_key;
};

// The record must be at `version`; 0: it must not exist.
struct Expectation {
  RecordKey key;
  int64_t version = 0;
};

struct Put {
  RecordKey key;
  std::string value;
  // All of them: what an earlier Put of this record left is removed. One that is listed twice
  // counts once.
  std::vector<IndexEntry> index;
};

// Makes the batch depend on a lease still being held (a fencing token).
struct Fence {
  std::string lease;
  int64_t token = 0;
};

// Makes Apply repeatable: the first batch with `key` stores `result`; a repeat changes nothing and
// returns that result, as long as it is the same request.
struct IdempotencyKey {
  std::string key;          // scoped by the caller to principal and method
  std::string fingerprint;  // of the request
  std::string result;       // what a repeat gets, an envelope
  absl::Time expire_time;   // forgotten after this
};

// All or nothing, in one practice. Checked before anything is written, in this order: idempotency
// key, fence, expectations. Then deletes, puts, journal, audit. A batch that only audits does not
// move the practice's position and need not wait for other writers.
struct Batch {
  std::string practice;
  std::optional<IdempotencyKey> idempotency;
  std::optional<Fence> fence;
  std::vector<Expectation> expectations;
  std::vector<RecordKey> deletes;    // deleting what does not exist is no error
  std::vector<Put> puts;             // one per key; a key is not both deleted and put
  std::vector<std::string> journal;  // in order; each takes the next sequence of the practice
  std::vector<std::string> audit;
};

// Where a practice's journal stands. The epoch is random and changes when a store is restored or
// promoted, so that positions of different histories never compare equal.
struct Position {
  std::string epoch;
  int64_t sequence = 0;  // of the last entry; 0: none yet
};
bool operator==(const Position& a, const Position& b);

struct ApplyResult {
  // Set when the idempotency key was known: the stored result. Nothing was changed.
  std::optional<std::string> replayed;
  Position position;              // of the practice after this batch
  std::vector<int64_t> versions;  // of `puts`, in their order; empty for a replay
};

struct ScanRequest {
  std::string practice;
  std::string index;
  std::string prefix;    // only sort keys that begin with this
  std::string until;     // only sort keys less than this; empty: no bound
  std::string after;     // ScanRow::cursor of the last row seen; empty: from the start
  bool reverse = false;  // from the greatest sort key down
  int limit = 100;       // 1..kMaxPageRows
};

struct ScanRow {
  std::string cursor;  // opaque, stable while the entry exists, valid after it is gone
  std::string sort_key;
  RecordKey key;
  Record record;
};

struct ScanPage {
  std::vector<ScanRow> rows;
  bool more = false;  // rows follow the last one
};

struct JournalEntry {
  int64_t sequence = 0;
  absl::Time time;  // when it was committed, by the store's clock
  std::string value;
};

struct JournalPage {
  Position position;  // of the practice when the page was read
  std::vector<JournalEntry> entries;
  bool more = false;
};

struct AuditEntry {
  int64_t sequence = 0;  // of this practice's audit trail
  absl::Time time;
  std::string value;
};

struct Lease {
  int64_t token = 0;  // greater than every earlier token of this lease
  absl::Time expire_time;
};

struct TrimRequest {
  std::string practice;
  absl::Time journal_before = absl::InfinitePast();  // the oldest entries, up to the first that
                                                     // was committed at this time or later
  int64_t audit_through = 0;                         // audit entries up to this sequence
  int limit = kMaxPageRows;                          // rows removed at most, of each sort
};

// What a practice holds, item by item, for copies between any two stores. A copy has the same
// versions, sequences and times; its epoch is that of its own store.

// Always a practice's first item.
struct PracticeCounters {
  int64_t journal_last = 0;     // sequence of the last journal entry ever made
  int64_t journal_trimmed = 0;  // through which the journal was trimmed
  int64_t audit_last = 0;       // sequence of the last audit entry ever made
};

struct RecordCopy {
  RecordKey key;
  Record record;
  std::vector<IndexEntry> index;  // by index, then sort key, as bytes; none twice
};

// Without its holder: a copy's leases are free, and their next token is greater than this.
struct LeaseCopy {
  std::string name;
  int64_t token = 0;
};

// In the order of an export: the counters; records by kind, then id; journal and audit entries by
// sequence; idempotency keys by key; leases by name. Texts order as bytes.
using CopyItem =
    std::variant<PracticeCounters, RecordCopy, JournalEntry, AuditEntry, IdempotencyKey, LeaseCopy>;

struct ExportPage {
  std::vector<CopyItem> items;
  // For the next page: what follows the last item. Opaque. Empty: that was all.
  std::string cursor;
  // Opaque. Pages of a practice with the same mark show one moment of it, but for idempotency keys
  // that expired meanwhile. It changes with everything that an export would show and may change
  // without (another practice was written to, the store was opened again).
  std::string mark;
};

// How a store goes, for those who operate it; nothing of what it holds.
struct StoreFigure {
  std::string name;  // "wal_pages"; of a-z and '_'
  std::string help;  // a sentence
  int64_t value = 0;
};

// Thread-safe. Every read sees all batches acknowledged before it began.
class Store {
 public:
  virtual ~Store() = default;

  // NOT_FOUND when there is none.
  virtual absl::StatusOr<Record> Get(const Context& context, absl::string_view practice,
                                     const RecordKey& key) = 0;

  // In the order of `keys`, nullopt for those that do not exist; one consistent view of all.
  virtual absl::StatusOr<std::vector<std::optional<Record>>> GetMany(
      const Context& context, absl::string_view practice, const std::vector<RecordKey>& keys) = 0;

  // Durable when it returns OK. Beyond the common errors:
  //   ABORTED (CONFLICT)              an expectation failed
  //   ABORTED (LEASE_LOST)            the fence's token is not the lease's current one, or expired
  //   INVALID_ARGUMENT (REQUEST_ID_REUSED)  the idempotency key is known with another fingerprint
  virtual absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) = 0;

  // The stored result of an idempotency key, as an early answer before any work; nullopt: unknown.
  // INVALID_ARGUMENT (REQUEST_ID_REUSED) as for Apply. A store for which an acknowledged write may
  // still be replicating confirms durability first.
  virtual absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                                absl::string_view practice,
                                                                absl::string_view key,
                                                                absl::string_view fingerprint) = 0;

  // Rows and their records, one consistent view.
  virtual absl::StatusOr<ScanPage> Scan(const Context& context, const ScanRequest& request) = 0;

  // Entries after `after`. OUT_OF_RANGE (RESYNC_REQUIRED) when some of them were trimmed, or when
  // `after` is beyond the end.
  virtual absl::StatusOr<JournalPage> Journal(const Context& context, absl::string_view practice,
                                              int64_t after, int limit) = 0;

  // Where the practice's journal stands; {epoch, 0} for a practice never written to. Cheap: every
  // poll begins with it.
  virtual absl::StatusOr<Position> GetPosition(const Context& context,
                                               absl::string_view practice) = 0;

  // Practices that were ever written to, after `after`, in byte order; without those that are being
  // imported.
  virtual absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                                 absl::string_view after,
                                                                 int limit) = 0;

  // Takes the lease for `owner`, or renews it (the token stays). ABORTED (LEASE_HELD) while another
  // owner's has not expired. After an expiry or a release the token is a new one, also for the
  // same owner. Opening a store that belongs to one process releases all leases: their holder is
  // gone.
  virtual absl::StatusOr<Lease> AcquireLease(const Context& context, absl::string_view practice,
                                             absl::string_view name, absl::string_view owner,
                                             absl::Duration duration) = 0;
  // Gives it up. No error when `token` is not the current one: it is gone already.
  virtual absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                                    absl::string_view name, int64_t token) = 0;

  virtual absl::StatusOr<std::vector<AuditEntry>> ListAudit(const Context& context,
                                                            absl::string_view practice,
                                                            int64_t after, int limit) = 0;

  // Removes old journal entries, audit entries that were exported, and expired idempotency keys.
  // Returns how many rows were removed; call again while it is not 0.
  virtual absl::StatusOr<int64_t> Trim(const Context& context, const TrimRequest& request) = 0;

  // Everything a practice holds but idempotency keys that have expired, also while it is being
  // imported. A page is one consistent view of at most `limit` items, and ends early once its
  // values are kMaxPageBytes long; it may be empty and still have a cursor. NOT_FOUND when the
  // practice is not known, INVALID_ARGUMENT (INVALID_PAGE_TOKEN) for a cursor no export made.
  virtual absl::StatusOr<ExportPage> Export(const Context& context, absl::string_view practice,
                                            absl::string_view cursor, int limit) = 0;

  // Writes items as they are into a practice that is being imported; the first call, which may be
  // without items, begins that for a practice the store does not know. Nobody is served from it
  // until FinishImport, also after a restart. Items may come in any order and more than once, the
  // last one counts; so an import that broke off, or whose outcome is unknown, is simply run again.
  // At most kMaxPageRows items, or what one page of an export held. Not all or nothing, but durable
  // when it returns OK.
  //   ALREADY_EXISTS (ALREADY_EXISTS)  the practice is there and was not imported, or its import
  //                                    was finished
  //   INVALID_ARGUMENT                 an item that no export could have returned
  virtual absl::Status Import(const Context& context, absl::string_view practice,
                              const std::vector<CopyItem>& items) = 0;

  // Makes an imported practice one like all others. No error when it is already.
  //   NOT_FOUND            the practice is not known
  //   FAILED_PRECONDITION (STATE_NOT_ALLOWED)  counters or journal entries are missing
  virtual absl::Status FinishImport(const Context& context, absl::string_view practice) = 0;

  // Practices that are being imported, as ListPractices lists the others.
  virtual absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                               absl::string_view after,
                                                               int limit) = 0;

  // OK when the store could take a write now.
  virtual absl::Status Ping(const Context& context) = 0;

  // The same names in the same order each time. Waits for nothing; may also be called after Close.
  virtual std::vector<StoreFigure> Figures() const { return {}; }

  // Finishes what is under way and closes. Later calls fail with SHUTTING_DOWN. Idempotent.
  virtual absl::Status Close() = 0;
};

// INVALID_ARGUMENT with the limit that `batch` breaks; every implementation calls it first.
absl::Status CheckBatch(const Batch& batch);

}  // namespace securebase::storage
