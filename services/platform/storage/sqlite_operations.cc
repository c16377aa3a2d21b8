#include "services/platform/storage/sqlite_operations.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/codec.h"

namespace securebase::storage {
namespace {

using Entry = std::pair<std::string, std::string>;  // index, sort key

std::string EncodeEntries(const std::set<Entry>& entries) {
  std::string out;
  for (const auto& [index, sort_key] : entries) {
    AppendString(out, index);
    AppendString(out, sort_key);
  }
  return out;
}

absl::StatusOr<std::set<Entry>> DecodeEntries(absl::string_view bytes) {
  std::set<Entry> entries;
  Decoder decoder(bytes);
  while (decoder.ok() && !decoder.rest().empty()) {
    const absl::string_view index = decoder.String();
    const absl::string_view sort_key = decoder.String();
    entries.emplace(std::string(index), std::string(sort_key));
  }
  if (!decoder.ok()) {
    return DataLossError("a stored record's index entries are damaged; restore a backup");
  }
  return entries;
}

// A record without its value.
struct RecordHead {
  int64_t row = 0;  // 0: there is none
  int64_t version = 0;
  std::set<Entry> entries;
};

absl::StatusOr<int64_t> ReadVersion(SqliteConnection& connection, int64_t practice,
                                    const RecordKey& key) {
  SqliteQuery query(connection,
                    "SELECT version FROM record WHERE practice = ? AND kind = ? AND id = ?",
                    practice, key.kind, key.id);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read a record's version"));
  return found ? query.Int(0) : 0;
}

absl::StatusOr<RecordHead> ReadHead(SqliteConnection& connection, int64_t practice,
                                    const RecordKey& key) {
  SqliteQuery query(
      connection,
      "SELECT row, version, entries FROM record WHERE practice = ? AND kind = ? AND id = ?",
      practice, key.kind, key.id);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read a record"));
  RecordHead head;
  if (found) {
    head.row = query.Int(0);
    head.version = query.Int(1);
    SB_ASSIGN_OR_RETURN(head.entries, DecodeEntries(query.Bytes(2)));
  }
  return head;
}

// Removes the entries that are in `before` and not in `after`, and adds those that are only there.
absl::Status WriteEntries(SqliteConnection& connection, int64_t practice, const RecordKey& key,
                          int64_t row, const std::set<Entry>& before,
                          const std::set<Entry>& after) {
  for (const Entry& entry : before) {
    if (after.count(entry) == 0) {
      SqliteQuery query(connection,
                        "DELETE FROM index_entry WHERE practice = ? AND name = ? AND sort_key = ? "
                        "AND kind = ? AND id = ?",
                        practice, entry.first, entry.second, key.kind, key.id);
      SB_RETURN_IF_ERROR(query.Run("remove an index entry"));
    }
  }
  for (const Entry& entry : after) {
    if (before.count(entry) == 0) {
      SqliteQuery query(connection,
                        "INSERT INTO index_entry (practice, name, sort_key, kind, id, record) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        practice, entry.first, entry.second, key.kind, key.id, row);
      SB_RETURN_IF_ERROR(query.Run("add an index entry"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteDelete(SqliteConnection& connection, int64_t practice, const RecordKey& key) {
  SB_ASSIGN_OR_RETURN(const RecordHead head, ReadHead(connection, practice, key));
  if (head.row == 0) {
    return absl::OkStatus();
  }
  SB_RETURN_IF_ERROR(WriteEntries(connection, practice, key, head.row, head.entries, {}));
  SqliteQuery query(connection, "DELETE FROM record WHERE row = ?", head.row);
  return query.Run("delete a record");
}

// At `version`, or, for 0, at the one that follows. Returns it.
absl::StatusOr<int64_t> WriteRecord(SqliteConnection& connection, int64_t practice,
                                    const RecordKey& key, absl::string_view value,
                                    const std::vector<IndexEntry>& index, int64_t version) {
  SB_ASSIGN_OR_RETURN(RecordHead head, ReadHead(connection, practice, key));
  std::set<Entry> entries;
  for (const IndexEntry& entry : index) {
    entries.emplace(entry.index, entry.sort_key);
  }
  const std::string encoded = EncodeEntries(entries);
  if (version == 0) {
    version = head.version + 1;
  }
  if (head.row == 0) {
    SqliteQuery query(connection,
                      "INSERT INTO record (practice, kind, id, version, entries, value) "
                      "VALUES (?, ?, ?, ?, ?, ?)",
                      practice, key.kind, key.id, version, encoded, value);
    SB_RETURN_IF_ERROR(query.Run("add a record"));
    head.row = sqlite3_last_insert_rowid(connection.handle());
  } else {
    SqliteQuery query(connection,
                      "UPDATE record SET version = ?, entries = ?, value = ? WHERE row = ?",
                      version, encoded, value, head.row);
    SB_RETURN_IF_ERROR(query.Run("change a record"));
  }
  SB_RETURN_IF_ERROR(WriteEntries(connection, practice, key, head.row, head.entries, entries));
  return version;
}

// Also one that is being imported.
absl::StatusOr<SqlitePractice> ReadAnyPractice(SqliteConnection& connection,
                                               absl::string_view name) {
  SqliteQuery query(connection,
                    "SELECT id, journal_last, journal_trimmed, audit_last, importing, changes "
                    "FROM practice WHERE name = ?",
                    name);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read a practice"));
  SqlitePractice practice;
  if (found) {
    practice = {query.Int(0), query.Int(1), query.Int(2), query.Int(3), query.Int(4), query.Int(5)};
  }
  return practice;
}

absl::StatusOr<SqlitePractice> ReadPractice(SqliteConnection& connection, absl::string_view name) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice practice, ReadAnyPractice(connection, name));
  if (practice.importing != 0) {
    return BeingImportedError();
  }
  return practice;
}

absl::Status AddPractice(SqliteConnection& connection, absl::string_view name,
                         SqlitePractice& practice) {
  SqliteQuery query(connection,
                    "INSERT INTO practice (name, journal_last, journal_trimmed, audit_last) "
                    "VALUES (?, 0, 0, 0)",
                    name);
  SB_RETURN_IF_ERROR(query.Run("add a practice"));
  practice.id = sqlite3_last_insert_rowid(connection.handle());
  return absl::OkStatus();
}

struct StoredLease {
  std::string owner;
  int64_t token = 0;  // 0: there is none
  int64_t expire_time = 0;
};

absl::StatusOr<StoredLease> ReadLease(SqliteConnection& connection, int64_t practice,
                                      absl::string_view name) {
  SqliteQuery query(connection,
                    "SELECT owner, token, expire_time FROM lease WHERE practice = ? AND name = ?",
                    practice, name);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read a lease"));
  StoredLease lease;
  if (found) {
    lease = {std::string(query.Bytes(0)), query.Int(1), query.Int(2)};
  }
  return lease;
}

absl::Status CheckFence(SqliteConnection& connection, int64_t practice, const Fence& fence,
                        absl::Time now) {
  SB_ASSIGN_OR_RETURN(const StoredLease lease, ReadLease(connection, practice, fence.lease));
  if (lease.token == 0 || lease.token != fence.token || lease.expire_time <= ToStoredTime(now)) {
    return LeaseLostError();
  }
  return absl::OkStatus();
}

absl::Status AppendEntry(SqliteConnection& connection, absl::string_view sql, int64_t practice,
                         int64_t sequence, int64_t time, absl::string_view value) {
  SqliteQuery query(connection, sql, practice, sequence, time, value);
  return query.Run("append an entry");
}

// Over one of the same key.
absl::Status WriteResult(SqliteConnection& connection, int64_t practice,
                         const IdempotencyKey& key) {
  SqliteQuery query(
      connection,
      "INSERT OR REPLACE INTO idempotency (practice, key, expire_time, fingerprint, result) "
      "VALUES (?, ?, ?, ?, ?)",
      practice, key.key, ToStoredTime(key.expire_time), key.fingerprint, key.result);
  return query.Run("store an idempotency key");
}

absl::Status CountChange(SqliteConnection& connection, int64_t practice) {
  SqliteQuery query(connection, "UPDATE practice SET changes = changes + 1 WHERE id = ?", practice);
  return query.Run("count a change");
}

absl::StatusOr<int64_t> Changed(SqliteConnection& connection, SqliteQuery& query,
                                absl::string_view doing) {
  SB_RETURN_IF_ERROR(query.Run(doing));
  return sqlite3_changes64(connection.handle());
}

absl::Status ExportRecords(SqliteConnection& connection, int64_t practice, const ExportPlace& after,
                           ExportPageBuilder& page) {
  SqliteQuery query(connection,
                    "SELECT kind, id, version, value, entries FROM record "
                    "WHERE practice = ? AND (kind, id) > (?, ?) ORDER BY kind, id",
                    practice, after.name, after.id);
  while (!page.Full()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("export records"));
    if (!found) {
      break;
    }
    RecordCopy copy{{std::string(query.Bytes(0)), std::string(query.Bytes(1))},
                    {query.Int(2), std::string(query.Bytes(3))},
                    {}};
    SB_ASSIGN_OR_RETURN(const std::set<Entry> entries, DecodeEntries(query.Bytes(4)));
    for (const auto& [index, sort_key] : entries) {
      copy.index.push_back({index, sort_key});
    }
    page.Add(std::move(copy));
  }
  return absl::OkStatus();
}

// Of the journal or the audit trail.
template <typename EntryCopy>
absl::Status ExportEntries(SqliteConnection& connection, absl::string_view sql, int64_t practice,
                           int64_t after, ExportPageBuilder& page) {
  SqliteQuery query(connection, sql, practice, after);
  while (!page.Full()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("export entries"));
    if (!found) {
      break;
    }
    page.Add(EntryCopy{query.Int(0), FromStoredTime(query.Int(1)), std::string(query.Bytes(2))});
  }
  return absl::OkStatus();
}

absl::Status ExportResults(SqliteConnection& connection, int64_t practice, const ExportPlace& after,
                           absl::Time now, ExportPageBuilder& page) {
  SqliteQuery query(connection,
                    "SELECT key, fingerprint, result, expire_time FROM idempotency "
                    "WHERE practice = ? AND key > ? AND expire_time > ? ORDER BY key",
                    practice, after.name, ToStoredTime(now));
  while (!page.Full()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("export idempotency keys"));
    if (!found) {
      break;
    }
    page.Add(IdempotencyKey{std::string(query.Bytes(0)), std::string(query.Bytes(1)),
                            std::string(query.Bytes(2)), FromStoredTime(query.Int(3))});
  }
  return absl::OkStatus();
}

absl::Status ExportLeases(SqliteConnection& connection, int64_t practice, const ExportPlace& after,
                          ExportPageBuilder& page) {
  SqliteQuery query(connection,
                    "SELECT name, token FROM lease WHERE practice = ? AND name > ? ORDER BY name",
                    practice, after.name);
  while (!page.Full()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("export leases"));
    if (!found) {
      break;
    }
    page.Add(LeaseCopy{std::string(query.Bytes(0)), query.Int(1)});
  }
  return absl::OkStatus();
}

// Each writes over what is there under the same name.
struct ItemWriter {
  SqliteConnection& connection;
  int64_t practice;

