#include "services/platform/storage/redis_store.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/codec.h"
#include "services/platform/storage/export_place.h"
#include "services/platform/storage/redis_scripts.h"

namespace securebase::storage {
namespace {

constexpr absl::Duration kOpenTimeout = absl::Seconds(15);
constexpr absl::Duration kRetryAfter = absl::Seconds(1);
constexpr char kNul = '\0';

std::string Joined(absl::string_view a, absl::string_view b) {
  return absl::StrCat(a, absl::string_view(&kNul, 1), b);
}

std::string RecordOf(const RecordKey& key) { return Joined(key.kind, key.id); }

std::string MemberOf(const ScanPlace& place) {
  return Joined(place.sort_key, Joined(place.kind, place.id));
}

absl::Status DamagedError() {
  return DataLossError(
      "what is stored in Redis cannot be read: another program has changed it; restore a backup");
}

// The elements of a script's answer, one after the other. After one that does not fit ok() is false
// and all further ones are empty.
class Elements {
 public:
  explicit Elements(RedisReply reply) : reply_(std::move(reply)) {
    ok_ = reply_.kind == RedisReply::Kind::kArray;
  }

  bool ok() const { return ok_; }
  bool done() const { return !ok_ || next_ == reply_.elements.size(); }

  // A string, or nil as nullopt.
  std::optional<std::string> TextOrNil() {
    if (done() || (reply_.elements[next_].kind != RedisReply::Kind::kString &&
                   reply_.elements[next_].kind != RedisReply::Kind::kNil)) {
      ok_ = false;
      return std::nullopt;
    }
    RedisReply& element = reply_.elements[next_++];
    if (element.kind == RedisReply::Kind::kNil) {
      return std::nullopt;
    }
    return std::move(element.text);
  }
  std::string Text() {
    std::optional<std::string> text = TextOrNil();
    ok_ = ok_ && text.has_value();
    return text.value_or("");
  }
  // An integer, as such or in digits.
  int64_t Number() {
    if (!done() && reply_.elements[next_].kind == RedisReply::Kind::kInteger) {
      return reply_.elements[next_++].integer;
    }
    int64_t number = 0;
    ok_ = absl::SimpleAtoi(Text(), &number) && ok_;
    return number;
  }

 private:
  RedisReply reply_;
  size_t next_ = 0;
  bool ok_ = true;
};

// A record as the scripts store it: version, length of the index entries, those, value.
struct StoredRecord {
  int64_t version = 0;
  absl::string_view index;  // as IndexBytes makes it
  absl::string_view value;
};

uint64_t BigEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) {
    number = number << 8 | static_cast<unsigned char>(c);
  }
  return number;
}

absl::StatusOr<StoredRecord> ParseStored(absl::string_view stored) {
  constexpr size_t kHeader = 12;
  if (stored.size() < kHeader) {
    return DamagedError();
  }
  const int64_t version = static_cast<int64_t>(BigEndian(stored.substr(0, 8)));
  const size_t index_bytes = BigEndian(stored.substr(8, 4));
  stored.remove_prefix(kHeader);
  if (version < 1 || index_bytes > stored.size()) {
    return DamagedError();
  }
  return StoredRecord{version, stored.substr(0, index_bytes), stored.substr(index_bytes)};
}

absl::StatusOr<Record> ParseRecord(absl::string_view stored) {
  SB_ASSIGN_OR_RETURN(const StoredRecord parsed, ParseStored(stored));
  return Record{parsed.version, std::string(parsed.value)};
}

// Two names joined by a NUL.
absl::StatusOr<std::pair<std::string, std::string>> Split(absl::string_view joined) {
  const size_t end = joined.find(kNul);
  if (end == absl::string_view::npos) {
    return DamagedError();
  }
  return std::make_pair(std::string(joined.substr(0, end)), std::string(joined.substr(end + 1)));
}

