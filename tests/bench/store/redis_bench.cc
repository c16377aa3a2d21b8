// What the Redis store costs, beside the same scripts pipelined by hand on one bare connection to
// the same server: figures of one machine say little, their ratios say more.
//
//   bench_redis [--seconds=2]
//
// Starts redis-server itself: one with appendfsync always, then a primary with two replicas.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/storage/redis_connection.h"
#include "services/platform/storage/redis_store.h"
#include "tests/testing/redis_server.h"

namespace securebase::storage {
namespace {

using securebase::testing::RedisReplication;
using securebase::testing::RedisServer;

constexpr int kPractices = 20;
constexpr size_t kPipeline = 32;

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    abort();
  }
  return *std::move(result);
}

std::string PracticeOf(uint64_t number) { return absl::StrCat("practice-", number % kPractices); }

// What one create of a record is: the record in two indexes, journal, audit, idempotency key.
Batch CreateBatch(const std::string& id, uint64_t number) {
  Batch batch;
  batch.practice = PracticeOf(number);
  const RecordKey key{"goal", id};
  batch.expectations = {{key, 0}};
  batch.puts = {{key,
                 std::string(600, 'x'),
                 {{"by_episode", absl::StrCat("episode-", number % 200, "/", id)}, {"by_id", id}}}};
  batch.journal = {id};
  batch.audit = {std::string(250, 'a')};
  batch.idempotency =
      IdempotencyKey{id, "fingerprint", std::string(100, 'r'), absl::Now() + absl::Hours(24 * 14)};
  return batch;
}

// Keeps calls instead of running them, for the bare connection to run.
class RecordingRouter final : public RedisRouter {
 public:
  explicit RecordingRouter(std::unique_ptr<RedisRouter> router) : router_(std::move(router)) {}

  absl::StatusOr<RedisAnswer> Run(const Context& context, const RedisCall& call) override {
    if (!recording) {
      return router_->Run(context, call);
    }
    calls.push_back(call);
    return absl::UnavailableError("recorded");
  }
  absl::StatusOr<std::vector<NodeReply>> RunOnPrimaries(
      const Context& context, const std::vector<std::string>& command) override {
    return router_->RunOnPrimaries(context, command);
  }
  RedisRouterStats stats() const override { return router_->stats(); }
  void Close() override { router_->Close(); }

  bool recording = false;
  std::vector<RedisCall> calls;

 private:
  const std::unique_ptr<RedisRouter> router_;
};

class World {
 public:
  World(RedisOptions options, absl::Duration time) : options_(std::move(options)), time_(time) {
    auto router = std::make_unique<RecordingRouter>(OrDie(MakeRedisRouter(options_, nullptr)));
    router_ = router.get();
    RedisStoreOptions store;
    store.prefix = "bench";
    store.durability = options_.durability;
    store_ = OrDie(MakeRedisStore(std::move(router), store));
    for (int i = 0; i < 20 * kPractices; ++i) {
      ids_.push_back(uuids_.NewId());
      OrDie(store_->Apply({}, CreateBatch(ids_.back(), static_cast<uint64_t>(i))));
    }
  }

  void Apply(uint64_t number) { OrDie(store_->Apply({}, CreateBatch(uuids_.NewId(), number))); }
  void Get(uint64_t number) {
    const uint64_t place = number % ids_.size();
    OrDie(store_->Get({}, PracticeOf(place), {"goal", ids_[place]}));
  }
  void GetPosition(uint64_t number) { OrDie(store_->GetPosition({}, PracticeOf(number))); }

  using Operation = void (World::*)(uint64_t number);