  absl::Status operator()(const PracticeCounters& counters) const {
    SqliteQuery query(connection,
                      "UPDATE practice SET journal_last = ?, journal_trimmed = ?, audit_last = ?, "
                      "importing = 2 WHERE id = ?",
                      counters.journal_last, counters.journal_trimmed, counters.audit_last,
                      practice);
    return query.Run("import counters");
  }
  absl::Status operator()(const RecordCopy& copy) const {
    return WriteRecord(connection, practice, copy.key, copy.record.value, copy.index,
                       copy.record.version)
        .status();
  }
  absl::Status operator()(const JournalEntry& entry) const {
    return AppendEntry(
        connection,
        "INSERT OR REPLACE INTO journal (practice, sequence, time, value) VALUES (?, ?, ?, ?)",
        practice, entry.sequence, ToStoredTime(entry.time), entry.value);
  }
  absl::Status operator()(const AuditEntry& entry) const {
    return AppendEntry(
        connection,
        "INSERT OR REPLACE INTO audit (practice, sequence, time, value) VALUES (?, ?, ?, ?)",
        practice, entry.sequence, ToStoredTime(entry.time), entry.value);
  }
  absl::Status operator()(const IdempotencyKey& key) const {
    return WriteResult(connection, practice, key);
  }
  absl::Status operator()(const LeaseCopy& lease) const {
    const int64_t past = ToStoredTime(absl::InfinitePast());
    SqliteQuery query(connection,
                      "INSERT OR REPLACE INTO lease (practice, name, owner, token, expire_time) "
                      "VALUES (?, ?, x'', ?, ?)",
                      practice, lease.name, lease.token, past);
    return query.Run("import a lease");
  }
};

// What is said of the whole database; empty: nothing.
absl::StatusOr<std::string> ReadMeta(SqliteConnection& connection, absl::string_view key) {
  SqliteQuery query(connection, "SELECT value FROM meta WHERE key = CAST(? AS TEXT)", key);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step(absl::StrCat("read the store's ", key)));
  return found ? std::string(query.Bytes(0)) : std::string();
}

absl::Status WriteMeta(SqliteConnection& connection, absl::string_view key,
                       absl::string_view value) {
  SqliteQuery query(connection,
                    "INSERT OR REPLACE INTO meta (key, value) VALUES (CAST(? AS TEXT), ?)", key,
                    value);
  return query.Run(absl::StrCat("store the ", key));
}

}  // namespace

