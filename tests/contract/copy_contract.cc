#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "tests/contract/store_contract.h"
#include "tests/testing/status_matchers.h"

// What Export, Import, FinishImport and ListImports promise.
namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;

// An item as text, with everything that is in it.
struct ItemText {
  std::string operator()(const PracticeCounters& counters) const {
    return absl::StrCat("counters ", counters.journal_last, " ", counters.journal_trimmed, " ",
                        counters.audit_last);
  }
  std::string operator()(const RecordCopy& copy) const {
    std::vector<std::string> index;
    for (const IndexEntry& entry : copy.index) {
      index.push_back(absl::StrCat(entry.index, "/", entry.sort_key));
    }
    return absl::StrCat("record ", copy.key.kind, "/", copy.key.id, " v", copy.record.version, " ",
                        copy.record.value, " [", absl::StrJoin(index, " "), "]");
  }
  std::string operator()(const JournalEntry& entry) const {
    return absl::StrCat("journal ", entry.sequence, " ", absl::ToUnixMicros(entry.time), " ",
                        entry.value);
  }
  std::string operator()(const AuditEntry& entry) const {
    return absl::StrCat("audit ", entry.sequence, " ", absl::ToUnixMicros(entry.time), " ",
                        entry.value);
  }
  std::string operator()(const IdempotencyKey& key) const {
    return absl::StrCat("key ", key.key, " ", key.fingerprint, " ", key.result, " ",
                        absl::FormatTime(key.expire_time, absl::UTCTimeZone()));
  }
  std::string operator()(const LeaseCopy& lease) const {
    return absl::StrCat("lease ", lease.name, " ", lease.token);
  }
};

std::vector<CopyItem> ExportAll(Store& store, absl::string_view practice, int limit = 100) {
  std::vector<CopyItem> items;
  std::string cursor;
  do {
    const auto page = store.Export({}, practice, cursor, limit);
    EXPECT_OK(page);
    if (!page.ok()) {
      return items;
    }
    EXPECT_LE(page->items.size(), static_cast<size_t>(limit));
    EXPECT_FALSE(page->items.empty() && page->cursor == cursor && !cursor.empty());
    items.insert(items.end(), page->items.begin(), page->items.end());
    cursor = page->cursor;
  } while (!cursor.empty());
  return items;
}

std::vector<std::string> TextOf(const std::vector<CopyItem>& items) {
  std::vector<std::string> text;
  text.reserve(items.size());
  for (const CopyItem& item : items) {
    text.push_back(std::visit(ItemText(), item));
  }
  return text;
}

std::vector<std::string> TextOf(Store& store, absl::string_view practice) {
  return TextOf(ExportAll(store, practice));
}

// A practice with something of everything, some of it trimmed, in the order of an export.
class CopyTest {
 public:
  CopyTest(Store& store, securebase::testing::FakeClock& clock, const std::string& practice) {
    const std::string start = absl::StrCat(absl::ToUnixMicros(clock.Now()));
    Batch batch;
    batch.practice = practice;
    batch.puts = {{{"goal", "b"}, "B", {{"by", "2"}, {"by", "1"}, {"all", ""}, {"by", "1"}}},
                  {{"goal", "a"}, "old", {{"gone", "x"}}},
                  {{"episode", "z"}, "Z", {}},
                  {{"goal", "c"}, "C", {}}};
    batch.journal = {"j1", "j2"};
    batch.audit = {"a1", "a2"};
    batch.idempotency = IdempotencyKey{"k2", "f2", "r2", clock.Now() + absl::Hours(2)};
    EXPECT_OK(store.Apply({}, batch));
    TrimRequest trim;
    trim.practice = practice;
    trim.journal_before = absl::InfiniteFuture();
    trim.audit_through = 1;
    EXPECT_OK(store.Trim({}, trim));
    clock.Advance(absl::Seconds(1));
    const std::string later = absl::StrCat(absl::ToUnixMicros(clock.Now()));
    Batch change;
    change.practice = practice;
    change.puts = {{{"goal", "a"}, "A", {{"by", "9"}}}};
    change.deletes = {{"goal", "c"}};
    change.journal = {"j3"};
    change.audit = {"a3"};
    change.idempotency = IdempotencyKey{"k1", "", "", clock.Now() + absl::Hours(1)};
    EXPECT_OK(store.Apply({}, change));
    const auto lease = store.AcquireLease({}, practice, "work", "me", absl::Minutes(1));
    EXPECT_OK(lease);
    EXPECT_OK(store.ReleaseLease({}, practice, "work", lease->token));
    EXPECT_OK(store.AcquireLease({}, practice, "work", "me", absl::Minutes(1)));
    EXPECT_OK(store.AcquireLease({}, practice, "other", "me", absl::Minutes(1)));
    text_ = {"counters 3 2 3",
             "record episode/z v1 Z []",
             "record goal/a v2 A [by/9]",
             "record goal/b v1 B [all/ by/1 by/2]",
             absl::StrCat("journal 3 ", later, " j3"),
             absl::StrCat("audit 2 ", start, " a2"),
             absl::StrCat("audit 3 ", later, " a3"),
             "key k1   2026-01-01T10:00:01+00:00",
             "key k2 f2 r2 2026-01-01T11:00:00+00:00",
             "lease other 1",
             "lease work 2"};
  }

