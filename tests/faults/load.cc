#include "tests/faults/load.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"
#include "tests/faults/history.h"

namespace securebase::faults {
namespace {

using storage::Batch;
using storage::Context;
using storage::Position;
using storage::Record;
using storage::RecordKey;
using storage::Store;

constexpr size_t kMaxViolations = 100;  // the first ones say enough

struct Write {
  enum class Outcome { kUnknown, kDone, kNotDone };
  std::string id;  // also the idempotency key
  size_t practice = 0;
  int record = -1;  // which shared one; -1: none
  int64_t expected = 0;
  std::string deletes;  // the id of the write whose own record goes; empty: none
  int64_t begin = 0;
  int64_t end = INT64_MAX;
  Outcome outcome = Outcome::kUnknown;
  bool was_unknown = false;
  int64_t sequence = 0;  // 0: not told, because it was answered as a repetition
};

struct AuditedRead {
  size_t practice = 0;
  Write::Outcome outcome = Write::Outcome::kUnknown;
};

// What was seen of a practice.
struct Seen {
  std::vector<std::vector<Event>> records;  // reads and conflicts; the writes are in `writes`
  std::vector<Event> positions;
  std::map<int64_t, std::string> journal;
  std::string epoch;
};

struct Success {
  absl::Time begin;
  absl::Time end;
};

RecordKey LeftKey(int record) { return {"left", absl::StrCat("r", record)}; }
RecordKey RightKey(int record) { return {"right", absl::StrCat("r", record)}; }
RecordKey OwnKey(const std::string& id) { return {"own", id}; }

// The id, and filling of a length that follows from it.
std::string ValueOf(const std::string& id) {
  return absl::StrCat(id, "|", std::string(std::hash<std::string>()(id) % 1500, 'x'));
}
// Empty when it is no value of ours.
std::string IdOf(const std::string& value) {
  std::string id = value.substr(0, value.find('|'));
  return ValueOf(id) == value ? id : "";
}
std::string ResultOf(const std::string& id) { return absl::StrCat("result of ", id); }

Batch BatchOf(const Write& write, const std::string& practice) {
  Batch batch;
  batch.practice = practice;
  batch.idempotency = storage::IdempotencyKey{write.id, absl::StrCat("print of ", write.id),
                                              ResultOf(write.id), absl::Now() + absl::Hours(1)};
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

std::optional<absl::Time> First(const std::vector<Success>& successes, absl::Time from) {
  std::optional<absl::Time> first;
  for (const Success& success : successes) {
    if (success.begin >= from && (!first.has_value() || success.end < *first)) {
      first = success.end;
    }
  }
  return first;
}

bool NothingWasDone(const absl::Status& status) {
  const Reason reason = ReasonOf(status);
  return reason == Reason::kStoreUnavailable || reason == Reason::kDeadlineExceeded ||
         reason == Reason::kOverloaded;
}

std::string Text(const absl::Status& status) {
  return absl::StrCat(status.ToString(), " (", ReasonName(ReasonOf(status)), ")");
}

}  // namespace

class Load::Impl {
 public:
  explicit Impl(LoadOptions options) : options_(std::move(options)) {
    seen_.resize(options_.practices.size());
    for (Seen& practice : seen_) {
      practice.records.resize(static_cast<size_t>(options_.records));
    }
  }

  void Start();
  void Stop();
  bool AwaitAcknowledged(int64_t count, absl::Duration timeout);
  std::optional<absl::Time> FirstWrite(absl::Time from) const {
    MutexLock lock(mutex_);
    return First(write_times_, from);
  }
  std::optional<absl::Time> FirstRead(absl::Time from) const {
    MutexLock lock(mutex_);
    return First(read_times_, from);
  }
  std::optional<absl::Time> FirstAuditedRead(absl::Time from) const {
    MutexLock lock(mutex_);
    return First(audited_read_times_, from);
  }
  absl::Status Settle(Store& store, absl::Duration timeout);
  LoadFindings Check(Store& store);
  LoadCounts counts() const {
    MutexLock lock(mutex_);
    return counts_;
  }

