#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/platform/storage/backup_file.h"
#include "services/platform/storage/backup_source.h"
#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/sqlite_store.h"
#include "services/platform/storage/store_copy.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::securebase::testing::IsOk;
using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Random = std::mt19937_64;

int64_t Draw(Random& random, int64_t least, int64_t most) {
  return std::uniform_int_distribution<int64_t>(least, most)(random);
}

std::string RandomText(Random& random, int64_t least, int64_t most, bool nul) {
  std::string text(static_cast<size_t>(Draw(random, least, most)), '\0');
  for (char& c : text) {
    c = static_cast<char>(Draw(random, nul ? 0 : 1, 255));
  }
  return text;
}

// Batches of every sort, trims, leases, and time that passes, from a seed.
void FillAtRandom(Store& store, FakeClock& clock, Random& random, int practices, int batches) {
  for (int p = 0; p < practices; ++p) {
    const std::string practice = absl::StrCat("p", p, "-", RandomText(random, 0, 3, false));
    for (int b = 0; b < batches; ++b) {
      Batch batch;
      batch.practice = practice;
      for (int64_t i = Draw(random, 0, 6); i > 0; --i) {
        const RecordKey key{absl::StrCat("kind", Draw(random, 0, 2)),
                            absl::StrCat(Draw(random, 0, 40))};
        const auto same = [&](const Put& put) { return put.key == key; };
        if (std::none_of(batch.puts.begin(), batch.puts.end(), same)) {
          Put put{key, RandomText(random, 0, 300, true), {}};
          for (int64_t e = Draw(random, 0, 4); e > 0; --e) {
            put.index.push_back(
                {absl::StrCat("index", Draw(random, 0, 2)), RandomText(random, 0, 12, false)});
          }
          batch.puts.push_back(std::move(put));
        }
      }
      if (Draw(random, 0, 3) == 0) {
        batch.deletes.push_back({"kind3", absl::StrCat(Draw(random, 0, 40))});
      }
      for (int64_t i = Draw(random, 0, 3); i > 0; --i) {
        batch.journal.push_back(RandomText(random, 0, 80, true));
        batch.audit.push_back(RandomText(random, 0, 80, true));
      }
      if (Draw(random, 0, 2) == 0) {
        batch.idempotency = IdempotencyKey{
            RandomText(random, 1, 40, false), RandomText(random, 0, 32, true),
            RandomText(random, 0, 100, true), clock.Now() + absl::Hours(Draw(random, 1, 400))};
      }
      ASSERT_OK(store.Apply({}, batch));
      clock.Advance(absl::Microseconds(Draw(random, 0, 10'000'000)));
    }
    if (Draw(random, 0, 1) == 0) {
      TrimRequest trim;
      trim.practice = practice;
      trim.journal_before = clock.Now();
      trim.audit_through = Draw(random, 0, 20);
      trim.limit = static_cast<int>(Draw(random, 1, 20));
      ASSERT_OK(store.Trim({}, trim));
    }
    for (int64_t i = Draw(random, 0, 3); i > 0; --i) {
      const auto lease = store.AcquireLease({}, practice, absl::StrCat("lease", Draw(random, 0, 2)),
                                            "me", absl::Minutes(1));
      ASSERT_OK(lease);
    }
  }
}

class BackupTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> OpenSqlite(const std::string& name) {
    SqliteOptions options;
    options.path = folder_.PathOf(name);
    auto store = MakeSqliteStore(options, clock_);
    EXPECT_OK(store);
    return store.ok() ? *std::move(store) : nullptr;
  }

  // With a practice in it for which this takes several pages.
  std::unique_ptr<Store> FilledMemory(uint64_t seed, int practices = 3, int batches = 40) {
    Random random(seed);
    auto store = MakeMemoryStore(clock_);
    FillAtRandom(*store, clock_, random, practices, batches);
    return store;
  }

  std::vector<PracticeSummary> SummaryOf(Store& store) {
    const auto summaries = SummarizeStore(store, absl::InfinitePast(), nullptr);
    EXPECT_OK(summaries);
    return summaries.ok() ? *summaries : std::vector<PracticeSummary>();
  }

  std::string BackUp(Store& store, const std::string& name) {
    const std::string path = folder_.PathOf(name);
    EXPECT_OK(BackUpStore(store, path, {clock_.Now(), "test"}, nullptr));
    return path;
  }

  // Everything but the names given is what the folder held before.
  std::set<std::string> Files() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
};

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Where the chunks begin, and the end of the file.
std::vector<size_t> ChunkPlaces(const std::string& bytes) {
  std::vector<size_t> places;
  for (size_t at = 9; at < bytes.size();) {
    places.push_back(at);
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) {
      length |= static_cast<size_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
    }
    at += length + 8;
  }
  places.push_back(bytes.size());
  return places;
}

