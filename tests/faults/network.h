#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/redis_server.h"

namespace securebase::faults {

// A network of machines that the test can cut in two: Linux network namespaces, joined by a bridge.
// The test, with its clients, is on it too. A cut is a real one: packets vanish, connections stay
// open, nobody is told. Each machine has a second network to the test alone, the back door, that is
// never cut. Not thread-safe.
class Network {
 public:
  // Whether this process may make one: it must be root, and the kernel must have bridges. Otherwise
  // the reason, for GTEST_SKIP.
  static absl::Status IsPossible();

  // Addresses are of 198.18.0.0/15, which is for tests (RFC 2544).
  static absl::StatusOr<std::unique_ptr<Network>> Make(size_t machines);
  ~Network();  // what runs on the machines must have ended
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const std::vector<securebase::testing::RedisPlace>& places() const { return places_; }
  std::vector<std::string> addresses() const;

  // From now on these machines reach only each other, and the test reaches only the others.
  absl::Status Cut(const std::vector<size_t>& far);
  absl::Status Heal();

 private:
  Network() = default;
  absl::Status Build(size_t machines);
  void Remove();

  std::string name_;
  std::vector<securebase::testing::RedisPlace> places_;
};

}  // namespace securebase::faults
