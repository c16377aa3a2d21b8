#include "services/platform/records/write.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/resource_name.h"

namespace securebase::records {

using internal::kDataSubjects;
using internal::RecordName;
using internal::Seal;

Write::Write(storage::Store& store, const api::Call& call,
             std::shared_ptr<const type::v1::AccessView> view, IdGenerator& ids)
    : Reader(store, call, std::move(view)), ids_(&ids) {}

absl::StatusOr<std::optional<internal::StoredBytes>> Write::ReadBytes(
    const std::string& kind, absl::string_view name) const {
  const storage::RecordKey key{kind, internal::RecordId(name)};
  const auto pending = pending_.find(key);
  if (pending != pending_.end()) {
    return pending->second.bytes;
  }
  SB_ASSIGN_OR_RETURN(auto bytes, Reader::ReadBytes(kind, name));
  // The first read decides what must still be so at the commit.
  read_versions_.emplace(key, bytes.has_value() ? bytes->version : 0);
  return bytes;
}

absl::StatusOr<std::vector<Reader::Row>> Write::ReadRows(const std::string& kind,
                                                         const Query& query, int limit,
                                                         bool filtered) const {
  SB_ASSIGN_OR_RETURN(std::vector<Row> stored, Reader::ReadRows(kind, query, limit, filtered));
  if (pending_.empty()) {
    return stored;
  }
  // What this transaction wrote replaces what is stored.
  std::vector<Row> rows;
  for (Row& row : stored) {
    if (pending_.count({kind, row.id}) == 0) {
      rows.push_back(std::move(row));
    }
  }
  for (const auto& [key, pending] : pending_) {
    if (key.kind != kind || !pending.bytes.has_value() ||
        (filtered && !MaySee(pending.bytes->access))) {
      continue;
    }
    for (const storage::IndexEntry& entry : pending.index) {
      if (entry.index == query.index && absl::StartsWith(entry.sort_key, query.prefix) &&
          (query.until.empty() || entry.sort_key < query.until)) {
        rows.push_back({entry.sort_key, key.id, *pending.bytes});
      }
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    const auto left = std::tie(a.sort_key, a.id);
    const auto right = std::tie(b.sort_key, b.id);
    return query.reverse ? right < left : left < right;
  });
  if (rows.size() > static_cast<size_t>(limit)) {
    rows.resize(static_cast<size_t>(limit));
  }
  return rows;
}

absl::StatusOr<int64_t> Write::PutBytes(const std::string& kind, const std::string& name,
                                        Access access, std::string payload,
                                        std::vector<storage::IndexEntry> index,
                                        type::v1::JournalAction action) {
  if (PracticeOf(name) != call_->practice()) {
    return Internal("a record must be written in the caller's practice");
  }
  const storage::RecordKey key{kind, internal::RecordId(name)};
  const auto read = read_versions_.find(key);
  if (read == read_versions_.end()) {
    return Internal("a record must be read before it is written");
  }
  std::sort(access.subjects.begin(), access.subjects.end());
  access.subjects.erase(std::unique(access.subjects.begin(), access.subjects.end()),
                        access.subjects.end());
  for (const std::string& subject : access.subjects) {
    index.push_back({kDataSubjects, SortKey({access.episode, subject, kind})});
  }
  internal::StoredBytes bytes;
  bytes.version = read->second + 1;  // whatever number of puts: the last one is the one made
  bytes.access = std::move(access);
  bytes.payload = std::move(payload);
  const bool first = pending_.count(key) == 0;
  if (first && action != type::v1::JOURNAL_ACTION_UNSPECIFIED) {
    AddJournal(name, action, bytes.access.episode);
  }
  const int64_t version = bytes.version;
  pending_[key] = {std::move(bytes), std::move(index)};
  return version;
}

absl::Status Write::DeleteBytes(const std::string& kind, absl::string_view name, bool journaled) {
  SB_ASSIGN_OR_RETURN(const auto existing, ReadBytes(kind, name));
  if (!existing.has_value()) {
    return absl::OkStatus();
  }
  if (journaled) {
    AddJournal(name, type::v1::JOURNAL_ACTION_DELETED, existing->access.episode);
  }
  pending_[{kind, internal::RecordId(name)}] = Pending{};
  return absl::OkStatus();
}

void Write::AddJournal(absl::string_view name, type::v1::JournalAction action,
                       absl::string_view episode) {
  type::v1::JournalEntry entry;
  entry.set_resource(std::string(name));
  entry.set_action(action);
  if (!episode.empty()) {
    entry.set_episode(RecordName(call_->practice(), absl::StrCat("episodes/", episode)));
  }
  journal_.push_back(entry.SerializeAsString());
}

Access Write::result_access() const {
  if (result_access_.has_value()) {
    return *result_access_;
  }
  // The strictest of all that was written.
  Access all;
  std::set<std::string> subjects;
  for (const auto& [key, pending] : pending_) {
    if (pending.bytes.has_value()) {
      if (all.episode.empty()) {
        all.episode = pending.bytes->access.episode;
      }
      subjects.insert(pending.bytes->access.subjects.begin(), pending.bytes->access.subjects.end());
    }
  }
  all.subjects.assign(subjects.begin(), subjects.end());
  return all;
}

absl::StatusOr<bool> Write::IsCurrent() const {
  std::vector<storage::RecordKey> keys;
  for (const auto& [key, version] : read_versions_) {
    keys.push_back(key);
  }
  for (size_t begin = 0; begin < keys.size(); begin += storage::kMaxPageRows) {
    const std::vector<storage::RecordKey> some(
        keys.begin() + static_cast<std::ptrdiff_t>(begin),
        keys.begin() +
            static_cast<std::ptrdiff_t>(std::min(keys.size(), begin + storage::kMaxPageRows)));
    SB_ASSIGN_OR_RETURN(const auto records, store_->GetMany(context(), call_->practice(), some));
    for (size_t i = 0; i < some.size(); ++i) {
      const int64_t version = records[i].has_value() ? records[i]->version : 0;
      if (version != read_versions_.at(some[i])) {
        return false;
      }
    }
  }
  return true;
}

storage::Batch Write::TakeBatch() {
  storage::Batch batch;
  batch.practice = call_->practice();
  batch.fence = fence_;
  for (const auto& [key, version] : read_versions_) {
    batch.expectations.push_back({key, version});
  }
  for (auto& [key, pending] : pending_) {
    if (pending.bytes.has_value()) {
      batch.puts.push_back({key, Seal(pending.bytes->access, std::move(pending.bytes->payload)),
                            std::move(pending.index)});
    } else {
      batch.deletes.push_back(key);
    }
  }
  batch.journal = std::move(journal_);
  return batch;
}

}  // namespace securebase::records
