#pragma once

#include <atomic>
#include <cstdint>

// What the preloaded library (disk_shim.cc) tells the test (crash_disk.h), in a file that both map:
// how much of each file was synced.
namespace securebase::faults {

struct DiskState {
  static constexpr char kVariable[] = "DISK_STATE";  // of the environment: the file's path
  static constexpr uint64_t kSlots = 4096;
  struct Slot {
    std::atomic<uint64_t> inode;   // 0: free
    std::atomic<int64_t> durable;  // bytes from the file's begin
  };
  Slot slots[kSlots];
  // After so many more syncs the next one, and every further one, ends as `end` says. Negative:
  // never.
  enum End : int { kError, kPowerCut };  // it fails with EIO; its process is killed in it
  std::atomic<int64_t> syncs_left;
  std::atomic<int> end;

  // The slot of a file, taken if `make`; null if there is none (or no room).
  Slot* Find(uint64_t inode, bool make) {
    for (uint64_t i = 0; i < kSlots; ++i) {
      Slot& slot = slots[(inode + i) % kSlots];
      uint64_t found = slot.inode;
      if (found == 0 && make && slot.inode.compare_exchange_strong(found, inode)) {
        found = inode;
      }
      if (found == inode) {
        return &slot;
      }
      if (found == 0 && !make) {
        return nullptr;
      }
    }
    return nullptr;
  }
};
static_assert(std::atomic<int64_t>::is_always_lock_free && sizeof(DiskState::Slot) == 16,
              "two processes share it");

}  // namespace securebase::faults
