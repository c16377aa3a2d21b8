// The load and its check, tried on stores that keep the promise and on stores that break it.

#include "tests/faults/load.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/storage/memory_store.h"
#include "services/platform/storage/open_store.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::faults {
namespace {

using storage::ApplyResult;
using storage::Batch;
using storage::Context;
using storage::Position;
using storage::Record;
using storage::RecordKey;
using storage::Store;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Status Unknown() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kOutcomeUnknown, "planted");
}

// A store over another one, in which tests plant what they like.
class PlantedStore : public Store {
 public:
  explicit PlantedStore(Store& inner) : inner_(inner) {}

  std::function<absl::StatusOr<ApplyResult>(const Context&, const Batch&)> apply;
  std::function<void(absl::StatusOr<Record>&)> get;
  std::function<void(std::vector<std::optional<Record>>&)> get_many;
  std::function<void(Position&)> position;
  std::function<void(storage::Lease&)> lease;

  absl::StatusOr<Record> Get(const Context& context, absl::string_view practice,
                             const RecordKey& key) override {
    auto result = inner_.Get(context, practice, key);
    if (get) {
      get(result);
    }
    return result;
  }
  absl::StatusOr<std::vector<std::optional<Record>>> GetMany(
      const Context& context, absl::string_view practice,
      const std::vector<RecordKey>& keys) override {
    auto result = inner_.GetMany(context, practice, keys);
    if (get_many && result.ok()) {
      get_many(*result);
    }
    return result;
  }
  absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) override {
    return apply ? apply(context, batch) : inner_.Apply(context, batch);
  }
  absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    return inner_.FindResult(context, practice, key, fingerprint);
  }
  absl::StatusOr<storage::ScanPage> Scan(const Context& context,
                                         const storage::ScanRequest& request) override {
    return inner_.Scan(context, request);
  }
  absl::StatusOr<storage::JournalPage> Journal(const Context& context, absl::string_view practice,
                                               int64_t after, int limit) override {
    return inner_.Journal(context, practice, after, limit);
  }
  absl::StatusOr<Position> GetPosition(const Context& context,
                                       absl::string_view practice) override {
    auto result = inner_.GetPosition(context, practice);
    if (position && result.ok()) {
      position(*result);
    }
    return result;
  }
  absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    return inner_.ListPractices(context, after, limit);
  }
  absl::StatusOr<storage::Lease> AcquireLease(const Context& context, absl::string_view practice,
                                              absl::string_view name, absl::string_view owner,
                                              absl::Duration duration) override {
    auto result = inner_.AcquireLease(context, practice, name, owner, duration);
    if (lease && result.ok()) {
      lease(*result);
    }
    return result;
  }
  absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    return inner_.ReleaseLease(context, practice, name, token);
  }
  absl::StatusOr<std::vector<storage::AuditEntry>> ListAudit(const Context& context,
                                                             absl::string_view practice,
                                                             int64_t after, int limit) override {
    return inner_.ListAudit(context, practice, after, limit);
  }
  absl::StatusOr<int64_t> Trim(const Context& context,
                               const storage::TrimRequest& request) override {
    return inner_.Trim(context, request);
  }
  absl::StatusOr<storage::ExportPage> Export(const Context& context, absl::string_view practice,
                                             absl::string_view cursor, int limit) override {
    return inner_.Export(context, practice, cursor, limit);
  }
  absl::Status Import(const Context& context, absl::string_view practice,
                      const std::vector<storage::CopyItem>& items) override {
    return inner_.Import(context, practice, items);
  }
  absl::Status FinishImport(const Context& context, absl::string_view practice) override {
    return inner_.FinishImport(context, practice);
  }
  absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    return inner_.ListImports(context, after, limit);
  }
  absl::Status Ping(const Context& context) override { return inner_.Ping(context); }
  absl::Status Close() override { return inner_.Close(); }

 private:
  Store& inner_;
};

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() : inner_(storage::MakeMemoryStore(clock_)), planted_(*inner_) {}

  LoadFindings Run(Store& store, LoadCounts* counts = nullptr) {
    LoadOptions options;
    options.stores = {&store};
    Load load(options);
    load.Start();
    EXPECT_TRUE(load.AwaitAcknowledged(400, absl::Seconds(60)));
    load.Stop();
    EXPECT_OK(load.Settle(store, absl::Seconds(30)));
    const LoadFindings findings = load.Check(store);
    if (counts != nullptr) {
      *counts = load.counts();
    }
    EXPECT_GT(load.counts().audited_reads, 0);
    return findings;
  }
  // Every n-th batch that is no audit entry alone.
  bool IsDue(const Batch& batch, int n) { return !batch.journal.empty() && ++batches_ % n == 0; }

  const SystemClock clock_{};
  std::unique_ptr<Store> inner_;
  PlantedStore planted_;
  std::atomic<int> batches_{0};
};