absl::StatusOr<std::vector<SqliteChanges::Practice>> ReadPractices(SqliteConnection& connection) {
  SqliteQuery query(connection, "SELECT name, id, journal_last, importing FROM practice");
  std::vector<SqliteChanges::Practice> practices;
  while (true) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("read the practices"));
    if (!found) {
      return practices;
    }
    practices.push_back(
        {std::string(query.Bytes(0)), query.Int(1), query.Int(2), query.Int(3) != 0});
  }
}

absl::StatusOr<std::vector<std::string>> ReadPracticeNames(SqliteConnection& connection,
                                                           absl::string_view after, int limit,
                                                           bool importing) {
  SqliteQuery query(connection,
                    "SELECT name FROM practice WHERE name > ? AND (importing != 0) = ? "
                    "ORDER BY name LIMIT ?",
                    after, static_cast<int64_t>(importing), static_cast<int64_t>(limit));
  std::vector<std::string> names;
  while (true) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("read the practices"));
    if (!found) {
      return names;
    }
    names.emplace_back(query.Bytes(0));
  }
}

absl::StatusOr<std::string> ReadEpoch(SqliteConnection& connection) {
  return ReadMeta(connection, "epoch");
}

absl::StatusOr<std::string> ReadService(SqliteConnection& connection) {
  return ReadMeta(connection, "service");
}

