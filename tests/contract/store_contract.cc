#include "tests/contract/store_contract.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DurableStoreContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OwnedStoreContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SharedStoreContract);

void DurableStoreContract::Reopen() {
  ASSERT_OK(store_->Close());
  store_ = home_->Open(clock_);
}

namespace {

using ::securebase::testing::IsError;
using ::securebase::testing::StatusOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::StatusCode kAborted = absl::StatusCode::kAborted;
constexpr absl::StatusCode kInvalidArgument = absl::StatusCode::kInvalidArgument;

RecordKey Goal(absl::string_view id) { return {"goal", std::string(id)}; }

Put PutOf(absl::string_view id, absl::string_view value, std::vector<IndexEntry> index = {}) {
  return {Goal(id), std::string(value), std::move(index)};
}

Batch BatchOf(std::vector<Put> puts, absl::string_view practice = "p1") {
  Batch batch;
  batch.practice = std::string(practice);
  batch.puts = std::move(puts);
  return batch;
}

Batch JournalOf(std::vector<std::string> entries, absl::string_view practice = "p1") {
  Batch batch;
  batch.practice = std::string(practice);
  batch.journal = std::move(entries);
  return batch;
}

Batch AuditOf(std::vector<std::string> entries, absl::string_view practice = "p1") {
  Batch batch;
  batch.practice = std::string(practice);
  batch.audit = std::move(entries);
  return batch;
}

std::string ValueOf(Store& store, absl::string_view id, absl::string_view practice = "p1") {
  const auto record = store.Get({}, practice, Goal(id));
  return record.ok() ? record->value
                     : std::string(absl::StatusCodeToString(record.status().code()));
}

int64_t VersionOf(Store& store, absl::string_view id, absl::string_view practice = "p1") {
  const auto record = store.Get({}, practice, Goal(id));
  return record.ok() ? record->version : 0;
}

ScanRequest ScanOf(absl::string_view index, absl::string_view practice = "p1") {
  ScanRequest request;
  request.practice = std::string(practice);
  request.index = std::string(index);
  return request;
}

// "sort_key=id" of every row, over as many pages as it takes.
std::vector<std::string> ScanAll(Store& store, ScanRequest request) {
  std::vector<std::string> rows;
  while (true) {
    const auto page = store.Scan({}, request);
    EXPECT_OK(page);
    if (!page.ok()) {
      return rows;
    }
    EXPECT_LE(page->rows.size(), static_cast<size_t>(request.limit));
    for (const ScanRow& row : page->rows) {
      rows.push_back(absl::StrCat(row.sort_key, "=", row.key.id));
    }
    if (!page->more) {
      return rows;
    }
    EXPECT_FALSE(page->rows.empty());
    if (page->rows.empty()) {
      return rows;
    }
    request.after = page->rows.back().cursor;
  }
}

std::vector<std::string> JournalValues(Store& store, int64_t after = 0,
                                       absl::string_view practice = "p1") {
  std::vector<std::string> values;
  const auto page = store.Journal({}, practice, after, kMaxPageRows);
  EXPECT_OK(page);
  for (size_t i = 0; page.ok() && i < page->entries.size(); ++i) {
    EXPECT_EQ(page->entries[i].sequence, after + static_cast<int64_t>(i) + 1);
    values.push_back(page->entries[i].value);
  }
  return values;
}

std::vector<std::string> AuditValues(Store& store, int64_t after = 0,
                                     absl::string_view practice = "p1") {
  std::vector<std::string> values;
  const auto entries = store.ListAudit({}, practice, after, kMaxPageRows);
  EXPECT_OK(entries);
  for (size_t i = 0; entries.ok() && i < entries->size(); ++i) {
    values.push_back(absl::StrCat((*entries)[i].sequence, ":", (*entries)[i].value));
  }
  return values;
}

// Records

TEST_P(StoreContract, GetOfWhatWasNeverPutIsNotFound) {
  EXPECT_THAT(store_->Get(context_, "p1", Goal("g1")),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_P(StoreContract, ApplyReturnsVersionsInTheOrderOfThePutsAndCountsEachUp) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("b", "1")})));
  ASSERT_OK_AND_ASSIGN(const ApplyResult result,
                       store_->Apply(context_, BatchOf({PutOf("a", "x"), PutOf("b", "2")})));
  EXPECT_THAT(result.versions, ElementsAre(1, 2));
  EXPECT_FALSE(result.replayed.has_value());
  EXPECT_EQ(ValueOf(*store_, "a"), "x");
  EXPECT_EQ(ValueOf(*store_, "b"), "2");
  EXPECT_EQ(VersionOf(*store_, "b"), 2);
}

TEST_P(StoreContract, ValuesAreBytes) {
  const std::string bytes("\0\xff\x80 '\"\n\0", 8);
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", bytes), PutOf("empty", "")})));
  EXPECT_EQ(ValueOf(*store_, "g"), bytes);
  EXPECT_EQ(ValueOf(*store_, "empty"), "");
}

TEST_P(StoreContract, KeysAreBytesToo) {
  const std::string odd = "\xff\xfe'\x01 ";
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf(odd, "odd", {{odd, odd}})}, odd)));
  EXPECT_EQ(ValueOf(*store_, odd, odd), "odd");
  EXPECT_THAT(ScanAll(*store_, ScanOf(odd, odd)), ElementsAre(absl::StrCat(odd, "=", odd)));
}

TEST_P(StoreContract, TheSameIdUnderAnotherKindIsAnotherRecord) {
  Batch batch = BatchOf({PutOf("x", "goal")});
  batch.puts.push_back({{"rating", "x"}, "rating", {}});
  ASSERT_OK(store_->Apply(context_, batch));
  EXPECT_EQ(store_->Get(context_, "p1", {"goal", "x"})->value, "goal");
  EXPECT_EQ(store_->Get(context_, "p1", {"rating", "x"})->value, "rating");
}

TEST_P(StoreContract, DeletedRecordsAreGoneAndMayComeBackAtVersionOne) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1")})));
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "2")})));
  Batch batch = BatchOf({});
  batch.deletes = {Goal("g"), Goal("never-there")};
  ASSERT_OK(store_->Apply(context_, batch));
  EXPECT_EQ(ValueOf(*store_, "g"), "NOT_FOUND");
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "3")})));
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
}

TEST_P(StoreContract, GetManyKeepsTheOrderAndMarksWhatIsMissing) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("a", "1"), PutOf("b", "2")})));
  ASSERT_OK_AND_ASSIGN(
      const auto records,
      store_->GetMany(context_, "p1", {Goal("b"), Goal("none"), Goal("a"), Goal("b")}));
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0]->value, "2");
  EXPECT_FALSE(records[1].has_value());
  EXPECT_EQ(records[2]->value, "1");
  EXPECT_EQ(records[3]->value, "2");
}

TEST_P(StoreContract, GetManyOfNothingOrOfAnUnknownPracticeIsNoError) {
  ASSERT_OK_AND_ASSIGN(const auto none, store_->GetMany(context_, "p1", {}));
  EXPECT_THAT(none, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto unknown, store_->GetMany(context_, "nowhere", {Goal("a")}));
  ASSERT_EQ(unknown.size(), 1u);
  EXPECT_FALSE(unknown[0].has_value());
}

// Expectations and atomicity

TEST_P(StoreContract, ApplyWithStaleVersionChangesNothing) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1", {{"by", "old"}})})));
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "2", {{"by", "new"}})})));
  ASSERT_OK_AND_ASSIGN(const Position before, store_->GetPosition(context_, "p1"));

  Batch batch = BatchOf({PutOf("other", "x", {{"by", "x"}}), PutOf("g", "3", {{"by", "y"}})});
  batch.expectations = {{Goal("other"), 0}, {Goal("g"), 1}};
  batch.deletes = {Goal("h")};
  batch.journal = {"entry"};
  batch.audit = {"audit"};
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kConflict));

  EXPECT_EQ(ValueOf(*store_, "g"), "2");
  EXPECT_EQ(VersionOf(*store_, "g"), 2);
  EXPECT_EQ(ValueOf(*store_, "other"), "NOT_FOUND");
  EXPECT_THAT(ScanAll(*store_, ScanOf("by")), ElementsAre("new=g"));
  EXPECT_THAT(JournalValues(*store_), IsEmpty());
  EXPECT_THAT(AuditValues(*store_), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto result, store_->FindResult(context_, "p1", "k", "f"));
  EXPECT_FALSE(result.has_value());
  ASSERT_OK_AND_ASSIGN(const Position after, store_->GetPosition(context_, "p1"));
  EXPECT_EQ(before, after);
}