TEST_F(BackupTest, ACopyThroughAnyStoresHoldsTheSame) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    const auto source = FilledMemory(seed);
    const auto expected = SummaryOf(*source);
    ASSERT_EQ(expected.size(), 3u);

    const auto sqlite = OpenSqlite(absl::StrCat("first", seed, ".db"));
    ASSERT_OK(RestoreBackup(BackUp(*source, absl::StrCat("a", seed)), *sqlite, clock_, nullptr));
    EXPECT_EQ(SummaryOf(*sqlite), expected);
    ASSERT_OK(sqlite->Close());

    const auto again = OpenSqlite(absl::StrCat("first", seed, ".db"));
    const auto second = OpenSqlite(absl::StrCat("second", seed, ".db"));
    ASSERT_OK(RestoreBackup(BackUp(*again, absl::StrCat("b", seed)), *second, clock_, nullptr));
    EXPECT_EQ(SummaryOf(*second), expected);

    const auto memory = MakeMemoryStore(clock_);
    const std::string last = BackUp(*second, absl::StrCat("c", seed));
    ASSERT_OK_AND_ASSIGN(const RestoreResult result, RestoreBackup(last, *memory, clock_, nullptr));
    EXPECT_EQ(result.restored, 3);
    EXPECT_EQ(result.kept, 0);
    EXPECT_EQ(SummaryOf(*memory), expected);
    EXPECT_NE(memory->GetPosition({}, expected[0].practice)->epoch,
              source->GetPosition({}, expected[0].practice)->epoch);
    // The same bytes, but for nothing: the file depends on what is stored alone.
    EXPECT_EQ(ReadAll(last), ReadAll(folder_.PathOf(absl::StrCat("a", seed))));
  }
}

TEST_F(BackupTest, SummariesDifferWheneverContentsDo) {
  const auto store = FilledMemory(7, /*practices=*/1);
  const std::string practice = store->ListPractices({}, "", 1)->front();
  std::vector<std::string> digests = {SummaryOf(*store).front().digest};
  const auto change = [&](const std::function<void(Batch&)>& fill) {
    Batch batch;
    batch.practice = practice;
    fill(batch);
    ASSERT_OK(store->Apply({}, batch));
    digests.push_back(SummaryOf(*store).front().digest);
  };
  change([](Batch& b) { b.puts = {{{"goal", "x"}, "v", {{"by", "1"}}}}; });
  change([](Batch& b) { b.puts = {{{"goal", "x"}, "v", {{"by", "1"}}}}; });  // version
  change([](Batch& b) { b.puts = {{{"goal", "x"}, "w", {{"by", "1"}}}}; });
  change([](Batch& b) { b.puts = {{{"goal", "x"}, "w", {{"by", "2"}}}}; });
  change([](Batch& b) { b.journal = {""}; });
  change([](Batch& b) { b.audit = {""}; });
  change([&](Batch& b) {
    b.idempotency = IdempotencyKey{"k", "", "", clock_.Now() + absl::Hours(900)};
  });
  ASSERT_OK(store->AcquireLease({}, practice, "new", "me", absl::Minutes(1)));
  digests.push_back(SummaryOf(*store).front().digest);
  EXPECT_EQ(std::set<std::string>(digests.begin(), digests.end()).size(), digests.size());
}

TEST_F(BackupTest, ComparedKeysAreThoseThatOutliveTheComparison) {
  const auto store = MakeMemoryStore(clock_);
  Batch batch;
  batch.practice = "p1";
  batch.audit = {"a"};
  batch.idempotency = IdempotencyKey{"soon", "f", "r", clock_.Now() + absl::Hours(1)};
  ASSERT_OK(store->Apply({}, batch));
  batch.idempotency = IdempotencyKey{"later", "f", "r", clock_.Now() + absl::Hours(100)};
  ASSERT_OK(store->Apply({}, batch));
  const absl::Time keys_after = clock_.Now() + kComparedKeysLife;
  const auto before = SummarizeStore(*store, keys_after, nullptr);
  const std::string path = BackUp(*store, "backup");
  clock_.Advance(absl::Hours(2));
  const auto after = SummarizeStore(*store, keys_after, nullptr);
  EXPECT_EQ(before->front(), after->front());
  EXPECT_EQ(before->front().Count(ExportPart::kResults), 1);
  EXPECT_EQ(ReadBackup(path, keys_after, nullptr)->practices.front(), before->front());
  EXPECT_EQ(ReadBackup(path, absl::InfinitePast(), nullptr)
                ->practices.front()
                .Count(ExportPart::kResults),
            2);
}

