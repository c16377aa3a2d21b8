// `securebase admin` against stores that services use: a backup while they go on, a restore that
// they start on, the move from SQLite to Redis.

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using outcomes::v1::ListJournalRequest;
using outcomes::v1::ListJournalResponse;
using outcomes::v1::ListSeriesRequest;
using outcomes::v1::ListSeriesResponse;
using ::testing::HasSubstr;
using ::testing::SizeIs;

absl::Status Submit(Deployment& deployment, const std::string& id, int week) {
  return deployment
      .Send<outcomes::v1::SubmitAssessmentResponse>(
          deployment.AsSystem(), "outcomes", "SubmitAssessment", PhqNine(id, "ada", week, week % 4))
      .status();
}

absl::StatusOr<ListSeriesResponse> SeriesOf(Deployment& deployment) {
  return deployment.Call<ListSeriesResponse, ListSeriesRequest>(
      deployment.AsSystem(), "outcomes", "ListSeries", "parent: 'practices/p1'");
}

absl::StatusOr<ListJournalResponse> JournalFrom(Deployment& deployment, const std::string& token) {
  return deployment.Call<ListJournalResponse, ListJournalRequest>(
      deployment.AsSystem(), "outcomes", "ListJournal",
      absl::StrCat("parent: 'practices/p1' page_size: 200 token: '", token, "'"));
}

absl::StatusOr<Finished> Admin(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {Deployment::Binary("securebase"), "admin"});
  return RunProgram(arguments);
}

// The practice as the services show it, and where a follower of its journal stands.
class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(deployment_.Start("outcomes"));
    ASSERT_OK(OpenEpisode(deployment_, "ada"));
    for (int week = 0; week < 8; ++week) {
      ASSERT_OK(Submit(deployment_, absl::StrCat("a", week), week));
    }
    ASSERT_OK_AND_ASSIGN(series_, SeriesOf(deployment_));
    ASSERT_THAT(series_.series(), SizeIs(1));
    ASSERT_OK_AND_ASSIGN(journal_, JournalFrom(deployment_, ""));
    ASSERT_FALSE(journal_.more());

    backup_ = deployment_.folder().PathOf("outcomes.backup");
    ASSERT_OK_AND_ASSIGN(
        const Finished backup,
        Admin({"backup", "--store", deployment_.StoreOf("outcomes"), "--to", backup_}));
    ASSERT_EQ(backup.exit_code, 0) << backup.error;
    EXPECT_THAT(backup.out, HasSubstr("Backed up 1 practice "));
  }

  // What a deployment whose outcomes service runs on the restored store must answer.
  void ExpectThePracticeOfTheBackup(Deployment& deployment) {
    ASSERT_OK_AND_ASSIGN(const auto series, SeriesOf(deployment));
    EXPECT_EQ(series.SerializeAsString(), series_.SerializeAsString());
    EXPECT_THAT(JournalFrom(deployment, journal_.next_token()),
                IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
    ASSERT_OK_AND_ASSIGN(const auto journal, JournalFrom(deployment, ""));
    ASSERT_EQ(journal.entries_size(), journal_.entries_size());
    for (int i = 0; i < journal.entries_size(); ++i) {
      EXPECT_EQ(journal.entries(i).SerializeAsString(), journal_.entries(i).SerializeAsString());
    }
    // A request that was answered before the backup is known again and not done twice.
    ASSERT_OK(Submit(deployment, "a7", 7));
    ASSERT_OK_AND_ASSIGN(const auto repeated, SeriesOf(deployment));
    EXPECT_EQ(repeated.SerializeAsString(), series_.SerializeAsString());
    ASSERT_OK(Submit(deployment, "new", 8));
    ASSERT_OK_AND_ASSIGN(const auto grown, SeriesOf(deployment));
    EXPECT_NE(grown.SerializeAsString(), series_.SerializeAsString());
  }

  Deployment deployment_{DeploymentStore::kSqlite};
  std::string backup_;
  ListSeriesResponse series_;
  ListJournalResponse journal_;
};

TEST_F(BackupTest, AServiceStartsOnARestoredDatabaseAndFollowersStartAgain) {
  // After the backup, so the restored store does not know of it.
  ASSERT_OK(Submit(deployment_, "after", 9));
  const std::string restored = deployment_.folder().PathOf("restored.db");
  ASSERT_OK_AND_ASSIGN(const Finished restore, Admin({"restore", "--from", backup_, "--store",
                                                      absl::StrCat("sqlite:", restored)}));
  ASSERT_EQ(restore.exit_code, 0) << restore.error;

  ASSERT_OK_AND_ASSIGN(const Finished same,
                       Admin({"compare", backup_, absl::StrCat("sqlite:", restored)}));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.error;
  ASSERT_OK_AND_ASSIGN(const Finished differs,
                       Admin({"compare", backup_, deployment_.StoreOf("outcomes")}));
  EXPECT_EQ(differs.exit_code, 1) << differs.out << differs.error;

  // Not over what is there, whether or not its service runs.
  for (const bool running : {true, false}) {
    if (!running) {
      ASSERT_OK_AND_ASSIGN(const int code, deployment_.Stop("outcomes"));
      EXPECT_EQ(code, 0);
    }
    ASSERT_OK_AND_ASSIGN(const Finished refused, Admin({"restore", "--from", backup_, "--store",
                                                        deployment_.StoreOf("outcomes")}));
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.error, HasSubstr(running ? "stop that one first" : "empty store"));
  }

  const std::string database = deployment_.folder().PathOf("outcomes.db");
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    std::filesystem::remove(absl::StrCat(database, suffix));
  }
  std::filesystem::rename(restored, database);
  ASSERT_OK(deployment_.Start("outcomes"));
  ExpectThePracticeOfTheBackup(deployment_);
}

TEST_F(BackupTest, AClinicMovesFromSqliteToRedis) {
  Deployment on_redis(DeploymentStore::kRedis);
  const std::string redis = absl::StrCat(on_redis.StoreOf("outcomes"), "?prefix=outcomes");
  ASSERT_OK_AND_ASSIGN(const Finished restore,
                       Admin({"restore", "--from", backup_, "--store", redis}));
  ASSERT_EQ(restore.exit_code, 0) << restore.error;
  ASSERT_OK_AND_ASSIGN(const Finished same,
                       Admin({"compare", deployment_.StoreOf("outcomes"), redis}));
  EXPECT_EQ(same.exit_code, 0) << same.out << same.error;
  ASSERT_OK_AND_ASSIGN(const Finished check, Admin({"check", "--store", redis}));
  EXPECT_EQ(check.exit_code, 0) << check.out << check.error;
  ASSERT_OK(on_redis.Start("outcomes"));
  ExpectThePracticeOfTheBackup(on_redis);
}

}  // namespace
}  // namespace securebase::testing