absl::StatusOr<std::optional<Record>> ReadRecord(SqliteConnection& connection, int64_t practice,
                                                 const RecordKey& key) {
  SqliteQuery query(connection,
                    "SELECT version, value FROM record WHERE practice = ? AND kind = ? AND id = ?",
                    practice, key.kind, key.id);
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read a record"));
  if (!found) {
    return std::optional<Record>();
  }
  return std::optional<Record>({query.Int(0), std::string(query.Bytes(1))});
}

absl::StatusOr<std::optional<std::string>> ReadResult(SqliteConnection& connection,
                                                      int64_t practice, absl::string_view key,
                                                      absl::string_view fingerprint,
                                                      absl::Time now) {
  SqliteQuery query(connection,
                    "SELECT fingerprint, result FROM idempotency "
                    "WHERE practice = ? AND key = ? AND expire_time > ?",
                    practice, key, ToStoredTime(now));
  SB_ASSIGN_OR_RETURN(const bool found, query.Step("read an idempotency key"));
  if (!found) {
    return std::optional<std::string>();
  }
  if (query.Bytes(0) != fingerprint) {
    return RequestIdReusedError();
  }
  return std::optional<std::string>(std::string(query.Bytes(1)));
}

absl::StatusOr<ScanPage> ReadScan(SqliteConnection& connection, int64_t practice,
                                  const ScanRequest& request, const ScanRange& range) {
  constexpr absl::string_view kForward =
      "SELECT e.sort_key, e.kind, e.id, r.version, r.value "
      "FROM index_entry e JOIN record r ON r.row = e.record "
      "WHERE e.practice = ? AND e.name = ? AND (e.sort_key, e.kind, e.id) > (?, ?, ?) "
      "AND (e.sort_key, e.kind, e.id) < (?, ?, ?) "
      "ORDER BY e.sort_key, e.kind, e.id";
  constexpr absl::string_view kReverse =
      "SELECT e.sort_key, e.kind, e.id, r.version, r.value "
      "FROM index_entry e JOIN record r ON r.row = e.record "
      "WHERE e.practice = ? AND e.name = ? AND (e.sort_key, e.kind, e.id) > (?, ?, ?) "
      "AND (e.sort_key, e.kind, e.id) < (?, ?, ?) "
      "ORDER BY e.sort_key DESC, e.kind DESC, e.id DESC";
  SqliteQuery query(connection, request.reverse ? kReverse : kForward, practice, request.index,
                    range.above.sort_key, range.above.kind, range.above.id, range.below.sort_key,
                    range.below.kind, range.below.id);
  ScanPage page;
  size_t bytes = 0;
  while (true) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("scan an index"));
    if (!found) {
      return page;
    }
    if (page.rows.size() == static_cast<size_t>(request.limit) || bytes >= kMaxPageBytes) {
      page.more = true;
      return page;
    }
    ScanPlace place{std::string(query.Bytes(0)), std::string(query.Bytes(1)),
                    std::string(query.Bytes(2))};
    Record record{query.Int(3), std::string(query.Bytes(4))};
    bytes += record.value.size();
    std::string cursor = FormatCursor(place);
    page.rows.push_back({std::move(cursor),
                         std::move(place.sort_key),
                         {std::move(place.kind), std::move(place.id)},
                         std::move(record)});
  }
}

