#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/storage/practice_digest.h"
#include "services/platform/storage/store.h"

// A backup: every practice of a store in one file that is read and written in one pass.
//
//   "SBBACKUP", format version (1 byte, 1), then chunks. A chunk is the length of its body (4
//   bytes, little endian), the body, and CRC-32C of both (4 bytes, little endian). A body begins
//   with the chunk's sort:
//     1  what this is: time of the backup, the store it is of
//     2  a practice begins: its name
//     3  items of that practice, in the order of an export
//     4  the practice ends: how many items of each part there were, and PracticeDigest of them
//     5  the file ends: how many practices there were, and SHA-256 of their names and digests
//
// numbers, strings and items as codec.h and practice_digest.h write them. So each damaged byte is
// noticed before what it belongs to is used, and a missing or repeated chunk by the end at the
// latest.
namespace securebase::storage {

inline constexpr size_t kMaxBackupChunkBytes = 16 << 20;  // a longer one is damage

struct BackupInfo {
  absl::Time created;
  std::string store;  // without anything secret: "sqlite"
};

struct BackupContents {
  BackupInfo info;
  int64_t bytes = 0;                       // of the file
  std::vector<PracticeSummary> practices;  // in the file's order
};

// Writes a backup, at `path`.<random>.partial until it is whole. One thread at a time.
class BackupWriter {
 public:
  // The file has mode 0600 whatever the umask. ALREADY_EXISTS when there is something at `path`,
  // FAILED_PRECONDITION when its folder does not exist or is not writable.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Create(const std::string& path,
                                                              const BackupInfo& info);
  ~BackupWriter();  // leaves nothing behind unless Finish succeeded
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  // In this order, for each practice: Begin, Add as often as needed, End. A Begin without an End
  // takes back the one before it. UNAVAILABLE when the disk is full or fails.
  absl::Status BeginPractice(const std::string& practice);
  absl::Status Add(const std::vector<CopyItem>& items);
  absl::Status EndPractice();
  // Makes the file appear at its path, synced. ALREADY_EXISTS when something came to be there.
  absl::StatusOr<BackupContents> Finish();

 private:
  BackupWriter(std::string path, std::string partial, int fd)
      : path_(std::move(path)), partial_(std::move(partial)), fd_(fd) {}
  absl::Status WriteChunk(const std::string& body);
  absl::Status WriteBytes(absl::string_view bytes);

  const std::string path_;
  const std::string partial_;
  const int fd_;
  BackupContents contents_;
  int64_t practice_begin_ = -1;  // where its chunk is; -1 between practices
  std::optional<PracticeDigest> digest_;
};

// Called with each practice's items as they are read.
using OnBackupItems =
    std::function<absl::Status(const std::string& practice, const std::vector<CopyItem>& items)>;

// Reads a whole backup with memory for one chunk, checks all of it, and returns what is in it;
// summaries leave out idempotency keys that expire at `keys_after` or before. `on_items` (may be
// empty) hears of items whose chunk is undamaged, before the rest of the file is known to be; an
// error of its ends the reading.
//   FAILED_PRECONDITION  it cannot be opened, or a newer release wrote it
//   INVALID_ARGUMENT     it is no backup
//   DATA_LOSS            it is damaged or ends early; the message says at which byte
absl::StatusOr<BackupContents> ReadBackup(const std::string& path, absl::Time keys_after,
                                          const OnBackupItems& on_items);

}  // namespace securebase::storage
