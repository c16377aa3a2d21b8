#include "services/platform/storage/memory_store.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/export_place.h"

namespace securebase::storage {
namespace {

struct StoredRecord {
  Record record;
  std::vector<IndexEntry> index;
};

struct StoredResult {
  std::string fingerprint;
  std::string result;
  int64_t expire_time = 0;
};

struct StoredLease {
  std::string owner;
  Lease lease;
};

struct Practice {
  std::map<RecordKey, StoredRecord> records;
  std::map<std::string, std::set<ScanPlace>> indexes;
  // By sequence: all from journal_trimmed + 1 to journal_last, unless it is being imported.
  std::vector<JournalEntry> journal;
  int64_t journal_trimmed = 0;
  int64_t journal_last = 0;
  std::vector<AuditEntry> audit;
  int64_t audit_last = 0;
  std::map<std::string, StoredResult, std::less<>> results;
  std::map<std::string, StoredLease, std::less<>> leases;
  int64_t changes = 0;  // made to what an export shows
  bool importing = false;
  bool counted = false;  // an import brought the counters
};

// Entries after `after`, up to the page's limits.
template <typename Entry>
std::vector<Entry> PageOf(const std::vector<Entry>& all, int64_t after, int limit) {
  std::vector<Entry> page;
  size_t bytes = 0;
  auto it = std::upper_bound(all.begin(), all.end(), after,
                             [](int64_t a, const Entry& entry) { return a < entry.sequence; });
  for (; it != all.end() && page.size() < static_cast<size_t>(limit) && bytes < kMaxPageBytes;
       ++it) {
    bytes += it->value.size();
    page.push_back(*it);
  }
  return page;
}

class MemoryStore : public Store {
 public:
  explicit MemoryStore(const Clock& clock) : clock_(clock), epoch_(NewEpoch()) {}

  absl::StatusOr<Record> Get(const Context& context, absl::string_view practice,
                             const RecordKey& key) override {
    SB_ASSIGN_OR_RETURN(std::vector<std::optional<Record>> records,
                        GetMany(context, practice, {key}));
    return FoundRecord(key.kind, std::move(records.front()));
  }

  absl::StatusOr<std::vector<std::optional<Record>>> GetMany(
      const Context& context, absl::string_view practice,
      const std::vector<RecordKey>& keys) override {
    SB_RETURN_IF_ERROR(CheckGetMany(practice, keys));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, practice));
    std::vector<std::optional<Record>> records(keys.size());
    for (size_t i = 0; p != nullptr && i < keys.size(); ++i) {
      if (const auto it = p->records.find(keys[i]); it != p->records.end()) {
        records[i] = it->second.record;
      }
    }
    return records;
  }

  absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) override {
    SB_RETURN_IF_ERROR(CheckBatch(batch));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const before, Find(context, batch.practice));
    const absl::Time now = clock_.Now();
    ApplyResult result;
    result.position = PositionOf(before);
    if (batch.idempotency.has_value()) {
      SB_ASSIGN_OR_RETURN(result.replayed, Result(before, batch.idempotency->key,
                                                  batch.idempotency->fingerprint, now));
      if (result.replayed.has_value()) {
        return result;
      }
    }
    SB_RETURN_IF_ERROR(CheckFence(before, batch, now));
    SB_RETURN_IF_ERROR(CheckExpectations(before, batch));
    if (batch.puts.empty() && batch.journal.empty() && batch.audit.empty() &&
        !batch.idempotency.has_value() && before == nullptr) {
      return result;  // nothing to write, so the practice stays unknown
    }
    Practice& p = practices_[batch.practice];
    ++p.changes;
    for (const RecordKey& key : batch.deletes) {
      Remove(p, key);
    }
    for (const Put& put : batch.puts) {
      result.versions.push_back(PutRecord(p, put));
    }
    const absl::Time stored_now = FromStoredTime(ToStoredTime(now));
    for (const std::string& entry : batch.journal) {
      p.journal.push_back({++p.journal_last, stored_now, entry});
    }
    for (const std::string& entry : batch.audit) {
      p.audit.push_back({++p.audit_last, stored_now, entry});
    }
    if (batch.idempotency.has_value()) {
      p.results[batch.idempotency->key] = {batch.idempotency->fingerprint,
                                           batch.idempotency->result,
                                           ToStoredTime(batch.idempotency->expire_time)};
    }
    result.position = PositionOf(&p);
    return result;
  }

  absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("key", key));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, practice));
    return Result(p, key, fingerprint, clock_.Now());
  }

  absl::StatusOr<ScanPage> Scan(const Context& context, const ScanRequest& request) override {
    SB_ASSIGN_OR_RETURN(const ScanRange range, RangeOf(request));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, request.practice));
    ScanPage page;
    if (p == nullptr || !(range.above < range.below)) {
      return page;
    }
    const auto index = p->indexes.find(request.index);
    if (index == p->indexes.end()) {
      return page;
    }
    const auto first = index->second.upper_bound(range.above);
    const auto last = index->second.lower_bound(range.below);
    if (request.reverse) {
      FillPage(*p, std::make_reverse_iterator(last), std::make_reverse_iterator(first),
               request.limit, page);
    } else {
      FillPage(*p, first, last, request.limit, page);
    }
    return page;
  }

  absl::StatusOr<JournalPage> Journal(const Context& context, absl::string_view practice,
                                      int64_t after, int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, practice));
    JournalPage page;
    page.position = PositionOf(p);
    if (after > page.position.sequence || (p != nullptr && after < p->journal_trimmed)) {
      return ResyncRequiredError();
    }
    if (p != nullptr) {
      page.entries = PageOf(p->journal, after, limit);
    }
    page.more = !page.entries.empty() && page.entries.back().sequence < page.position.sequence;
    return page;
  }

  absl::StatusOr<Position> GetPosition(const Context& context,
                                       absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, practice));
    return PositionOf(p);
  }

  absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    return List(context, after, limit, /*importing=*/false);
  }

  absl::StatusOr<Lease> AcquireLease(const Context& context, absl::string_view practice,
                                     absl::string_view name, absl::string_view owner,
                                     absl::Duration duration) override {
    SB_RETURN_IF_ERROR(CheckLease(practice, name, owner, duration));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(Find(context, practice).status());
    const absl::Time now = clock_.Now();
    Practice& p = practices_[std::string(practice)];
    StoredLease& stored = p.leases[std::string(name)];
    if (now < stored.lease.expire_time) {
      if (stored.owner != owner) {
        return LeaseHeldError(stored.lease.expire_time - now);
      }
    } else {
      ++stored.lease.token;
      ++p.changes;
    }
    stored.owner = std::string(owner);
    stored.lease.expire_time = FromStoredTime(ToStoredTime(now + duration));
    return stored.lease;
  }

  absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("name", name));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(Find(context, practice).status());
    if (const auto p = practices_.find(practice); p != practices_.end()) {
      if (const auto it = p->second.leases.find(name);
          it != p->second.leases.end() && it->second.lease.token == token) {
        it->second.lease.expire_time = absl::InfinitePast();
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const Context& context,
                                                    absl::string_view practice, int64_t after,
                                                    int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const p, Find(context, practice));
    return p == nullptr ? std::vector<AuditEntry>() : PageOf(p->audit, after, limit);
  }

  absl::StatusOr<int64_t> Trim(const Context& context, const TrimRequest& request) override {
    SB_RETURN_IF_ERROR(CheckTrim(request));
    MutexLock lock(mutex_);
    SB_ASSIGN_OR_RETURN(const Practice* const known, Find(context, request.practice));
    if (known == nullptr) {
      return 0;
    }
    Practice& p = practices_[request.practice];
    const auto limit = static_cast<size_t>(request.limit);
    size_t journal = 0;
    while (journal < std::min(limit, p.journal.size()) &&
           p.journal[journal].time < request.journal_before) {
      ++journal;
    }
    p.journal.erase(p.journal.begin(), p.journal.begin() + static_cast<std::ptrdiff_t>(journal));
    p.journal_trimmed += static_cast<int64_t>(journal);
    size_t audit = 0;
    while (audit < std::min(limit, p.audit.size()) &&
           p.audit[audit].sequence <= request.audit_through) {
      ++audit;
    }
    p.audit.erase(p.audit.begin(), p.audit.begin() + static_cast<std::ptrdiff_t>(audit));
    size_t results = 0;
    const int64_t now = ToStoredTime(clock_.Now());
    for (auto it = p.results.begin(); it != p.results.end() && results < limit;) {
      if (it->second.expire_time <= now) {
        it = p.results.erase(it);
        ++results;
      } else {
        ++it;
      }
    }
    const size_t removed = journal + audit + results;
    p.changes += removed > 0 ? 1 : 0;
    return static_cast<int64_t>(removed);
  }

  absl::StatusOr<ExportPage> Export(const Context& context, absl::string_view practice,
                                    absl::string_view cursor, int limit) override {
    SB_RETURN_IF_ERROR(CheckExport(practice, limit));
    SB_ASSIGN_OR_RETURN(const ExportPlace place, ParseExportCursor(cursor));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(CheckOpen(context));
    const auto found = practices_.find(practice);
    if (found == practices_.end()) {
      return NotFound("practice");
    }
    const Practice& p = found->second;
    ExportPageBuilder page(limit);
    if (place.part == ExportPart::kCounters) {
      page.Add(PracticeCounters{p.journal_last, p.journal_trimmed, p.audit_last});
    }
    // In each part from the place on; `place` is before all of the parts that follow its own.
    const auto in = [&](ExportPart part) {
      return place.part == part ? place : ExportPlace{part, "", "", 0};
    };
    if (place.part <= ExportPart::kRecords) {
      const ExportPlace after = in(ExportPart::kRecords);
      for (auto it = p.records.upper_bound({after.name, after.id});
           it != p.records.end() && !page.Full(); ++it) {
        page.Add(RecordCopy{it->first, it->second.record, it->second.index});
      }
    }
    if (place.part <= ExportPart::kJournal) {
      AddAfter(p.journal, in(ExportPart::kJournal).sequence, page);
    }
    if (place.part <= ExportPart::kAudit) {
      AddAfter(p.audit, in(ExportPart::kAudit).sequence, page);
    }
    if (place.part <= ExportPart::kResults) {
      const int64_t now = ToStoredTime(clock_.Now());
      for (auto it = p.results.upper_bound(in(ExportPart::kResults).name);
           it != p.results.end() && !page.Full(); ++it) {
        if (it->second.expire_time > now) {
          page.Add(IdempotencyKey{it->first, it->second.fingerprint, it->second.result,
                                  FromStoredTime(it->second.expire_time)});
        }
      }
    }
    for (auto it = p.leases.upper_bound(in(ExportPart::kLeases).name);
         it != p.leases.end() && !page.Full(); ++it) {
      page.Add(LeaseCopy{it->first, it->second.lease.token});
    }
    return std::move(page).Page(absl::StrCat(epoch_, ":", p.changes));
  }

  absl::Status Import(const Context& context, absl::string_view practice,
                      const std::vector<CopyItem>& items) override {
    SB_RETURN_IF_ERROR(CheckImport(practice, items));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(CheckOpen(context));
    const auto [it, added] = practices_.try_emplace(std::string(practice));
    Practice& p = it->second;
    if (!added && !p.importing) {
      return NotImportedError();
    }
    p.importing = true;
    p.changes += items.empty() ? 0 : 1;
    for (const CopyItem& item : items) {
      std::visit([&p](const auto& copy) { ImportItem(p, copy); }, item);
    }
    return absl::OkStatus();
  }

  absl::Status FinishImport(const Context& context, absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(CheckOpen(context));
    const auto it = practices_.find(practice);
    if (it == practices_.end()) {
      return NotFound("practice");
    }
    Practice& p = it->second;
    if (!p.importing) {
      return absl::OkStatus();
    }
    const bool complete =
        p.counted && static_cast<int64_t>(p.journal.size()) == p.journal_last - p.journal_trimmed &&
        (p.journal.empty() || (p.journal.front().sequence > p.journal_trimmed &&
                               p.journal.back().sequence == p.journal_last)) &&
        (p.audit.empty() || p.audit.back().sequence <= p.audit_last);
    if (!complete) {
      return ImportIncompleteError();
    }
    p.importing = false;
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    return List(context, after, limit, /*importing=*/true);
  }

  absl::Status Ping(const Context& context) override {
    MutexLock lock(mutex_);
    return CheckOpen(context);
  }

  absl::Status Close() override {
    MutexLock lock(mutex_);
    closed_ = true;
    return absl::OkStatus();
  }

 private:
  absl::Status CheckOpen(const Context& context) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (closed_) {
      return ShuttingDownError();
    }
    return CheckDeadline(context);
  }

  // Null when it is not known.
  absl::StatusOr<const Practice*> Find(const Context& context, absl::string_view name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    SB_RETURN_IF_ERROR(CheckOpen(context));
    const auto it = practices_.find(name);
    if (it == practices_.end()) {
      return nullptr;
    }
    if (it->second.importing) {
      return BeingImportedError();
    }
    return &it->second;
  }

  absl::StatusOr<std::vector<std::string>> List(const Context& context, absl::string_view after,
                                                int limit, bool importing) {
    SB_RETURN_IF_ERROR(CheckSortKey("after", after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(CheckOpen(context));
    std::vector<std::string> names;
    for (auto it = practices_.upper_bound(after);
         it != practices_.end() && names.size() < static_cast<size_t>(limit); ++it) {
      if (it->second.importing == importing) {
        names.push_back(it->first);
      }
    }
    return names;
  }

  Position PositionOf(const Practice* p) const {
    return {epoch_, p == nullptr ? 0 : p->journal_last};
  }

  static absl::StatusOr<std::optional<std::string>> Result(const Practice* p, absl::string_view key,
                                                           absl::string_view fingerprint,
                                                           absl::Time now) {
    if (p != nullptr) {
      const auto it = p->results.find(key);
      if (it != p->results.end() && ToStoredTime(now) < it->second.expire_time) {
        if (it->second.fingerprint != fingerprint) {
          return RequestIdReusedError();
        }
        return std::optional<std::string>(it->second.result);
      }
    }
    return std::optional<std::string>();
  }

  static absl::Status CheckFence(const Practice* p, const Batch& batch, absl::Time now) {
    if (!batch.fence.has_value()) {
      return absl::OkStatus();
    }
    if (p != nullptr) {
      const auto it = p->leases.find(batch.fence->lease);
      if (it != p->leases.end() && it->second.lease.token == batch.fence->token &&
          now < it->second.lease.expire_time) {
        return absl::OkStatus();
      }
    }
    return LeaseLostError();
  }

  static absl::Status CheckExpectations(const Practice* p, const Batch& batch) {
    for (const Expectation& expectation : batch.expectations) {
      int64_t version = 0;
      if (p != nullptr) {
        if (const auto it = p->records.find(expectation.key); it != p->records.end()) {
          version = it->second.record.version;
        }
      }
      if (version != expectation.version) {
        return ConflictError(expectation.key.kind);
      }
    }
    return absl::OkStatus();
  }

  static void Unindex(Practice& p, const RecordKey& key, const std::vector<IndexEntry>& entries) {
    for (const IndexEntry& entry : entries) {
      p.indexes[entry.index].erase({entry.sort_key, key.kind, key.id});
    }
  }

  static void Remove(Practice& p, const RecordKey& key) {
    if (const auto it = p.records.find(key); it != p.records.end()) {
      Unindex(p, key, it->second.index);
      p.records.erase(it);
    }
  }

  static int64_t PutRecord(Practice& p, const Put& put) {
    const int64_t version = p.records[put.key].record.version + 1;
    StoreRecord(p, put.key, {version, put.value}, put.index);
    return version;
  }

  static void StoreRecord(Practice& p, const RecordKey& key, const Record& record,
                          const std::vector<IndexEntry>& index) {
    StoredRecord& stored = p.records[key];
    Unindex(p, key, stored.index);
    std::set<std::pair<std::string, std::string>> entries;
    for (const IndexEntry& entry : index) {
      p.indexes[entry.index].insert({entry.sort_key, key.kind, key.id});
      entries.emplace(entry.index, entry.sort_key);
    }
    stored.index.clear();
    for (const auto& [name, sort_key] : entries) {
      stored.index.push_back({name, sort_key});
    }
    stored.record = record;
  }

  static void ImportItem(Practice& p, const PracticeCounters& counters) {
    p.journal_last = counters.journal_last;
    p.journal_trimmed = counters.journal_trimmed;
    p.audit_last = counters.audit_last;
    p.counted = true;
  }
  static void ImportItem(Practice& p, const RecordCopy& copy) {
    StoreRecord(p, copy.key, copy.record, copy.index);
  }
  static void ImportItem(Practice& p, const JournalEntry& entry) { Insert(p.journal, entry); }
  static void ImportItem(Practice& p, const AuditEntry& entry) { Insert(p.audit, entry); }
  static void ImportItem(Practice& p, const IdempotencyKey& key) {
    p.results[key.key] = {key.fingerprint, key.result, ToStoredTime(key.expire_time)};
  }
  static void ImportItem(Practice& p, const LeaseCopy& lease) {
    p.leases[lease.name] = {"", {lease.token, absl::InfinitePast()}};
  }

  // At its place among `entries`, over one of the same sequence.
  template <typename Entry>
  static void Insert(std::vector<Entry>& entries, Entry entry) {
    entry.time = FromStoredTime(ToStoredTime(entry.time));
    const auto place = std::lower_bound(
        entries.begin(), entries.end(), entry.sequence,
        [](const Entry& other, int64_t sequence) { return other.sequence < sequence; });
    if (place != entries.end() && place->sequence == entry.sequence) {
      *place = std::move(entry);
    } else {
      entries.insert(place, std::move(entry));
    }
  }

  template <typename Entry>
  static void AddAfter(const std::vector<Entry>& entries, int64_t after, ExportPageBuilder& page) {
    auto it = std::upper_bound(entries.begin(), entries.end(), after,
                               [](int64_t a, const Entry& entry) { return a < entry.sequence; });
    for (; it != entries.end() && !page.Full(); ++it) {
      page.Add(*it);
    }
  }

  template <typename Iterator>
  static void FillPage(const Practice& p, Iterator first, Iterator last, int limit,
                       ScanPage& page) {
    size_t bytes = 0;
    for (; first != last; ++first) {
      if (page.rows.size() == static_cast<size_t>(limit) || bytes >= kMaxPageBytes) {
        page.more = true;
        return;
      }
      const RecordKey key{first->kind, first->id};
      const Record& record = p.records.at(key).record;
      bytes += record.value.size();
      page.rows.push_back({FormatCursor(*first), first->sort_key, key, record});
    }
  }

  const Clock& clock_;
  const std::string epoch_;
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, Practice, std::less<>> practices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore(const Clock& clock) {
  return std::make_unique<MemoryStore>(clock);
}

}  // namespace securebase::storage