absl::StatusOr<JournalPage> ReadJournal(SqliteConnection& connection, absl::string_view practice,
                                        int64_t after, int limit) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice row, ReadPractice(connection, practice));
  if (after > row.journal_last || after < row.journal_trimmed) {
    return ResyncRequiredError();
  }
  JournalPage page;
  page.position.sequence = row.journal_last;
  SqliteQuery query(connection,
                    "SELECT sequence, time, value FROM journal "
                    "WHERE practice = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                    row.id, after, static_cast<int64_t>(limit));
  for (size_t bytes = 0; bytes < kMaxPageBytes; bytes += page.entries.back().value.size()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("read the journal"));
    if (!found) {
      break;
    }
    page.entries.push_back(
        {query.Int(0), FromStoredTime(query.Int(1)), std::string(query.Bytes(2))});
  }
  page.more = !page.entries.empty() && page.entries.back().sequence < row.journal_last;
  return page;
}

absl::StatusOr<std::vector<AuditEntry>> ReadAudit(SqliteConnection& connection, int64_t practice,
                                                  int64_t after, int limit) {
  SqliteQuery query(connection,
                    "SELECT sequence, time, value FROM audit "
                    "WHERE practice = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                    practice, after, static_cast<int64_t>(limit));
  std::vector<AuditEntry> entries;
  for (size_t bytes = 0; bytes < kMaxPageBytes; bytes += entries.back().value.size()) {
    SB_ASSIGN_OR_RETURN(const bool found, query.Step("read the audit trail"));
    if (!found) {
      break;
    }
    entries.push_back({query.Int(0), FromStoredTime(query.Int(1)), std::string(query.Bytes(2))});
  }
  return entries;
}

absl::StatusOr<ApplyResult> WriteBatch(SqliteConnection& connection, const Batch& batch,
                                       absl::Time now, SqliteChanges& changes) {
  SB_ASSIGN_OR_RETURN(SqlitePractice practice, ReadPractice(connection, batch.practice));
  ApplyResult result;
  result.position.sequence = practice.journal_last;
  if (batch.idempotency.has_value()) {
    SB_ASSIGN_OR_RETURN(result.replayed, ReadResult(connection, practice.id, batch.idempotency->key,
                                                    batch.idempotency->fingerprint, now));
    if (result.replayed.has_value()) {
      return result;
    }
  }
  if (batch.fence.has_value()) {
    SB_RETURN_IF_ERROR(CheckFence(connection, practice.id, *batch.fence, now));
  }
  for (const Expectation& expectation : batch.expectations) {
    SB_ASSIGN_OR_RETURN(const int64_t version,
                        ReadVersion(connection, practice.id, expectation.key));
    if (version != expectation.version) {
      return ConflictError(expectation.key.kind);
    }
  }

  if (practice.id == 0) {
    if (batch.puts.empty() && batch.journal.empty() && batch.audit.empty() &&
        !batch.idempotency.has_value()) {
      return result;  // nothing to write, so the practice stays unknown
    }
    SB_RETURN_IF_ERROR(AddPractice(connection, batch.practice, practice));
  }
  for (const RecordKey& key : batch.deletes) {
    SB_RETURN_IF_ERROR(WriteDelete(connection, practice.id, key));
  }
  for (const Put& put : batch.puts) {
    SB_ASSIGN_OR_RETURN(const int64_t version, WriteRecord(connection, practice.id, put.key,
                                                           put.value, put.index, /*version=*/0));
    result.versions.push_back(version);
  }
  const int64_t time = ToStoredTime(now);
  for (const std::string& entry : batch.journal) {
    SB_RETURN_IF_ERROR(AppendEntry(
        connection, "INSERT INTO journal (practice, sequence, time, value) VALUES (?, ?, ?, ?)",
        practice.id, ++practice.journal_last, time, entry));
  }
  for (const std::string& entry : batch.audit) {
    SB_RETURN_IF_ERROR(AppendEntry(
        connection, "INSERT INTO audit (practice, sequence, time, value) VALUES (?, ?, ?, ?)",
        practice.id, ++practice.audit_last, time, entry));
  }
  SqliteQuery moved(connection,
                    "UPDATE practice SET journal_last = ?, audit_last = ?, changes = changes + 1 "
                    "WHERE id = ?",
                    practice.journal_last, practice.audit_last, practice.id);
  SB_RETURN_IF_ERROR(moved.Run("move a practice's position"));
  if (batch.idempotency.has_value()) {
    SB_RETURN_IF_ERROR(WriteResult(connection, practice.id, *batch.idempotency));
  }
  result.position.sequence = practice.journal_last;
  changes.practices.push_back(
      {batch.practice, practice.id, practice.journal_last, /*importing=*/false});
  return result;
}

absl::StatusOr<Lease> WriteLease(SqliteConnection& connection, absl::string_view practice,
                                 absl::string_view name, absl::string_view owner,
                                 absl::Duration duration, absl::Time now, SqliteChanges& changes) {
  SB_ASSIGN_OR_RETURN(SqlitePractice row, ReadPractice(connection, practice));
  if (row.id == 0) {
    SB_RETURN_IF_ERROR(AddPractice(connection, practice, row));
  }
  SB_ASSIGN_OR_RETURN(const StoredLease held, ReadLease(connection, row.id, name));
  const bool current = held.expire_time > ToStoredTime(now);
  if (current && held.owner != owner) {
    return LeaseHeldError(FromStoredTime(held.expire_time) - now);
  }
  const int64_t token = current ? held.token : held.token + 1;
  if (!current) {
    SB_RETURN_IF_ERROR(CountChange(connection, row.id));
  }
  const int64_t expire_time = ToStoredTime(now + duration);
  SqliteQuery query(connection,
                    "INSERT OR REPLACE INTO lease (practice, name, owner, token, expire_time) "
                    "VALUES (?, ?, ?, ?, ?)",
                    row.id, name, owner, token, expire_time);
  SB_RETURN_IF_ERROR(query.Run("store a lease"));
  changes.practices.push_back(
      {std::string(practice), row.id, row.journal_last, /*importing=*/false});
  return Lease{token, FromStoredTime(expire_time)};
}

absl::Status WriteLeaseRelease(SqliteConnection& connection, absl::string_view practice,
                               absl::string_view name, int64_t token) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice row, ReadPractice(connection, practice));
  // The row stays, so that the next token is greater.
  SqliteQuery query(connection,
                    "UPDATE lease SET expire_time = ? "
                    "WHERE practice = ? AND name = ? AND token = ?",
                    ToStoredTime(absl::InfinitePast()), row.id, name, token);
  return query.Run("release a lease");
}