TEST_P(StoreContract, ExpectationOfAbsenceHoldsOnlyWithoutARecord) {
  Batch create = BatchOf({PutOf("g", "1")});
  create.expectations = {{Goal("g"), 0}};
  EXPECT_OK(store_->Apply(context_, create));
  EXPECT_THAT(store_->Apply(context_, create), IsError(kAborted, Reason::kConflict));
  Batch remove = BatchOf({});
  remove.expectations = {{Goal("g"), 1}};
  remove.deletes = {Goal("g")};
  EXPECT_OK(store_->Apply(context_, remove));
  EXPECT_OK(store_->Apply(context_, create));
}

TEST_P(StoreContract, ExpectationsOfRecordsThatAreNotWrittenCountToo) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("parent", "1")})));
  Batch batch = BatchOf({PutOf("child", "1")});
  batch.expectations = {{Goal("parent"), 2}};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kConflict));
  batch.expectations = {{Goal("parent"), 1}};
  EXPECT_OK(store_->Apply(context_, batch));
}

TEST_P(StoreContract, AFailedOrEmptyBatchLeavesThePracticeUnknown) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.expectations = {{Goal("g"), 7}};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kConflict));
  EXPECT_OK(store_->Apply(context_, BatchOf({})));
  ASSERT_OK_AND_ASSIGN(const auto practices, store_->ListPractices(context_, "", 10));
  EXPECT_THAT(practices, IsEmpty());
}

TEST_P(StoreContract, ReadersSeeABatchWholeOrNotAtAll) {
  // One thread writes the same number into two records and an index; others must never see two
  // different ones.
  constexpr int kRounds = 200;
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::atomic<int> seen = 0;
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto records = store_->GetMany({}, "p1", {Goal("a"), Goal("b")});
        const auto page = store_->Scan({}, ScanOf("by"));
        if (!records.ok() || !page.ok()) {
          ++torn;
          continue;
        }
        if ((*records)[0].has_value() != (*records)[1].has_value() ||
            ((*records)[0].has_value() && (*records)[0]->value != (*records)[1]->value)) {
          ++torn;
        }
        if (!page->rows.empty() &&
            (page->rows.size() != 2 || page->rows[0].sort_key != page->rows[1].sort_key ||
             page->rows[0].record.value != page->rows[0].sort_key ||
             page->rows[1].record.value != page->rows[1].sort_key)) {
          ++torn;
        }
        ++seen;
      }
    });
  }
  for (int i = 0; i < kRounds || seen < 10; ++i) {
    const std::string n = absl::StrCat(i);
    ASSERT_OK(store_->Apply({}, BatchOf({PutOf("a", n, {{"by", n}}), PutOf("b", n, {{"by", n}})})));
  }
  done = true;
  for (std::thread& reader : readers) {
    reader.join();
  }
  EXPECT_EQ(torn, 0);
}

TEST_P(StoreContract, ConcurrentIncrementsWithVersionChecksLoseNone) {
  constexpr int kThreads = 8;
  constexpr int kIncrements = 25;
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("counter", "0")})));
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> failures = 0;
  std::atomic<int> backwards = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      int64_t last_version = 0;
      for (int done = 0; done < kIncrements;) {
        const auto record = store_->Get({}, "p1", Goal("counter"));
        if (!record.ok()) {
          ++failures;
          return;
        }
        backwards += record->version < last_version ? 1 : 0;
        Batch batch = BatchOf({PutOf("counter", absl::StrCat(std::stoi(record->value) + 1))});
        batch.expectations = {{Goal("counter"), record->version}};
        batch.journal = {absl::StrCat(t)};
        const auto result = store_->Apply({}, batch);
        if (result.ok()) {
          ++done;
          last_version = result->versions[0];
        } else if (ReasonOf(result.status()) != Reason::kConflict) {
          ++failures;
          return;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(backwards, 0) << "a thread read an older version than it had written";
  EXPECT_EQ(ValueOf(*store_, "counter"), absl::StrCat(kThreads * kIncrements));
  EXPECT_EQ(VersionOf(*store_, "counter"), kThreads * kIncrements + 1);
  EXPECT_EQ(JournalValues(*store_).size(), static_cast<size_t>(kThreads * kIncrements));
}

TEST_P(StoreContract, EveryThreadReadsWhatWasAcknowledgedBefore) {
  constexpr int kThreads = 6;
  constexpr int kWrites = 40;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> stale = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string id = absl::StrCat("t", t);
      for (int i = 1; i <= kWrites; ++i) {
        Batch batch = BatchOf({PutOf(id, absl::StrCat(i), {{"by", absl::StrCat(id, "-", i)}})});
        batch.journal = {id};
        const auto result = store_->Apply({}, batch);
        const auto position = store_->GetPosition({}, "p1");
        ScanRequest request = ScanOf("by");
        request.prefix = absl::StrCat(id, "-");
        const auto page = store_->Scan({}, request);
        if (!result.ok() || !position.ok() || !page.ok() || VersionOf(*store_, id) != i ||
            position->sequence < result->position.sequence || page->rows.size() != 1 ||
            page->rows[0].record.version != i ||
            !store_->Journal({}, "p1", result->position.sequence, 1).ok()) {
          ++stale;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(stale, 0);
}

// Idempotency

TEST_P(StoreContract, ARepeatedBatchReturnsTheFirstResultAndChangesNothing) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.expectations = {{Goal("g"), 0}};
  batch.journal = {"created"};
  batch.audit = {"audit"};
  batch.idempotency = IdempotencyKey{"k", "f", "first", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));

  // The result and the content of the repeat do not matter, only key and fingerprint do.
  batch.idempotency->result = "second";
  ASSERT_OK_AND_ASSIGN(const ApplyResult repeat, store_->Apply(context_, batch));
  EXPECT_EQ(repeat.replayed, "first");
  EXPECT_THAT(repeat.versions, IsEmpty());
  EXPECT_EQ(repeat.position.sequence, 1);
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
  EXPECT_THAT(JournalValues(*store_), ElementsAre("created"));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("1:audit"));
}

TEST_P(StoreContract, FindResultKnowsWhatApplyStored) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.idempotency =
      IdempotencyKey{"k", "f", std::string("\0r", 2), clock_.Now() + absl::Hours(1)};
  ASSERT_OK_AND_ASSIGN(const auto before, store_->FindResult(context_, "p1", "k", "f"));
  EXPECT_EQ(before, std::nullopt);
  ASSERT_OK(store_->Apply(context_, batch));
  ASSERT_OK_AND_ASSIGN(const auto after, store_->FindResult(context_, "p1", "k", "f"));
  EXPECT_EQ(after, std::string("\0r", 2));
  EXPECT_THAT(store_->FindResult(context_, "p1", "k", "other"),
              IsError(kInvalidArgument, Reason::kRequestIdReused));
}

TEST_P(StoreContract, AKnownKeyWithAnotherFingerprintIsRefused) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  batch.idempotency->fingerprint = "other";
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kInvalidArgument, Reason::kRequestIdReused));
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
}

TEST_P(StoreContract, AnExpiredKeyIsForgottenAtItsTime) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.idempotency = IdempotencyKey{"k", "f", "first", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  clock_.Advance(absl::Hours(1) - absl::Microseconds(1));
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "f").value(), "first");
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "f").value(), std::nullopt);
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "other").value(), std::nullopt);

  batch.idempotency = IdempotencyKey{"k", "other", "second", clock_.Now() + absl::Hours(1)};
  ASSERT_OK_AND_ASSIGN(const ApplyResult again, store_->Apply(context_, batch));
  EXPECT_EQ(again.replayed, std::nullopt);
  EXPECT_EQ(VersionOf(*store_, "g"), 2);
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "other").value(), "second");
}

