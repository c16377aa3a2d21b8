// What the SQLite store costs, beside the same SQL on a bare connection in the same run: figures of
// one machine say little, their ratios say more.
//
//   bench_store [--records=10000,1000000] [google benchmark's flags]

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/storage/sqlite_connection.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

constexpr int kPractices = 20;
constexpr int kEpisodesPerPractice = 200;
constexpr int kPageRows = 100;
const std::string kValue(600, 'x');  // an assessment or a goal with its envelope

void Require(const absl::Status& status) {
  if (!status.ok()) {
    fprintf(stderr, "%s\n", status.ToString().c_str());
    abort();
  }
}

std::string PracticeOf(uint64_t number) { return absl::StrCat("practice-", number % kPractices); }
std::string EpisodeOf(uint64_t number) {
  return absl::StrCat("episode-", number / kPractices % kEpisodesPerPractice);
}

// What one create of a record is: the record in two indexes, journal, audit, idempotency key.
Batch CreateBatch(const std::string& id, uint64_t number, absl::Time now) {
  Batch batch;
  batch.practice = PracticeOf(number);
  const RecordKey key{"goal", id};
  batch.expectations = {{key, 0}};
  batch.puts = {
      {key, kValue, {{"by_episode", absl::StrCat(EpisodeOf(number), "/", id)}, {"by_id", id}}}};
  batch.journal = {id};
  batch.audit = {std::string(250, 'a')};
  batch.idempotency =
      IdempotencyKey{id, "fingerprint", std::string(100, 'r'), now + absl::Hours(24 * 14)};
  return batch;
}

