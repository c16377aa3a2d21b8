#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/base/clock.h"
#include "services/platform/storage/store.h"
#include "tests/faults/load.h"
#include "tests/testing/redis_server.h"

namespace securebase::faults {

// A Redis as --store names it: "redis", "redis+sentinel" or "redis+cluster", over TLS if `tls` is
// not null. `addresses`: "host:port,host:port"; `path`: what follows them, "/primary-name".
std::string RedisUrl(const std::string& scheme, const std::string& addresses,
                     const std::string& path, const securebase::testing::RedisTls* tls,
                     const std::string& parameters);

// The sum of some rounds, printed as a row of the tables in docs/storage.md.
struct Totals {
  int rounds = 0;
  int64_t acknowledged = 0;
  int64_t unknown = 0;
  int64_t unknown_done = 0;
  int64_t lost = 0;
  int64_t doubled = 0;
  int64_t violations = 0;  // those included, of rounds that may not lose
  int64_t bytes_cut = 0;
  std::vector<absl::Duration> failovers;  // until another server was primary
  std::vector<absl::Duration> writes;     // then, or after the servers were whole again: until the
  std::vector<absl::Duration> reads;      // first write and the first audited read were answered
};
void Print(const std::string& title, const Totals& totals);

// One round: replicas of a service, each with a store of its own on the same Redis, under a load
// that writes to practices of its own.
class Trial {
 public:
  struct Options {
    std::string url;
    int replicas = 2;
    int practices = 2;
    uint64_t seed = 1;
    absl::Duration deadline = absl::Seconds(2);
  };
  // Opens the stores, starts the load and waits until it runs well.
  static absl::StatusOr<std::unique_ptr<Trial>> Start(const Options& options);
  ~Trial();

  Load& load() { return *load_; }
  storage::Store& store() { return *stores_[0]; }
  // The load's, named so that no other round has them.
  static std::vector<std::string> Practices(const Options& options);

  // Waits for the first write and the first audited read that begin after `from`; adds to `totals`
  // how long they took. DEADLINE_EXCEEDED when they do not come within `timeout`.
  absl::Status AwaitRecovery(absl::Time from, absl::Duration timeout, Totals& totals);

  // Ends the load, repeats what is unknown, checks everything; reports violations as test failures
  // unless `may_lose`. Adds to `totals`.
  void Finish(Totals& totals, bool may_lose = false);

 private:
  Trial() = default;
  const SystemClock clock_{};
  std::vector<std::unique_ptr<storage::Store>> stores_;
  std::unique_ptr<Load> load_;
};

// Asks again and again until `is_true`; false when it does not become so.
bool Await(const std::function<bool()>& is_true, absl::Duration timeout = absl::Seconds(30));

// Calls return at most 100 ms after their deadline, and not later than this machine makes a thread
// that only sleeps.
void ExpectCallsEndedInTime(const LoadCounts& counts);

}  // namespace securebase::faults
