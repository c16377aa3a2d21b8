#include <atomic>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/admin/admin.h"
#include "clients/cli/cli.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/open_store.h"
#include "services/platform/storage/store_copy.h"
#include "tests/testing/redis_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::RedisCluster;
using ::securebase::testing::RedisServer;
using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

class CopiesTest : public ::testing::Test {
 protected:
  Outcome Admin(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "admin");
    std::ostringstream out;
    std::ostringstream err;
    cli::Console console{out, err, false, absl::OkStatus()};
    const int code = cli::RunCli(arguments, console, {[this](CLI::App& app, cli::Console& to) {
                                   cli::AddAdminCommand(app, to, clock_);
                                 }});
    return {code, out.str(), err.str()};
  }
  void AdminOk(const std::vector<std::string>& arguments) {
    const Outcome outcome = Admin(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  }

  // Several pages of records, something of everything, and odd bytes.
  void Fill(const std::string& url) {
    const auto store = OpenStore(url, clock_);
    ASSERT_OK(store);
    for (int p = 0; p < 5; ++p) {
      for (int i = 0; i < 12; ++i) {
        Batch batch;
        batch.practice = absl::StrCat("practice-", p);
        for (int j = 0; j < 100; ++j) {
          batch.puts.push_back({{j % 2 == 0 ? "goal" : "rating", absl::StrCat(i, "-", j)},
                                absl::StrCat("\xff\0 value ", i, j),
                                {{"by", absl::StrCat(j)}, {"all", ""}}});
        }
        batch.journal = {absl::StrCat("j", i), ""};
        batch.audit = {absl::StrCat("a", i)};
        batch.idempotency = IdempotencyKey{absl::StrCat("k", i), "f", absl::StrCat("result ", i),
                                           clock_.Now() + absl::Hours(24 * 14)};
        ASSERT_OK((*store)->Apply({}, batch));
      }
      TrimRequest trim;
      trim.practice = absl::StrCat("practice-", p);
      trim.journal_before = absl::InfiniteFuture();
      trim.audit_through = 5;
      trim.limit = 7;
      ASSERT_OK((*store)->Trim({}, trim));
      ASSERT_OK((*store)->AcquireLease({}, trim.practice, "timed-work", "me", absl::Minutes(1)));
    }
    ASSERT_OK((*store)->Close());
  }

  std::string Path(const std::string& name) { return folder_.PathOf(name); }
  std::string Sqlite(const std::string& name) { return absl::StrCat("sqlite:", Path(name)); }

  // SQLite → `redis` → SQLite, and everything is what it was.
  void ExpectAWayThereAndBack(const std::string& redis) {
    Fill(Sqlite("first.db"));
    AdminOk({"backup", "--store", Sqlite("first.db"), "--to", Path("first.backup")});
    AdminOk({"restore", "--from", Path("first.backup"), "--store", redis});
    AdminOk({"compare", Sqlite("first.db"), redis});
    AdminOk({"backup", "--store", redis, "--to", Path("second.backup")});
    AdminOk({"restore", "--from", Path("second.backup"), "--store", Sqlite("second.db")});
    AdminOk({"compare", Sqlite("first.db"), Sqlite("second.db")});
    AdminOk({"compare", Path("first.backup"), Path("second.backup")});
    // Once more changes nothing; after a write it is refused.
    AdminOk({"restore", "--from", Path("first.backup"), "--store", redis});
    {
      const auto store = OpenStore(redis, clock_);
      ASSERT_OK(store);
      Batch batch;
      batch.practice = "practice-3";
      batch.expectations = {{{"goal", "0-0"}, 1}};
      batch.puts = {{{"goal", "0-0"}, "changed", {}}};
      batch.journal = {"goes on"};
      ASSERT_OK_AND_ASSIGN(const ApplyResult applied, (*store)->Apply({}, batch));
      EXPECT_EQ(applied.position.sequence, 25);
    }
    const Outcome refused = Admin({"restore", "--from", Path("first.backup"), "--store", redis});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, HasSubstr("holds practice practice-3"));
    EXPECT_EQ(Admin({"compare", redis, Path("first.backup")}).code, 1);
  }

  SystemClock clock_;
  TemporaryFolder folder_;
};