  const std::vector<std::string>& text() const { return text_; }

 private:
  std::vector<std::string> text_;
};

void ImportAll(Store& store, absl::string_view practice, const std::vector<CopyItem>& items) {
  ASSERT_OK(store.Import({}, practice, items));
  ASSERT_OK(store.FinishImport({}, practice));
}

TEST_P(StoreContract, ExportShowsEverythingInItsOrder) {
  const CopyTest full(*store_, clock_, "p1");
  EXPECT_EQ(TextOf(*store_, "p1"), full.text());
}

TEST_P(StoreContract, ExportPagesOfEverySizeJoinToTheWhole) {
  const CopyTest full(*store_, clock_, "p1");
  for (int limit = 1; limit <= 13; ++limit) {
    EXPECT_EQ(TextOf(ExportAll(*store_, "p1", limit)), full.text()) << limit;
  }
}

TEST_P(StoreContract, ExportOfLargeValuesEndsPagesEarlyAndLosesNothing) {
  const std::string large(kMaxBatchBytes - 100, 'x');
  for (int i = 0; i < 12; ++i) {
    Batch batch;
    batch.practice = "p1";
    batch.puts = {{{"goal", absl::StrCat(100 + i)}, large, {}}};
    ASSERT_OK(store_->Apply(context_, batch));
  }
  ASSERT_OK_AND_ASSIGN(const ExportPage page, store_->Export(context_, "p1", "", kMaxPageRows));
  EXPECT_LT(page.items.size(), 12u);
  EXPECT_FALSE(page.cursor.empty());
  EXPECT_EQ(ExportAll(*store_, "p1", kMaxPageRows).size(), 13u);
}