TEST_F(LoadTest, FindsNothingInTheMemoryStore) { EXPECT_THAT(Run(*inner_).violations, IsEmpty()); }

TEST_F(LoadTest, FindsNothingInSqlite) {
  const securebase::testing::TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto store,
                       storage::OpenStore("sqlite:" + folder.PathOf("store.db"), clock_));
  LoadCounts counts;
  EXPECT_THAT(Run(*store, &counts).violations, IsEmpty());
  EXPECT_GT(counts.conflicts, 0) << "nothing was contended";
  EXPECT_GT(counts.leases_lost, 0);
}

TEST_F(LoadTest, UnknownOutcomesAreRepeatedToOne) {
  planted_.apply = [&](const Context& context, const Batch& batch) -> absl::StatusOr<ApplyResult> {
    if (IsDue(batch, 7)) {
      return Unknown();  // not done
    }
    auto result = inner_->Apply(context, batch);
    return IsDue(batch, 5) && result.ok() ? Unknown() : std::move(result);  // done
  };
  LoadCounts counts;
  EXPECT_THAT(Run(planted_, &counts).violations, IsEmpty());
  EXPECT_GT(counts.unknown, counts.unknown_done);
  EXPECT_GT(counts.unknown_done, 0);
}

TEST_F(LoadTest, FindsAnAcknowledgedBatchThatWasNotDone) {
  planted_.apply = [&](const Context& context, const Batch& batch) -> absl::StatusOr<ApplyResult> {
    if (!IsDue(batch, 20)) {
      return inner_->Apply(context, batch);
    }
    ApplyResult result;
    result.versions.assign(batch.puts.size(), 1);
    return result;
  };
  const LoadFindings findings = Run(planted_);
  EXPECT_GT(findings.lost, 0);
  EXPECT_THAT(findings.violations, Contains(HasSubstr("was acknowledged and is lost")));
}

TEST_F(LoadTest, FindsABatchThatWasDoneTwice) {
  planted_.apply = [&](const Context& context, const Batch& batch) {
    if (IsDue(batch, 20)) {
      Batch first = batch;
      first.idempotency.reset();
      first.expectations.clear();
      first.fence.reset();
      EXPECT_OK(inner_->Apply(context, first));
      first.puts.clear();
      first.deletes.clear();
      return inner_->Apply(context, first);
    }
    return inner_->Apply(context, batch);
  };
  const LoadFindings findings = Run(planted_);
  EXPECT_GT(findings.doubled, 0);
}

TEST_F(LoadTest, FindsABatchThatWasSaidNotToBeDone) {
  planted_.apply = [&](const Context& context, const Batch& batch) -> absl::StatusOr<ApplyResult> {
    auto result = inner_->Apply(context, batch);
    if (IsDue(batch, 20) && result.ok()) {
      return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "planted");
    }
    return result;
  };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("was said not to be done, and was")));
}

TEST_F(LoadTest, FindsHalfABatch) {
  planted_.apply = [&](const Context& context, const Batch& batch) {
    Batch half = batch;
    if (half.puts.size() == 3 && IsDue(batch, 20)) {
      half.puts.erase(half.puts.begin() + 1);
    }
    return inner_->Apply(context, half);
  };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("was seen by half")));
}

