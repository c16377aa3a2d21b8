#pragma once

#include <cstdio>
#include <cstdlib>

// Ends the process, which is how a fuzz target reports that a promise was broken.
#define FUZZ_CHECK(condition)                                                 \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (false)