TEST_F(BackupTest, TheFileIsItsOwnersAloneAndNeverOverwritten) {
  const auto store = FilledMemory(1);
  const mode_t before = umask(0);
  const std::string path = BackUp(*store, "backup");
  umask(before);
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const std::string bytes = ReadAll(path);
  EXPECT_THAT(BackUpStore(*store, path, {clock_.Now(), "test"}, nullptr),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_EQ(ReadAll(path), bytes);
  EXPECT_EQ(BackUpStore(*store, folder_.PathOf("no/such"), {clock_.Now(), "test"}, nullptr)
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Files(), std::set<std::string>{"backup"}) << "a partial file was left";
}

// Written by another program, from the description of the format, with one item of each part. What
// a release wrote, every later one reads.
TEST_F(BackupTest, AFileOfFormatOneIsRead) {
  const std::string path =
      absl::StrCat(SECUREBASE_SOURCE_DIR, "/tests/golden/backup-format-1.backup");
  const auto store = MakeMemoryStore(clock_);
  ASSERT_OK_AND_ASSIGN(const RestoreResult result, RestoreBackup(path, *store, clock_, nullptr));
  EXPECT_EQ(result.restored, 1);
  EXPECT_EQ(result.backup.info.store, "sqlite");
  EXPECT_EQ(result.backup.info.created, absl::FromUnixSeconds(1767258000));
  ASSERT_OK_AND_ASSIGN(const ExportPage page, store->Export({}, "p1", "", 10));
  ASSERT_EQ(page.items.size(), 6u);
  EXPECT_EQ(std::get<PracticeCounters>(page.items[0]).journal_last, 1);
  const auto& record = std::get<RecordCopy>(page.items[1]);
  EXPECT_EQ(record.key.id, "a");
  EXPECT_EQ(record.record.version, 2);
  EXPECT_EQ(record.record.value, "value");
  EXPECT_EQ(record.index.at(0).sort_key, "x");
  EXPECT_EQ(std::get<JournalEntry>(page.items[2]).value, "j");
  EXPECT_EQ(std::get<AuditEntry>(page.items[3]).time, absl::FromUnixSeconds(1767258000));
  EXPECT_EQ(std::get<IdempotencyKey>(page.items[4]).result, "r");
  EXPECT_EQ(std::get<LeaseCopy>(page.items[5]).token, 3);
  // And written again as it was.
  EXPECT_OK(BackUpStore(*store, folder_.PathOf("again"), result.backup.info, nullptr));
  EXPECT_EQ(ReadAll(folder_.PathOf("again")), ReadAll(path));
}

TEST_F(BackupTest, AFileThatIsNoBackupIsRefused) {
  const auto store = MakeMemoryStore(clock_);
  for (const std::string& contents : {std::string(), std::string("SBBACK"),
                                      std::string("SQLite format 3"), std::string("SBBACKUP")}) {
    EXPECT_EQ(
        RestoreBackup(folder_.Write("other", contents), *store, clock_, nullptr).status().code(),
        absl::StatusCode::kInvalidArgument)
        << contents;
  }
  const auto newer =
      RestoreBackup(folder_.Write("newer", "SBBACKUP\x02"), *store, clock_, nullptr).status();
  EXPECT_EQ(newer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(newer.message()), HasSubstr("format 2"));
  EXPECT_EQ(RestoreBackup(folder_.PathOf("none"), *store, clock_, nullptr).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RestoreBackup(folder_.path(), *store, clock_, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(BackupTest, AnyFlippedBitIsFoundBeforeAnythingIsWritten) {
  const std::string bytes = ReadAll(BackUp(*FilledMemory(3, 2, 10), "backup"));
  Random random(99);
  for (int round = 0; round < 400; ++round) {
    std::string damaged = bytes;
    const auto at = static_cast<size_t>(Draw(random, 0, static_cast<int64_t>(bytes.size()) - 1));
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << Draw(random, 0, 7)));
    const auto store = MakeMemoryStore(clock_);
    const auto status =
        RestoreBackup(folder_.Write("damaged", damaged), *store, clock_, nullptr).status();
    ASSERT_THAT(status, Not(IsOk())) << "byte " << at;
    if (at > 8) {
      EXPECT_THAT(status, IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss)) << at;
      EXPECT_THAT(std::string(status.message()), HasSubstr("at byte ")) << at;
    }
    EXPECT_THAT(*store->ListPractices({}, "", 10), IsEmpty());
    EXPECT_THAT(*store->ListImports({}, "", 10), IsEmpty());
  }
}

TEST_F(BackupTest, AFileThatEndsEarlyIsRefusedWhereverItEnds) {
  const std::string bytes = ReadAll(BackUp(*FilledMemory(4, 3, 10), "backup"));
  std::vector<size_t> ends = ChunkPlaces(bytes);
  ASSERT_GE(ends.size(), 9u);
  ASSERT_EQ(ends.back(), bytes.size());
  ends.pop_back();
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    ends.push_back(static_cast<size_t>(Draw(random, 9, static_cast<int64_t>(bytes.size()) - 1)));
  }
  for (const size_t end : ends) {
    const auto store = MakeMemoryStore(clock_);
    const auto status =
        RestoreBackup(folder_.Write("short", bytes.substr(0, end)), *store, clock_, nullptr)
            .status();
    ASSERT_THAT(status, IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss)) << end;
    EXPECT_THAT(std::string(status.message()), HasSubstr("ends early")) << end;
    EXPECT_THAT(*store->ListImports({}, "", 10), IsEmpty());
  }
}