TEST_F(LoadTest, FindsAMissingIndexEntryAndAMissingAuditEntry) {
  planted_.apply = [&](const Context& context, const Batch& batch) {
    Batch half = batch;
    const int number = batch.journal.empty() ? 0 : ++batches_;
    if (number % 20 == 1) {
      half.puts.back().index.clear();
    } else if (number % 20 == 2) {
      half.audit.clear();
    }
    return inner_->Apply(context, half);
  };
  const LoadFindings findings = Run(planted_);
  EXPECT_THAT(findings.violations, Contains(HasSubstr("is there 0 times")));
  EXPECT_THAT(findings.violations, Contains(HasSubstr("is in the audit trail 0 times")));
}

TEST_F(LoadTest, FindsAnOldRead) {
  // What an isolated former primary would answer: one record as it was some time ago.
  Mutex mutex;
  std::vector<std::optional<Record>> old;
  int reads = 0;
  planted_.get_many = [&](std::vector<std::optional<Record>>& records) {
    MutexLock lock(mutex);
    if (++reads == 5) {
      old = records;
    } else if (reads == 60) {
      records = old;
    }
  };
  LoadOptions options;
  options.practices = {"p1"};
  options.stores = {&planted_};
  Load load(options);
  load.Start();
  EXPECT_TRUE(load.AwaitAcknowledged(2000, absl::Seconds(60)));
  load.Stop();
  EXPECT_THAT(load.Check(planted_).violations, Contains(HasSubstr(" after ")));
}

TEST_F(LoadTest, FindsAnOldPosition) {
  std::atomic<int> positions{0};
  planted_.position = [&](Position& position) {
    position.sequence -= ++positions % 3 == 0 ? 3 : 0;
  };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("journal of p")));
}

TEST_F(LoadTest, FindsAnotherEpoch) {
  std::atomic<int> positions{0};
  planted_.position = [&](Position& position) { position.epoch += ++positions > 5 ? "x" : ""; };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("the epoch of p")));
}

TEST_F(LoadTest, FindsABatchOfALostLease) {
  planted_.apply = [&](const Context& context, const Batch& batch) {
    Batch unfenced = batch;
    unfenced.fence.reset();
    return inner_->Apply(context, unfenced);
  };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("was done with token")));
}

TEST_F(LoadTest, FindsALeaseThatTwoOwnersHave) {
  planted_.lease = [](storage::Lease& lease) { lease.token = (lease.token + 1) / 2; };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("two owners had token")));
}

TEST_F(LoadTest, FindsAnErrorThatTheContractDoesNotName) {
  std::atomic<int> gets{0};
  planted_.get = [&](absl::StatusOr<Record>& record) {
    if (++gets % 20 == 0) {
      record = Unknown();
    }
  };
  EXPECT_THAT(Run(planted_).violations, Contains(HasSubstr("Get failed with UNAVAILABLE")));
}

TEST_F(LoadTest, SaysWhenCallsSucceededAgain) {
  std::atomic<bool> is_down{false};
  planted_.apply = [&](const Context& context, const Batch& batch) -> absl::StatusOr<ApplyResult> {
    if (is_down) {
      return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "planted");
    }
    return inner_->Apply(context, batch);
  };
  LoadOptions options;
  options.stores = {&planted_};
  Load load(options);
  load.Start();
  EXPECT_TRUE(load.AwaitAcknowledged(50, absl::Seconds(60)));
  is_down = true;
  const absl::Time down = absl::Now();
  EXPECT_FALSE(load.AwaitAcknowledged(50, absl::Milliseconds(100)));
  EXPECT_EQ(load.FirstWrite(down), std::nullopt);
  const absl::Time up = absl::Now();
  is_down = false;
  EXPECT_TRUE(load.AwaitAcknowledged(50, absl::Seconds(60)));
  load.Stop();
  EXPECT_GT(load.FirstWrite(down).value_or(down), up);
  EXPECT_THAT(load.Check(planted_).violations, IsEmpty());
}

}  // namespace
}  // namespace securebase::faults
