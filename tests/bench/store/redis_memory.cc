// What a record costs in the memory of Redis, with all that belongs to it.
//
//   bench_redis_memory [records=100000] [bytes of a value=600]

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/storage/open_store.h"
#include "tests/testing/redis_server.h"

namespace securebase::storage {
namespace {

using securebase::testing::RedisClient;
using securebase::testing::RedisServer;

constexpr int kPractices = 20;
constexpr int kWriters = 32;
constexpr char kPrefix[] = "outcomes";

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

int64_t UsedMemory(const RedisServer& server) {
  int64_t bytes = 0;
  (void)absl::SimpleAtoi(OrDie(server.Info("used_memory")), &bytes);
  return bytes;
}

// What the letter behind the practice says (services/platform/storage/redis/prelude.lua).
std::string KindOf(const std::string& key) {
  static const std::map<char, std::string> kKinds = {
      {'r', "record"},           {'n', "list of all records"}, {'x', "two index entries"},
      {'j', "journal entry"},    {'a', "audit entry"},         {'i', "idempotency key, result"},
      {'k', "list of its keys"}, {'e', "keys by expiry"}};
  const auto it = kKinds.find(key[key.find('}') + 1]);
  return it == kKinds.end() ? "other" : it->second;
}

// What creating a record writes: the record in two indexes, a journal and an audit entry, and the
// request's id with its result, which is the record again.
void Create(Store& store, const SystemClock& clock, IdGenerator& ids, int64_t number,
            size_t value_bytes) {
  const std::string id = ids.NewId();
  Batch batch;
  batch.practice = absl::StrCat("practice-", number % kPractices);
  batch.puts = {{{"goal", id},
                 std::string(value_bytes, 'x'),
                 {{"by_episode", absl::StrCat("episode-", number % 200, "/", id)}, {"by_id", id}}}};
  batch.journal = {std::string(60, 'j')};
  batch.audit = {std::string(250, 'a')};
  batch.idempotency = IdempotencyKey{id, std::string(32, 'f'), std::string(value_bytes + 100, 'r'),
                                     clock.Now() + absl::Hours(24 * 14)};
  OrDie(store.Apply({}, batch));
}

void Fill(Store& store, int64_t records, size_t value_bytes) {
  const SystemClock clock;
  std::atomic<int64_t> next = 0;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      UuidGenerator ids;
      for (int64_t number = next++; number < records; number = next++) {
        Create(store, clock, ids, number, value_bytes);
        if (number % 1000 == 0) {
          fprintf(stderr, "\r%lld of %lld records", static_cast<long long>(number),
                  static_cast<long long>(records));
        }
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  fprintf(stderr, "\n");
}

int Main(int argc, char** argv) {
  int64_t records = 100'000;
  int64_t value_bytes = 600;
  if ((argc > 1 && !absl::SimpleAtoi(argv[1], &records)) ||
      (argc > 2 && !absl::SimpleAtoi(argv[2], &value_bytes)) || records < 1 || value_bytes < 0) {
    fprintf(stderr, "usage: bench_redis_memory [records] [bytes of a value]\n");
    return 1;
  }
  const auto server = OrDie(RedisServer::Start({}));
  const SystemClock clock;
  const auto store =
      OrDie(OpenStore(absl::StrCat("redis://", server->host_and_port()), clock, kPrefix));
  const int64_t before = UsedMemory(*server);
  Fill(*store, records, static_cast<size_t>(value_bytes));
  const int64_t used = UsedMemory(*server) - before;

  const auto client = OrDie(server->Connect(absl::Minutes(1)));
  std::map<std::string, int64_t> bytes;
  int64_t counted = 0;
  std::string cursor = "0";
  do {
    RedisReply page = OrDie(client->Run({"SCAN", cursor, "COUNT", "1000"}));
    cursor = page.elements[0].text;
    for (const RedisReply& key : page.elements[1].elements) {
      const int64_t size =
          OrDie(client->Run({"MEMORY", "USAGE", key.text, "SAMPLES", "0"})).integer;
      bytes[KindOf(key.text)] += size;
      counted += size;
    }
  } while (cursor != "0");
  bytes["tables of all keys"] = used - counted;

  printf("%lld records of %lld bytes, Redis %s\n\n%-26s %s\n", static_cast<long long>(records),
         static_cast<long long>(value_bytes), OrDie(server->Info("redis_version")).c_str(), "what",
         "bytes per record");
  for (const auto& [kind, size] : bytes) {
    printf("%-26s %lld\n", kind.c_str(), static_cast<long long>(size / records));
  }
  printf("%-26s %lld\n", "together (used_memory)", static_cast<long long>(used / records));
  return 0;
}

}  // namespace
}  // namespace securebase::storage

int main(int argc, char** argv) { return securebase::storage::Main(argc, argv); }