absl::Status WriteReleaseOfAllLeases(SqliteConnection& connection) {
  const int64_t past = ToStoredTime(absl::InfinitePast());
  SqliteQuery query(connection, "UPDATE lease SET expire_time = ? WHERE expire_time > ?", past,
                    past);
  return query.Run("release all leases");
}

absl::StatusOr<int64_t> WriteTrim(SqliteConnection& connection, const TrimRequest& request,
                                  absl::Time now) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice practice, ReadPractice(connection, request.practice));
  const int64_t limit = request.limit;
  // The first entry to keep, since clocks may step back and a gap must not come about.
  SqliteQuery first_kept(connection,
                         "SELECT sequence FROM (SELECT sequence, time FROM journal "
                         "WHERE practice = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3) "
                         "WHERE time >= ?4 ORDER BY sequence LIMIT 1",
                         practice.id, practice.journal_trimmed, limit,
                         ToStoredTime(request.journal_before));
  SB_ASSIGN_OR_RETURN(const bool some_kept, first_kept.Step("read the journal"));
  const int64_t trim_through =
      some_kept ? first_kept.Int(0) - 1
                : std::min(practice.journal_trimmed + limit, practice.journal_last);
  SqliteQuery journal(connection, "DELETE FROM journal WHERE practice = ? AND sequence <= ?",
                      practice.id, trim_through);
  SB_ASSIGN_OR_RETURN(const int64_t entries, Changed(connection, journal, "trim the journal"));
  if (entries > 0) {
    SqliteQuery query(connection, "UPDATE practice SET journal_trimmed = ? WHERE id = ?",
                      trim_through, practice.id);
    SB_RETURN_IF_ERROR(query.Run("trim the journal"));
  }
  SqliteQuery audit(connection,
                    "DELETE FROM audit WHERE practice = ?1 AND sequence IN (SELECT sequence FROM "
                    "audit WHERE practice = ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)",
                    practice.id, request.audit_through, limit);
  SB_ASSIGN_OR_RETURN(const int64_t audits, Changed(connection, audit, "trim the audit trail"));
  SqliteQuery keys(connection,
                   "DELETE FROM idempotency WHERE row IN (SELECT row FROM idempotency "
                   "WHERE practice = ? AND expire_time <= ? ORDER BY expire_time LIMIT ?)",
                   practice.id, ToStoredTime(now), limit);
  SB_ASSIGN_OR_RETURN(const int64_t results,
                      Changed(connection, keys, "trim the idempotency keys"));
  if (entries + audits + results > 0) {
    SB_RETURN_IF_ERROR(CountChange(connection, practice.id));
  }
  return entries + audits + results;
}

