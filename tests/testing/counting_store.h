#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/platform/base/mutex.h"
#include "services/platform/storage/store.h"

namespace securebase::testing {

// What was asked of a store: how often, and how much came back or went in.
struct StoreWork {
  int64_t reads = 0;            // records asked for by key
  int64_t scans = 0;            // pages of indexes
  int64_t rows = 0;             // in them
  int64_t journal_pages = 0;    // pages of the journal
  int64_t journal_entries = 0;  // in them
  int64_t positions = 0;
  int64_t batches = 0;
  int64_t operations = 0;     // in them: expectations, puts, deletes, journal and audit entries
  int64_t index_entries = 0;  // of their puts
  int64_t bytes = 0;          // of values, read and written

  // Everything but the bytes.
  std::string ToString() const {
    return absl::StrCat("reads ", reads, ", scans ", scans, " of ", rows, " rows, journal ",
                        journal_pages, " of ", journal_entries, " entries, positions ", positions,
                        ", batches ", batches, " of ", operations, " operations and ",
                        index_entries, " index entries");
  }
};

// A store that counts what is asked of the one behind it. It can also be of another epoch from then
// on, as after a restore. Thread-safe.
class CountingStore : public storage::Store {
 public:
  // `store` must outlive the object.
  explicit CountingStore(storage::Store& store) : store_(store) {}

  // What was asked since the last call.
  StoreWork TakeWork() {
    MutexLock lock(mutex_);
    const StoreWork work = work_;
    work_ = StoreWork();
    return work;
  }
  void SetEpoch(const std::string& epoch) {
    MutexLock lock(mutex_);
    epoch_ = epoch;
  }

  absl::StatusOr<storage::Record> Get(const storage::Context& context, absl::string_view practice,
                                      const storage::RecordKey& key) override {
    auto record = store_.Get(context, practice, key);
    MutexLock lock(mutex_);
    ++work_.reads;
    if (record.ok()) {
      work_.bytes += Size(record->value);
    }
    return record;
  }
  absl::StatusOr<std::vector<std::optional<storage::Record>>> GetMany(
      const storage::Context& context, absl::string_view practice,
      const std::vector<storage::RecordKey>& keys) override {
    auto records = store_.GetMany(context, practice, keys);
    MutexLock lock(mutex_);
    work_.reads += static_cast<int64_t>(keys.size());
    if (records.ok()) {
      for (const auto& record : *records) {
        work_.bytes += record.has_value() ? Size(record->value) : 0;
      }
    }
    return records;
  }
  absl::StatusOr<storage::ApplyResult> Apply(const storage::Context& context,
                                             const storage::Batch& batch) override {
    {
      MutexLock lock(mutex_);
      ++work_.batches;
      work_.operations +=
          static_cast<int64_t>(batch.expectations.size() + batch.puts.size() +
                               batch.deletes.size() + batch.journal.size() + batch.audit.size());
      for (const storage::Put& put : batch.puts) {
        work_.index_entries += static_cast<int64_t>(put.index.size());
        work_.bytes += Size(put.value);
      }
    }
    auto result = store_.Apply(context, batch);
    if (result.ok()) {
      Translate(result->position);
    }
    return result;
  }
  absl::StatusOr<std::optional<std::string>> FindResult(const storage::Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    return store_.FindResult(context, practice, key, fingerprint);
  }
  absl::StatusOr<storage::ScanPage> Scan(const storage::Context& context,
                                         const storage::ScanRequest& request) override {
    auto page = store_.Scan(context, request);
    MutexLock lock(mutex_);
    ++work_.scans;
    if (page.ok()) {
      work_.rows += static_cast<int64_t>(page->rows.size());
      for (const storage::ScanRow& row : page->rows) {
        work_.bytes += Size(row.record.value);
      }
    }
    return page;
  }
  absl::StatusOr<storage::JournalPage> Journal(const storage::Context& context,
                                               absl::string_view practice, int64_t after,
                                               int limit) override {
    auto page = store_.Journal(context, practice, after, limit);
    if (page.ok()) {
      Translate(page->position);
    }
    MutexLock lock(mutex_);
    ++work_.journal_pages;
    if (page.ok()) {
      work_.journal_entries += static_cast<int64_t>(page->entries.size());
      for (const storage::JournalEntry& entry : page->entries) {
        work_.bytes += Size(entry.value);
      }
    }
    return page;
  }
  absl::StatusOr<storage::Position> GetPosition(const storage::Context& context,
                                                absl::string_view practice) override {
    auto position = store_.GetPosition(context, practice);
    if (position.ok()) {
      Translate(*position);
    }
    MutexLock lock(mutex_);
    ++work_.positions;
    return position;
  }
  absl::StatusOr<std::vector<std::string>> ListPractices(const storage::Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    return store_.ListPractices(context, after, limit);
  }
  absl::StatusOr<storage::Lease> AcquireLease(const storage::Context& context,
                                              absl::string_view practice, absl::string_view name,
                                              absl::string_view owner,
                                              absl::Duration duration) override {
    return store_.AcquireLease(context, practice, name, owner, duration);
  }
  absl::Status ReleaseLease(const storage::Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    return store_.ReleaseLease(context, practice, name, token);
  }
  absl::StatusOr<std::vector<storage::AuditEntry>> ListAudit(const storage::Context& context,
                                                             absl::string_view practice,
                                                             int64_t after, int limit) override {
    return store_.ListAudit(context, practice, after, limit);
  }
  absl::StatusOr<int64_t> Trim(const storage::Context& context,
                               const storage::TrimRequest& request) override {
    return store_.Trim(context, request);
  }
  absl::StatusOr<storage::ExportPage> Export(const storage::Context& context,
                                             absl::string_view practice, absl::string_view cursor,
                                             int limit) override {
    return store_.Export(context, practice, cursor, limit);
  }
  absl::Status Import(const storage::Context& context, absl::string_view practice,
                      const std::vector<storage::CopyItem>& items) override {
    return store_.Import(context, practice, items);
  }
  absl::Status FinishImport(const storage::Context& context, absl::string_view practice) override {
    return store_.FinishImport(context, practice);
  }
  absl::StatusOr<std::vector<std::string>> ListImports(const storage::Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    return store_.ListImports(context, after, limit);
  }
  absl::Status Ping(const storage::Context& context) override { return store_.Ping(context); }
  absl::Status Close() override { return store_.Close(); }

 private:
  static int64_t Size(const std::string& value) { return static_cast<int64_t>(value.size()); }

  void Translate(storage::Position& position) {
    MutexLock lock(mutex_);
    if (!epoch_.empty()) {
      position.epoch = epoch_;
    }
  }

  storage::Store& store_;
  Mutex mutex_;
  StoreWork work_ ABSL_GUARDED_BY(mutex_);
  std::string epoch_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::testing