TEST_P(StoreContract, AReplayPassesBeforeFenceAndExpectations) {
  ASSERT_OK_AND_ASSIGN(const Lease lease,
                       store_->AcquireLease(context_, "p1", "work", "me", absl::Minutes(1)));
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.expectations = {{Goal("g"), 0}};
  batch.fence = Fence{"work", lease.token};
  batch.idempotency = IdempotencyKey{"k", "f", "first", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  clock_.Advance(absl::Minutes(2));
  ASSERT_OK_AND_ASSIGN(const ApplyResult repeat, store_->Apply(context_, batch));
  EXPECT_EQ(repeat.replayed, "first");
}

TEST_P(StoreContract, ARefusedBatchDoesNotUseUpItsKey) {
  Batch batch = BatchOf({PutOf("g", "1")});
  batch.expectations = {{Goal("g"), 1}};
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kConflict));
  batch.expectations = {{Goal("g"), 0}};
  ASSERT_OK_AND_ASSIGN(const ApplyResult result, store_->Apply(context_, batch));
  EXPECT_EQ(result.replayed, std::nullopt);
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
}

TEST_P(StoreContract, OfManySimultaneousRepeatsOneIsApplied) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> applied = 0;
  std::atomic<int> replayed = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Batch batch = BatchOf({PutOf("g", absl::StrCat(t))});
      batch.journal = {"once"};
      batch.idempotency = IdempotencyKey{"k", "f", absl::StrCat(t), clock_.Now() + absl::Hours(1)};
      const auto result = store_->Apply({}, batch);
      if (result.ok()) {
        ++(result->replayed.has_value() ? replayed : applied);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(replayed, kThreads - 1);
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "f").value(), ValueOf(*store_, "g"));
  EXPECT_THAT(JournalValues(*store_), ElementsAre("once"));
}

// Indexes and scans

TEST_P(StoreContract, ScanOrdersBySortKeyThenKindThenId) {
  Batch batch = BatchOf({PutOf("2", "v", {{"by", "b"}}), PutOf("1", "v", {{"by", "b"}}),
                         PutOf("4", "v", {{"by", "a"}}), PutOf("5", "v", {{"by", ""}}),
                         PutOf("3", "v", {{"by", "\xff"}}), PutOf("6", "v", {{"by", "B"}})});
  batch.puts.push_back({{"aim", "9"}, "v", {{"by", "b"}}});
  ASSERT_OK(store_->Apply(context_, batch));
  std::vector<std::string> rows = {"=5", "B=6", "a=4", "b=9", "b=1", "b=2", "\xff=3"};
  EXPECT_EQ(ScanAll(*store_, ScanOf("by")), rows);
  ScanRequest reverse = ScanOf("by");
  reverse.reverse = true;
  std::reverse(rows.begin(), rows.end());
  EXPECT_EQ(ScanAll(*store_, reverse), rows);
}

TEST_P(StoreContract, ScanReturnsTheRecordsThemselves) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1", {{"by", "k"}})})));
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "2", {{"by", "k"}})})));
  ASSERT_OK_AND_ASSIGN(const ScanPage page, store_->Scan(context_, ScanOf("by")));
  ASSERT_EQ(page.rows.size(), 1u);
  EXPECT_EQ(page.rows[0].sort_key, "k");
  EXPECT_EQ(page.rows[0].key, Goal("g"));
  EXPECT_EQ(page.rows[0].record.version, 2);
  EXPECT_EQ(page.rows[0].record.value, "2");
  EXPECT_FALSE(page.more);
}

TEST_P(StoreContract, ScanPagesOfEverySizeJoinToTheWhole) {
  std::vector<Put> puts;
  std::vector<std::string> rows;
  for (int i = 0; i < 25; ++i) {
    // Runs of equal sort keys, so that pages end within them.
    const std::string sort_key = absl::StrCat("k", i / 4);
    const std::string id = absl::StrCat("id", i + 10);
    puts.push_back(PutOf(id, "v", {{"by", sort_key}}));
    rows.push_back(absl::StrCat(sort_key, "=", id));
  }
  ASSERT_OK(store_->Apply(context_, BatchOf(puts)));
  for (const bool reverse : {false, true}) {
    for (const int limit : {1, 2, 3, 7, 24, 25, 26}) {
      ScanRequest request = ScanOf("by");
      request.limit = limit;
      request.reverse = reverse;
      EXPECT_EQ(ScanAll(*store_, request), rows) << "limit " << limit << " reverse " << reverse;
    }
    std::reverse(rows.begin(), rows.end());
  }
}

TEST_P(StoreContract, ScanTellsWhetherMoreFollows) {
  ASSERT_OK(store_->Apply(context_,
                          BatchOf({PutOf("1", "", {{"by", "a"}}), PutOf("2", "", {{"by", "b"}})})));
  ScanRequest request = ScanOf("by");
  request.limit = 1;
  ASSERT_OK_AND_ASSIGN(const ScanPage first, store_->Scan(context_, request));
  EXPECT_TRUE(first.more);
  request.after = first.rows.at(0).cursor;
  ASSERT_OK_AND_ASSIGN(const ScanPage second, store_->Scan(context_, request));
  EXPECT_EQ(second.rows.size(), 1u);
  EXPECT_FALSE(second.more);
  request.after = second.rows.at(0).cursor;
  ASSERT_OK_AND_ASSIGN(const ScanPage third, store_->Scan(context_, request));
  EXPECT_THAT(third.rows, IsEmpty());
  EXPECT_FALSE(third.more);
}

TEST_P(StoreContract, ACursorStaysValidWhenItsRowIsGone) {
  ASSERT_OK(
      store_->Apply(context_, BatchOf({PutOf("1", "", {{"by", "a"}}), PutOf("2", "", {{"by", "b"}}),
                                       PutOf("3", "", {{"by", "c"}})})));
  for (const bool reverse : {false, true}) {
    ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("2", "", {{"by", "b"}})})));
    ScanRequest request = ScanOf("by");
    request.limit = 2;
    request.reverse = reverse;
    ASSERT_OK_AND_ASSIGN(const ScanPage page, store_->Scan(context_, request));
    ASSERT_EQ(page.rows.at(1).key.id, "2");
    Batch remove = BatchOf({});
    remove.deletes = {Goal("2")};
    ASSERT_OK(store_->Apply(context_, remove));
    request.after = page.rows.at(1).cursor;
    EXPECT_THAT(ScanAll(*store_, request), ElementsAre(reverse ? "a=1" : "c=3"));
  }
}

TEST_P(StoreContract, ACursorDoesNotLeaveTheRangeOfItsRequest) {
  ASSERT_OK(
      store_->Apply(context_, BatchOf({PutOf("1", "", {{"by", "a"}}), PutOf("2", "", {{"by", "b"}}),
                                       PutOf("3", "", {{"by", "c"}})})));
  ASSERT_OK_AND_ASSIGN(const ScanPage page, store_->Scan(context_, ScanOf("by")));
  ScanRequest request = ScanOf("by");
  request.prefix = "b";
  request.after = page.rows.at(0).cursor;
  EXPECT_THAT(ScanAll(*store_, request), ElementsAre("b=2"));
  request.after = page.rows.at(2).cursor;
  EXPECT_THAT(ScanAll(*store_, request), IsEmpty());
  request.reverse = true;
  EXPECT_THAT(ScanAll(*store_, request), ElementsAre("b=2"));
  request.after = page.rows.at(0).cursor;
  EXPECT_THAT(ScanAll(*store_, request), IsEmpty());
}

TEST_P(StoreContract, ACursorThatNoScanMadeIsRefused) {
  for (const std::string& cursor : {std::string("nonsense"), std::string("a\0b", 3),
                                    std::string("a\0b\0c\0d", 7), std::string("a\0\0", 3)}) {
    ScanRequest request = ScanOf("by");
    request.after = cursor;
    EXPECT_THAT(store_->Scan(context_, request),
                IsError(kInvalidArgument, Reason::kInvalidPageToken));
  }
}