TEST_F(CopiesTest, FromSqliteToRedisAndBack) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  ExpectAWayThereAndBack(absl::StrCat("redis://", server->host_and_port(), "/?prefix=outcomes"));
}

TEST_F(CopiesTest, FromSqliteToAClusterAndBack) {
  ASSERT_OK_AND_ASSIGN(const auto cluster, RedisCluster::Start({}));
  ExpectAWayThereAndBack(
      absl::StrCat("redis+cluster://", cluster->addresses(), "?replicas=1&prefix=outcomes"));
}

// Both records of a pair always change in one batch, so a backup that is one moment has them equal.
TEST_F(CopiesTest, ABackupOfABusyRedisIsOneMomentOrSaysThatItCannotBe) {
  ASSERT_OK_AND_ASSIGN(const auto server, RedisServer::Start({}));
  const std::string redis = absl::StrCat("redis://", server->host_and_port(), "/?prefix=outcomes");
  ASSERT_OK_AND_ASSIGN(const auto store, OpenStore(redis, clock_));
  const auto write = [&](int number) {
    Batch batch;
    batch.practice = "busy";
    // The first and the last of an export's records.
    batch.puts = {{{"a", "first"}, absl::StrCat(number), {}},
                  {{"z", "last"}, absl::StrCat(number), {}}};
    return store->Apply({}, batch).status();
  };
  for (int i = 0; i < 30; ++i) {
    Batch batch;
    batch.practice = "busy";
    for (int j = 0; j < 100; ++j) {
      batch.puts.push_back({{"filler", absl::StrCat(i * 100 + j)}, "v", {}});
    }
    ASSERT_OK(store->Apply({}, batch));
  }
  ASSERT_OK(write(0));

  std::atomic<bool> stop = false;
  absl::Status written;
  std::thread writer([&] {
    for (int i = 1; written.ok() && !stop; ++i) {
      written = write(i);
    }
  });
  const absl::Status busy =
      BackUpStore(*store, Path("busy.backup"), {clock_.Now(), "redis"}, nullptr).status();
  stop = true;
  writer.join();
  EXPECT_OK(written);
  if (!busy.ok()) {
    EXPECT_THAT(std::string(busy.message()), HasSubstr("stop the services"));
    ASSERT_OK(BackUpStore(*store, Path("busy.backup"), {clock_.Now(), "redis"}, nullptr));
  }
  const auto copy = MakeMemoryStore(clock_);
  ASSERT_OK(RestoreBackup(Path("busy.backup"), *copy, clock_, nullptr));
  EXPECT_EQ(copy->Get({}, "busy", {"a", "first"})->value,
            copy->Get({}, "busy", {"z", "last"})->value);
}

TEST_F(CopiesTest, CheckShowsWhatARedisDoesNotKeep) {
  ASSERT_OK_AND_ASSIGN(const auto good, RedisServer::Start({}));
  const Outcome kept =
      Admin({"check", "--store", absl::StrCat("redis://", good->host_and_port(), "/?prefix=x")});
  EXPECT_EQ(kept.code, 0) << kept.out << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("appendfsync"));
  EXPECT_THAT(kept.out, HasSubstr(good->host_and_port()));

  securebase::testing::RedisServerOptions options;
  options.config = {"appendfsync everysec"};
  ASSERT_OK_AND_ASSIGN(const auto lax, RedisServer::Start(options));
  const std::string url = absl::StrCat("redis://", lax->host_and_port(), "/?prefix=x");
  const Outcome lost = Admin({"check", "--store", url});
  EXPECT_EQ(lost.code, 1) << lost.out;
  EXPECT_THAT(lost.out, HasSubstr("everysec"));
  EXPECT_THAT(lost.err, HasSubstr("does not keep its promise"));
  // Nor is anything restored to it.
  Fill(Sqlite("first.db"));
  AdminOk({"backup", "--store", Sqlite("first.db"), "--to", Path("first.backup")});
  EXPECT_NE(Admin({"restore", "--from", Path("first.backup"), "--store", url}).code, 0);
}

}  // namespace
}  // namespace securebase::storage
