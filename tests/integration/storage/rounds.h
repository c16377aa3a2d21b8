#pragma once

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace securebase::storage {

// How often a test that kills or cuts repeats: SECUREBASE_ROUNDS, or `many` with
// SECUREBASE_LONG=1 (scripts/test --all), or `few`.
inline int Rounds(int few, int many) {
  const char* text = std::getenv("SECUREBASE_ROUNDS");
  int rounds = 0;
  if (text != nullptr && absl::SimpleAtoi(text, &rounds) && rounds > 0) {
    return rounds;
  }
  const char* is_long = std::getenv("SECUREBASE_LONG");
  return is_long != nullptr && absl::string_view(is_long) == "1" ? many : few;
}

}  // namespace securebase::storage