absl::StatusOr<ScanPlace> ParseMember(absl::string_view member) {
  SB_ASSIGN_OR_RETURN(auto outer, Split(member));
  SB_ASSIGN_OR_RETURN(auto inner, Split(outer.second));
  return ScanPlace{std::move(outer.first), std::move(inner.first), std::move(inner.second)};
}

// What the scripts keep under an idempotency key: "<expire time>" NUL, then this.
std::string IdempotencyValue(const IdempotencyKey& idempotency) {
  std::string value;
  AppendString(value, idempotency.fingerprint);
  value += idempotency.result;
  return value;
}

absl::StatusOr<IdempotencyKey> ParseIdempotency(absl::string_view key, absl::string_view stored) {
  SB_ASSIGN_OR_RETURN(const auto parts, Split(stored));
  Decoder decoder(parts.second);
  IdempotencyKey idempotency;
  idempotency.key = std::string(key);
  idempotency.fingerprint = std::string(decoder.String());
  idempotency.result = std::string(decoder.rest());
  int64_t expires = 0;
  if (!decoder.ok() || !absl::SimpleAtoi(parts.first, &expires)) {
    return DamagedError();
  }
  idempotency.expire_time = FromStoredTime(expires);
  return idempotency;
}

// The stored result. REQUEST_ID_REUSED when the fingerprint is another.
absl::StatusOr<std::string> ResultOf(absl::string_view stored, absl::string_view fingerprint) {
  SB_ASSIGN_OR_RETURN(IdempotencyKey idempotency, ParseIdempotency("", stored));
  if (idempotency.fingerprint != fingerprint) {
    return RequestIdReusedError();
  }
  return std::move(idempotency.result);
}

// (<index> NUL <sort key> NUL)*, sorted and each once, so that equal sets are equal bytes.
std::string IndexBytes(const std::vector<IndexEntry>& index) {
  std::set<std::string> entries;
  for (const IndexEntry& entry : index) {
    entries.insert(Joined(entry.index, entry.sort_key));
  }
  std::string bytes;
  for (const std::string& entry : entries) {
    absl::StrAppend(&bytes, Joined(entry, ""));
  }
  return bytes;
}

absl::StatusOr<std::vector<IndexEntry>> ParseIndex(absl::string_view bytes) {
  std::vector<IndexEntry> index;
  while (!bytes.empty()) {
    const size_t name_end = bytes.find(kNul);
    const size_t end =
        name_end == absl::string_view::npos ? name_end : bytes.find(kNul, name_end + 1);
    if (end == absl::string_view::npos) {
      return DamagedError();
    }
    index.push_back({std::string(bytes.substr(0, name_end)),
                     std::string(bytes.substr(name_end + 1, end - name_end - 1))});
    bytes.remove_prefix(end + 1);
  }
  return index;
}

// Scripts count in doubles, which are exact up to 2^53.
constexpr int64_t kMostExact = int64_t{1} << 53;

// The greatest number of an item that scripts count on from.
struct ItemNumber {
  int64_t operator()(const PracticeCounters& counters) const {
    return std::max(counters.journal_last, counters.audit_last);
  }
  int64_t operator()(const RecordCopy& copy) const { return copy.record.version; }
  int64_t operator()(const JournalEntry& entry) const { return entry.sequence; }
  int64_t operator()(const AuditEntry& entry) const { return entry.sequence; }
  int64_t operator()(const IdempotencyKey&) const { return 0; }
  int64_t operator()(const LeaseCopy& lease) const { return lease.token; }
};

// An item as import.lua takes it.
struct ItemArguments {
  std::vector<std::string>& out;

  template <typename... Values>
  void Add(const Values&... values) const {
    (out.push_back(absl::StrCat(values)), ...);
  }

