#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#ifdef __SANITIZE_THREAD__
// Debian's Abseil is not built for ThreadSanitizer, which then does not see that the reference
// count of a status that threads share orders its deletion behind their reads.
extern "C" const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() { return "race:absl::*::Status::Unref\n"; }
#endif

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