TEST_P(StoreContract, PrefixAndUntilBoundAScanInBothDirections) {
  ASSERT_OK(store_->Apply(
      context_, BatchOf({PutOf("1", "", {{"by", "a/1"}}), PutOf("2", "", {{"by", "a/2"}}),
                         PutOf("3", "", {{"by", "a/3"}}), PutOf("4", "", {{"by", "a0"}}),
                         PutOf("5", "", {{"by", "a"}}), PutOf("6", "", {{"by", "a/\xff\xff"}}),
                         PutOf("7", "", {{"by", "\xff\xff"}}), PutOf("8", "", {{"by", "\xff"}})})));
  struct Case {
    std::string prefix;
    std::string until;
    std::vector<std::string> ids;
  };
  const std::vector<Case> cases = {
      {"a/", "", {"1", "2", "3", "6"}},
      {"a/", "a/3", {"1", "2"}},
      {"a/", "z", {"1", "2", "3", "6"}},
      {"a/", "a/", {}},
      {"a/", "A", {}},
      {"", "a/2", {"5", "1"}},
      {"a", "", {"5", "1", "2", "3", "6", "4"}},
      {"\xff", "", {"8", "7"}},
      {"\xff\xff", "", {"7"}},
      {"a/2", "a/2\x01", {"2"}},
      {"nothing", "", {}},
  };
  for (const Case& c : cases) {
    for (const bool reverse : {false, true}) {
      for (const int limit : {1, 100}) {
        ScanRequest request = ScanOf("by");
        request.prefix = c.prefix;
        request.until = c.until;
        request.reverse = reverse;
        request.limit = limit;
        std::vector<std::string> ids;
        for (const std::string& row : ScanAll(*store_, request)) {
          ids.push_back(row.substr(row.find('=') + 1));
        }
        std::vector<std::string> expected = c.ids;
        if (reverse) {
          std::reverse(expected.begin(), expected.end());
        }
        EXPECT_EQ(ids, expected) << "prefix " << c.prefix << " until " << c.until << " reverse "
                                 << reverse << " limit " << limit;
      }
    }
  }
}

TEST_P(StoreContract, APutReplacesTheIndexEntriesOfTheOneBefore) {
  ASSERT_OK(store_->Apply(
      context_, BatchOf({PutOf("g", "1", {{"state", "open"}, {"day", "1"}, {"all", ""}})})));
  ASSERT_OK(store_->Apply(
      context_, BatchOf({PutOf("g", "2", {{"state", "closed"}, {"all", ""}, {"new", "n"}})})));
  EXPECT_THAT(ScanAll(*store_, ScanOf("state")), ElementsAre("closed=g"));
  EXPECT_THAT(ScanAll(*store_, ScanOf("day")), IsEmpty());
  EXPECT_THAT(ScanAll(*store_, ScanOf("all")), ElementsAre("=g"));
  EXPECT_THAT(ScanAll(*store_, ScanOf("new")), ElementsAre("n=g"));
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "3")})));
  EXPECT_THAT(ScanAll(*store_, ScanOf("all")), IsEmpty());
}

TEST_P(StoreContract, ARecordMayStandSeveralTimesInOneIndex) {
  ASSERT_OK(store_->Apply(
      context_, BatchOf({PutOf("g", "1", {{"by", "anna"}, {"by", "ben"}, {"by", "anna"}})})));
  EXPECT_THAT(ScanAll(*store_, ScanOf("by")), ElementsAre("anna=g", "ben=g"));
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "2", {{"by", "ben"}})})));
  EXPECT_THAT(ScanAll(*store_, ScanOf("by")), ElementsAre("ben=g"));
}

TEST_P(StoreContract, ADeletedRecordLeavesEveryIndex) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1", {{"by", "x"}, {"day", "1"}}),
                                             PutOf("h", "1", {{"by", "x"}})})));
  Batch remove = BatchOf({});
  remove.deletes = {Goal("g")};
  ASSERT_OK(store_->Apply(context_, remove));
  EXPECT_THAT(ScanAll(*store_, ScanOf("by")), ElementsAre("x=h"));
  EXPECT_THAT(ScanAll(*store_, ScanOf("day")), IsEmpty());
}

