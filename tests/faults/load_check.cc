#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/status_macros.h"
#include "tests/faults/history.h"
#include "tests/faults/load_log.h"

namespace securebase::faults {
namespace {

using storage::RecordKey;
using storage::Store;

class Checker {
 public:
  Checker(Store& store, LoadLog log, int64_t next_tick)
      : store_(store), log_(std::move(log)), tick_(next_tick) {}

  LoadFindings Run();

 private:
  absl::Status ReadAllJournal(size_t practice);
  absl::Status ReadShared(size_t practice);
  absl::Status CheckAudit(size_t practice);
  absl::Status CheckOwnRecords(size_t practice);
  absl::Status CheckIndexOfShared(size_t practice);
  absl::StatusOr<std::map<std::string, std::vector<storage::ScanRow>>> ScanAll(
      size_t practice, const std::string& index);
  void CheckJournal(size_t practice);
  void CheckLeases(size_t practice);
  void CheckHistories(size_t practice);

  Store& store_;
  LoadLog log_;
  int64_t tick_;
  LoadFindings findings_;
};

absl::Status Checker::ReadAllJournal(size_t practice) {
  bool more = true;
  for (int64_t after = 0; more;) {
    Interval at;
    at.begin = ++tick_;
    SB_ASSIGN_OR_RETURN(const auto page,
                        store_.Journal({}, log_.practices[practice], after, storage::kMaxPageRows));
    at.end = ++tick_;
    log_.NotePosition(practice, at, page.position);
    log_.NoteEntries(practice, page.entries, after);
    more = page.more && !page.entries.empty();
    if (!page.entries.empty()) {
      after = page.entries.back().sequence;
    }
    if (!more) {
      // What readers saw beyond the end has gone.
      log_.seen[practice].positions.push_back({Event::Kind::kRead, at.begin, at.end, after, ""});
      if (!log_.seen[practice].journal.empty() &&
          log_.seen[practice].journal.rbegin()->first > after) {
        log_.Violate(absl::StrCat("the journal of ", log_.practices[practice], " ends at ", after,
                                  ", and was longer before"));
      }
      log_.seen[practice].journal.erase(log_.seen[practice].journal.upper_bound(after),
                                        log_.seen[practice].journal.end());
    }
  }
  return absl::OkStatus();
}

void Checker::CheckJournal(size_t practice) {
  std::map<std::string, std::vector<int64_t>> sequences;
  for (const auto& [sequence, id] : log_.seen[practice].journal) {
    sequences[id].push_back(sequence);
    const auto write = log_.writes.find(id);
    if (write == log_.writes.end() || write->second.practice != practice) {
      log_.Violate(absl::StrCat("the journal has ", id, ", which nobody wrote there"));
    }
  }
  for (const auto& [id, write] : log_.writes) {
    if (write.practice != practice) {
      continue;
    }
    const std::vector<int64_t>& found = sequences[id];
    if (write.outcome == Outcome::kUnknown) {
      log_.Violate(absl::StrCat("the outcome of ", id, " is unknown"));
    } else if (write.outcome == Outcome::kNotDone && !found.empty()) {
      log_.Violate(absl::StrCat(id, " was said not to be done, and was"));
    } else if (write.outcome == Outcome::kDone && found.empty()) {
      ++findings_.lost;
      log_.Violate(absl::StrCat(id, " was acknowledged and is lost"));
    }
    if (found.size() > 1) {
      ++findings_.doubled;
      log_.Violate(absl::StrCat(id, " is in the journal ", found.size(), " times"));
    }
    if (found.size() == 1 && write.sequence != 0 && write.sequence != found[0]) {
      log_.Violate(
          absl::StrCat(id, " was acknowledged at ", write.sequence, " and is at ", found[0]));
    }
  }
}

absl::Status Checker::CheckAudit(size_t practice) {
  std::map<std::string, int> found;
  for (int64_t after = 0;;) {
    SB_ASSIGN_OR_RETURN(const auto entries, store_.ListAudit({}, log_.practices[practice], after,
                                                             storage::kMaxPageRows));
    if (entries.empty()) {
      break;
    }
    for (const storage::AuditEntry& entry : entries) {
      ++found[entry.value];
      if (entry.sequence != ++after) {
        log_.Violate(absl::StrCat("the audit trail has a gap before ", entry.sequence));
        after = entry.sequence;
      }
    }
  }
  const auto check = [&](const std::string& id, Outcome outcome) {
    const int count = found[id];
    const int least = outcome == Outcome::kDone ? 1 : 0;
    const int most = outcome == Outcome::kNotDone ? 0 : 1;
    if (count < least || count > most) {
      log_.Violate(absl::StrCat(id, " is in the audit trail ", count, " times"));
    }
    found.erase(id);
  };
  for (const auto& [id, write] : log_.writes) {
    if (write.practice == practice) {
      check(id, write.outcome);
    }
  }
  for (const auto& [id, read] : log_.audited_reads) {
    if (read.practice == practice) {
      check(id, read.outcome);
    }
  }
  for (const auto& [id, count] : found) {
    log_.Violate(absl::StrCat("the audit trail has ", id, ", which nobody wrote there"));
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckOwnRecords(size_t practice) {
  SB_ASSIGN_OR_RETURN(auto rows, ScanAll(practice, "own"));
  std::set<std::string> deleted;
  for (const auto& [id, write] : log_.writes) {
    if (write.outcome == Outcome::kDone && !write.deletes.empty()) {
      deleted.insert(write.deletes);
    }
  }
  for (const auto& [id, write] : log_.writes) {
    if (write.practice != practice) {
      continue;
    }
    const bool wanted = write.outcome == Outcome::kDone && deleted.count(id) == 0;
    const std::vector<storage::ScanRow>& found = rows[id];
    if (found.size() != (wanted ? 1 : 0)) {
      log_.Violate(absl::StrCat("the own record of ", id, " is there ", found.size(), " times"));
    } else if (wanted && (found[0].key.id != id || found[0].record.version != 1 ||
                          found[0].record.value != ValueOf(id))) {
      log_.Violate(absl::StrCat("the own record of ", id, " is not as it was written"));
    }
    rows.erase(id);
  }
  for (const auto& [id, row] : rows) {
    log_.Violate(absl::StrCat("there is a record of ", id, ", which nobody wrote there"));
  }
  return absl::OkStatus();
}

absl::Status Checker::CheckIndexOfShared(size_t practice) {
  SB_RETURN_IF_ERROR(ReadShared(practice));
  SB_ASSIGN_OR_RETURN(auto rows, ScanAll(practice, "latest"));
  for (const std::vector<Event>& events : log_.seen[practice].records) {
    const std::string id = events.empty() ? "" : events.back().value;
    if (id.empty()) {
      continue;
    }
    if (rows[id].size() != 2) {
      log_.Violate(absl::StrCat("the index has ", rows[id].size(), " entries for ", id));
    }
    rows.erase(id);
  }
  for (const auto& [id, row] : rows) {
    log_.Violate(absl::StrCat("the index still has ", id));
  }
  return absl::OkStatus();
}

void Checker::CheckLeases(size_t practice) {
  const Seen& seen = log_.seen[practice];
  const std::string& name = log_.practices[practice];
  std::map<int64_t, std::string> owners;
  for (const LoggedLease& lease : seen.leases) {
    const auto [known, is_new] = owners.emplace(lease.token, lease.owner);
    if (!is_new && known->second != lease.owner) {
      log_.Violate(absl::StrCat("two owners had token ", lease.token, " of ", name));
    }
    for (const LoggedLease& earlier : seen.leases) {
      if (earlier.at.end < lease.at.begin && earlier.token > lease.token) {
        log_.Violate(
            absl::StrCat("token ", lease.token, " of ", name, " was given after ", earlier.token));
      }
    }
  }
  // The journal has the order in which the batches were done.
  int64_t greatest = 0;
  for (const auto& [sequence, id] : seen.journal) {
    const auto write = log_.writes.find(id);
    if (write == log_.writes.end() || write->second.fence == 0) {
      continue;
    }
    if (write->second.fence < greatest) {
      log_.Violate(absl::StrCat(id, " was done with token ", write->second.fence, " of ", name,
                                " after one with ", greatest));
    }
    greatest = std::max(greatest, write->second.fence);
  }
}

void Checker::CheckHistories(size_t practice) {
  Seen& seen = log_.seen[practice];
  std::vector<std::vector<Event>> records = seen.records;
  std::vector<Event> journal = seen.positions;
  for (const auto& [id, write] : log_.writes) {
    if (write.practice == practice && write.record >= 0 && write.outcome == Outcome::kDone) {
      records[static_cast<size_t>(write.record)].push_back(
          {Event::Kind::kWrite, write.at.begin, write.at.end, write.expected + 1, id});
    }
  }
  for (const auto& [sequence, id] : seen.journal) {
    const auto write = log_.writes.find(id);
    if (write != log_.writes.end()) {
      journal.push_back(
          {Event::Kind::kWrite, write->second.at.begin, write->second.at.end, sequence, id});
    }
  }
  for (size_t record = 0; record < records.size(); ++record) {
    for (const std::string& violation : CheckRegister(std::move(records[record]))) {
      log_.Violate(
          absl::StrCat("record ", record, " of ", log_.practices[practice], ": ", violation));
    }
  }
  for (const std::string& violation : CheckRegister(std::move(journal))) {
    log_.Violate(absl::StrCat("journal of ", log_.practices[practice], ": ", violation));
  }
}

absl::StatusOr<std::map<std::string, std::vector<storage::ScanRow>>> Checker::ScanAll(
    size_t practice, const std::string& index) {
  std::map<std::string, std::vector<storage::ScanRow>> rows;  // by sort key
  storage::ScanRequest request;
  request.practice = log_.practices[practice];
  request.index = index;
  request.limit = storage::kMaxPageRows;
  for (bool more = true; more;) {
    SB_ASSIGN_OR_RETURN(const auto page, store_.Scan({}, request));
    for (const storage::ScanRow& row : page.rows) {
      rows[row.sort_key].push_back(row);
      request.after = row.cursor;
    }
    more = page.more && !page.rows.empty();
  }
  return rows;
}

absl::Status Checker::ReadShared(size_t practice) {
  std::vector<RecordKey> keys;
  for (int record = 0; record < log_.records; ++record) {
    keys.push_back(LeftKey(record));
    keys.push_back(RightKey(record));
  }
  Interval at;
  at.begin = ++tick_;
  SB_ASSIGN_OR_RETURN(const auto records, store_.GetMany({}, log_.practices[practice], keys));
  at.end = ++tick_;
  for (int record = 0; record < log_.records; ++record) {
    const auto index = static_cast<size_t>(2 * record);
    log_.NotePair(practice, record, at, records[index], records[index + 1]);
  }
  return absl::OkStatus();
}

LoadFindings Checker::Run() {
  for (size_t practice = 0; practice < log_.practices.size(); ++practice) {
    absl::Status status = ReadAllJournal(practice);
    status.Update(CheckAudit(practice));
    status.Update(CheckOwnRecords(practice));
    status.Update(CheckIndexOfShared(practice));
    if (!status.ok()) {
      log_.Violate(absl::StrCat(log_.practices[practice], " cannot be read: ", Text(status)));
    }
    CheckJournal(practice);
    CheckLeases(practice);
    CheckHistories(practice);
  }
  findings_.violations = log_.violations;
  return findings_;
}

}  // namespace

LoadFindings CheckLog(Store& store, LoadLog log, int64_t next_tick) {
  return Checker(store, std::move(log), next_tick).Run();
}

}  // namespace securebase::faults