absl::StatusOr<ExportPage> ReadExport(SqliteConnection& connection, absl::string_view practice,
                                      const ExportPlace& place, int limit, absl::Time now) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice row, ReadAnyPractice(connection, practice));
  if (row.id == 0) {
    return NotFound("practice");
  }
  ExportPageBuilder page(limit);
  if (place.part == ExportPart::kCounters) {
    page.Add(PracticeCounters{row.journal_last, row.journal_trimmed, row.audit_last});
  }
  // Within its own part the place is where to go on; the parts behind begin at their start.
  const auto after = [&](ExportPart part) {
    return place.part == part ? place : ExportPlace{part, "", "", 0};
  };
  if (place.part <= ExportPart::kRecords) {
    SB_RETURN_IF_ERROR(ExportRecords(connection, row.id, after(ExportPart::kRecords), page));
  }
  if (place.part <= ExportPart::kJournal) {
    SB_RETURN_IF_ERROR(ExportEntries<JournalEntry>(
        connection,
        "SELECT sequence, time, value FROM journal WHERE practice = ? AND sequence > ? "
        "ORDER BY sequence",
        row.id, after(ExportPart::kJournal).sequence, page));
  }
  if (place.part <= ExportPart::kAudit) {
    SB_RETURN_IF_ERROR(ExportEntries<AuditEntry>(
        connection,
        "SELECT sequence, time, value FROM audit WHERE practice = ? AND sequence > ? "
        "ORDER BY sequence",
        row.id, after(ExportPart::kAudit).sequence, page));
  }
  if (place.part <= ExportPart::kResults) {
    SB_RETURN_IF_ERROR(ExportResults(connection, row.id, after(ExportPart::kResults), now, page));
  }
  SB_RETURN_IF_ERROR(ExportLeases(connection, row.id, after(ExportPart::kLeases), page));
  return std::move(page).Page(absl::StrCat(row.changes));
}