TEST_P(StoreContract, LargePagesEndEarlyAndLoseNothing) {
  // 12 records of 900 kB are more than a page may hold.
  constexpr int kRecords = 12;
  const std::string large(900'000, 'x');
  std::vector<std::string> rows;
  for (int i = 0; i < kRecords; ++i) {
    const std::string id = absl::StrCat(i + 10);
    Batch batch = BatchOf({PutOf(id, large, {{"by", id}})});
    ASSERT_OK(store_->Apply(context_, batch));
    ASSERT_OK(store_->Apply(context_, JournalOf({large})));
    ASSERT_OK(store_->Apply(context_, AuditOf({large})));
    rows.push_back(absl::StrCat(id, "=", id));
  }
  ASSERT_OK_AND_ASSIGN(const ScanPage page, store_->Scan(context_, ScanOf("by")));
  EXPECT_LT(page.rows.size(), static_cast<size_t>(kRecords));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(ScanAll(*store_, ScanOf("by")), rows);

  ASSERT_OK_AND_ASSIGN(const JournalPage journal, store_->Journal(context_, "p1", 0, 100));
  EXPECT_LT(journal.entries.size(), static_cast<size_t>(kRecords));
  EXPECT_TRUE(journal.more);
  ASSERT_OK_AND_ASSIGN(const auto audit, store_->ListAudit(context_, "p1", 0, 100));
  EXPECT_LT(audit.size(), static_cast<size_t>(kRecords));
  ASSERT_OK_AND_ASSIGN(const auto rest,
                       store_->ListAudit(context_, "p1", audit.back().sequence, 100));
  EXPECT_EQ(audit.size() + rest.size(), static_cast<size_t>(kRecords));
}

// Journal and positions

TEST_P(StoreContract, JournalKeepsTheOrderOfBatchesAndWithinThem) {
  const absl::Time first = clock_.Now();
  ASSERT_OK(store_->Apply(context_, JournalOf({"a", "b"})));
  clock_.Advance(absl::Seconds(5));
  ASSERT_OK_AND_ASSIGN(const ApplyResult result, store_->Apply(context_, JournalOf({"c"})));
  EXPECT_EQ(result.position.sequence, 3);
  ASSERT_OK_AND_ASSIGN(const JournalPage page, store_->Journal(context_, "p1", 0, 10));
  ASSERT_EQ(page.entries.size(), 3u);
  EXPECT_EQ(page.entries[0].value, "a");
  EXPECT_EQ(page.entries[0].sequence, 1);
  EXPECT_EQ(page.entries[0].time, first);
  EXPECT_EQ(page.entries[2].value, "c");
  EXPECT_EQ(page.entries[2].sequence, 3);
  EXPECT_EQ(page.entries[2].time, first + absl::Seconds(5));
  EXPECT_EQ(page.position, result.position);
  EXPECT_FALSE(page.more);
}

TEST_P(StoreContract, JournalPagesJoinToTheWhole) {
  ASSERT_OK(store_->Apply(context_, JournalOf({"a", "b", "c", "d", "e"})));
  std::string all;
  int64_t after = 0;
  for (bool more = true; more;) {
    ASSERT_OK_AND_ASSIGN(const JournalPage page, store_->Journal(context_, "p1", after, 2));
    ASSERT_FALSE(page.entries.empty());
    EXPECT_EQ(page.position.sequence, 5);
    for (const JournalEntry& entry : page.entries) {
      all += entry.value;
    }
    after = page.entries.back().sequence;
    more = page.more;
  }
  EXPECT_EQ(all, "abcde");
  ASSERT_OK_AND_ASSIGN(const JournalPage end, store_->Journal(context_, "p1", 5, 2));
  EXPECT_THAT(end.entries, IsEmpty());
  EXPECT_FALSE(end.more);
}

TEST_P(StoreContract, APositionBeyondTheEndRequiresResync) {
  ASSERT_OK(store_->Apply(context_, JournalOf({"a"})));
  EXPECT_OK(store_->Journal(context_, "p1", 1, 10));
  EXPECT_THAT(store_->Journal(context_, "p1", 2, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_OK(store_->Journal(context_, "unknown", 0, 10));
  EXPECT_THAT(store_->Journal(context_, "unknown", 1, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
}

TEST_P(StoreContract, ThePositionMovesWithJournalEntriesOnly) {
  ASSERT_OK_AND_ASSIGN(const Position start, store_->GetPosition(context_, "p1"));
  EXPECT_EQ(start.sequence, 0);
  EXPECT_FALSE(start.epoch.empty());
  ASSERT_OK_AND_ASSIGN(const ApplyResult put, store_->Apply(context_, BatchOf({PutOf("g", "")})));
  EXPECT_EQ(put.position, start);
  ASSERT_OK_AND_ASSIGN(const ApplyResult audit, store_->Apply(context_, AuditOf({"read"})));
  EXPECT_EQ(audit.position, start);
  ASSERT_OK_AND_ASSIGN(const ApplyResult moved, store_->Apply(context_, JournalOf({"a", "b"})));
  EXPECT_EQ(moved.position, (Position{start.epoch, 2}));
  ASSERT_OK_AND_ASSIGN(const Position now, store_->GetPosition(context_, "p1"));
  EXPECT_EQ(now, moved.position);
  ASSERT_OK_AND_ASSIGN(const Position other, store_->GetPosition(context_, "p2"));
  EXPECT_EQ(other, start);
}

TEST_P(StoreContract, TwoStoresHaveDifferentEpochs) {
  const std::unique_ptr<StoreHome> home = GetParam().make_home();
  const std::unique_ptr<Store> other = home->Open(clock_);
  EXPECT_NE(other->GetPosition(context_, "p1")->epoch, store_->GetPosition(context_, "p1")->epoch);
}

// Trimming

TEST_P(StoreContract, TrimmedJournalRequiresResyncAndKeepsCounting) {
  ASSERT_OK(store_->Apply(context_, JournalOf({"a", "b"})));
  clock_.Advance(absl::Hours(1));
  const absl::Time later = clock_.Now();
  ASSERT_OK(store_->Apply(context_, JournalOf({"c"})));

  TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = later;
  ASSERT_OK_AND_ASSIGN(const int64_t removed, store_->Trim(context_, trim));
  EXPECT_EQ(removed, 2);
  EXPECT_THAT(store_->Journal(context_, "p1", 0, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_THAT(store_->Journal(context_, "p1", 1, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_THAT(JournalValues(*store_, 2), ElementsAre("c"));

  trim.journal_before = absl::InfiniteFuture();
  ASSERT_OK_AND_ASSIGN(const int64_t rest, store_->Trim(context_, trim));
  EXPECT_EQ(rest, 1);
  ASSERT_OK_AND_ASSIGN(const int64_t nothing, store_->Trim(context_, trim));
  EXPECT_EQ(nothing, 0);
  EXPECT_EQ(store_->GetPosition(context_, "p1")->sequence, 3);
  EXPECT_THAT(JournalValues(*store_, 3), IsEmpty());
  ASSERT_OK(store_->Apply(context_, JournalOf({"d"})));
  EXPECT_THAT(JournalValues(*store_, 3), ElementsAre("d"));
}

TEST_P(StoreContract, TrimLeavesNoGapWhenTheClockWentBack) {
  ASSERT_OK(store_->Apply(context_, JournalOf({"late"})));
  const absl::Time late = clock_.Now();
  clock_.Advance(-absl::Hours(1));
  ASSERT_OK(store_->Apply(context_, JournalOf({"early"})));
  TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = late;
  ASSERT_OK_AND_ASSIGN(const int64_t removed, store_->Trim(context_, trim));
  EXPECT_EQ(removed, 0);
  EXPECT_THAT(JournalValues(*store_), ElementsAre("late", "early"));
}

TEST_P(StoreContract, TrimRemovesAtMostItsLimitOfEachSort) {
  for (int i = 0; i < 5; ++i) {
    Batch batch = JournalOf({absl::StrCat("j", i)});
    batch.audit = {absl::StrCat("a", i)};
    batch.idempotency = IdempotencyKey{absl::StrCat("k", i), "f", "r", clock_.Now()};
    ASSERT_OK(store_->Apply(context_, batch));
  }
  TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = absl::InfiniteFuture();
  trim.audit_through = 100;
  trim.limit = 2;
  EXPECT_EQ(store_->Trim(context_, trim).value(), 6);
  EXPECT_THAT(JournalValues(*store_, 2), ElementsAre("j2", "j3", "j4"));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("3:a2", "4:a3", "5:a4"));
  EXPECT_EQ(store_->Trim(context_, trim).value(), 6);
  EXPECT_EQ(store_->Trim(context_, trim).value(), 3);
  EXPECT_EQ(store_->Trim(context_, trim).value(), 0);
}

TEST_P(StoreContract, TrimKeepsKeysThatHaveNotExpired) {
  Batch batch = BatchOf({});
  batch.idempotency = IdempotencyKey{"short", "f", "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  batch.idempotency = IdempotencyKey{"long", "f", "r", clock_.Now() + absl::Hours(3)};
  ASSERT_OK(store_->Apply(context_, batch));
  batch.idempotency = IdempotencyKey{"for ever", "f", "r", absl::InfiniteFuture()};
  ASSERT_OK(store_->Apply(context_, batch));
  clock_.Advance(absl::Hours(2));
  TrimRequest trim;
  trim.practice = "p1";
  EXPECT_EQ(store_->Trim(context_, trim).value(), 1);
  EXPECT_EQ(store_->FindResult(context_, "p1", "long", "f").value(), "r");
  EXPECT_EQ(store_->FindResult(context_, "p1", "for ever", "f").value(), "r");
}

TEST_P(StoreContract, TrimByDefaultRemovesNothingThatIsInUse) {
  Batch batch = JournalOf({"j"});
  batch.audit = {"a"};
  ASSERT_OK(store_->Apply(context_, batch));
  TrimRequest trim;
  trim.practice = "p1";
  EXPECT_EQ(store_->Trim(context_, trim).value(), 0);
  EXPECT_THAT(JournalValues(*store_), ElementsAre("j"));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("1:a"));
  trim.practice = "unknown";
  EXPECT_EQ(store_->Trim(context_, trim).value(), 0);
}

// Audit

TEST_P(StoreContract, AuditKeepsItsOrderAndCountsOnAfterATrim) {
  ASSERT_OK(store_->Apply(context_, AuditOf({"a", "b"})));
  ASSERT_OK(store_->Apply(context_, AuditOf({"c"})));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("1:a", "2:b", "3:c"));
  EXPECT_THAT(AuditValues(*store_, 1), ElementsAre("2:b", "3:c"));
  ASSERT_OK_AND_ASSIGN(const auto page, store_->ListAudit(context_, "p1", 0, 2));
  EXPECT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].time, clock_.Now());

  TrimRequest trim;
  trim.practice = "p1";
  trim.audit_through = 3;
  EXPECT_EQ(store_->Trim(context_, trim).value(), 3);
  EXPECT_THAT(AuditValues(*store_), IsEmpty());
  ASSERT_OK(store_->Apply(context_, AuditOf({"d"})));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("4:d"));
}

// Leases

TEST_P(StoreContract, ALeaseIsOneOwnersUntilItExpires) {
  ASSERT_OK_AND_ASSIGN(const Lease first,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_EQ(first.expire_time, clock_.Now() + absl::Minutes(1));
  clock_.Advance(absl::Minutes(1) - absl::Microseconds(1));
  EXPECT_THAT(store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)),
              IsError(kAborted, Reason::kLeaseHeld));
  EXPECT_OK(store_->AcquireLease(context_, "p1", "other work", "b", absl::Minutes(1)));
  EXPECT_OK(store_->AcquireLease(context_, "p2", "work", "b", absl::Minutes(1)));
  clock_.Advance(absl::Microseconds(1));
  ASSERT_OK_AND_ASSIGN(const Lease second,
                       store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)));
  EXPECT_GT(second.token, first.token);
}

TEST_P(StoreContract, RenewingALeaseKeepsItsToken) {
  ASSERT_OK_AND_ASSIGN(const Lease first,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  clock_.Advance(absl::Seconds(50));
  ASSERT_OK_AND_ASSIGN(const Lease renewed,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_EQ(renewed.token, first.token);
  EXPECT_EQ(renewed.expire_time, clock_.Now() + absl::Minutes(1));
  clock_.Advance(absl::Minutes(2));
  ASSERT_OK_AND_ASSIGN(const Lease later,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_GT(later.token, first.token);
}

TEST_P(StoreContract, AReleasedLeaseIsFreeAtOnceAndItsTokenIsSpent) {
  ASSERT_OK_AND_ASSIGN(const Lease first,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_OK(store_->ReleaseLease(context_, "p1", "work", first.token + 1));
  EXPECT_THAT(store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)),
              IsError(kAborted, Reason::kLeaseHeld))
      << "releasing with another token must release nothing";
  EXPECT_OK(store_->ReleaseLease(context_, "p1", "work", first.token));
  Batch fenced = JournalOf({"x"});
  fenced.fence = Fence{"work", first.token};
  EXPECT_THAT(store_->Apply(context_, fenced), IsError(kAborted, Reason::kLeaseLost));
  ASSERT_OK_AND_ASSIGN(const Lease second,
                       store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)));
  EXPECT_GT(second.token, first.token);
  EXPECT_OK(store_->ReleaseLease(context_, "p1", "never", 1));
  EXPECT_OK(store_->ReleaseLease(context_, "nowhere", "never", 1));
}

TEST_P(StoreContract, AFencedBatchNeedsTheCurrentUnexpiredToken) {
  Batch batch = JournalOf({"x"});
  batch.fence = Fence{"work", 1};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kLeaseLost));
  ASSERT_OK_AND_ASSIGN(const Lease first,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  batch.fence = Fence{"work", first.token};
  EXPECT_OK(store_->Apply(context_, batch));
  batch.fence = Fence{"other work", first.token};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kLeaseLost));

  clock_.Advance(absl::Minutes(1));
  batch.fence = Fence{"work", first.token};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kLeaseLost))
      << "expired, though nobody else has taken it";
  ASSERT_OK_AND_ASSIGN(const Lease second,
                       store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)));
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kAborted, Reason::kLeaseLost));
  batch.fence = Fence{"work", second.token};
  EXPECT_OK(store_->Apply(context_, batch));
  EXPECT_THAT(JournalValues(*store_), ElementsAre("x", "x"));
}