  // Calls per second by so many callers, and how many calls shared a round trip.
  std::pair<double, double> Rate(Operation operation, int callers) {
    std::atomic<int64_t> done = 0;
    std::atomic<bool> stop = false;
    const RedisRouterStats before = router_->stats();
    const absl::Time start = absl::Now();
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&, i] {
        for (auto number = static_cast<uint64_t>(i); !stop; number += 7) {
          (this->*operation)(number);
          ++done;
        }
      });
    }
    absl::SleepFor(time_);
    stop = true;
    for (std::thread& thread : threads) {
      thread.join();
    }
    const RedisRouterStats after = router_->stats();
    return {static_cast<double>(done) / absl::ToDoubleSeconds(absl::Now() - start),
            static_cast<double>(after.calls - before.calls) /
                static_cast<double>(after.flushes - before.flushes)};
  }

  // The same scripts with the same arguments, so many in each round trip.
  double BareRate(Operation operation, size_t pipeline) {
    (this->*operation)(0);  // so that the server knows the script
    const RedisStop stop;
    const auto connection = OrDie(RedisConnection::OpenPrimary(
        options_, options_.addresses[0], nullptr, absl::Now() + absl::Seconds(5), stop));
    int64_t done = 0;
    absl::Duration spent;
    for (uint64_t number = 0; spent < time_;) {
      const std::string commands = Record(operation, number, pipeline);
      number += pipeline;
      const absl::Time start = absl::Now();
      const auto exchanged = connection->Exchange(commands, pipeline, absl::Seconds(10));
      spent += absl::Now() - start;
      for (const RedisReply& reply : exchanged.replies) {
        if (reply.kind == RedisReply::Kind::kError) {
          fprintf(stderr, "%s\n", reply.text.c_str());
          abort();
        }
      }
      done += static_cast<int64_t>(exchanged.replies.size());
    }
    return static_cast<double>(done) / absl::ToDoubleSeconds(spent);
  }

 private:
  std::string Record(Operation operation, uint64_t number, size_t count) {
    // The operations end the program when they fail, as a recorded one does.
    std::string commands;
    router_->calls.clear();
    router_->recording = true;
    for (size_t i = 0; i < count; ++i) {
      if (operation == &World::Apply) {
        (void)store_->Apply({}, CreateBatch(uuids_.NewId(), number + i)).status();
      } else if (operation == &World::Get) {
        const uint64_t place = (number + i) % ids_.size();
        (void)store_->Get({}, PracticeOf(place), {"goal", ids_[place]}).status();
      } else {
        (void)store_->GetPosition({}, PracticeOf(number + i)).status();
      }
    }
    router_->recording = false;
    for (const RedisCall& call : router_->calls) {
      const std::string keys = absl::StrCat(call.keys.size());
      std::vector<absl::string_view> words = {"EVALSHA", call.script->sha1, keys};
      words.insert(words.end(), call.keys.begin(), call.keys.end());
      words.insert(words.end(), call.arguments.begin(), call.arguments.end());
      AppendRedisCommand(words, commands);
    }
    return commands;
  }

  const RedisOptions options_;
  const absl::Duration time_;
  UuidGenerator uuids_;
  std::vector<std::string> ids_;
  RecordingRouter* router_ = nullptr;
  std::unique_ptr<Store> store_;
};

struct Row {
  const char* what;
  World::Operation operation;
  int callers;
};
constexpr Row kRows[] = {
    {"Apply, 1 caller", &World::Apply, 1},
    {"Apply, 8 callers", &World::Apply, 8},
    {"Apply, 32 callers", &World::Apply, 32},
    {"Apply, 128 callers", &World::Apply, 128},
    {"Get, 1 caller", &World::Get, 1},
    {"Get, 32 callers", &World::Get, 32},
    {"GetPosition, 1 caller", &World::GetPosition, 1},
    {"GetPosition, 32 callers", &World::GetPosition, 32},
};

int Main(int argc, char** argv) {
  int seconds = 2;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (!absl::ConsumePrefix(&argument, "--seconds=") || !absl::SimpleAtoi(argument, &seconds) ||
        seconds < 1) {
      fprintf(stderr, "bench_redis [--seconds=2]\n");
      return 2;
    }
  }
  const absl::Duration time = absl::Seconds(seconds);
  {
    const auto server = OrDie(RedisServer::Start({}));
    World world(OrDie(ParseRedisUrl("redis://" + server->host_and_port())), time);
    printf("%-24s %10s %12s %10s %7s\n", "local", "calls/s", "round trip of", "bare/s", "ratio");
    for (const Row& row : kRows) {
      const double bare = world.BareRate(row.operation, row.callers == 1 ? 1 : kPipeline);
      const auto [rate, group] = world.Rate(row.operation, row.callers);
      printf("%-24s %10.0f %12.1f %10.0f %7.2f\n", row.what, rate, group, bare, rate / bare);
      fflush(stdout);
    }
  }
  const auto redis = OrDie(RedisReplication::Start({}));
  World world(
      OrDie(ParseRedisUrl(absl::StrCat("redis+sentinel://", redis->sentinel_addresses(), "/",
                                       RedisReplication::kPrimaryName, "?replicas=2"))),
      time);
  printf("\n%-24s %10s %12s\n", "replicated, 2 replicas", "calls/s", "round trip of");
  for (const Row& row : kRows) {
    const auto [rate, group] = world.Rate(row.operation, row.callers);
    printf("%-24s %10.0f %12.1f\n", row.what, rate, group);
    fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace securebase::storage

int main(int argc, char** argv) { return securebase::storage::Main(argc, argv); }