// A store with records, a bare connection to read it, and a copy of it to write to barely.
class World {
 public:
  explicit World(int64_t records) {
    options_.path = folder_.PathOf("store.db");
    Open();
    for (int64_t i = 0; i < records;) {
      // One practice in each batch.
      std::map<std::string, Batch> batches;
      for (int j = 0; j < kPractices * 50 && i < records; ++j, ++i) {
        const std::string id = ids_.NewId();
        stored_.push_back(id);
        Batch& batch = batches[PracticeOf(static_cast<uint64_t>(i))];
        Batch one = CreateBatch(id, static_cast<uint64_t>(i), clock_.Now());
        batch.practice = one.practice;
        batch.puts.push_back(std::move(one.puts[0]));
        batch.journal.push_back(std::move(one.journal[0]));
        batch.audit.push_back(std::move(one.audit[0]));
      }
      for (const auto& [practice, batch] : batches) {
        Require(store_->Apply({}, batch).status());
      }
    }
    Require(store_->Close());
    raw_path_ = folder_.PathOf("raw.db");
    std::filesystem::copy_file(options_.path, raw_path_);
    Open();
    raw_reader_ = *SqliteConnection::Open(options_.path, SQLITE_OPEN_READONLY, "");
    raw_writer_ = *SqliteConnection::Open(raw_path_, SQLITE_OPEN_READWRITE, "");
    Require(raw_writer_->Execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;"
        "PRAGMA wal_autocheckpoint = 16000",
        "configure"));
    Require(raw_reader_->Execute("PRAGMA cache_size = -16384", "configure"));
    // Otherwise the commits that are measured wait for the disk to write what was made here.
    sync();
  }

  void Apply(benchmark::State& state) {
    std::mt19937_64 random(static_cast<uint64_t>(state.thread_index()));
    for (auto _ : state) {
      Require(store_->Apply({}, CreateBatch(ids_.NewId(), random(), clock_.Now())).status());
    }
    state.SetItemsProcessed(state.iterations());
  }

  // The rows of Apply, a transaction each, on one connection.
  void RawApply(benchmark::State& state) {
    std::mt19937_64 random(1);
    for (auto _ : state) {
      const Batch batch = CreateBatch(ids_.NewId(), random(), clock_.Now());
      const Put& put = batch.puts[0];
      SqliteConnection& c = *raw_writer_;
      Require(SqliteQuery(c, "BEGIN IMMEDIATE").Run("begin"));
      const int64_t practice = static_cast<int64_t>(random() % kPractices) + 1;
      Require(SqliteQuery(c,
                          "INSERT INTO record (practice, kind, id, version, entries, value) "
                          "VALUES (?, ?, ?, 1, x'', ?)",
                          practice, put.key.kind, put.key.id, put.value)
                  .Run("insert"));
      const int64_t row = sqlite3_last_insert_rowid(c.handle());
      for (const IndexEntry& entry : put.index) {
        Require(SqliteQuery(c, "INSERT INTO index_entry VALUES (?, ?, ?, ?, ?, ?)", practice,
                            entry.index, entry.sort_key, put.key.kind, put.key.id, row)
                    .Run("insert"));
      }
      const int64_t sequence = ++raw_sequence_;
      Require(SqliteQuery(c, "INSERT INTO journal VALUES (?, ?, 0, ?)", practice, sequence,
                          batch.journal[0])
                  .Run("insert"));
      Require(SqliteQuery(c, "INSERT INTO audit VALUES (?, ?, 0, ?)", practice, sequence,
                          batch.audit[0])
                  .Run("insert"));
      Require(
          SqliteQuery(c, "UPDATE practice SET journal_last = ? WHERE id = ?", sequence, practice)
              .Run("update"));
      Require(SqliteQuery(c,
                          "INSERT INTO idempotency (practice, key, expire_time, fingerprint, "
                          "result) VALUES (?, ?, 0, ?, ?)",
                          practice, batch.idempotency->key, batch.idempotency->fingerprint,
                          batch.idempotency->result)
                  .Run("insert"));
      Require(SqliteQuery(c, "COMMIT").Run("commit"));
    }
    state.SetItemsProcessed(state.iterations());
  }

  // What the disk takes to make a page durable, and nothing else: the floor of every commit.
  void RawSync(benchmark::State& state) {
    const std::string path = folder_.PathOf("sync");
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string page(4096, 'p');
    off_t offset = 0;
    for (auto _ : state) {
      if (pwrite(file, page.data(), page.size(), offset) != static_cast<ssize_t>(page.size()) ||
          fdatasync(file) != 0) {
        Require(absl::UnavailableError("cannot sync"));
      }
      offset = (offset + 4096) % (4096 * 1000);  // as a log is written again and again
    }
    close(file);
    state.SetItemsProcessed(state.iterations());
  }

  void Get(benchmark::State& state) {
    std::mt19937_64 random(static_cast<uint64_t>(state.thread_index()));
    for (auto _ : state) {
      const uint64_t number = random() % stored_.size();
      const auto record = store_->Get({}, PracticeOf(number), {"goal", stored_[number]});
      Require(record.status());
      benchmark::DoNotOptimize(record->value.data());
    }
    state.SetItemsProcessed(state.iterations());
  }

  void RawGet(benchmark::State& state) {
    std::mt19937_64 random(0);
    const std::vector<int64_t> ids = PracticeIds();
    for (auto _ : state) {
      const uint64_t number = random() % stored_.size();
      SqliteQuery query(*raw_reader_,
                        "SELECT version, value FROM record WHERE practice = ? AND kind = ? AND "
                        "id = ?",
                        ids[number % kPractices], absl::string_view("goal"), stored_[number]);
      Require(*query.Step("get") ? absl::OkStatus() : absl::NotFoundError("no row"));
      const std::string value(query.Bytes(1));
      benchmark::DoNotOptimize(value.data());
    }
    state.SetItemsProcessed(state.iterations());
  }

  void GetPosition(benchmark::State& state) {
    std::mt19937_64 random(static_cast<uint64_t>(state.thread_index()));
    for (auto _ : state) {
      const auto position = store_->GetPosition({}, PracticeOf(random()));
      benchmark::DoNotOptimize(position->sequence);
    }
    state.SetItemsProcessed(state.iterations());
  }

  void RawGetPosition(benchmark::State& state) {
    std::mt19937_64 random(0);
    for (auto _ : state) {
      const std::string practice = PracticeOf(random());
      SqliteQuery query(*raw_reader_, "SELECT journal_last FROM practice WHERE name = ?", practice);
      Require(query.Step("position").status());
      benchmark::DoNotOptimize(query.Int(0));
    }
    state.SetItemsProcessed(state.iterations());
  }

  void Scan(benchmark::State& state) {
    std::mt19937_64 random(static_cast<uint64_t>(state.thread_index()));
    ScanRequest request;
    request.index = "by_id";
    request.limit = kPageRows;
    for (auto _ : state) {
      request.practice = PracticeOf(random());
      request.prefix = "";
      request.reverse = true;
      const auto page = store_->Scan({}, request);
      Require(page.status());
      benchmark::DoNotOptimize(page->rows.data());
    }
    state.SetItemsProcessed(state.iterations());
  }

  void RawScan(benchmark::State& state) {
    std::mt19937_64 random(0);
    const std::vector<int64_t> ids = PracticeIds();
    for (auto _ : state) {
      SqliteQuery query(*raw_reader_,
                        "SELECT e.sort_key, e.kind, e.id, r.version, r.value FROM index_entry e "
                        "JOIN record r ON r.row = e.record WHERE e.practice = ? AND "
                        "e.name = CAST('by_id' AS BLOB) ORDER BY e.sort_key DESC, e.kind DESC, "
                        "e.id DESC LIMIT 100",
                        ids[random() % kPractices]);
      std::vector<std::string> values;
      while (*query.Step("scan")) {
        values.emplace_back(query.Bytes(4));
      }
      benchmark::DoNotOptimize(values.data());
    }
    state.SetItemsProcessed(state.iterations());
  }

 private:
  void Open() {
    auto store = MakeSqliteStore(options_, clock_);
    Require(store.status());
    store_ = *std::move(store);
  }

  // The rows' practices, by the number in their name.
  std::vector<int64_t> PracticeIds() {
    std::vector<int64_t> ids;
    for (uint64_t i = 0; i < kPractices; ++i) {
      const std::string practice = PracticeOf(i);
      SqliteQuery query(*raw_reader_, "SELECT id FROM practice WHERE name = ?", practice);
      Require(query.Step("practice").status());
      ids.push_back(query.Int(0));
    }
    return ids;
  }

  const SystemClock clock_;
  UuidGenerator ids_;
  securebase::testing::TemporaryFolder folder_;
  SqliteOptions options_;
  std::string raw_path_;
  int64_t raw_sequence_ = 1'000'000'000;  // above all that are there
  std::vector<std::string> stored_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<SqliteConnection> raw_reader_;
  std::unique_ptr<SqliteConnection> raw_writer_;
};