TEST_P(StoreContract, OfManyWhoWantALeaseOneGetsIt) {
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> held = 0;
  std::atomic<int> refused = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto lease =
          store_->AcquireLease({}, "p1", "work", absl::StrCat("owner", t), absl::Minutes(1));
      ++(lease.ok() ? held : refused);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(held, 1);
  EXPECT_EQ(refused, kThreads - 1);
}

// Practices

TEST_P(StoreContract, PracticesSeeNothingOfEachOther) {
  // Names chosen so that a key glued together without care would be the same.
  for (const std::string& practice : {std::string("p"), std::string("p1"), std::string("p/1")}) {
    Batch batch = BatchOf({PutOf("g", practice, {{"by", practice}})}, practice);
    batch.journal = {practice};
    batch.audit = {practice};
    batch.idempotency = IdempotencyKey{"k", practice, practice, clock_.Now() + absl::Hours(1)};
    batch.expectations = {{Goal("g"), 0}};
    ASSERT_OK(store_->Apply(context_, batch)) << practice;
  }
  for (const std::string& practice : {std::string("p"), std::string("p1"), std::string("p/1")}) {
    EXPECT_EQ(ValueOf(*store_, "g", practice), practice);
    EXPECT_THAT(ScanAll(*store_, ScanOf("by", practice)),
                ElementsAre(absl::StrCat(practice, "=g")));
    EXPECT_THAT(JournalValues(*store_, 0, practice), ElementsAre(practice));
    EXPECT_THAT(AuditValues(*store_, 0, practice), ElementsAre(absl::StrCat("1:", practice)));
    EXPECT_EQ(store_->FindResult(context_, practice, "k", practice).value(), practice);
    EXPECT_EQ(store_->GetPosition(context_, practice)->sequence, 1);
  }
  Batch remove = BatchOf({}, "p");
  remove.deletes = {Goal("g")};
  ASSERT_OK(store_->Apply(context_, remove));
  TrimRequest trim;
  trim.practice = "p";
  trim.journal_before = absl::InfiniteFuture();
  trim.audit_through = 10;
  ASSERT_OK(store_->Trim(context_, trim));
  EXPECT_EQ(ValueOf(*store_, "g", "p1"), "p1");
  EXPECT_THAT(JournalValues(*store_, 0, "p1"), ElementsAre("p1"));
  EXPECT_THAT(AuditValues(*store_, 0, "p1"), ElementsAre("1:p1"));
}

TEST_P(StoreContract, ListPracticesPagesInByteOrder) {
  for (const std::string& practice : {std::string("c"), std::string("B"), std::string("a")}) {
    ASSERT_OK(store_->Apply(context_, AuditOf({"x"}, practice)));
  }
  EXPECT_OK(store_->AcquireLease(context_, "d", "work", "me", absl::Minutes(1)));
  ASSERT_OK_AND_ASSIGN(const auto first, store_->ListPractices(context_, "", 2));
  EXPECT_THAT(first, ElementsAre("B", "a"));
  ASSERT_OK_AND_ASSIGN(const auto rest, store_->ListPractices(context_, "a", 10));
  EXPECT_THAT(rest, ElementsAre("c", "d"));
  ASSERT_OK_AND_ASSIGN(const auto none, store_->ListPractices(context_, "d", 10));
  EXPECT_THAT(none, IsEmpty());
}

// Limits

TEST_P(StoreContract, ABatchOfTheLargestSizeIsTakenAndOneMoreIsRefused) {
  std::vector<Put> puts;
  puts.reserve(kMaxBatchOperations);
  for (int i = 0; i < kMaxBatchOperations; ++i) {
    puts.push_back(PutOf(absl::StrCat(i), "v"));
  }
  EXPECT_OK(store_->Apply(context_, BatchOf(puts)));
  Batch batch = BatchOf(puts);
  batch.audit = {"one more"};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kInvalidArgument, Reason::kLimitExceeded));
  EXPECT_EQ(VersionOf(*store_, "0"), 1);
}

TEST_P(StoreContract, EveryPartOfABatchCountsAsAnOperation) {
  Batch batch = BatchOf({PutOf("g", "v")});
  batch.journal.assign(64, "j");
  batch.audit.assign(64, "a");
  batch.deletes.assign(64, Goal("h"));
  batch.expectations.assign(63, {Goal("g"), 0});
  EXPECT_OK(store_->Apply(context_, batch));
  batch.deletes.push_back(Goal("h"));
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kInvalidArgument, Reason::kLimitExceeded));
}

TEST_P(StoreContract, ABatchOfTheMostBytesIsTakenAndOneMoreIsRefused) {
  const std::string practice = "p1";
  const RecordKey key = Goal("g");
  const size_t rest = kMaxBatchBytes - practice.size() - key.kind.size() - key.id.size();
  Batch batch = BatchOf({PutOf("g", std::string(rest, 'x'))});
  EXPECT_OK(store_->Apply(context_, batch));
  EXPECT_EQ(ValueOf(*store_, "g").size(), rest);
  batch.puts[0].value += 'x';
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kInvalidArgument, Reason::kLimitExceeded));
  batch.puts[0].value.resize(rest - 1);
  batch.journal = {"two"};
  EXPECT_THAT(store_->Apply(context_, batch), IsError(kInvalidArgument, Reason::kLimitExceeded));
}

