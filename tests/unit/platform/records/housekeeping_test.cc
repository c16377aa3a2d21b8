#include "services/platform/records/housekeeping.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/counting_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::records {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::securebase::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class HousekeepingTest : public ::testing::Test {
 protected:
  HousekeepingTest() : store_(storage::MakeMemoryStore(clock_)) {
    options_.audit_directory = folder_.path();
    options_.service = "goals";
    options_.owner = "this";
  }

  void Audit(const std::string& practice, const std::string& method) {
    AuditRecord record;
    record.time = clock_.Now();
    record.practice = practice;
    record.method = method;
    EXPECT_OK(MakeStoreAuditSink(*store_)->Record(record, absl::InfiniteFuture()));
  }

  std::string File(const std::string& day) {
    return folder_.PathOf(absl::StrCat("audit-goals-", day, ".ndjson"));
  }
  std::vector<std::string> Lines(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return absl::StrSplit(text.str(), '\n', absl::SkipEmpty());
  }
  size_t Stored(const std::string& practice) {
    return store_->ListAudit({}, practice, 0, 1000)->size();
  }

  FakeClock clock_;  // 2026-01-01
  TemporaryFolder folder_;
  std::unique_ptr<storage::Store> store_;
  HousekeepingOptions options_;
};

TEST_F(HousekeepingTest, ExportsEachEntryOnceInOrder) {
  Audit("p1", "/a");
  Audit("p1", "/b");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  Audit("p1", "/c");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")),
              ElementsAre(HasSubstr("\"method\":\"/a\""), HasSubstr("\"method\":\"/b\""),
                          HasSubstr("\"method\":\"/c\"")));
  EXPECT_THAT(Lines(File("2026-01-01"))[0], StartsWith("{\"sequence\":1,\"time\":\"2026-01-01T"));
}

TEST_F(HousekeepingTest, GoesThroughMorePracticesAndEntriesThanAPage) {
  for (int i = 0; i < 1100; ++i) {
    Audit("p1", "/x");
  }
  Audit("p2", "/y");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")), SizeIs(1101));
}

TEST_F(HousekeepingTest, FilesAreTheOwnersAloneAndOneADay) {
  Audit("p1", "/a");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  clock_.Advance(absl::Hours(24));
  Audit("p1", "/b");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")), SizeIs(1));
  EXPECT_THAT(Lines(File("2026-01-02")), SizeIs(1));
  struct stat info {};
  ASSERT_EQ(stat(File("2026-01-01").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(HousekeepingTest, RemovesWhatWasExportedAfterItsRetention) {
  Audit("p1", "/old");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_EQ(Stored("p1"), 1u);
  clock_.Advance(options_.audit_retention + absl::Seconds(1));
  Audit("p1", "/new");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_EQ(Stored("p1"), 1u);
}

TEST_F(HousekeepingTest, NothingLeavesTheStoreUnexported) {
  options_.audit_directory = "";
  Audit("p1", "/old");
  clock_.Advance(options_.audit_retention * 2);
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_EQ(Stored("p1"), 1u);
}

TEST_F(HousekeepingTest, AFullOrMissingDiskLosesNothing) {
  Audit("p1", "/a");
  options_.audit_directory = folder_.PathOf("missing");
  EXPECT_THAT(RunHousekeeping(*store_, clock_, options_),
              IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  options_.audit_directory = folder_.path();
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")), SizeIs(1));
}

// Makes writes of this process beyond a file size fail, as on a full disk, after the part that
// fits.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit limit = {bytes, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_ = {};
};

TEST_F(HousekeepingTest, ADiskThatGetsFullInTheMidstOfALineLeavesWholeLines) {
  Audit("p1", "/a");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  struct stat info {};
  ASSERT_EQ(stat(File("2026-01-01").c_str(), &info), 0);
  Audit("p1", "/b");
  {
    const FileSizeLimit limit(static_cast<rlim_t>(info.st_size) + 20);
    EXPECT_THAT(RunHousekeeping(*store_, clock_, options_),
                IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  }
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")),
              ElementsAre(StartsWith("{\"sequence\":1,"), StartsWith("{\"sequence\":2,")));
}

TEST_F(HousekeepingTest, BeginsALineOfItsOwnAfterAProcessThatDiedInTheMidstOfOne) {
  std::ofstream(File("2026-01-01")) << "{\"sequence\":1,\"ti";
  Audit("p1", "/a");
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")),
              ElementsAre("{\"sequence\":1,\"ti", HasSubstr("\"method\":\"/a\"")));
}

// A store in which one practice cannot be looked after, or which is down altogether.
class OnePracticeFailsStore : public testing::CountingStore {
 public:
  using CountingStore::CountingStore;
  absl::StatusOr<storage::Lease> AcquireLease(const storage::Context& context,
                                              absl::string_view practice, absl::string_view name,
                                              absl::string_view owner,
                                              absl::Duration duration) override {
    ++leases;
    return practice == "p1"
               ? MakeError(absl::StatusCode::kDataLoss, Reason::kDataLoss, "p1 is broken")
               : CountingStore::AcquireLease(context, practice, name, owner, duration);
  }
  absl::Status Ping(const storage::Context& context) override {
    return down ? absl::UnavailableError("down") : CountingStore::Ping(context);
  }
  bool down = false;
  int leases = 0;
};

TEST_F(HousekeepingTest, APracticeThatFailsDoesNotKeepOthersWaiting) {
  Audit("p1", "/a");
  Audit("p2", "/b");
  OnePracticeFailsStore store(*store_);
  EXPECT_THAT(RunHousekeeping(store, clock_, options_),
              IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
  EXPECT_THAT(Lines(File("2026-01-01")), ElementsAre(HasSubstr("/b")));
  store.down = true;
  store.leases = 0;
  EXPECT_FALSE(RunHousekeeping(store, clock_, options_).ok());
  EXPECT_EQ(store.leases, 1) << "what is down is not asked practice by practice";
}

TEST_F(HousekeepingTest, TheJournalIsTrimmedThoughNothingCanBeExported) {
  storage::Batch batch;
  batch.practice = "p1";
  batch.journal = {"first"};
  ASSERT_OK(store_->Apply({}, batch));
  Audit("p1", "/a");
  clock_.Advance(2 * options_.audit_retention);
  options_.audit_directory = folder_.PathOf("missing");
  EXPECT_TRUE(absl::IsUnavailable(RunHousekeeping(*store_, clock_, options_)));
  EXPECT_THAT(store_->Journal({}, "p1", 0, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_EQ(Stored("p1"), 1u);
}

TEST_F(HousekeepingTest, LeavesAPracticeToTheReplicaThatHoldsItsLease) {
  Audit("p1", "/a");
  ASSERT_OK(store_->AcquireLease({}, "p1", "housekeeping", "other", absl::Minutes(1)));
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")), IsEmpty());
  clock_.Advance(absl::Minutes(2));
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(Lines(File("2026-01-01")), SizeIs(1));
}

TEST_F(HousekeepingTest, RemovesOldJournalEntries) {
  storage::Batch batch;
  batch.practice = "p1";
  batch.journal = {"first"};
  ASSERT_OK(store_->Apply({}, batch));
  clock_.Advance(options_.journal_retention + absl::Seconds(1));
  batch.journal = {"second"};
  ASSERT_OK(store_->Apply({}, batch));
  ASSERT_OK(RunHousekeeping(*store_, clock_, options_));
  EXPECT_THAT(store_->Journal({}, "p1", 0, 10),
              IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  EXPECT_THAT(store_->Journal({}, "p1", 1, 10)->entries, SizeIs(1));
}

}  // namespace
}  // namespace securebase::records