 private:
  // One call of a store: made before it, ended after it.
  struct Call {
    explicit Call(Impl& load)
        : began(absl::Now()), context{began + load.options_.deadline}, begin(++load.ticks_) {}
    void End(Impl& load) {
      end = ++load.ticks_;
      ended = absl::Now();
    }
    const absl::Time began;
    const Context context;
    const int64_t begin;
    int64_t end = INT64_MAX;
    absl::Time ended;
  };

  // A thread's own things.
  struct Thread {
    Store& store;
    std::mt19937_64 random;
    std::vector<std::pair<size_t, std::string>> own;  // practice and id of what it may delete
    int64_t Pick(int64_t low, int64_t high) {
      return std::uniform_int_distribution<int64_t>(low, high)(random);
    }
  };

  const std::string& Name(size_t practice) const { return options_.practices[practice]; }
  size_t AnyPractice(Thread& thread) const {
    return static_cast<size_t>(thread.Pick(0, static_cast<int64_t>(options_.practices.size()) - 1));
  }
  std::string NewId(absl::string_view prefix) {
    MutexLock lock(mutex_);
    return absl::StrCat(prefix, next_id_++);
  }

  void WatchTheMachine();
  void WriteForever(Thread thread);
  void ReadForever(Thread thread);
  void Pause(Thread& thread);
  void WriteOnce(Thread& thread);
  void Attempt(Store& store, Write& write);
  std::optional<int64_t> ReadVersion(Store& store, size_t practice, int record);
  bool ReadRecords(Store& store, size_t practice);  // false: refused
  void ReadPosition(Store& store, size_t practice);
  void ReadJournal(Thread& thread, size_t practice);
  void ReadWithAudit(Thread& thread, size_t practice);
  void ReadResult(Thread& thread);

