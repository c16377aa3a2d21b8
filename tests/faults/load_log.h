#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/platform/storage/store.h"
#include "tests/faults/history.h"
#include "tests/faults/load.h"

// What a load did and saw: load.cc writes it, load_check.cc judges it.
namespace securebase::faults {

// When a call was made and had returned, as Event has it.
struct Interval {
  int64_t begin = 0;
  int64_t end = INT64_MAX;
};

enum class Outcome { kUnknown, kDone, kNotDone };

// A batch. All that it holds follows from this.
struct LoggedWrite {
  std::string id;  // also the idempotency key
  size_t practice = 0;
  int record = -1;  // which shared one; -1: none
  int64_t expected = 0;
  int64_t fence = 0;    // the token of the practice's lease; 0: not fenced
  std::string deletes;  // the id of the write whose own record goes; empty: none
  Interval at;          // from the first attempt to the last
  Outcome outcome = Outcome::kUnknown;
  bool was_unknown = false;
  int64_t sequence = 0;  // of its journal entry; 0: not told, it was answered as a repetition
};

struct LoggedAuditedRead {
  size_t practice = 0;
  Outcome outcome = Outcome::kUnknown;
};

// That a lease was taken or renewed.
struct LoggedLease {
  Interval at;
  std::string owner;
  int64_t token = 0;
};

// What was seen of a practice.
struct Seen {
  std::vector<std::vector<Event>> records;  // reads and conflicts of the shared ones
  std::vector<Event> positions;
  std::map<int64_t, std::string> journal;
  std::vector<LoggedLease> leases;
  std::string epoch;
};

// Not thread-safe.
struct LoadLog {
  LoadLog(std::vector<std::string> names, int shared_records);

  std::vector<std::string> practices;
  int records;  // shared ones of each practice
  std::map<std::string, LoggedWrite> writes;
  std::map<std::string, LoggedAuditedRead> audited_reads;
  std::vector<Seen> seen;  // by practice
  std::vector<std::string> violations;

  void Violate(const std::string& text);
  void NotePosition(size_t practice, const Interval& at, const storage::Position& position);
  // What was read of a shared record: its two halves.
  void NotePair(size_t practice, int record, const Interval& at,
                const std::optional<storage::Record>& left,
                const std::optional<storage::Record>& right);
  void NoteEntries(size_t practice, const std::vector<storage::JournalEntry>& entries,
                   int64_t after);
};

inline constexpr char kLease[] = "timed-work";  // of each practice
storage::RecordKey LeftKey(int record);
storage::RecordKey RightKey(int record);
std::string ValueOf(const std::string& id);   // of all records of the write
std::string ResultOf(const std::string& id);  // stored with its idempotency key
storage::Batch BatchOf(const LoggedWrite& write, const std::string& practice);

// The status with its reason.
std::string Text(const absl::Status& status);

// Reads everything, `next_tick` being later than all of the log, and judges.
LoadFindings CheckLog(storage::Store& store, LoadLog log, int64_t next_tick);

}  // namespace securebase::faults
