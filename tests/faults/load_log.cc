#include "tests/faults/load_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"

namespace securebase::faults {
namespace {

constexpr size_t kMaxViolations = 100;  // the first ones say enough

using storage::Batch;
using storage::Position;
using storage::Record;
using storage::RecordKey;

RecordKey OwnKey(const std::string& id) { return {"own", id}; }

// Empty when it is no value of ours.
std::string IdOf(const std::string& value) {
  std::string id = value.substr(0, value.find('|'));
  return ValueOf(id) == value ? id : "";
}

}  // namespace

LoadLog::LoadLog(std::vector<std::string> names, int shared_records)
    : practices(std::move(names)), records(shared_records), seen(practices.size()) {
  for (Seen& practice : seen) {
    practice.records.resize(static_cast<size_t>(records));
  }
}

void LoadLog::Violate(const std::string& text) {
  if (violations.size() < kMaxViolations) {
    violations.push_back(text);
  }
}

void LoadLog::NotePosition(size_t practice, const Interval& at, const Position& position) {
  Seen& of = seen[practice];
  if (of.epoch.empty()) {
    of.epoch = position.epoch;
  }
  if (position.epoch.empty() || position.epoch != of.epoch) {
    Violate(absl::StrCat("the epoch of ", practices[practice], " changed"));
  }
  of.positions.push_back({Event::Kind::kRead, at.begin, at.end, position.sequence, ""});
}

void LoadLog::NotePair(size_t practice, int record, const Interval& at,
                       const std::optional<Record>& left, const std::optional<Record>& right) {
  if (left.has_value() != right.has_value() ||
      (left.has_value() && (left->version != right->version || left->value != right->value))) {
    Violate(absl::StrCat("a batch was seen by half in record ", record));
    return;
  }
  const std::string id = left.has_value() ? IdOf(left->value) : "";
  if (left.has_value() && id.empty()) {
    Violate(absl::StrCat("record ", record, " holds what nobody wrote"));
    return;
  }
  seen[practice].records[static_cast<size_t>(record)].push_back(
      {Event::Kind::kRead, at.begin, at.end, left.has_value() ? left->version : 0, id});
}

void LoadLog::NoteEntries(size_t practice, const std::vector<storage::JournalEntry>& entries,
                          int64_t after) {
  for (const storage::JournalEntry& entry : entries) {
    if (entry.sequence != ++after) {
      Violate(absl::StrCat("the journal of ", practices[practice], " has a gap before ",
                           entry.sequence));
      return;
    }
    const auto [known, is_new] = seen[practice].journal.emplace(entry.sequence, entry.value);
    if (!is_new && known->second != entry.value) {
      Violate(absl::StrCat("the journal of ", practices[practice], " had ", known->second, " at ",
                           entry.sequence, " and then ", entry.value));
    }
  }
}

RecordKey LeftKey(int record) { return {"left", absl::StrCat("r", record)}; }
RecordKey RightKey(int record) { return {"right", absl::StrCat("r", record)}; }

// The id, and filling of a length that follows from it.
std::string ValueOf(const std::string& id) {
  return absl::StrCat(id, "|", std::string(std::hash<std::string>()(id) % 1500, 'x'));
}
std::string ResultOf(const std::string& id) { return absl::StrCat("result of ", id); }

Batch BatchOf(const LoggedWrite& write, const std::string& practice) {
  Batch batch;
  batch.practice = practice;
  batch.idempotency = storage::IdempotencyKey{write.id, absl::StrCat("print of ", write.id),
                                              ResultOf(write.id), absl::Now() + absl::Hours(1)};
  if (write.fence != 0) {
    batch.fence = storage::Fence{kLease, write.fence};
  }
  if (write.record >= 0) {
    for (const RecordKey& key : {LeftKey(write.record), RightKey(write.record)}) {
      batch.expectations.push_back({key, write.expected});
      batch.puts.push_back({key, ValueOf(write.id), {{"latest", write.id}}});
    }
  }
  if (!write.deletes.empty()) {
    batch.deletes.push_back(OwnKey(write.deletes));
  }
  batch.puts.push_back({OwnKey(write.id), ValueOf(write.id), {{"own", write.id}}});
  batch.journal = {write.id};
  batch.audit = {write.id};
  return batch;
}

std::string Text(const absl::Status& status) {
  return absl::StrCat(status.ToString(), " (", ReasonName(ReasonOf(status)), ")");
}

}  // namespace securebase::faults