  void Ended(const Call& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    counts_.latest = std::max(counts_.latest, call.ended - call.context.deadline);
  }
  // Whether a read was answered; a refusal is counted, another error noted.
  bool Answered(const Call& call, const absl::Status& status, absl::string_view what)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NotePosition(size_t practice, const Call& call, const Position& position)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NotePair(size_t practice, int record, const Call& call, const std::optional<Record>& left,
                const std::optional<Record>& right) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteEntries(size_t practice, const std::vector<storage::JournalEntry>& entries,
                   int64_t after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Violate(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (violations_.size() < kMaxViolations) {
      violations_.push_back(text);
    }
  }

  absl::Status ReadAllJournal(Store& store, size_t practice);
  absl::Status CheckAudit(Store& store, size_t practice);
  absl::Status CheckOwnRecords(Store& store, size_t practice);
  absl::Status CheckIndexOfShared(Store& store, size_t practice);
  absl::StatusOr<std::map<std::string, std::vector<storage::ScanRow>>> ScanAll(
      Store& store, size_t practice, const std::string& index);
  void CheckJournal(size_t practice, LoadFindings& findings) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CheckHistories(size_t practice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LoadOptions options_;
  std::atomic<int64_t> ticks_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  uint64_t starts_ = 0;

  mutable Mutex mutex_;
  CondVar acknowledged_;
  std::map<std::string, Write> writes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, AuditedRead> audited_reads_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> done_ ABSL_GUARDED_BY(mutex_);  // ids of writes, as acknowledged
  std::vector<Seen> seen_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> violations_ ABSL_GUARDED_BY(mutex_);
  int64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<Success> write_times_ ABSL_GUARDED_BY(mutex_);
  std::vector<Success> read_times_ ABSL_GUARDED_BY(mutex_);
  std::vector<Success> audited_read_times_ ABSL_GUARDED_BY(mutex_);
  LoadCounts counts_ ABSL_GUARDED_BY(mutex_);
};

void Load::Impl::Start() {
  stop_ = false;
  ++starts_;
  threads_.emplace_back([this] { WatchTheMachine(); });
  for (int i = 0; i < options_.writers + options_.readers; ++i) {
    const auto index = static_cast<size_t>(i);
    Thread thread{*options_.stores[index % options_.stores.size()],
                  std::mt19937_64(options_.seed * 10'000 + starts_ * 100 + index),
                  {}};
    threads_.emplace_back([this, thread = std::move(thread), writes = i < options_.writers] {
      writes ? WriteForever(thread) : ReadForever(thread);
    });
  }
}

void Load::Impl::WatchTheMachine() {
  constexpr absl::Duration kNap = absl::Milliseconds(5);
  while (!stop_) {
    const absl::Time begin = absl::Now();
    absl::SleepFor(kNap);
    const absl::Duration late = absl::Now() - begin - kNap;
    MutexLock lock(mutex_);
    counts_.machine_latest = std::max(counts_.machine_latest, late);
  }
}

void Load::Impl::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

bool Load::Impl::AwaitAcknowledged(int64_t count, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  MutexLock lock(mutex_);
  const int64_t wanted = counts_.acknowledged + count;
  while (counts_.acknowledged < wanted) {
    if (absl::Now() >= deadline) {
      return false;
    }
    acknowledged_.WaitFor(mutex_, deadline - absl::Now());
  }
  return true;
}

void Load::Impl::Pause(Thread& thread) {
  absl::SleepFor(options_.pause * std::uniform_real_distribution<double>(0, 2)(thread.random));
}

void Load::Impl::WriteForever(Thread thread) {
  while (!stop_) {
    WriteOnce(thread);
    Pause(thread);
  }
}

void Load::Impl::WriteOnce(Thread& thread) {
  Write write;
  write.id = NewId("w");
  write.practice = AnyPractice(thread);
  if (thread.Pick(0, 9) < 7) {
    write.record = static_cast<int>(thread.Pick(0, options_.records - 1));
    const std::optional<int64_t> version = ReadVersion(thread.store, write.practice, write.record);
    if (!version.has_value()) {
      return;
    }
    write.expected = *version;
  }
  if (thread.Pick(0, 4) == 0) {
    const auto old = std::find_if(thread.own.begin(), thread.own.end(),
                                  [&](const auto& own) { return own.first == write.practice; });
    if (old != thread.own.end()) {
      write.deletes = old->second;
      thread.own.erase(old);
    }
  }
  write.begin = ++ticks_;
  Attempt(thread.store, write);
  // Half of the unknown ones are repeated at once, the others much later.
  if (write.outcome == Write::Outcome::kUnknown && thread.Pick(0, 1) == 0) {
    while (write.outcome == Write::Outcome::kUnknown && !stop_) {
      Pause(thread);
      Attempt(thread.store, write);
    }
  }
  if (write.outcome == Write::Outcome::kDone) {
    thread.own.emplace_back(write.practice, write.id);
  }
}

void Load::Impl::Attempt(Store& store, Write& write) {
  const bool repeats = write.was_unknown;
  Call call(*this);
  const auto result = store.Apply(call.context, BatchOf(write, Name(write.practice)));
  call.End(*this);
  MutexLock lock(mutex_);
  Ended(call);
  if (result.ok()) {
    write.outcome = Write::Outcome::kDone;
    write.end = call.end;
    NotePosition(write.practice, call, result->position);
    if (result->replayed.has_value()) {
      if (!repeats) {
        Violate(absl::StrCat(write.id, " was taken for a repetition"));
      }
      if (*result->replayed != ResultOf(write.id)) {
        Violate(absl::StrCat(write.id, " was repeated with another result"));
      }
      ++counts_.unknown_done;
    } else {
      write.sequence = result->position.sequence;
      std::vector<int64_t> versions(write.record >= 0 ? 2 : 0, write.expected + 1);
      versions.push_back(1);
      if (result->versions != versions) {
        Violate(absl::StrCat(write.id, " was given other versions than it should have"));
      }
    }
    ++counts_.acknowledged;
    done_.push_back(write.id);
    write_times_.push_back({call.began, call.ended});
    acknowledged_.NotifyAll();
  } else if (ReasonOf(result.status()) == Reason::kConflict && write.record >= 0) {
    write.outcome = Write::Outcome::kNotDone;
    ++counts_.conflicts;
    seen_[write.practice].records[static_cast<size_t>(write.record)].push_back(
        {Event::Kind::kBeyond, call.begin, call.end, write.expected + 1, ""});
  } else if (ReasonOf(result.status()) == Reason::kOutcomeUnknown) {
    counts_.unknown += repeats ? 0 : 1;
    write.was_unknown = true;
  } else if (NothingWasDone(result.status())) {
    // Of a repetition this says nothing about the first attempt.
    if (!repeats) {
      write.outcome = Write::Outcome::kNotDone;
      ++counts_.refused;
    }
  } else {
    Violate(absl::StrCat(write.id, " failed with ", Text(result.status())));
    write.was_unknown = true;
  }
  writes_[write.id] = write;
}

void Load::Impl::ReadForever(Thread thread) {
  while (!stop_) {
    const size_t practice = AnyPractice(thread);
    switch (thread.Pick(0, 5)) {
      case 0:
        ReadVersion(thread.store, practice, static_cast<int>(thread.Pick(0, options_.records - 1)));
        break;
      case 1:
        ReadRecords(thread.store, practice);
        break;
      case 2:
        ReadPosition(thread.store, practice);
        break;
      case 3:
        ReadJournal(thread, practice);
        break;
      case 4:
        ReadWithAudit(thread, practice);
        break;
      default:
        ReadResult(thread);
    }
    Pause(thread);
  }
}

bool Load::Impl::Answered(const Call& call, const absl::Status& status, absl::string_view what) {
  Ended(call);
  if (status.ok()) {
    ++counts_.reads;
    read_times_.push_back({call.began, call.ended});
    return true;
  }
  ++counts_.reads_refused;
  if (!NothingWasDone(status)) {
    Violate(absl::StrCat(what, " failed with ", Text(status)));
  }
  return false;
}

std::optional<int64_t> Load::Impl::ReadVersion(Store& store, size_t practice, int record) {
  Call call(*this);
  const auto left = store.Get(call.context, Name(practice), LeftKey(record));
  call.End(*this);
  const bool is_missing = left.status().code() == absl::StatusCode::kNotFound;
  MutexLock lock(mutex_);
  if (!Answered(call, is_missing ? absl::OkStatus() : left.status(), "Get")) {
    return std::nullopt;
  }
  const std::optional<Record> value =
      is_missing ? std::nullopt : std::optional<Record>(left.value());
  NotePair(practice, record, call, value, value);
  return value.has_value() ? value->version : 0;
}

bool Load::Impl::ReadRecords(Store& store, size_t practice) {
  std::vector<RecordKey> keys;
  for (int record = 0; record < options_.records; ++record) {
    keys.push_back(LeftKey(record));
    keys.push_back(RightKey(record));
  }
  Call call(*this);
  const auto records = store.GetMany(call.context, Name(practice), keys);
  call.End(*this);
  MutexLock lock(mutex_);
  if (!Answered(call, records.status(), "GetMany")) {
    return false;
  }
  for (int record = 0; record < options_.records; ++record) {
    const auto index = static_cast<size_t>(2 * record);
    NotePair(practice, record, call, records->at(index), records->at(index + 1));
  }
  return true;
}

void Load::Impl::NotePair(size_t practice, int record, const Call& call,
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
  seen_[practice].records[static_cast<size_t>(record)].push_back(
      {Event::Kind::kRead, call.begin, call.end, left.has_value() ? left->version : 0, id});
}

void Load::Impl::ReadPosition(Store& store, size_t practice) {
  Call call(*this);
  const auto position = store.GetPosition(call.context, Name(practice));
  call.End(*this);
  MutexLock lock(mutex_);
  if (Answered(call, position.status(), "GetPosition")) {
    NotePosition(practice, call, *position);
  }
}

void Load::Impl::NotePosition(size_t practice, const Call& call, const Position& position) {
  Seen& seen = seen_[practice];
  if (seen.epoch.empty()) {
    seen.epoch = position.epoch;
  }
  if (position.epoch.empty() || position.epoch != seen.epoch) {
    Violate(absl::StrCat("the epoch of ", Name(practice), " changed"));
  }
  seen.positions.push_back({Event::Kind::kRead, call.begin, call.end, position.sequence, ""});
}

void Load::Impl::ReadJournal(Thread& thread, size_t practice) {
  int64_t after = 0;
  {
    // Somewhere in what is known to be there, mostly near its end, as followers do.
    MutexLock lock(mutex_);
    const auto& known = seen_[practice].journal;
    const int64_t last = known.empty() ? 0 : known.rbegin()->first;
    after = std::max<int64_t>(0, last - thread.Pick(0, 20));
  }
  Call call(*this);
  const auto page = thread.store.Journal(call.context, Name(practice), after, 100);
  call.End(*this);
  MutexLock lock(mutex_);
  if (!Answered(call, page.status(), "Journal")) {
    return;
  }
  NotePosition(practice, call, page->position);
  NoteEntries(practice, page->entries, after);
  const int64_t last = page->entries.empty() ? after : page->entries.back().sequence;
  if (page->more != (last < page->position.sequence)) {
    Violate(absl::StrCat("the journal of ", Name(practice), " ends elsewhere than its position"));
  }
}

void Load::Impl::NoteEntries(size_t practice, const std::vector<storage::JournalEntry>& entries,
                             int64_t after) {
  for (const storage::JournalEntry& entry : entries) {
    if (entry.sequence != ++after) {
      Violate(
          absl::StrCat("the journal of ", Name(practice), " has a gap before ", entry.sequence));
      return;
    }
    const auto [known, is_new] = seen_[practice].journal.emplace(entry.sequence, entry.value);
    if (!is_new && known->second != entry.value) {
      Violate(absl::StrCat("the journal of ", Name(practice), " had ", known->second, " at ",
                           entry.sequence, " and then ", entry.value));
    }
  }
}

void Load::Impl::ReadWithAudit(Thread& thread, size_t practice) {
  const std::string id = NewId("a");
  {
    MutexLock lock(mutex_);
    audited_reads_[id].practice = practice;
  }
  Batch audit;
  audit.practice = Name(practice);
  audit.audit = {id};
  const int record = static_cast<int>(thread.Pick(0, options_.records - 1));
  Call call(*this);
  const auto left = thread.store.Get(call.context, Name(practice), LeftKey(record));
  const bool is_missing = left.status().code() == absl::StatusCode::kNotFound;
  absl::Status status = is_missing ? absl::OkStatus() : left.status();
  const bool was_read = status.ok();
  if (was_read) {
    status = thread.store.Apply(call.context, audit).status();
  }
  call.End(*this);
  MutexLock lock(mutex_);
  AuditedRead& noted = audited_reads_[id];
  if (was_read && ReasonOf(status) == Reason::kOutcomeUnknown) {
    Ended(call);
    ++counts_.reads_refused;
    return;
  }
  if (!Answered(call, status, "an audited read")) {
    noted.outcome = Write::Outcome::kNotDone;
    return;
  }
  noted.outcome = Write::Outcome::kDone;
  ++counts_.audited_reads;
  audited_read_times_.push_back({call.began, call.ended});
  const std::optional<Record> value =
      is_missing ? std::nullopt : std::optional<Record>(left.value());
  NotePair(practice, record, call, value, value);
}

void Load::Impl::ReadResult(Thread& thread) {
  std::string id;
  size_t practice = 0;
  {
    MutexLock lock(mutex_);
    if (done_.empty()) {
      return;
    }
    // Mostly one of the latest.
    const auto back = static_cast<size_t>(thread.Pick(0, thread.Pick(0, 1) == 0 ? 3 : 1000));
    id = done_[done_.size() - 1 - std::min(back, done_.size() - 1)];
    practice = writes_[id].practice;
  }
  Call call(*this);
  const auto result =
      thread.store.FindResult(call.context, Name(practice), id, absl::StrCat("print of ", id));
  call.End(*this);
  MutexLock lock(mutex_);
  if (Answered(call, result.status(), "FindResult") && result->value_or("none") != ResultOf(id)) {
    Violate(absl::StrCat("the result of ", id, " was ", result->value_or("forgotten")));
  }
}

absl::Status Load::Impl::Settle(Store& store, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::vector<Write> unknown;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, write] : writes_) {
      if (write.outcome == Write::Outcome::kUnknown) {
        unknown.push_back(write);
      }
    }
  }
  for (Write& write : unknown) {
    while (write.outcome == Write::Outcome::kUnknown) {
      if (absl::Now() >= deadline) {
        return absl::DeadlineExceededError(
            absl::StrCat("the outcome of ", write.id, " is still unknown"));
      }
      Attempt(store, write);
    }
  }
  return absl::OkStatus();
}

absl::Status Load::Impl::ReadAllJournal(Store& store, size_t practice) {
  bool more = true;
  for (int64_t after = 0; more;) {
    Call call(*this);
    SB_ASSIGN_OR_RETURN(const auto page,
                        store.Journal({}, Name(practice), after, storage::kMaxPageRows));
    call.End(*this);
    MutexLock lock(mutex_);
    NotePosition(practice, call, page.position);
    NoteEntries(practice, page.entries, after);
    more = page.more && !page.entries.empty();
    if (!page.entries.empty()) {
      after = page.entries.back().sequence;
    }
    if (!more) {
      // What readers saw beyond the end has gone.
      seen_[practice].positions.push_back({Event::Kind::kRead, call.begin, call.end, after, ""});
      if (!seen_[practice].journal.empty() && seen_[practice].journal.rbegin()->first > after) {
        Violate(absl::StrCat("the journal of ", Name(practice), " ends at ", after,
                             ", and was longer before"));
      }
      seen_[practice].journal.erase(seen_[practice].journal.upper_bound(after),
                                    seen_[practice].journal.end());
    }
  }
  return absl::OkStatus();
}

void Load::Impl::CheckJournal(size_t practice, LoadFindings& findings) {
  std::map<std::string, std::vector<int64_t>> sequences;
  for (const auto& [sequence, id] : seen_[practice].journal) {
    sequences[id].push_back(sequence);
    const auto write = writes_.find(id);
    if (write == writes_.end() || write->second.practice != practice) {
      Violate(absl::StrCat("the journal has ", id, ", which nobody wrote there"));
    }
  }
  for (const auto& [id, write] : writes_) {
    if (write.practice != practice) {
      continue;
    }
    const std::vector<int64_t>& found = sequences[id];
    if (write.outcome == Write::Outcome::kUnknown) {
      Violate(absl::StrCat("the outcome of ", id, " is unknown"));
    } else if (write.outcome == Write::Outcome::kNotDone && !found.empty()) {
      Violate(absl::StrCat(id, " was said not to be done, and was"));
    } else if (write.outcome == Write::Outcome::kDone && found.empty()) {
      ++findings.lost;
      Violate(absl::StrCat(id, " was acknowledged and is lost"));
    }
    if (found.size() > 1) {
      ++findings.doubled;
      Violate(absl::StrCat(id, " is in the journal ", found.size(), " times"));
    }
    if (found.size() == 1 && write.sequence != 0 && write.sequence != found[0]) {
      Violate(absl::StrCat(id, " was acknowledged at ", write.sequence, " and is at ", found[0]));
    }
  }
}

absl::Status Load::Impl::CheckAudit(Store& store, size_t practice) {
  std::map<std::string, int> found;
  for (int64_t after = 0;;) {
    SB_ASSIGN_OR_RETURN(const auto entries,
                        store.ListAudit({}, Name(practice), after, storage::kMaxPageRows));
    if (entries.empty()) {
      break;
    }
    for (const storage::AuditEntry& entry : entries) {
      ++found[entry.value];
      if (entry.sequence != ++after) {
        MutexLock lock(mutex_);
        Violate(absl::StrCat("the audit trail has a gap before ", entry.sequence));
        after = entry.sequence;
      }
    }
  }
  MutexLock lock(mutex_);
  const auto check = [&](const std::string& id, Write::Outcome outcome) {
    const int count = found[id];
    const int least = outcome == Write::Outcome::kDone ? 1 : 0;
    const int most = outcome == Write::Outcome::kNotDone ? 0 : 1;
    if (count < least || count > most) {
      Violate(absl::StrCat(id, " is in the audit trail ", count, " times"));
    }
    found.erase(id);
  };
  for (const auto& [id, write] : writes_) {
    if (write.practice == practice) {
      check(id, write.outcome);
    }
  }
  for (const auto& [id, read] : audited_reads_) {
    if (read.practice == practice) {
      check(id, read.outcome);
    }
  }
  for (const auto& [id, count] : found) {
    Violate(absl::StrCat("the audit trail has ", id, ", which nobody wrote there"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::vector<storage::ScanRow>>> Load::Impl::ScanAll(
    Store& store, size_t practice, const std::string& index) {
  std::map<std::string, std::vector<storage::ScanRow>> rows;  // by sort key
  storage::ScanRequest request;
  request.practice = Name(practice);
  request.index = index;
  request.limit = storage::kMaxPageRows;
  for (bool more = true; more;) {
    SB_ASSIGN_OR_RETURN(const auto page, store.Scan({}, request));
    for (const storage::ScanRow& row : page.rows) {
      rows[row.sort_key].push_back(row);
      request.after = row.cursor;
    }
    more = page.more && !page.rows.empty();
  }
  return rows;
}

absl::Status Load::Impl::CheckOwnRecords(Store& store, size_t practice) {
  SB_ASSIGN_OR_RETURN(auto rows, ScanAll(store, practice, "own"));
  MutexLock lock(mutex_);
  std::set<std::string> deleted;
  for (const auto& [id, write] : writes_) {
    if (write.outcome == Write::Outcome::kDone && !write.deletes.empty()) {
      deleted.insert(write.deletes);
    }
  }
  for (const auto& [id, write] : writes_) {
    if (write.practice != practice) {
      continue;
    }
    const bool wanted = write.outcome == Write::Outcome::kDone && deleted.count(id) == 0;
    const std::vector<storage::ScanRow>& found = rows[id];
    if (found.size() != (wanted ? 1 : 0)) {
      Violate(absl::StrCat("the own record of ", id, " is there ", found.size(), " times"));
    } else if (wanted && (found[0].key.id != id || found[0].record.version != 1 ||
                          found[0].record.value != ValueOf(id))) {
      Violate(absl::StrCat("the own record of ", id, " is not as it was written"));
    }
    rows.erase(id);
  }
  for (const auto& [id, row] : rows) {
    Violate(absl::StrCat("there is a record of ", id, ", which nobody wrote there"));
  }
  return absl::OkStatus();
}

absl::Status Load::Impl::CheckIndexOfShared(Store& store, size_t practice) {
  if (!ReadRecords(store, practice)) {
    return absl::UnavailableError("the shared records were not read");
  }
  SB_ASSIGN_OR_RETURN(auto rows, ScanAll(store, practice, "latest"));
  MutexLock lock(mutex_);
  for (const std::vector<Event>& events : seen_[practice].records) {
    const std::string id = events.empty() ? "" : events.back().value;
    if (id.empty()) {
      continue;
    }
    if (rows[id].size() != 2) {
      Violate(absl::StrCat("the index has ", rows[id].size(), " entries for ", id));
    }
    rows.erase(id);
  }
  for (const auto& [id, row] : rows) {
    Violate(absl::StrCat("the index still has ", id));
  }
  return absl::OkStatus();
}

void Load::Impl::CheckHistories(size_t practice) {
  Seen& seen = seen_[practice];
  std::vector<std::vector<Event>> records = seen.records;
  std::vector<Event> journal = seen.positions;
  for (const auto& [id, write] : writes_) {
    if (write.practice == practice && write.record >= 0 && write.outcome == Write::Outcome::kDone) {
      records[static_cast<size_t>(write.record)].push_back(
          {Event::Kind::kWrite, write.begin, write.end, write.expected + 1, id});
    }
  }
  for (const auto& [sequence, id] : seen.journal) {
    const auto write = writes_.find(id);
    if (write != writes_.end()) {
      journal.push_back(
          {Event::Kind::kWrite, write->second.begin, write->second.end, sequence, id});
    }
  }
  for (size_t record = 0; record < records.size(); ++record) {
    for (const std::string& violation : CheckRegister(std::move(records[record]))) {
      Violate(absl::StrCat("record ", record, " of ", Name(practice), ": ", violation));
    }
  }
  for (const std::string& violation : CheckRegister(std::move(journal))) {
    Violate(absl::StrCat("journal of ", Name(practice), ": ", violation));
  }
}

LoadFindings Load::Impl::Check(Store& store) {
  LoadFindings findings;
  for (size_t practice = 0; practice < options_.practices.size(); ++practice) {
    absl::Status status = ReadAllJournal(store, practice);
    status.Update(CheckAudit(store, practice));
    status.Update(CheckOwnRecords(store, practice));
    status.Update(CheckIndexOfShared(store, practice));
    MutexLock lock(mutex_);
    if (!status.ok()) {
      Violate(absl::StrCat(Name(practice), " cannot be read: ", Text(status)));
    }
    CheckJournal(practice, findings);
    CheckHistories(practice);
  }
  MutexLock lock(mutex_);
  findings.violations = violations_;
  return findings;
}

Load::Load(LoadOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Load::~Load() { Stop(); }
void Load::Start() { impl_->Start(); }
void Load::Stop() { impl_->Stop(); }
bool Load::AwaitAcknowledged(int64_t count, absl::Duration timeout) {
  return impl_->AwaitAcknowledged(count, timeout);
}
std::optional<absl::Time> Load::FirstWrite(absl::Time from) const {
  return impl_->FirstWrite(from);
}
std::optional<absl::Time> Load::FirstRead(absl::Time from) const { return impl_->FirstRead(from); }
std::optional<absl::Time> Load::FirstAuditedRead(absl::Time from) const {
  return impl_->FirstAuditedRead(from);
}
absl::Status Load::Settle(Store& store, absl::Duration timeout) {
  return impl_->Settle(store, timeout);
}
LoadFindings Load::Check(Store& store) { return impl_->Check(store); }
LoadCounts Load::counts() const { return impl_->counts(); }

std::string Describe(const LoadCounts& counts) {
  return absl::StrFormat(
      "%d acknowledged, %d conflicts, %d refused, %d unknown (%d had been done), %d reads "
      "(%d audited), %d refused; latest %d ms after its deadline, a sleeping thread %d ms",
      counts.acknowledged, counts.conflicts, counts.refused, counts.unknown, counts.unknown_done,
      counts.reads, counts.audited_reads, counts.reads_refused,
      absl::ToInt64Milliseconds(std::max(counts.latest, absl::ZeroDuration())),
      absl::ToInt64Milliseconds(counts.machine_latest));
}

}  // namespace securebase::faults