  void operator()(const PracticeCounters& counters) const {
    Add("c", counters.journal_last, counters.journal_trimmed, counters.audit_last);
  }
  void operator()(const RecordCopy& copy) const {
    Add("r", RecordOf(copy.key), copy.record.version, copy.record.value, IndexBytes(copy.index));
  }
  void operator()(const JournalEntry& entry) const {
    Add("j", entry.sequence, ToStoredTime(entry.time), entry.value);
  }
  void operator()(const AuditEntry& entry) const {
    Add("a", entry.sequence, ToStoredTime(entry.time), entry.value);
  }
  void operator()(const IdempotencyKey& key) const {
    Add("i", key.key, ToStoredTime(key.expire_time), IdempotencyValue(key));
  }
  void operator()(const LeaseCopy& lease) const { Add("l", lease.name, lease.token); }
};

// Everything of a batch behind the time, as apply.lua takes it.
void AppendBatch(const Batch& batch, std::vector<std::string>& arguments) {
  const auto add = [&](auto&& value) { arguments.push_back(absl::StrCat(value)); };
  if (batch.idempotency.has_value()) {
    add(batch.idempotency->key);
    add(ToStoredTime(batch.idempotency->expire_time));
    add(IdempotencyValue(*batch.idempotency));
  } else {
    arguments.insert(arguments.end(), {"", "", ""});
  }
  add(batch.fence.has_value() ? batch.fence->lease : "");
  add(batch.fence.has_value() ? batch.fence->token : 0);
  add(batch.expectations.size());
  for (const Expectation& expectation : batch.expectations) {
    add(RecordOf(expectation.key));
    add(expectation.version);
  }
  add(batch.deletes.size());
  for (const RecordKey& key : batch.deletes) {
    add(RecordOf(key));
  }
  add(batch.puts.size());
  for (const Put& put : batch.puts) {
    add(RecordOf(put.key));
    add(put.value);
    add(IndexBytes(put.index));
  }
  add(batch.journal.size());
  arguments.insert(arguments.end(), batch.journal.begin(), batch.journal.end());
  add(batch.audit.size());
  arguments.insert(arguments.end(), batch.audit.begin(), batch.audit.end());
}

class RedisStore final : public Store {
 public:
  RedisStore(std::unique_ptr<RedisRouter> router, const RedisStoreOptions& options)
      : options_(options), router_(std::move(router)) {}

  ~RedisStore() override { (void)Close(); }

