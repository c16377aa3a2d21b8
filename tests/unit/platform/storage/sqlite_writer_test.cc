#include "services/platform/storage/sqlite_writer.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;

class SqliteWriterTest : public ::testing::Test {
 protected:
  SqliteWriterTest() {
    auto connection = SqliteConnection::Open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
    EXPECT_OK(connection);
    EXPECT_OK((*connection)
                  ->Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x INTEGER PRIMARY KEY)",
                            "prepare"));
    writer_ = std::make_unique<SqliteWriter>(*std::move(connection), SqliteWriterOptions(),
                                             [](const SqliteChanges&) {});
  }

  static absl::Status Insert(SqliteConnection& connection, int64_t x) {
    return SqliteQuery(connection, "INSERT INTO t VALUES (?)", x).Run("insert");
  }
  int64_t Count() {
    auto connection = SqliteConnection::Open(path_, SQLITE_OPEN_READONLY, "");
    return (*connection)->ReadInt("SELECT count(*) FROM t", "count").value();
  }
  // Runs operations in one group: the first one holds the writer until the others wait.
  std::vector<absl::Status> RunTogether(const std::vector<SqliteWriter::Operation>& operations) {
    std::atomic<bool> taken = false;
    std::atomic<bool> go = false;
    std::thread first([&] {
      EXPECT_OK(writer_->Run(absl::InfiniteFuture(), [&](SqliteConnection&, SqliteChanges&) {
        taken = true;
        while (!go) {
          std::this_thread::yield();
        }
        return absl::OkStatus();
      }));
    });
    while (!taken) {
      std::this_thread::yield();
    }
    std::vector<absl::Status> statuses(operations.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < operations.size(); ++i) {
      threads.emplace_back(
          [&, i] { statuses[i] = writer_->Run(absl::InfiniteFuture(), operations[i]); });
      while (writer_->stats().queued < static_cast<int64_t>(i) + 1) {
        std::this_thread::yield();
      }
    }
    go = true;
    first.join();
    for (std::thread& thread : threads) {
      thread.join();
    }
    return statuses;
  }

  securebase::testing::TemporaryFolder folder_;
  const std::string path_ = folder_.PathOf("t.db");
  std::unique_ptr<SqliteWriter> writer_;
};

TEST_F(SqliteWriterTest, AnOperationThatFailsAfterWritingIsUndoneAlone) {
  const std::vector<absl::Status> statuses = RunTogether({
      [](SqliteConnection& c, SqliteChanges&) { return Insert(c, 1); },
      [](SqliteConnection& c, SqliteChanges&) {
        EXPECT_OK(Insert(c, 2));
        return absl::AbortedError("changed its mind");
      },
      [](SqliteConnection& c, SqliteChanges&) { return Insert(c, 3); },
  });
  EXPECT_OK(statuses[0]);
  EXPECT_EQ(statuses[1], absl::AbortedError("changed its mind"));
  EXPECT_OK(statuses[2]);
  EXPECT_EQ(Count(), 2);
}

TEST_F(SqliteWriterTest, WhenTheWholeTransactionIsUndoneNobodyIsToldOtherwise) {
  const std::vector<absl::Status> statuses = RunTogether({
      [](SqliteConnection& c, SqliteChanges&) { return Insert(c, 1); },
      [](SqliteConnection& c, SqliteChanges&) {
        EXPECT_OK(c.Execute("ROLLBACK", "as SQLite itself does on some errors"));
        return absl::DataLossError("the cause");
      },
      [](SqliteConnection& c, SqliteChanges&) { return Insert(c, 3); },
  });
  EXPECT_THAT(statuses[0], IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(statuses[1], absl::DataLossError("the cause"));
  EXPECT_THAT(statuses[2], IsError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable));
  EXPECT_EQ(Count(), 0);
  EXPECT_OK(writer_->Run(absl::InfiniteFuture(),
                         [](SqliteConnection& c, SqliteChanges&) { return Insert(c, 1); }));
  EXPECT_EQ(Count(), 1);
}

TEST_F(SqliteWriterTest, WhatWasChangedIsPublishedBeforeItsCallerHearsOfIt) {
  std::atomic<int> published = 0;
  auto connection = SqliteConnection::Open(folder_.PathOf("u.db"),
                                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "");
  SqliteWriter writer(*std::move(connection), SqliteWriterOptions(),
                      [&](const SqliteChanges& changes) {
                        published += static_cast<int>(changes.practices.size());
                      });
  const auto change = [](bool fail) {
    return [fail](SqliteConnection&, SqliteChanges& changes) {
      changes.practices.push_back({"p1", 1, 1});
      return fail ? absl::AbortedError("no") : absl::OkStatus();
    };
  };
  EXPECT_OK(writer.Run(absl::InfiniteFuture(), change(false)));
  EXPECT_EQ(published, 1);
  EXPECT_FALSE(writer.Run(absl::InfiniteFuture(), change(true)).ok());
  EXPECT_EQ(published, 1);
}

}  // namespace
}  // namespace securebase::storage
