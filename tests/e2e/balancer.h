#pragma once

#include <memory>
#include <vector>

namespace securebase::testing {

// One loopback port before several, as a Kubernetes Service is: each new connection goes to the
// next port that takes it, and is a connection to it until one side closes. Its thread ends with
// it.
class Balancer {
 public:
  static std::unique_ptr<Balancer> Start(std::vector<int> ports);  // null when it cannot
  virtual ~Balancer() = default;
  virtual int port() const = 0;
};

}  // namespace securebase::testing