TEST_F(BackupTest, MissingRepeatedMovedAndAddedChunksAreFound) {
  const std::string bytes = ReadAll(BackUp(*FilledMemory(6, 3, 10), "backup"));
  const std::vector<size_t> places = ChunkPlaces(bytes);
  const auto chunk = [&](size_t i) { return bytes.substr(places[i], places[i + 1] - places[i]); };
  const size_t chunks = places.size() - 1;
  std::vector<std::string> wrong = {bytes + "x", bytes + chunk(chunks - 1)};
  for (size_t i = 0; i < chunks; ++i) {
    wrong.push_back(bytes.substr(0, places[i]) + bytes.substr(places[i + 1]));
    wrong.push_back(bytes.substr(0, places[i]) + chunk(i) + bytes.substr(places[i]));
    if (i + 1 < chunks) {
      wrong.push_back(bytes.substr(0, places[i]) + chunk(i + 1) + chunk(i) +
                      bytes.substr(places[i + 2]));
    }
  }
  // A whole practice left out, which is three chunks.
  wrong.push_back(bytes.substr(0, places[1]) + bytes.substr(places[4]));
  for (size_t i = 0; i < wrong.size(); ++i) {
    const auto store = MakeMemoryStore(clock_);
    EXPECT_THAT(RestoreBackup(folder_.Write("wrong", wrong[i]), *store, clock_, nullptr),
                IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss))
        << i;
  }
}

TEST_F(BackupTest, AnEmptyStoreHasABackupToo) {
  const auto store = MakeMemoryStore(clock_);
  const auto target = MakeMemoryStore(clock_);
  ASSERT_OK_AND_ASSIGN(const RestoreResult result,
                       RestoreBackup(BackUp(*store, "backup"), *target, clock_, nullptr));
  EXPECT_THAT(result.backup.practices, IsEmpty());
  EXPECT_EQ(result.backup.info.created, clock_.Now());
  EXPECT_EQ(result.backup.info.store, "test");
}

TEST_F(BackupTest, AStoreThatHoldsSomethingElseIsRefusedAndLeftAsItIs) {
  const auto source = FilledMemory(8);
  const std::string path = BackUp(*source, "backup");
  const auto refused = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);

  const auto other = FilledMemory(9, 1);
  const auto before = SummaryOf(*other);
  EXPECT_THAT(RestoreBackup(path, *other, clock_, nullptr), refused);
  EXPECT_EQ(SummaryOf(*other), before);
  EXPECT_THAT(*other->ListImports({}, "", 10), IsEmpty());

  // The backed-up store itself, changed since.
  Batch batch;
  batch.practice = source->ListPractices({}, "", 1)->front();
  batch.audit = {"one more"};
  ASSERT_OK(source->Apply({}, batch));
  EXPECT_THAT(RestoreBackup(path, *source, clock_, nullptr), refused);

  const auto importing = MakeMemoryStore(clock_);
  ASSERT_OK(importing->Import({}, "elsewhere", {}));
  EXPECT_THAT(RestoreBackup(path, *importing, clock_, nullptr), refused);
}