  absl::Status Open() {
    const Context context{absl::Now() + kOpenTimeout};
    return Register(context, "").status();
  }

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
    std::vector<std::optional<Record>> records(keys.size());
    if (keys.empty()) {
      return records;
    }
    std::vector<std::string> arguments;
    arguments.reserve(keys.size());
    for (const RecordKey& key : keys) {
      arguments.push_back(RecordOf(key));
    }
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, Read("get", context, practice, std::move(arguments)));
    Elements elements(std::move(answer.reply));
    for (std::optional<Record>& record : records) {
      const std::optional<std::string> stored = elements.TextOrNil();
      if (stored.has_value()) {
        SB_ASSIGN_OR_RETURN(record, ParseRecord(*stored));
      }
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    return records;
  }

  absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) override {
    SB_RETURN_IF_ERROR(CheckBatch(batch));
    std::vector<std::string> arguments = {"", Now()};
    AppendBatch(batch, arguments);
    SB_ASSIGN_OR_RETURN(RedisAnswer answer,
                        WriteRegistered("apply", context, batch.practice, std::move(arguments)));
    Elements elements(std::move(answer.reply));
    const std::string outcome = elements.Text();
    ApplyResult result;
    if (outcome == "lease") {
      return LeaseLostError();
    }
    if (outcome == "conflict") {
      const auto failed = static_cast<size_t>(elements.Number()) - 1;
      if (!elements.ok() || failed >= batch.expectations.size()) {
        return OddAnswer();
      }
      return ConflictError(batch.expectations[failed].key.kind);
    }
    if (outcome == "known" && batch.idempotency.has_value()) {
      SB_ASSIGN_OR_RETURN(result.replayed,
                          ResultOf(elements.Text(), batch.idempotency->fingerprint));
    } else if (outcome != "done") {
      return OddAnswer();
    }
    result.position = ReadPosition(elements, answer);
    while (!elements.done()) {
      result.versions.push_back(elements.Number());
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    return result;
  }

  absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("key", key));
    SB_ASSIGN_OR_RETURN(const RedisAnswer answer,
                        Read("find_result", context, practice, {Now(), std::string(key)}));
    if (answer.reply.kind == RedisReply::Kind::kNil) {
      return std::optional<std::string>();
    }
    SB_ASSIGN_OR_RETURN(std::string result, ResultOf(answer.reply.text, fingerprint));
    return std::optional<std::string>(std::move(result));
  }

  absl::StatusOr<ScanPage> Scan(const Context& context, const ScanRequest& request) override {
    SB_ASSIGN_OR_RETURN(const ScanRange range, RangeOf(request));
    SB_ASSIGN_OR_RETURN(RedisAnswer answer,
                        Read("scan", context, request.practice,
                             {request.index, MemberOf(range.above), MemberOf(range.below),
                              request.reverse ? "1" : "", absl::StrCat(request.limit),
                              absl::StrCat(kMaxPageBytes)}));
    Elements elements(std::move(answer.reply));
    ScanPage page;
    page.more = elements.Number() != 0;
    while (!elements.done()) {
      const std::string member = elements.Text();
      // An entry without its record cannot be: they come and go in one script.
      const std::string stored = elements.Text();
      SB_RETURN_IF_ERROR(CheckRead(elements));
      SB_ASSIGN_OR_RETURN(ScanPlace place, ParseMember(member));
      SB_ASSIGN_OR_RETURN(Record record, ParseRecord(stored));
      std::string cursor = FormatCursor(place);
      page.rows.push_back({std::move(cursor),
                           std::move(place.sort_key),
                           {std::move(place.kind), std::move(place.id)},
                           std::move(record)});
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    return page;
  }

  absl::StatusOr<JournalPage> Journal(const Context& context, absl::string_view practice,
                                      int64_t after, int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, ReadEntries("j", context, practice, after, limit));
    Elements elements(std::move(answer.reply));
    JournalPage page;
    page.position = ReadPosition(elements, answer);
    const int64_t trimmed = elements.Number();
    if (elements.ok() && (after > page.position.sequence || after < trimmed)) {
      return ResyncRequiredError();
    }
    while (!elements.done()) {
      page.entries.push_back(ReadEntry<JournalEntry>(elements));
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    page.more = !page.entries.empty() && page.entries.back().sequence < page.position.sequence;
    return page;
  }

  absl::StatusOr<Position> GetPosition(const Context& context,
                                       absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, Read("position", context, practice, {}));
    Elements elements(std::move(answer.reply));
    Position position = ReadPosition(elements, answer);
    SB_RETURN_IF_ERROR(CheckRead(elements));
    return position;
  }

  absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    SB_RETURN_IF_ERROR(CheckSortKey("after", after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    return List(context, "p", after, limit, "serving");
  }

  absl::StatusOr<Lease> AcquireLease(const Context& context, absl::string_view practice,
                                     absl::string_view name, absl::string_view owner,
                                     absl::Duration duration) override {
    SB_RETURN_IF_ERROR(CheckLease(practice, name, owner, duration));
    SB_ASSIGN_OR_RETURN(RedisAnswer answer,
                        WriteRegistered("acquire_lease", context, practice,
                                        {"", Now(), std::string(name), std::string(owner),
                                         absl::StrCat(absl::ToInt64Microseconds(duration))}));
    Elements elements(std::move(answer.reply));
    const std::string outcome = elements.Text();
    const int64_t first = elements.Number();
    if (elements.ok() && outcome == "held") {
      return LeaseHeldError(absl::Microseconds(first));
    }
    const int64_t expires = elements.Number();
    if (!elements.ok() || outcome != "done") {
      return OddAnswer();
    }
    return Lease{first, FromStoredTime(expires)};
  }

  absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckName("name", name));
    return Run("release_lease", context, RedisKeysOfPractice(options_.prefix, practice),
               {std::string(name), absl::StrCat(token)}, /*writes=*/true)
        .status();
  }

  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const Context& context,
                                                    absl::string_view practice, int64_t after,
                                                    int limit) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_RETURN_IF_ERROR(CheckSequence(after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, ReadEntries("a", context, practice, after, limit));
    Elements elements(std::move(answer.reply));
    std::vector<AuditEntry> entries;
    while (!elements.done()) {
      entries.push_back(ReadEntry<AuditEntry>(elements));
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    return entries;
  }

  absl::StatusOr<int64_t> Trim(const Context& context, const TrimRequest& request) override {
    SB_RETURN_IF_ERROR(CheckTrim(request));
    SB_ASSIGN_OR_RETURN(const RedisAnswer answer,
                        Run("trim", context, RedisKeysOfPractice(options_.prefix, request.practice),
                            {Now(), absl::StrCat(ToStoredTime(request.journal_before)),
                             absl::StrCat(request.audit_through), absl::StrCat(request.limit)},
                            /*writes=*/true));
    return answer.reply.integer;
  }

  absl::StatusOr<ExportPage> Export(const Context& context, absl::string_view practice,
                                    absl::string_view cursor, int limit) override {
    SB_RETURN_IF_ERROR(CheckExport(practice, limit));
    SB_ASSIGN_OR_RETURN(ExportPlace place, ParseExportCursor(cursor));
    const bool of_records = place.part == ExportPart::kRecords && !place.name.empty();
    SB_ASSIGN_OR_RETURN(
        RedisAnswer answer,
        Read("export", context, practice,
             {Now(), absl::StrCat(static_cast<int>(place.part)),
              of_records ? Joined(place.name, place.id) : place.name, absl::StrCat(place.sequence),
              absl::StrCat(limit), absl::StrCat(kMaxPageBytes)}));
    if (answer.reply.kind == RedisReply::Kind::kNil) {
      return NotFound("practice");
    }
    Elements elements(std::move(answer.reply));
    ExportPage page;
    page.mark = elements.Text();
    absl::StrAppend(&page.mark, ":", elements.Text());
    const bool part_done = elements.Number() != 0;
    const std::string last = elements.Text();
    const int64_t last_sequence = elements.Number();
    while (!elements.done()) {
      SB_ASSIGN_OR_RETURN(CopyItem item, ReadItem(place.part, elements));
      page.items.push_back(std::move(item));
    }
    SB_RETURN_IF_ERROR(CheckRead(elements));
    if (!part_done) {
      page.cursor = FormatExportCursor(PlaceAfter(place.part, last, last_sequence));
    } else if (place.part != ExportPart::kLeases) {
      const auto next = static_cast<ExportPart>(static_cast<int>(place.part) + 1);
      page.cursor = FormatExportCursor({next, "", "", 0});
    }
    return page;
  }

  absl::Status Import(const Context& context, absl::string_view practice,
                      const std::vector<CopyItem>& items) override {
    SB_RETURN_IF_ERROR(CheckImport(practice, items));
    std::vector<std::string> arguments = {""};
    for (const CopyItem& item : items) {
      if (std::visit(ItemNumber(), item) >= kMostExact) {
        return InvalidFields(
            {{"items", "hold a number of 2^53 or more, which Redis cannot count"}});
      }
      std::visit(ItemArguments{arguments}, item);
    }
    SB_ASSIGN_OR_RETURN(RedisAnswer answer,
                        WriteRegistered("import", context, practice, std::move(arguments)));
    Elements elements(std::move(answer.reply));
    const std::string outcome = elements.Text();
    if (outcome == "exists") {
      return NotImportedError();
    }
    return outcome == "done" ? absl::OkStatus() : OddAnswer();
  }

  absl::Status FinishImport(const Context& context, absl::string_view practice) override {
    SB_RETURN_IF_ERROR(CheckName("practice", practice));
    SB_ASSIGN_OR_RETURN(const RedisAnswer answer,
                        Run("finish_import", context,
                            RedisKeysOfPractice(options_.prefix, practice), {}, /*writes=*/true));
    if (answer.reply.text == "unknown") {
      return NotFound("practice");
    }
    if (answer.reply.text == "incomplete") {
      return ImportIncompleteError();
    }
    return answer.reply.text == "done" ? absl::OkStatus() : OddAnswer();
  }

  absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    SB_RETURN_IF_ERROR(CheckSortKey("after", after));
    SB_RETURN_IF_ERROR(CheckPageLimit(limit));
    return List(context, "n", after, limit, "importing");
  }

  absl::Status Ping(const Context& context) override {
    return Run("ping", context, RedisKeysOfStore(options_.prefix), {}, /*writes=*/true).status();
  }

  std::vector<StoreFigure> Figures() const override {
    const RedisRouterStats stats = router_->stats();
    return {
        {"round_trips", "Round trips to Redis, each for all calls that waited.", stats.flushes},
        {"confirmed_calls", "Calls in them that were answered and confirmed.", stats.calls},
        {"short_confirmations", "Round trips that not all replicas confirmed in time.",
         stats.short_confirmations},
        {"retries", "Calls that were tried again.", stats.retries},
        {"redirects", "Of these, those whose slot is elsewhere.", stats.redirects},
        {"primary_searches", "Times the primaries were looked for.", stats.searches},
        {"connects", "Connections made.", stats.connects},
        {"failed_connects", "Connections that could not be made.", stats.failed_connects},
        {"discarded_connections", "Connections given up with calls on their way.", stats.discarded},
        {"connections", "Connections to primaries now.", stats.connections},
        {"queued", "Calls that wait to be sent now.", stats.queued},
    };
  }

  absl::Status Close() override {
    {
      const absl::Time give_up = absl::Now() + options_.close_grace;
      MutexLock lock(mutex_);
      closed_ = true;
      while (under_way_ > 0 && absl::Now() < give_up) {
        idle_.WaitFor(mutex_, give_up - absl::Now());
      }
    }
    router_->Close();
    return absl::OkStatus();
  }

 private:
  // The store's clock as scripts take it.
  std::string Now() const {
    return options_.clock == nullptr ? "" : absl::StrCat(ToStoredTime(options_.clock->Now()));
  }

  static absl::Status OddAnswer() {
    return Internal("a script of the store gave an answer that does not belong to it");
  }

  static absl::Status CheckRead(const Elements& elements) {
    return elements.ok() ? absl::OkStatus() : DamagedError();
  }

  absl::StatusOr<RedisAnswer> Run(absl::string_view name, const Context& context,
                                  std::vector<std::string> keys, std::vector<std::string> arguments,
                                  bool writes) {
    {
      MutexLock lock(mutex_);
      if (closed_) {
        return ShuttingDownError();
      }
      ++under_way_;
    }
    absl::StatusOr<RedisAnswer> answer = RunScript(context, RedisScripts().find(name)->second,
                                                   std::move(keys), std::move(arguments), writes);
    {
      MutexLock lock(mutex_);
      if (--under_way_ == 0) {
        idle_.NotifyAll();
      }
    }
    return answer.ok() ? std::move(answer) : Explained(answer.status());
  }

  absl::StatusOr<RedisAnswer> RunScript(const Context& context, const RedisScript& script,
                                        std::vector<std::string> keys,
                                        std::vector<std::string> arguments, bool writes) {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    return router_->Run(context, {&script, std::move(keys), std::move(arguments), writes});
  }

  // Errors of the server that mean more to an operator than INTERNAL.
  static absl::Status Explained(const absl::Status& status) {
    if (status.code() != absl::StatusCode::kInternal) {
      return status;
    }
    if (absl::StrContains(status.message(), "IMPORTING ")) {
      return BeingImportedError();
    }
    if (absl::StrContains(status.message(), "WRONGTYPE ")) {
      return DamagedError();
    }
    if (absl::StrContains(status.message(), "OOM ")) {
      return StoreUnavailableError("Redis has used up its maxmemory", kRetryAfter);
    }
    if (absl::StrContains(status.message(), "MISCONF ")) {
      return StoreUnavailableError("Redis cannot write to its disk", kRetryAfter);
    }
    return status;
  }

  absl::StatusOr<RedisAnswer> Read(absl::string_view name, const Context& context,
                                   absl::string_view practice, std::vector<std::string> arguments) {
    return Run(name, context, RedisKeysOfPractice(options_.prefix, practice), std::move(arguments),
               /*writes=*/false);
  }

  absl::StatusOr<RedisAnswer> ReadEntries(absl::string_view stream, const Context& context,
                                          absl::string_view practice, int64_t after, int limit) {
    return Read("entries", context, practice,
                {std::string(stream), absl::StrCat(after), absl::StrCat(limit),
                 absl::StrCat(kMaxPageBytes)});
  }

  template <typename Entry>
  static Entry ReadEntry(Elements& elements) {
    Entry entry;
    entry.sequence = elements.Number();
    entry.time = FromStoredTime(elements.Number());
    entry.value = elements.Text();
    return entry;
  }

  // Epoch and sequence; nil is the epoch of a practice never written to.
  Position ReadPosition(Elements& elements, const RedisAnswer& answer) {
    Position position;
    position.epoch = elements.TextOrNil().value_or("");
    position.sequence = elements.Number();
    if (position.epoch.empty()) {
      MutexLock lock(mutex_);
      position.epoch = epoch_;
    }
    if (options_.durability == RedisDurability::kRelaxed) {
      absl::StrAppend(&position.epoch, "-", answer.replication_id);
    }
    return position;
  }

  // A write whose first argument is the epoch that a practice begins with: empty at first, and
  // once more with it when the script finds that the practice is new. Practices lie in different
  // slots, so their list cannot be kept by the same script.
  absl::StatusOr<RedisAnswer> WriteRegistered(absl::string_view name, const Context& context,
                                              absl::string_view practice,
                                              std::vector<std::string> arguments) {
    const std::vector<std::string> keys = RedisKeysOfPractice(options_.prefix, practice);
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, Run(name, context, keys, arguments, /*writes=*/true));
    if (answer.reply.elements.size() != 1 || answer.reply.elements[0].text != "register") {
      return answer;
    }
    absl::StatusOr<std::string> epoch = Register(context, practice);
    if (ReasonOf(epoch.status()) == Reason::kOutcomeUnknown) {
      // Of the registration; the write itself was not begun.
      return StoreUnavailableError("the practice could not be registered", kRetryAfter);
    }
    SB_RETURN_IF_ERROR(epoch.status());
    arguments[0] = *std::move(epoch);
    return Run(name, context, keys, std::move(arguments), /*writes=*/true);
  }

  // Lists a practice (empty: none), and returns the epoch that a new one begins with.
  absl::StatusOr<std::string> Register(const Context& context, absl::string_view practice) {
    SB_ASSIGN_OR_RETURN(
        RedisAnswer answer,
        Run("register", context, RedisKeysOfStore(options_.prefix),
            {absl::StrCat(kRedisFormat), NewEpoch(), std::string(practice)}, /*writes=*/true));
    Elements elements(std::move(answer.reply));
    const int64_t format = elements.Number();
    std::string epoch = elements.Text();
    SB_RETURN_IF_ERROR(CheckRead(elements));
    if (format != kRedisFormat) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
          absl::StrCat("Redis holds records of format ", format, ", this release reads format ",
                       kRedisFormat, "; run the release that wrote them"));
    }
    MutexLock lock(mutex_);
    epoch_ = epoch;
    return epoch;
  }

  // Practices of the store's list `list` that are in `state` (state.lua).
  absl::StatusOr<std::vector<std::string>> List(const Context& context, absl::string_view list,
                                                absl::string_view after, int limit,
                                                absl::string_view state) {
    std::vector<std::string> names;
    std::string last(after);
    while (true) {
      const int wanted = limit - static_cast<int>(names.size());
      SB_ASSIGN_OR_RETURN(RedisAnswer answer,
                          Run("practices", context, RedisKeysOfStore(options_.prefix),
                              {std::string(list), last, absl::StrCat(wanted)}, /*writes=*/false));
      Elements elements(std::move(answer.reply));
      int found = 0;
      for (; !elements.done(); ++found) {
        last = elements.Text();
        const bool unseen = elements.Number() != 0;
        SB_RETURN_IF_ERROR(CheckRead(elements));
        std::string is = "serving";
        if (unseen) {
          SB_ASSIGN_OR_RETURN(is, StateOf(context, last));
        }
        if (is == state) {
          names.push_back(last);
        }
      }
      SB_RETURN_IF_ERROR(CheckRead(elements));
      if (found < wanted || names.size() == static_cast<size_t>(limit)) {
        return names;
      }
    }
  }

  // What state.lua says of a practice that was not yet seen to serve.
  absl::StatusOr<std::string> StateOf(const Context& context, const std::string& practice) {
    SB_ASSIGN_OR_RETURN(RedisAnswer answer, Read("state", context, practice, {}));
    if (answer.reply.text == "serving") {
      // Whether this is kept or not only decides whether it is asked again.
      (void)Run("confirm", context, RedisKeysOfStore(options_.prefix), {practice}, /*writes=*/true);
    }
    return std::move(answer.reply.text);
  }

  static ExportPlace PlaceAfter(ExportPart part, absl::string_view name, int64_t sequence) {
    const size_t kind_end =
        part == ExportPart::kRecords ? name.find(kNul) : absl::string_view::npos;
    if (kind_end == absl::string_view::npos) {
      return {part, std::string(name), "", sequence};
    }
    return {part, std::string(name.substr(0, kind_end)), std::string(name.substr(kind_end + 1)), 0};
  }

  static absl::StatusOr<CopyItem> ReadItem(ExportPart part, Elements& elements) {
    switch (part) {
      case ExportPart::kCounters: {
        PracticeCounters counters;
        counters.journal_last = elements.Number();
        counters.journal_trimmed = elements.Number();
        counters.audit_last = elements.Number();
        return CopyItem(counters);
      }
      case ExportPart::kRecords: {
        SB_ASSIGN_OR_RETURN(auto key, Split(elements.Text()));
        const std::string bytes = elements.Text();
        SB_ASSIGN_OR_RETURN(const StoredRecord stored, ParseStored(bytes));
        SB_ASSIGN_OR_RETURN(std::vector<IndexEntry> index, ParseIndex(stored.index));
        return CopyItem(RecordCopy{{std::move(key.first), std::move(key.second)},
                                   {stored.version, std::string(stored.value)},
                                   std::move(index)});
      }
      case ExportPart::kJournal:
        return CopyItem(ReadEntry<JournalEntry>(elements));
      case ExportPart::kAudit:
        return CopyItem(ReadEntry<AuditEntry>(elements));
      case ExportPart::kResults: {
        const std::string key = elements.Text();
        SB_ASSIGN_OR_RETURN(IdempotencyKey idempotency, ParseIdempotency(key, elements.Text()));
        return CopyItem(std::move(idempotency));
      }
      case ExportPart::kLeases: {
        LeaseCopy lease;
        lease.name = elements.Text();
        lease.token = elements.Number();
        return CopyItem(std::move(lease));
      }
    }
    return OddAnswer();
  }

  const RedisStoreOptions options_;
  const std::unique_ptr<RedisRouter> router_;
  mutable Mutex mutex_;
  CondVar idle_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string epoch_ ABSL_GUARDED_BY(mutex_);  // of the store, as it was last read
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> MakeRedisStore(std::unique_ptr<RedisRouter> router,
                                                      const RedisStoreOptions& options) {
  auto store = std::make_unique<RedisStore>(std::move(router), options);
  SB_RETURN_IF_ERROR(store->Open());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace securebase::storage
