#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/faults/disk_state.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::faults {

// Power cuts for a redis-server: takes from its files what it had not synced. A kill alone loses
// nothing, because the kernel keeps what was written.
//
//   CrashDisk disk;
//   options.preload = disk.library(); options.environment = disk.environment();
//   ... RedisServer::Start(options); load; redis->Kill();
//   disk.LoseUnsynced(redis->folder(), &random); redis->Restart();
//
// What is lost is the end of a file, from anywhere after what was synced. That a file was created,
// renamed or removed counts as durable at once, in the order in which it happened, as the journal
// of a file system has it; and no bytes are kept behind some that are lost.
class CrashDisk {
 public:
  CrashDisk();  // problems end the process
  ~CrashDisk();
  CrashDisk(const CrashDisk&) = delete;
  CrashDisk& operator=(const CrashDisk&) = delete;

  std::string library() const;
  std::vector<std::string> environment() const;

  // After so many more syncs the disk is broken: every further one fails, until LoseUnsynced.
  void BreakAfter(int64_t syncs);
  // After so many more syncs the power fails in the next one: the server is killed.
  void CutPowerAfter(int64_t syncs);

  // When the server is dead: cuts every file in `folder` to its synced length, or with `random`
  // somewhere between that and its length. Returns how many bytes were lost. What is left counts as
  // synced, and the disk is a good one again.
  absl::StatusOr<int64_t> LoseUnsynced(const std::string& folder, std::mt19937_64* random);
  // The same for a server that is killed while its disk keeps everything.
  void LoseNothing();

 private:
  const securebase::testing::TemporaryFolder folder_;
  DiskState* state_ = nullptr;
  // By file number: what files held after the last cut, when no server had touched them yet.
  std::map<uint64_t, int64_t> durable_before_;
};

}  // namespace securebase::faults
