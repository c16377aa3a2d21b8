#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "services/platform/storage/store.h"

namespace securebase::storage {

// Writes that can be checked afterwards. Thread t writes numbers from 1 on; for each number one
// batch with two records, an index entry for each, a journal and an audit entry, all of which hold
// the number. So a batch that was lost, or stored by half, shows.
inline constexpr int kWorkloadThreads = 4;

struct WorkloadProgress {
  int64_t acknowledged = 0;  // the last number whose Apply returned OK
  int64_t attempted = 0;     // the last number given to Apply
};

// Writes on kWorkloadThreads threads until each has met an error or written `count` numbers more
// than `from` says (empty: a new store). `acknowledged(thread, number)` is called after each OK,
// from that thread.
std::vector<WorkloadProgress> RunWorkload(Store& store, std::vector<WorkloadProgress> from,
                                          int64_t count,
                                          const std::function<void(int, int64_t)>& acknowledged);

struct WorkloadFindings {
  int64_t lost = 0;              // acknowledged numbers that are not there
  std::string damage;            // the first thing that is not as written; empty: none
  std::vector<int64_t> numbers;  // the last number of each thread in the store
};

// Compares what the store holds with what was acknowledged and attempted.
WorkloadFindings CheckWorkload(Store& store, const std::vector<WorkloadProgress>& progress);

}  // namespace securebase::storage
