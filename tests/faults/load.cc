#include "tests/faults/load.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
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
#include "tests/faults/load_log.h"

namespace securebase::faults {
namespace {

using storage::Batch;
using storage::Context;
using storage::Record;
using storage::RecordKey;
using storage::Store;

struct Success {
  absl::Time begin;
  absl::Time end;
};

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

}  // namespace

class Load::Impl {
 public:
  explicit Impl(LoadOptions options)
      : options_(std::move(options)), log_(options_.practices, options_.records) {}

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
        : began(absl::Now()),
          context{began + load.options_.deadline},
          at{++load.ticks_, INT64_MAX} {}
    void End(Impl& load) {
      at.end = ++load.ticks_;
      ended = absl::Now();
    }
    const absl::Time began;
    const Context context;
    Interval at;
    absl::Time ended;
  };

  // A thread's own things.
  struct Thread {
    Store& store;
    std::mt19937_64 random;
    std::string name;                                 // as the owner of leases
    std::vector<std::pair<size_t, std::string>> own;  // practice and id of what it may delete
    std::map<size_t, int64_t> tokens;                 // by practice: of the lease it had last
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
  void Attempt(Store& store, LoggedWrite& write);
  // The token of the practice's lease: of one it takes now or, often, one that it had before and
  // that others may have taken since. 0: none.
  int64_t TakeLease(Thread& thread, size_t practice);
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

  const LoadOptions options_;
  std::atomic<int64_t> ticks_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  uint64_t starts_ = 0;

  mutable Mutex mutex_;
  CondVar acknowledged_;
  LoadLog log_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> done_ ABSL_GUARDED_BY(mutex_);  // ids of writes, as acknowledged
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
                  absl::StrCat("thread", starts_, "-", index),
                  {},
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
  LoggedWrite write;
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
  if (thread.Pick(0, 5) == 0) {
    write.fence = TakeLease(thread, write.practice);
  }
  write.at.begin = ++ticks_;
  Attempt(thread.store, write);
  // Half of the unknown ones are repeated at once, the others much later.
  if (write.outcome == Outcome::kUnknown && thread.Pick(0, 1) == 0) {
    while (write.outcome == Outcome::kUnknown && !stop_) {
      Pause(thread);
      Attempt(thread.store, write);
    }
  }
  if (write.outcome == Outcome::kDone) {
    thread.own.emplace_back(write.practice, write.id);
  }
}

int64_t Load::Impl::TakeLease(Thread& thread, size_t practice) {
  int64_t& token = thread.tokens[practice];
  if (token != 0 && thread.Pick(0, 1) == 0) {
    return token;
  }
  // So short that it expires and changes hands all the time.
  const absl::Duration duration = absl::Milliseconds(thread.Pick(1, 20));
  Call call(*this);
  const auto lease =
      thread.store.AcquireLease(call.context, Name(practice), kLease, thread.name, duration);
  call.End(*this);
  MutexLock lock(mutex_);
  Ended(call);
  if (lease.ok()) {
    token = lease->token;
    log_.seen[practice].leases.push_back({call.at, thread.name, token});
  } else if (const Reason reason = ReasonOf(lease.status()); reason != Reason::kLeaseHeld &&
                                                             reason != Reason::kOutcomeUnknown &&
                                                             !NothingWasDone(lease.status())) {
    log_.Violate(absl::StrCat("AcquireLease failed with ", Text(lease.status())));
  }
  return token;
}

void Load::Impl::Attempt(Store& store, LoggedWrite& write) {
  const bool repeats = write.was_unknown;
  Call call(*this);
  const auto result = store.Apply(call.context, BatchOf(write, Name(write.practice)));
  call.End(*this);
  MutexLock lock(mutex_);
  Ended(call);
  if (result.ok()) {
    write.outcome = Outcome::kDone;
    write.at.end = call.at.end;
    log_.NotePosition(write.practice, call.at, result->position);
    if (result->replayed.has_value()) {
      if (!repeats) {
        log_.Violate(absl::StrCat(write.id, " was taken for a repetition"));
      }
      if (*result->replayed != ResultOf(write.id)) {
        log_.Violate(absl::StrCat(write.id, " was repeated with another result"));
      }
      ++counts_.unknown_done;
    } else {
      write.sequence = result->position.sequence;
      std::vector<int64_t> versions(write.record >= 0 ? 2 : 0, write.expected + 1);
      versions.push_back(1);
      if (result->versions != versions) {
        log_.Violate(absl::StrCat(write.id, " was given other versions than it should have"));
      }
    }
    ++counts_.acknowledged;
    done_.push_back(write.id);
    write_times_.push_back({call.began, call.ended});
    acknowledged_.NotifyAll();
  } else if (ReasonOf(result.status()) == Reason::kConflict && write.record >= 0) {
    write.outcome = Outcome::kNotDone;
    ++counts_.conflicts;
    log_.seen[write.practice].records[static_cast<size_t>(write.record)].push_back(
        {Event::Kind::kBeyond, call.at.begin, call.at.end, write.expected + 1, ""});
  } else if (ReasonOf(result.status()) == Reason::kLeaseLost && write.fence != 0) {
    write.outcome = Outcome::kNotDone;
    ++counts_.leases_lost;
  } else if (ReasonOf(result.status()) == Reason::kOutcomeUnknown) {
    counts_.unknown += repeats ? 0 : 1;
    write.was_unknown = true;
  } else if (NothingWasDone(result.status())) {
    // Of a repetition this says nothing about the first attempt.
    if (!repeats) {
      write.outcome = Outcome::kNotDone;
      ++counts_.refused;
    }
  } else {
    log_.Violate(absl::StrCat(write.id, " failed with ", Text(result.status())));
    write.was_unknown = true;
  }
  log_.writes[write.id] = write;
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
    log_.Violate(absl::StrCat(what, " failed with ", Text(status)));
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
  log_.NotePair(practice, record, call.at, value, value);
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
    log_.NotePair(practice, record, call.at, records->at(index), records->at(index + 1));
  }
  return true;
}