absl::Status WriteImport(SqliteConnection& connection, absl::string_view practice,
                         const std::vector<CopyItem>& items, SqliteChanges& changes) {
  SB_ASSIGN_OR_RETURN(SqlitePractice row, ReadAnyPractice(connection, practice));
  if (row.id == 0) {
    SB_RETURN_IF_ERROR(AddPractice(connection, practice, row));
    SqliteQuery query(connection, "UPDATE practice SET importing = 1 WHERE id = ?", row.id);
    SB_RETURN_IF_ERROR(query.Run("begin an import"));
  } else if (row.importing == 0) {
    return NotImportedError();
  }
  for (const CopyItem& item : items) {
    SB_RETURN_IF_ERROR(std::visit(ItemWriter{connection, row.id}, item));
  }
  if (!items.empty()) {
    SB_RETURN_IF_ERROR(CountChange(connection, row.id));
  }
  changes.practices.push_back({std::string(practice), row.id, 0, /*importing=*/true});
  return absl::OkStatus();
}

absl::Status WriteFinishedImport(SqliteConnection& connection, absl::string_view practice,
                                 SqliteChanges& changes) {
  SB_ASSIGN_OR_RETURN(const SqlitePractice row, ReadAnyPractice(connection, practice));
  if (row.id == 0) {
    return NotFound("practice");
  }
  if (row.importing == 0) {
    return absl::OkStatus();
  }
  SqliteQuery journal(connection,
                      "SELECT count(*), ifnull(min(sequence), ?2), ifnull(max(sequence), ?3) "
                      "FROM journal WHERE practice = ?1",
                      row.id, row.journal_trimmed + 1, row.journal_last);
  SB_RETURN_IF_ERROR(journal.Step("read the journal").status());
  SqliteQuery audit(connection, "SELECT ifnull(max(sequence), 0) FROM audit WHERE practice = ?",
                    row.id);
  SB_RETURN_IF_ERROR(audit.Step("read the audit trail").status());
  if (row.importing != 2 || journal.Int(0) != row.journal_last - row.journal_trimmed ||
      journal.Int(1) != row.journal_trimmed + 1 || journal.Int(2) != row.journal_last ||
      audit.Int(0) > row.audit_last) {
    return ImportIncompleteError();
  }
  SqliteQuery query(connection, "UPDATE practice SET importing = 0 WHERE id = ?", row.id);
  SB_RETURN_IF_ERROR(query.Run("finish an import"));
  changes.practices.push_back(
      {std::string(practice), row.id, row.journal_last, /*importing=*/false});
  return absl::OkStatus();
}

absl::Status WriteEpoch(SqliteConnection& connection, absl::string_view epoch) {
  return WriteMeta(connection, "epoch", epoch);
}

absl::Status WriteService(SqliteConnection& connection, absl::string_view service) {
  return WriteMeta(connection, "service", service);
}

absl::Status WriteProbe(SqliteConnection& connection, absl::Time now) {
  return WriteMeta(connection, "probe", absl::StrCat(ToStoredTime(now)));
}

}  // namespace securebase::storage