TEST_P(StoreContract, ExportKeepsBytes) {
  const std::string odd = "\xff\xfe'\x01 ";
  const std::string bytes("\0\xff\n", 3);
  Batch batch;
  batch.practice = odd;
  batch.puts = {{{odd, odd}, bytes, {{odd, odd}}}};
  batch.journal = {bytes};
  batch.audit = {bytes};
  batch.idempotency = IdempotencyKey{odd, bytes, bytes, clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  ASSERT_OK(store_->AcquireLease(context_, odd, odd, "me", absl::Minutes(1)));
  const std::vector<std::string> text = TextOf(ExportAll(*store_, odd, 1));
  EXPECT_EQ(text, TextOf(*store_, odd));
  ImportAll(*store_, "copy", ExportAll(*store_, odd));
  EXPECT_EQ(TextOf(*store_, "copy"), text);
  EXPECT_EQ(store_->FindResult(context_, "copy", odd, bytes).value(), bytes);
}

TEST_P(StoreContract, ExportLeavesOutKeysThatHaveExpired) {
  const CopyTest full(*store_, clock_, "p1");
  clock_.Advance(absl::Hours(1));
  std::vector<std::string> text = full.text();
  text.erase(text.begin() + 7);  // k1
  EXPECT_EQ(TextOf(*store_, "p1"), text);
}

TEST_P(StoreContract, ExportOfAnUnknownPracticeIsNotFound) {
  EXPECT_THAT(store_->Export(context_, "p1", "", 10),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(store_->ListPractices(context_, "", 10).value(), IsEmpty());
}

TEST_P(StoreContract, ExportRefusesACursorThatNoExportMade) {
  const CopyTest full(*store_, clock_, "p1");
  using namespace std::string_literals;
  for (const std::string& cursor : {"x"s, "9\0\0\0"s, "1\0a\0b"s, "1\0a\0b\0c"s, "2\0\0\0-1"s}) {
    EXPECT_THAT(store_->Export(context_, "p1", cursor, 10),
                IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
  }
  EXPECT_THAT(store_->Export(context_, "", "", 10),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->Export(context_, "p1", "", kMaxPageRows + 1),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded));
}

TEST_P(StoreContract, TheMarkChangesWithEverythingThatAnExportShows) {
  const auto mark = [&] {
    const auto page = store_->Export(context_, "p1", "", 1);
    EXPECT_OK(page);
    return page.ok() ? page->mark : "";
  };
  Batch batch;
  batch.practice = "p1";
  batch.audit = {"first"};
  ASSERT_OK(store_->Apply(context_, batch));
  std::string last = mark();
  EXPECT_FALSE(last.empty());
  EXPECT_EQ(mark(), last);
  const auto expect_change = [&](const std::string& what, const std::function<void()>& change) {
    change();
    const std::string next = mark();
    EXPECT_NE(next, last) << what;
    last = next;
  };
  const auto apply = [&](const std::function<void(Batch&)>& fill) {
    Batch next;
    next.practice = "p1";
    fill(next);
    EXPECT_OK(store_->Apply(context_, next));
  };
  expect_change("put", [&] { apply([](Batch& b) { b.puts = {{{"goal", "a"}, "v", {}}}; }); });
  expect_change("same put", [&] { apply([](Batch& b) { b.puts = {{{"goal", "a"}, "v", {}}}; }); });
  expect_change("delete", [&] { apply([](Batch& b) { b.deletes = {{"goal", "a"}}; }); });
  expect_change("journal", [&] { apply([](Batch& b) { b.journal = {"j"}; }); });
  expect_change("audit", [&] { apply([](Batch& b) { b.audit = {"a"}; }); });
  expect_change("key", [&] {
    apply([&](Batch& b) {
      b.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
    });
  });
  expect_change("lease", [&] {
    EXPECT_OK(store_->AcquireLease(context_, "p1", "work", "me", absl::Minutes(1)));
  });
  expect_change("trim", [&] {
    TrimRequest trim;
    trim.practice = "p1";
    trim.audit_through = 1;
    EXPECT_OK(store_->Trim(context_, trim));
  });
}

TEST_P(StoreContract, AnImportedPracticeGoesOnAsItsOriginalWould) {
  const CopyTest full(*store_, clock_, "p1");
  ImportAll(*store_, "copy", ExportAll(*store_, "p1"));
  EXPECT_EQ(TextOf(*store_, "copy"), full.text());
  EXPECT_THAT(store_->ListPractices(context_, "", 10).value(), ElementsAre("copy", "p1"));

  EXPECT_EQ(store_->Get(context_, "copy", {"goal", "a"})->version, 2);
  ScanRequest scan;
  scan.practice = "copy";
  scan.index = "by";
  const auto rows = store_->Scan(context_, scan);
  ASSERT_OK(rows);
  ASSERT_EQ(rows->rows.size(), 3u);
  EXPECT_EQ(rows->rows[2].key.id, "a");
  EXPECT_EQ(rows->rows[2].record.value, "A");
  EXPECT_EQ(store_->FindResult(context_, "copy", "k2", "f2").value(), "r2");
  EXPECT_EQ(store_->GetPosition(context_, "copy")->sequence, 3);
  EXPECT_THAT(store_->Journal(context_, "copy", 1, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_EQ(store_->Journal(context_, "copy", 2, 10)->entries.size(), 1u);

  Batch batch;
  batch.practice = "copy";
  batch.expectations = {{{"goal", "a"}, 2}};
  batch.puts = {{{"goal", "a"}, "next", {{"by", "0"}}}};
  batch.journal = {"j4"};
  batch.audit = {"a4"};
  ASSERT_OK_AND_ASSIGN(const ApplyResult applied, store_->Apply(context_, batch));
  EXPECT_EQ(applied.position.sequence, 4);
  EXPECT_THAT(applied.versions, ElementsAre(3));
  EXPECT_EQ(store_->ListAudit(context_, "copy", 3, 10)->front().sequence, 4);
  scan.prefix = "9";
  EXPECT_THAT(store_->Scan(context_, scan)->rows, IsEmpty()) << "the entry before was left";

  // Free at once, whoever held the original's, and with a greater token.
  ASSERT_OK_AND_ASSIGN(const Lease lease,
                       store_->AcquireLease(context_, "copy", "work", "you", absl::Minutes(1)));
  EXPECT_EQ(lease.token, 3);
  EXPECT_EQ(TextOf(*store_, "p1"), full.text());
}

TEST_P(StoreContract, NobodyIsServedFromAnImportUntilItIsFinished) {
  const CopyTest full(*store_, clock_, "p1");
  const std::vector<CopyItem> items = ExportAll(*store_, "p1");
  ASSERT_OK(store_->Import(context_, "copy", {}));
  for (const bool filled : {false, true}) {
    if (filled) {
      ASSERT_OK(store_->Import(context_, "copy", items));
    }
    const auto refused = IsError(kUnavailable, Reason::kStoreUnavailable);
    EXPECT_THAT(store_->Get(context_, "copy", {"goal", "a"}), refused);
    EXPECT_THAT(store_->GetMany(context_, "copy", {{"goal", "a"}}), refused);
    EXPECT_THAT(store_->FindResult(context_, "copy", "k2", "f2"), refused);
    ScanRequest scan;
    scan.practice = "copy";
    scan.index = "by";
    EXPECT_THAT(store_->Scan(context_, scan), refused);
    EXPECT_THAT(store_->Journal(context_, "copy", 0, 10), refused);
    EXPECT_THAT(store_->GetPosition(context_, "copy"), refused);
    EXPECT_THAT(store_->ListAudit(context_, "copy", 0, 10), refused);
    Batch batch;
    batch.practice = "copy";
    batch.audit = {"a"};
    EXPECT_THAT(store_->Apply(context_, batch), refused);
    EXPECT_THAT(store_->AcquireLease(context_, "copy", "work", "me", absl::Minutes(1)), refused);
    EXPECT_THAT(store_->ReleaseLease(context_, "copy", "work", 2), refused);
    TrimRequest trim;
    trim.practice = "copy";
    EXPECT_THAT(store_->Trim(context_, trim), refused);
    EXPECT_THAT(store_->ListPractices(context_, "", 10).value(), ElementsAre("p1"));
    EXPECT_THAT(store_->ListImports(context_, "", 10).value(), ElementsAre("copy"));
  }
  EXPECT_EQ(TextOf(*store_, "copy"), full.text()) << "refused calls changed something";
  ASSERT_OK(store_->FinishImport(context_, "copy"));
  EXPECT_EQ(store_->Get(context_, "copy", {"goal", "a"})->value, "A");
  EXPECT_THAT(store_->ListImports(context_, "", 10).value(), IsEmpty());
}

TEST_P(StoreContract, AnImportMayComeInAnyOrderAndAgain) {
  const CopyTest full(*store_, clock_, "p1");
  std::vector<CopyItem> items = ExportAll(*store_, "p1");
  std::reverse(items.begin(), items.end());
  for (const CopyItem& item : items) {
    ASSERT_OK(store_->Import(context_, "copy", {item}));
  }
  // A first try may have brought a record's earlier state, with other index entries.
  ASSERT_OK(store_->Import(
      context_, "copy", {RecordCopy{{"goal", "a"}, {1, "earlier"}, {{"by", "5"}, {"old", "x"}}}}));
  ASSERT_OK(store_->Import(context_, "copy", items));
  ASSERT_OK(store_->FinishImport(context_, "copy"));
  EXPECT_EQ(TextOf(*store_, "copy"), full.text());
  ScanRequest scan;
  scan.practice = "copy";
  scan.index = "old";
  EXPECT_THAT(store_->Scan(context_, scan)->rows, IsEmpty());
}

TEST_P(StoreContract, APracticeThatIsThereIsNotImportedOver) {
  const CopyTest full(*store_, clock_, "p1");
  const auto refused = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);
  EXPECT_THAT(store_->Import(context_, "p1", {}), refused);
  EXPECT_THAT(store_->Import(context_, "p1", {PracticeCounters{}}), refused);
  EXPECT_EQ(TextOf(*store_, "p1"), full.text());
  ImportAll(*store_, "copy", ExportAll(*store_, "p1"));
  EXPECT_THAT(store_->Import(context_, "copy", {PracticeCounters{}}), refused);
  EXPECT_OK(store_->FinishImport(context_, "copy"));
  EXPECT_EQ(TextOf(*store_, "copy"), full.text());
}

TEST_P(StoreContract, AnImportWithoutItsCountersOrJournalIsNotFinished) {
  const auto incomplete = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);
  EXPECT_THAT(store_->FinishImport(context_, "copy"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK(store_->Import(context_, "copy", {}));
  EXPECT_THAT(store_->FinishImport(context_, "copy"), incomplete);
  ASSERT_OK(store_->Import(context_, "copy", {PracticeCounters{4, 1, 1}}));
  EXPECT_THAT(store_->FinishImport(context_, "copy"), incomplete);
  ASSERT_OK(store_->Import(context_, "copy",
                           {JournalEntry{2, clock_.Now(), "a"}, JournalEntry{4, clock_.Now(), "c"},
                            AuditEntry{2, clock_.Now(), "beyond"}}));
  EXPECT_THAT(store_->FinishImport(context_, "copy"), incomplete) << "3 is missing";
  ASSERT_OK(store_->Import(context_, "copy", {JournalEntry{3, clock_.Now(), "b"}}));
  EXPECT_THAT(store_->FinishImport(context_, "copy"), incomplete) << "audit is beyond its counter";
  ASSERT_OK(store_->Import(context_, "copy", {PracticeCounters{4, 1, 2}}));
  EXPECT_OK(store_->FinishImport(context_, "copy"));
  EXPECT_EQ(store_->Journal(context_, "copy", 1, 10)->entries.size(), 3u);
}

TEST_P(StoreContract, ItemsThatNoExportReturnsAreRefused) {
  const std::string nul("a\0b", 3);
  const std::string too_long(kMaxKeyBytes + 1, 'x');
  const RecordKey key{"goal", "a"};
  const std::vector<CopyItem> wrong = {
      PracticeCounters{-1, 0, 0},
      PracticeCounters{1, 2, 0},
      PracticeCounters{1, 0, -1},
      RecordCopy{{"", "a"}, {1, "v"}, {}},
      RecordCopy{{"goal", nul}, {1, "v"}, {}},
      RecordCopy{{"goal", too_long}, {1, "v"}, {}},
      RecordCopy{key, {0, "v"}, {}},
      RecordCopy{key, {1, "v"}, {{"", "x"}}},
      RecordCopy{key, {1, "v"}, {{"by", nul}}},
      RecordCopy{key, {1, "v"}, std::vector<IndexEntry>(kMaxIndexEntries + 1, {"by", "x"})},
      RecordCopy{key, {1, std::string(kMaxBatchBytes, 'x')}, {}},
      JournalEntry{0, clock_.Now(), ""},
      AuditEntry{0, clock_.Now(), ""},
      IdempotencyKey{"", "f", "r", clock_.Now()},
      LeaseCopy{"", 1},
      LeaseCopy{"work", 0}};
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_EQ(store_->Import(context_, "copy", {wrong[i]}).code(),
              absl::StatusCode::kInvalidArgument)
        << i;
  }
  EXPECT_EQ(
      store_->Import(context_, "copy", std::vector<CopyItem>(kMaxPageRows + 1, PracticeCounters{}))
          .code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Import(context_, "", {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(store_->ListImports(context_, "", 10).value(), IsEmpty());
}

TEST_P(StoreContract, ListImportsPagesInByteOrder) {
  for (const std::string& practice : {std::string("c"), std::string("B"), std::string("a")}) {
    ASSERT_OK(store_->Import(context_, practice, {}));
  }
  EXPECT_THAT(store_->ListImports(context_, "", 2).value(), ElementsAre("B", "a"));
  EXPECT_THAT(store_->ListImports(context_, "a", 10).value(), ElementsAre("c"));
  EXPECT_THAT(store_->ListPractices(context_, "", 10).value(), IsEmpty());
}

TEST_P(StoreContract, CopiesEndWithTheDeadlineAndTheStore) {
  const CopyTest full(*store_, clock_, "p1");
  Context late;
  late.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_EQ(store_->Export(late, "p1", "", 10).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(store_->Import(late, "copy", {}).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(store_->FinishImport(late, "copy").code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_OK(store_->Close());
  const auto closed = IsError(kUnavailable, Reason::kShuttingDown);
  EXPECT_THAT(store_->Export(context_, "p1", "", 10), closed);
  EXPECT_THAT(store_->Import(context_, "copy", {}), closed);
  EXPECT_THAT(store_->FinishImport(context_, "copy"), closed);
  EXPECT_THAT(store_->ListImports(context_, "", 10), closed);
}

TEST_P(DurableStoreContract, AnImportGoesOnAfterReopening) {
  const CopyTest full(*store_, clock_, "p1");
  const std::vector<CopyItem> items = ExportAll(*store_, "p1");
  const auto half = items.begin() + 5;
  ASSERT_OK(store_->Import(context_, "copy", std::vector<CopyItem>(items.begin(), half)));
  Reopen();
  EXPECT_THAT(store_->GetPosition(context_, "copy"),
              IsError(kUnavailable, Reason::kStoreUnavailable));
  EXPECT_THAT(store_->ListImports(context_, "", 10).value(), ElementsAre("copy"));
  ASSERT_OK(store_->Import(context_, "copy", std::vector<CopyItem>(half, items.end())));
  ASSERT_OK(store_->FinishImport(context_, "copy"));
  Reopen();
  EXPECT_EQ(TextOf(*store_, "copy"), full.text());
  EXPECT_EQ(store_->GetPosition(context_, "copy")->sequence, 3);
}

}  // namespace
}  // namespace securebase::storage