TEST_F(BackupTest, RestoringTwiceKeepsWhatIsThere) {
  const auto source = FilledMemory(10);
  const std::string path = BackUp(*source, "backup");
  const auto store = OpenSqlite("store.db");
  ASSERT_OK(RestoreBackup(path, *store, clock_, nullptr));
  ASSERT_OK_AND_ASSIGN(const RestoreResult again, RestoreBackup(path, *store, clock_, nullptr));
  EXPECT_EQ(again.restored, 0);
  EXPECT_EQ(again.kept, 3);
  EXPECT_EQ(SummaryOf(*store), SummaryOf(*source));
}

TEST_F(BackupTest, WhatAnotherRestoreLeftIsNoticedAndNotServed) {
  const auto source = FilledMemory(11, 1);
  const std::string path = BackUp(*source, "backup");
  const auto store = MakeMemoryStore(clock_);
  const std::string practice = source->ListPractices({}, "", 1)->front();
  ASSERT_OK(store->Import({}, practice, {RecordCopy{{"left", "over"}, {1, "v"}, {}}}));
  EXPECT_THAT(RestoreBackup(path, *store, clock_, nullptr),
              IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
  EXPECT_THAT(*store->ListPractices({}, "", 10), IsEmpty());
  EXPECT_THAT(BackUpStore(*store, folder_.PathOf("half"), {clock_.Now(), "test"}, nullptr),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
}

// Killed at every page in turn, then run again.
TEST_F(BackupTest, ARestoreThatIsKilledIsRunAgain) {
  auto source = MakeMemoryStore(clock_);
  for (int p = 0; p < 3; ++p) {
    for (int i = 0; i < 10; ++i) {
      Batch batch;
      batch.practice = absl::StrCat("p", p);
      for (int j = 0; j < 250; ++j) {
        batch.puts.push_back(
            {{"goal", absl::StrCat(i * 250 + j)}, absl::StrCat("value ", j), {{"by", "x"}}});
      }
      ASSERT_OK(source->Apply({}, batch));
    }
  }
  const std::string path = BackUp(*source, "backup");
  const auto expected = SummaryOf(*source);
  int pages = 0;
  for (int kill_at = 1;; ++kill_at) {
    const std::string name = absl::StrCat("store", kill_at, ".db");
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      SqliteOptions options;
      options.path = folder_.PathOf(name);
      auto store = MakeSqliteStore(options, clock_);
      int page = 0;
      const auto status = RestoreBackup(path, **store, clock_, [&](const std::string&, int64_t) {
        if (++page == kill_at) {
          kill(getpid(), SIGKILL);
        }
      });
      _exit(status.ok() ? 0 : 1);
    }
    int result = 0;
    ASSERT_EQ(waitpid(child, &result, 0), child);
    if (WIFEXITED(result)) {
      EXPECT_EQ(WEXITSTATUS(result), 0);
      break;
    }
    ASSERT_TRUE(WIFSIGNALED(result));
    ++pages;
    const auto store = OpenSqlite(name);
    EXPECT_THAT(*store->ListPractices({}, "", 10), IsEmpty()) << "half a restore is served";
    ASSERT_OK(RestoreBackup(path, *store, clock_, nullptr));
    EXPECT_EQ(SummaryOf(*store), expected);
  }
  EXPECT_GE(pages, 9);
}

// Changes the store between the pages of a copy.
class BusyStoreTest : public BackupTest {
 protected:
  BusyStoreTest() {
    for (int i = 0; i < 12; ++i) {
      Batch batch;
      batch.practice = "busy";
      for (int j = 0; j < 200; ++j) {
        batch.puts.push_back({{"goal", absl::StrCat(i * 200 + j)}, "v", {}});
      }
      EXPECT_OK(store_->Apply({}, batch));
    }
  }
  void ChangeIt() {
    Batch batch;
    batch.practice = "busy";
    batch.puts = {{{"goal", "0"}, absl::StrCat("change ", ++changes_), {}}};
    EXPECT_OK(store_->Apply({}, batch));
  }

  std::unique_ptr<Store> store_ = MakeMemoryStore(clock_);
  int changes_ = 0;
};

TEST_F(BusyStoreTest, APracticeThatChangesMeanwhileIsReadAgain) {
  const std::string path = folder_.PathOf("backup");
  ASSERT_OK_AND_ASSIGN(
      const BackupContents written,
      BackUpStore(*store_, path, {clock_.Now(), "test"}, [&](const std::string&, int64_t items) {
        if (changes_ < 2 && items == 2000) {
          ChangeIt();
        }
      }));
  EXPECT_EQ(changes_, 2);
  EXPECT_EQ(written.practices, SummaryOf(*store_));
  ASSERT_OK_AND_ASSIGN(const BackupContents read, ReadBackup(path, absl::InfinitePast(), nullptr));
  EXPECT_EQ(read.practices, written.practices);
  EXPECT_EQ(read.bytes, written.bytes);
  EXPECT_EQ(static_cast<uintmax_t>(read.bytes), std::filesystem::file_size(path));
}

TEST_F(BusyStoreTest, APracticeThatNeverSettlesEndsTheBackupWithTheRemedy) {
  const std::string path = folder_.PathOf("backup");
  const auto status =
      BackUpStore(*store_, path, {clock_.Now(), "test"}, [&](const std::string&, int64_t) {
        ChangeIt();
      }).status();
  EXPECT_THAT(status, IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stop the services"));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(BackupTest, ASqliteStoreIsReadWhileAServiceHasItOpenAndWhenNobodyHas) {
  Random random(20);
  const auto service = OpenSqlite("store.db");
  FillAtRandom(*service, clock_, random, 2, 20);
  const std::string url = absl::StrCat("sqlite:", folder_.PathOf("store.db"));
  const auto at_first = SummaryOf(*service);
  {
    ASSERT_OK_AND_ASSIGN(const auto source, OpenBackupSource(url, folder_.path(), clock_));
    Batch batch;
    batch.practice = at_first.front().practice;
    batch.audit = {"the service goes on"};
    ASSERT_OK(service->Apply({}, batch));
    EXPECT_EQ(SummaryOf(source->store()), at_first);
  }
  const auto expected = SummaryOf(*service);
  EXPECT_NE(expected, at_first);
  ASSERT_OK(service->Close());
  {
    ASSERT_OK_AND_ASSIGN(const auto source, OpenBackupSource(url, folder_.path(), clock_));
    EXPECT_EQ(SummaryOf(source->store()), expected);
  }
  for (const std::string& name : Files()) {
    EXPECT_TRUE(absl::StartsWith(name, "store.db")) << name << " was left";
  }
  EXPECT_EQ(SummaryOf(*OpenSqlite("store.db")), expected);
}

TEST_F(BackupTest, WhatCannotBeReadIsNoSource) {
  const auto missing =
      OpenBackupSource(absl::StrCat("sqlite:", folder_.PathOf("none.db")), folder_.path(), clock_);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kFailedPrecondition);
  const auto memory = OpenBackupSource("memory:", folder_.path(), clock_);
  EXPECT_EQ(memory.status().code(), absl::StatusCode::kInvalidArgument);
  const auto form = OpenBackupSource("postgres://secret", folder_.path(), clock_);
  EXPECT_EQ(form.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(form.status().message()), Not(HasSubstr("secret")));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST(PairSummaries, TellsSameDifferentAndMissing) {
  const auto summary = [](const std::string& practice, const std::string& digest) {
    PracticeSummary s;
    s.practice = practice;
    s.digest = digest;
    return s;
  };
  const auto pairs = PairSummaries({summary("a", "1"), summary("b", "1"), summary("c", "1")},
                                   {summary("b", "2"), summary("c", "1"), summary("d", "1")});
  ASSERT_EQ(pairs.size(), 4u);
  std::vector<bool> same;
  std::string practices;
  for (const SummaryPair& pair : pairs) {
    same.push_back(pair.Same());
    practices += pair.practice();
  }
  EXPECT_EQ(practices, "abcd");
  EXPECT_EQ(same, (std::vector<bool>{false, false, true, false}));
}

}  // namespace
}  // namespace securebase::storage