void Load::Impl::ReadPosition(Store& store, size_t practice) {
  Call call(*this);
  const auto position = store.GetPosition(call.context, Name(practice));
  call.End(*this);
  MutexLock lock(mutex_);
  if (Answered(call, position.status(), "GetPosition")) {
    log_.NotePosition(practice, call.at, *position);
  }
}

void Load::Impl::ReadJournal(Thread& thread, size_t practice) {
  int64_t after = 0;
  {
    // Somewhere in what is known to be there, mostly near its end, as followers do.
    MutexLock lock(mutex_);
    const auto& known = log_.seen[practice].journal;
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
  log_.NotePosition(practice, call.at, page->position);
  log_.NoteEntries(practice, page->entries, after);
  const int64_t last = page->entries.empty() ? after : page->entries.back().sequence;
  if (page->more != (last < page->position.sequence)) {
    log_.Violate(
        absl::StrCat("the journal of ", Name(practice), " ends elsewhere than its position"));
  }
}

void Load::Impl::ReadWithAudit(Thread& thread, size_t practice) {
  const std::string id = NewId("a");
  {
    MutexLock lock(mutex_);
    log_.audited_reads[id].practice = practice;
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
  LoggedAuditedRead& noted = log_.audited_reads[id];
  if (was_read && ReasonOf(status) == Reason::kOutcomeUnknown) {
    Ended(call);
    ++counts_.reads_refused;
    return;
  }
  if (!Answered(call, status, "an audited read")) {
    noted.outcome = Outcome::kNotDone;
    return;
  }
  noted.outcome = Outcome::kDone;
  ++counts_.audited_reads;
  audited_read_times_.push_back({call.began, call.ended});
  const std::optional<Record> value =
      is_missing ? std::nullopt : std::optional<Record>(left.value());
  log_.NotePair(practice, record, call.at, value, value);
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
    practice = log_.writes[id].practice;
  }
  Call call(*this);
  const auto result =
      thread.store.FindResult(call.context, Name(practice), id, absl::StrCat("print of ", id));
  call.End(*this);
  MutexLock lock(mutex_);
  if (Answered(call, result.status(), "FindResult") && result->value_or("none") != ResultOf(id)) {
    log_.Violate(absl::StrCat("the result of ", id, " was ", result->value_or("forgotten")));
  }
}

absl::Status Load::Impl::Settle(Store& store, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::vector<LoggedWrite> unknown;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, write] : log_.writes) {
      if (write.outcome == Outcome::kUnknown) {
        unknown.push_back(write);
      }
    }
  }
  for (LoggedWrite& write : unknown) {
    while (write.outcome == Outcome::kUnknown) {
      if (absl::Now() >= deadline) {
        return absl::DeadlineExceededError(
            absl::StrCat("the outcome of ", write.id, " is still unknown"));
      }
      Attempt(store, write);
    }
  }
  return absl::OkStatus();
}

LoadFindings Load::Impl::Check(Store& store) {
  MutexLock lock(mutex_);
  return CheckLog(store, log_, ticks_ + 1);
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
      "%d acknowledged, %d conflicts, %d leases lost, %d refused, %d unknown (%d had been done), "
      "%d reads "
      "(%d audited), %d refused; latest %d ms after its deadline, a sleeping thread %d ms",
      counts.acknowledged, counts.conflicts, counts.leases_lost, counts.refused, counts.unknown,
      counts.unknown_done, counts.reads, counts.audited_reads, counts.reads_refused,
      absl::ToInt64Milliseconds(std::max(counts.latest, absl::ZeroDuration())),
      absl::ToInt64Milliseconds(counts.machine_latest));
}

}  // namespace securebase::faults