TEST_P(StoreContract, KeysOfTheMostBytesWorkAndLongerOnesAreRefused) {
  const std::string longest(kMaxKeyBytes, '\xff');
  Batch batch;
  batch.practice = longest;
  batch.puts = {{{longest, longest}, "v", {{longest, longest}}}};
  batch.idempotency = IdempotencyKey{longest, longest, "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store_->Apply(context_, batch));
  EXPECT_EQ(store_->Get(context_, longest, {longest, longest})->value, "v");
  for (const bool reverse : {false, true}) {
    ScanRequest request = ScanOf(longest, longest);
    request.prefix = longest;
    request.reverse = reverse;
    EXPECT_EQ(ScanAll(*store_, request).size(), 1u);
  }

  const std::string too_long = longest + 'x';
  const auto refused = [&](const std::function<void(Batch&)>& change) {
    Batch wrong = BatchOf({PutOf("g", "v", {{"by", "k"}})});
    wrong.deletes = {Goal("h")};
    wrong.expectations = {{Goal("g"), 0}};
    change(wrong);
    EXPECT_THAT(store_->Apply(context_, wrong), IsError(kInvalidArgument, Reason::kLimitExceeded));
  };
  refused([&](Batch& b) { b.practice = too_long; });
  refused([&](Batch& b) { b.puts[0].key.kind = too_long; });
  refused([&](Batch& b) { b.puts[0].key.id = too_long; });
  refused([&](Batch& b) { b.puts[0].index[0].index = too_long; });
  refused([&](Batch& b) { b.puts[0].index[0].sort_key = too_long; });
  refused([&](Batch& b) { b.deletes[0].id = too_long; });
  refused([&](Batch& b) { b.expectations[0].key.kind = too_long; });
  refused([&](Batch& b) { b.idempotency = IdempotencyKey{too_long, "", "", clock_.Now()}; });
  refused([&](Batch& b) { b.fence = Fence{too_long, 1}; });
  refused([&](Batch& b) { b.puts[0].index.assign(kMaxIndexEntries + 1, {"by", "k"}); });
}

TEST_P(StoreContract, MalformedBatchesAreRefused) {
  const std::string nul("a\0b", 3);
  const auto refused = [&](const std::function<void(Batch&)>& change) {
    Batch wrong = BatchOf({PutOf("g", "v", {{"by", "k"}})});
    wrong.deletes = {Goal("h")};
    wrong.expectations = {{Goal("g"), 0}};
    change(wrong);
    EXPECT_THAT(store_->Apply(context_, wrong), IsError(kInvalidArgument, Reason::kInvalidFields));
  };
  refused([&](Batch& b) { b.practice = ""; });
  refused([&](Batch& b) { b.practice = nul; });
  refused([&](Batch& b) { b.puts[0].key.kind = ""; });
  refused([&](Batch& b) { b.puts[0].key.id = ""; });
  refused([&](Batch& b) { b.puts[0].key.id = nul; });
  refused([&](Batch& b) { b.puts[0].index[0].index = ""; });
  refused([&](Batch& b) { b.puts[0].index[0].sort_key = nul; });
  refused([&](Batch& b) { b.deletes[0].id = nul; });
  refused([&](Batch& b) { b.expectations[0].key.id = ""; });
  refused([&](Batch& b) { b.expectations[0].version = -1; });
  refused([&](Batch& b) { b.idempotency = IdempotencyKey{"", "f", "r", clock_.Now()}; });
  refused([&](Batch& b) { b.fence = Fence{"", 1}; });
  refused([&](Batch& b) { b.puts.push_back(b.puts[0]); });
  refused([&](Batch& b) { b.deletes.push_back(b.puts[0].key); });
  EXPECT_EQ(ValueOf(*store_, "g"), "NOT_FOUND");
}

TEST_P(StoreContract, ReadsCheckTheirArguments) {
  for (const int limit : {0, -1}) {
    ScanRequest request = ScanOf("by");
    request.limit = limit;
    EXPECT_THAT(store_->Scan(context_, request), IsError(kInvalidArgument, Reason::kInvalidFields));
    EXPECT_THAT(store_->Journal(context_, "p1", 0, limit),
                IsError(kInvalidArgument, Reason::kInvalidFields));
    EXPECT_THAT(store_->ListAudit(context_, "p1", 0, limit),
                IsError(kInvalidArgument, Reason::kInvalidFields));
    EXPECT_THAT(store_->ListPractices(context_, "", limit),
                IsError(kInvalidArgument, Reason::kInvalidFields));
    TrimRequest trim;
    trim.practice = "p1";
    trim.limit = limit;
    EXPECT_THAT(store_->Trim(context_, trim), IsError(kInvalidArgument, Reason::kInvalidFields));
  }
  ScanRequest request = ScanOf("by");
  request.limit = kMaxPageRows + 1;
  EXPECT_THAT(store_->Scan(context_, request), IsError(kInvalidArgument, Reason::kLimitExceeded));
  request.limit = kMaxPageRows;
  EXPECT_OK(store_->Scan(context_, request));
  EXPECT_THAT(store_->GetMany(context_, "p1", std::vector<RecordKey>(kMaxPageRows + 1, Goal("g"))),
              IsError(kInvalidArgument, Reason::kLimitExceeded));
  EXPECT_THAT(store_->Get(context_, "", Goal("g")),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->Get(context_, "p1", Goal("")),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->Scan(context_, ScanOf("")),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->Journal(context_, "p1", -1, 1),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->ListAudit(context_, "p1", -1, 1),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->GetPosition(context_, ""), IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->AcquireLease(context_, "p1", "work", "me", absl::ZeroDuration()),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->AcquireLease(context_, "p1", "work", "", absl::Minutes(1)),
              IsError(kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(store_->FindResult(context_, "p1", "", "f"),
              IsError(kInvalidArgument, Reason::kInvalidFields));
}

// Every call of the interface, with arguments that are otherwise fine.
std::vector<absl::Status> CallAll(Store& store, const Context& context) {
  TrimRequest trim;
  trim.practice = "p1";
  return {StatusOf(store.Get(context, "p1", Goal("g"))),
          StatusOf(store.GetMany(context, "p1", {Goal("g")})),
          StatusOf(store.Apply(context, BatchOf({PutOf("g", "changed")}))),
          StatusOf(store.FindResult(context, "p1", "k", "f")),
          StatusOf(store.Scan(context, ScanOf("by"))),
          StatusOf(store.Journal(context, "p1", 0, 10)),
          StatusOf(store.GetPosition(context, "p1")),
          StatusOf(store.ListPractices(context, "", 10)),
          StatusOf(store.AcquireLease(context, "p1", "work", "me", absl::Minutes(1))),
          store.ReleaseLease(context, "p1", "work", 1),
          StatusOf(store.ListAudit(context, "p1", 0, 10)),
          StatusOf(store.Trim(context, trim)),
          store.Ping(context)};
}

TEST_P(StoreContract, EveryCallFailsAfterItsDeadlineAndDoesNothing) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1")})));
  Context late;
  late.deadline = absl::Now() - absl::Seconds(1);
  const std::vector<absl::Status> statuses = CallAll(*store_, late);
  for (size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_THAT(statuses[i],
                IsError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded))
        << "call " << i;
  }
  EXPECT_EQ(ValueOf(*store_, "g"), "1");
}

TEST_P(StoreContract, TheStoresClockDoesNotMoveDeadlines) {
  clock_.Set(absl::Now() + absl::Hours(24 * 365));
  Context context;
  context.deadline = absl::Now() + absl::Minutes(5);
  ASSERT_OK(store_->Apply(context, BatchOf({PutOf("g", "1")})));
  for (const absl::Status& status : CallAll(*store_, context)) {
    EXPECT_OK(status);
  }
}

TEST_P(StoreContract, PingIsOkWhileTheStoreTakesWrites) { EXPECT_OK(store_->Ping(context_)); }

TEST_P(StoreContract, FiguresKeepTheirNamesAndOrder) {
  const auto names = [&] {
    std::vector<std::string> found;
    for (const StoreFigure& figure : store_->Figures()) {
      EXPECT_EQ(figure.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
      EXPECT_FALSE(figure.help.empty());
      found.push_back(figure.name);
    }
    return found;
  };
  const std::vector<std::string> before = names();
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1")})));
  EXPECT_EQ(names(), before);
  ASSERT_OK(store_->Close());
  EXPECT_EQ(names(), before);
}

TEST_P(StoreContract, EveryCallFailsAfterClose) {
  ASSERT_OK(store_->Apply(context_, BatchOf({PutOf("g", "1")})));
  ASSERT_OK(store_->Close());
  ASSERT_OK(store_->Close());
  const std::vector<absl::Status> statuses = CallAll(*store_, context_);
  for (size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_THAT(statuses[i], IsError(absl::StatusCode::kUnavailable, Reason::kShuttingDown))
        << "call " << i;
  }
}

TEST_P(StoreContract, CloseUnderLoadAnswersEveryCall) {
  constexpr int kThreads = 6;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> started = 0;
  std::atomic<int> odd = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        const auto written =
            store_->Apply({}, BatchOf({PutOf(absl::StrCat(t, "-", i), "v", {{"by", "k"}})}));
        const auto read = store_->Scan({}, ScanOf("by"));
        ++started;
        for (const absl::Status& status : {StatusOf(written), StatusOf(read)}) {
          if (!status.ok() && ReasonOf(status) != Reason::kShuttingDown) {
            ++odd;
          }
        }
        if (!written.ok()) {
          return;
        }
      }
    });
  }
  while (started < kThreads * 3) {
    std::this_thread::yield();
  }
  EXPECT_OK(store_->Close());
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(odd, 0);
}