// Prints the usual lines, and keeps the rates for the table.
class RateReporter : public benchmark::ConsoleReporter {
 public:
  RateReporter() : benchmark::ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration && !run.error_occurred) {
        rates_[run.benchmark_name()].push_back(run.counters.at("items_per_second"));
      }
    }
    ConsoleReporter::ReportRuns(runs);
  }

  // The median rate of a benchmark over its repetitions; 0 when it did not run.
  double RateOf(const std::string& name) const {
    const auto it = rates_.find(name);
    if (it == rates_.end()) {
      return 0;
    }
    std::vector<double> sorted = it->second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> rates_;
};

void PrintTable(const RateReporter& reporter, int64_t records) {
  struct Row {
    const char* what;
    const char* ours;
    int threads;
    const char* raw;
  };
  const Row rows[] = {
      {"Apply, 1 writer", "Apply", 1, "RawApply"},
      {"Apply, 8 writers", "Apply", 8, "RawApply"},
      {"Apply, 32 writers", "Apply", 32, "RawApply"},
      {"Get, 1 reader", "Get", 1, "RawGet"},
      {"Get, 8 readers", "Get", 8, "RawGet"},
      {"GetPosition", "GetPosition", 1, "RawGetPosition"},
      {"Scan, 100 rows", "Scan", 1, "RawScan"},
  };
  const auto rate = [&](const char* name, int threads) {
    return reporter.RateOf(absl::StrCat(records, "/", name, "/real_time/threads:", threads));
  };
  printf("\n%-18s %12s %15s %7s\n", absl::StrCat(records, " records").c_str(), "calls/s",
         "bare SQLite/s", "ratio");
  printf("%-18s %28.0f\n", "a page and a sync", rate("RawSync", 1));
  for (const Row& row : rows) {
    const double ours = rate(row.ours, row.threads);
    const double raw = rate(row.raw, 1);
    if (ours > 0 && raw > 0) {
      printf("%-18s %12.0f %15.0f %7.2f\n", row.what, ours, raw, ours / raw);
    }
  }
}

int Main(int argc, char** argv) {
  std::vector<int64_t> sizes = {10'000};
  std::vector<char*> rest;
  for (int i = 0; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (!absl::ConsumePrefix(&argument, "--records=")) {
      rest.push_back(argv[i]);
      continue;
    }
    sizes.clear();
    for (const absl::string_view size : absl::StrSplit(argument, ',')) {
      sizes.emplace_back();
      if (!absl::SimpleAtoi(size, &sizes.back()) || sizes.back() < kPageRows * kPractices) {
        fprintf(stderr, "--records takes numbers of %d or more\n", kPageRows * kPractices);
        return 2;
      }
    }
  }
  int count = static_cast<int>(rest.size());
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) {
    return 2;
  }
  RateReporter reporter;
  for (const int64_t size : sizes) {
    World world(size);
    const auto add = [&](const char* name, void (World::*method)(benchmark::State&),
                         const std::vector<int>& threads) {
      for (const int n : threads) {
        benchmark::RegisterBenchmark(
            absl::StrCat(size, "/", name).c_str(),
            [&world, method](benchmark::State& state) { (world.*method)(state); })
            ->UseRealTime()
            ->Threads(n);
      }
    };
    // Reads first: then every size is read as it was made.
    add("RawGet", &World::RawGet, {1});
    add("Get", &World::Get, {1, 8});
    add("RawGetPosition", &World::RawGetPosition, {1});
    add("GetPosition", &World::GetPosition, {1});
    add("RawScan", &World::RawScan, {1});
    add("Scan", &World::Scan, {1});
    add("RawSync", &World::RawSync, {1});
    add("RawApply", &World::RawApply, {1});
    add("Apply", &World::Apply, {1, 8, 32});
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::ClearRegisteredBenchmarks();
    PrintTable(reporter, size);
  }
  return 0;
}

}  // namespace
}  // namespace securebase::storage

int main(int argc, char** argv) { return securebase::storage::Main(argc, argv); }
