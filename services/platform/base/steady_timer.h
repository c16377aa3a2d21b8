#pragma once

#include <chrono>

#include "absl/time/time.h"

namespace securebase {

// A pause that began when the object was made. It lasts as long as it was meant to, also when the
// system's clock is set meanwhile; on that one, setting it back by an hour makes every pause an
// hour longer.
class SteadyTimer {
 public:
  explicit SteadyTimer(absl::Duration length)
      : length_(length), began_(std::chrono::steady_clock::now()) {}

  // What is left of it; zero or less: it is over.
  absl::Duration Left() const {
    return length_ - absl::FromChrono(std::chrono::steady_clock::now() - began_);
  }

 private:
  absl::Duration length_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace securebase