// Durability

TEST_P(DurableStoreContract, EverythingIsThereAfterReopening) {
  Batch batch = BatchOf({PutOf("g", "1", {{"by", "k"}})});
  batch.journal = {"j"};
  batch.audit = {"a"};
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK_AND_ASSIGN(const ApplyResult result, store_->Apply(context_, batch));
  Reopen();
  EXPECT_EQ(ValueOf(*store_, "g"), "1");
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
  EXPECT_THAT(ScanAll(*store_, ScanOf("by")), ElementsAre("k=g"));
  EXPECT_THAT(JournalValues(*store_), ElementsAre("j"));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("1:a"));
  EXPECT_EQ(store_->FindResult(context_, "p1", "k", "f").value(), "r");
  EXPECT_EQ(store_->GetPosition(context_, "p1").value(), result.position);
  EXPECT_THAT(store_->ListPractices(context_, "", 10).value(), ElementsAre("p1"));
}

TEST_P(DurableStoreContract, WhatWasTrimmedStaysTrimmedAfterReopening) {
  Batch batch = JournalOf({"a", "b"});
  batch.audit = {"x", "y"};
  ASSERT_OK(store_->Apply(context_, batch));
  TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = absl::InfiniteFuture();
  trim.audit_through = 2;
  ASSERT_OK(store_->Trim(context_, trim));
  Reopen();
  EXPECT_THAT(store_->Journal(context_, "p1", 0, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  batch.journal = {"c"};
  batch.audit = {"z"};
  ASSERT_OK(store_->Apply(context_, batch));
  EXPECT_THAT(JournalValues(*store_, 2), ElementsAre("c"));
  EXPECT_THAT(AuditValues(*store_), ElementsAre("3:z"));
}

TEST_P(DurableStoreContract, LeaseTokensKeepGrowingAfterReopening) {
  ASSERT_OK_AND_ASSIGN(const Lease first,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  ASSERT_OK(store_->ReleaseLease(context_, "p1", "work", first.token));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const Lease second,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_GT(second.token, first.token);
}

// A store of one process

TEST_P(OwnedStoreContract, OpeningFreesTheLeasesOfTheProcessBefore) {
  ASSERT_OK_AND_ASSIGN(const Lease lease,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  Reopen();
  Batch fenced = JournalOf({"x"});
  fenced.fence = Fence{"work", lease.token};
  EXPECT_THAT(store_->Apply(context_, fenced), IsError(kAborted, Reason::kLeaseLost));
  ASSERT_OK_AND_ASSIGN(const Lease next,
                       store_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)));
  EXPECT_GT(next.token, lease.token);
}

// A store of several processes

TEST_P(SharedStoreContract, EachSeesAtOnceWhatTheOthersWrote) {
  Batch batch = BatchOf({PutOf("g", "1", {{"by", "k"}})});
  batch.journal = {"j"};
  batch.audit = {"a"};
  batch.idempotency = IdempotencyKey{"k", "f", "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK_AND_ASSIGN(const ApplyResult result, store_->Apply(context_, batch));
  EXPECT_EQ(ValueOf(*other_, "g"), "1");
  EXPECT_THAT(ScanAll(*other_, ScanOf("by")), ElementsAre("k=g"));
  EXPECT_THAT(JournalValues(*other_), ElementsAre("j"));
  EXPECT_THAT(AuditValues(*other_), ElementsAre("1:a"));
  EXPECT_EQ(other_->GetPosition(context_, "p1").value(), result.position);
  EXPECT_THAT(other_->ListPractices(context_, "", 10).value(), ElementsAre("p1"));
  ASSERT_OK_AND_ASSIGN(const ApplyResult repeat, other_->Apply(context_, batch));
  EXPECT_EQ(repeat.replayed, "r");
  EXPECT_EQ(VersionOf(*store_, "g"), 1);
}

TEST_P(SharedStoreContract, AllAgreeOnTheEpochOfWhatWasNeverWritten) {
  ASSERT_OK_AND_ASSIGN(const Position before, other_->GetPosition(context_, "p1"));
  EXPECT_EQ(store_->GetPosition(context_, "p1").value(), before);
  ASSERT_OK_AND_ASSIGN(const ApplyResult result,
                       store_->Apply(context_, BatchOf({PutOf("g", "1")})));
  EXPECT_EQ(result.position, before);
  EXPECT_EQ(other_->GetPosition(context_, "p1").value(), before);
}

TEST_P(SharedStoreContract, ALeaseExcludesTheOthersAndOutlivesTheClosing) {
  ASSERT_OK_AND_ASSIGN(const Lease lease,
                       store_->AcquireLease(context_, "p1", "work", "a", absl::Minutes(1)));
  EXPECT_THAT(other_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)),
              IsError(kAborted, Reason::kLeaseHeld));
  Reopen();
  EXPECT_THAT(other_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)),
              IsError(kAborted, Reason::kLeaseHeld));
  clock_.Advance(absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const Lease next,
                       other_->AcquireLease(context_, "p1", "work", "b", absl::Minutes(1)));
  EXPECT_GT(next.token, lease.token);
  Batch fenced = JournalOf({"x"});
  fenced.fence = Fence{"work", lease.token};
  EXPECT_THAT(store_->Apply(context_, fenced), IsError(kAborted, Reason::kLeaseLost));
}

TEST_P(SharedStoreContract, OfRivalsWithOneVersionOneWins) {
  constexpr int kRounds = 50;
  std::vector<std::thread> threads;
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  for (Store* store : {store_.get(), other_.get()}) {
    threads.emplace_back([&, store] {
      for (int i = 0; i < kRounds; ++i) {
        Batch batch = BatchOf({PutOf(absl::StrCat(i), "v")});
        batch.expectations = {{Goal(absl::StrCat(i)), 0}};
        batch.journal = {absl::StrCat(i)};
        const auto result = store->Apply({}, batch);
        ++(result.ok() ? won : lost);
        EXPECT_TRUE(result.ok() || ReasonOf(result.status()) == Reason::kConflict);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(won, kRounds);
  EXPECT_EQ(lost, kRounds);
  EXPECT_EQ(JournalValues(*store_).size(), static_cast<size_t>(kRounds));
}

TEST_P(SharedStoreContract, ClosingOneLeavesTheOthersOpen) {
  ASSERT_OK(store_->Close());
  EXPECT_OK(other_->Apply(context_, BatchOf({PutOf("g", "1")})));
  EXPECT_OK(other_->Ping(context_));
}

}  // namespace
}  // namespace securebase::storage
