// Backup files. An input is the bodies of chunks, each behind its length in two bytes: they get
// lengths and checksums that are right, so that what is behind them is reached; the input is also
// read as a file as it is.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/platform/storage/backup_file.h"
#include "services/platform/storage/crc32c.h"
#include "tests/fuzz/check.h"

namespace {

using securebase::storage::CopyItem;

std::string LittleEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>(number >> shift & 0xff));
  }
  return bytes;
}

std::string FileOf(absl::string_view input) {
  std::string file("SBBACKUP\x01");
  while (input.size() >= 2) {
    const size_t length = static_cast<unsigned char>(input[0]) |
                          static_cast<size_t>(static_cast<unsigned char>(input[1])) << 8;
    const std::string body(input.substr(2, length));
    input.remove_prefix(2 + body.size());
    const std::string chunk = LittleEndian(static_cast<uint32_t>(body.size())) + body;
    file += chunk + LittleEndian(securebase::storage::Crc32c(chunk));
  }
  return file;
}

// What is read of an item is what is written of it.
absl::Status CheckItems(const std::string&, const std::vector<CopyItem>& items) {
  for (const CopyItem& item : items) {
    std::string bytes;
    securebase::storage::AppendCopyItem(bytes, item);
    securebase::storage::Decoder decoder(bytes);
    const auto again = securebase::storage::ReadCopyItem(decoder);
    FUZZ_CHECK(again.has_value() && decoder.ok() && decoder.rest().empty());
    std::string same;
    securebase::storage::AppendCopyItem(same, *again);
    FUZZ_CHECK(same == bytes);
  }
  return absl::OkStatus();
}

void Check(const std::string& bytes) {
  const int fd = memfd_create("backup", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0);
  FUZZ_CHECK(write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const auto contents = securebase::storage::ReadBackup(absl::StrCat("/proc/self/fd/", fd),
                                                        absl::InfinitePast(), CheckItems);
  if (contents.ok()) {
    FUZZ_CHECK(contents->bytes == static_cast<int64_t>(bytes.size()));
  } else {
    FUZZ_CHECK(contents.status().code() == absl::StatusCode::kDataLoss ||
               contents.status().code() == absl::StatusCode::kInvalidArgument ||
               contents.status().code() == absl::StatusCode::kFailedPrecondition);
  }
  close(fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  Check(input);
  Check(FileOf(input));
  return 0;
}
