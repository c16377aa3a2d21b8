#include "services/platform/storage/backup_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/base/sha256.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/codec.h"
#include "services/platform/storage/crc32c.h"

namespace securebase::storage {
namespace {

constexpr absl::string_view kMagic = "SBBACKUP";
constexpr unsigned char kFormat = 1;
constexpr size_t kNumberBytes = 4;

enum ChunkSort : uint32_t {
  kInfoChunk = 1,
  kPracticeChunk = 2,
  kItemsChunk = 3,
  kSummaryChunk = 4,
  kTrailerChunk = 5,
};

std::string LittleEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  return bytes;
}

uint32_t FromLittleEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    number |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return number;
}

absl::Status SystemError(absl::StatusCode code, absl::string_view doing, const std::string& path,
                         int error) {
  return MakeError(code, Reason::kStoreUnavailable,
                   absl::StrCat("cannot ", doing, " ", path, ": ", std::strerror(error)));
}

absl::Status SetupError(absl::string_view doing, const std::string& path) {
  return SystemError(absl::StatusCode::kFailedPrecondition, doing, path, errno);
}

absl::Status DiskError(absl::string_view doing, const std::string& path) {
  return SystemError(absl::StatusCode::kUnavailable, doing, path, errno);
}

absl::Status PathIsTaken(const std::string& path) {
  return MakeError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                   absl::StrCat(path,
                                " exists already, and a backup overwrites nothing; choose "
                                "another name, or move that away"));
}

absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return DiskError("open", folder);
  }
  absl::Status status = fsync(fd) == 0 ? absl::OkStatus() : DiskError("sync", folder);
  close(fd);
  return status;
}

// What the trailer says of the practices before it.
std::string DigestOf(const std::vector<PracticeSummary>& practices) {
  std::string all;
  for (const PracticeSummary& practice : practices) {
    AppendString(all, practice.practice);
    AppendString(all, practice.digest);
  }
  return Sha256(all);
}

void AppendSummary(std::string& out, const PracticeSummary& summary) {
  for (const int64_t count : summary.counts) {
    AppendInt64(out, count);
  }
  AppendString(out, summary.digest);
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Create(const std::string& path,
                                                                   const BackupInfo& info) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) == 0) {
    return PathIsTaken(path);
  }
  // A name of its own: what an interrupted backup left behind is in nobody's way.
  const std::string partial = absl::StrCat(path, ".", NewEpoch(), ".partial");
  const int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return SetupError("make", path);
  }
  std::unique_ptr<BackupWriter> writer(new BackupWriter(path, partial, fd));
  if (fchmod(fd, 0600) != 0) {
    return SetupError("protect", path);
  }
  writer->contents_.info = {FromStoredTime(ToStoredTime(info.created)), info.store};
  SB_RETURN_IF_ERROR(
      writer->WriteBytes(absl::StrCat(kMagic, std::string(1, static_cast<char>(kFormat)))));
  std::string body;
  AppendVarint(body, kInfoChunk);
  AppendInt64(body, ToStoredTime(info.created));
  AppendString(body, info.store);
  SB_RETURN_IF_ERROR(writer->WriteChunk(body));
  return writer;
}

BackupWriter::~BackupWriter() {
  close(fd_);
  unlink(partial_.c_str());
}

absl::Status BackupWriter::BeginPractice(const std::string& practice) {
  if (practice_begin_ >= 0) {
    if (ftruncate(fd_, practice_begin_) != 0 || lseek(fd_, practice_begin_, SEEK_SET) < 0) {
      return DiskError("write", partial_);
    }
    contents_.bytes = practice_begin_;
  }
  practice_begin_ = contents_.bytes;
  digest_.emplace(practice, absl::InfinitePast());
  std::string body;
  AppendVarint(body, kPracticeChunk);
  AppendString(body, practice);
  return WriteChunk(body);
}

absl::Status BackupWriter::Add(const std::vector<CopyItem>& items) {
  std::string body;
  AppendVarint(body, kItemsChunk);
  for (const CopyItem& item : items) {
    AppendCopyItem(body, item);
    digest_->Add(item);
  }
  return WriteChunk(body);
}

absl::Status BackupWriter::EndPractice() {
  contents_.practices.push_back(std::move(*digest_).Finish());
  digest_.reset();
  practice_begin_ = -1;
  std::string body;
  AppendVarint(body, kSummaryChunk);
  AppendSummary(body, contents_.practices.back());
  return WriteChunk(body);
}

absl::StatusOr<BackupContents> BackupWriter::Finish() {
  std::string body;
  AppendVarint(body, kTrailerChunk);
  AppendInt64(body, static_cast<int64_t>(contents_.practices.size()));
  AppendString(body, DigestOf(contents_.practices));
  SB_RETURN_IF_ERROR(WriteChunk(body));
  if (fsync(fd_) != 0) {
    return DiskError("sync", partial_);
  }
  // link and not rename: it fails when something has come to be there meanwhile.
  if (link(partial_.c_str(), path_.c_str()) != 0) {
    return errno == EEXIST ? PathIsTaken(path_) : DiskError("make", path_);
  }
  SB_RETURN_IF_ERROR(SyncFolderOf(path_));
  return contents_;
}

absl::Status BackupWriter::WriteChunk(const std::string& body) {
  const std::string length = LittleEndian(static_cast<uint32_t>(body.size()));
  const std::string chunk = absl::StrCat(length, body);
  return WriteBytes(absl::StrCat(chunk, LittleEndian(Crc32c(chunk))));
}

absl::Status BackupWriter::WriteBytes(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return DiskError("write", partial_);
    }
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
      contents_.bytes += written;
    }
  }
  return absl::OkStatus();
}

namespace {

// One pass through a backup.
class Reading {
 public:
  Reading(const std::string& path, absl::Time keys_after, const OnBackupItems& on_items)
      : path_(path), keys_after_(keys_after), on_items_(on_items) {}
  ~Reading() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  absl::StatusOr<BackupContents> Run() {
    SB_RETURN_IF_ERROR(Open());
    while (!ended_) {
      SB_RETURN_IF_ERROR(CheckInterrupted());
      SB_RETURN_IF_ERROR(ReadChunk());
      SB_RETURN_IF_ERROR(TakeChunk());
    }
    std::string rest;
    SB_RETURN_IF_ERROR(Read(1, rest).status());
    if (!rest.empty()) {
      --contents_.bytes;
      return Damaged("something follows its end");
    }
    return std::move(contents_);
  }

 private:
  absl::Status Damaged(absl::string_view how) const {
    return DataLossError(absl::StrCat(path_, " is damaged at byte ", contents_.bytes, ": ", how,
                                      "; use another backup"));
  }

  absl::Status Open() {
    // O_NONBLOCK: opening a FIFO by mistake must not hang.
    fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info = {};
    if (fd_ < 0 || fstat(fd_, &info) != 0) {
      return SetupError("open", path_);
    }
    std::string magic;
    if (S_ISREG(info.st_mode)) {
      SB_RETURN_IF_ERROR(Read(kMagic.size() + 1, magic).status());
    }
    if (magic.substr(0, kMagic.size()) != kMagic || magic.size() <= kMagic.size()) {
      return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields,
                       absl::StrCat(path_,
                                    " is not a Securebase backup; name the file that "
                                    "`securebase admin backup` wrote"));
    }
    const int format = static_cast<unsigned char>(magic.back());
    if (format != kFormat) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, Reason::kDataLoss,
          absl::StrCat(path_, " has backup format ", format, " and this release reads format ",
                       int{kFormat}, "; use the release that wrote it"));
    }
    return absl::OkStatus();
  }

  // Up to `size` bytes; fewer only at the end of the file.
  absl::StatusOr<bool> Read(size_t size, std::string& bytes) {
    bytes.resize(size);
    size_t got = 0;
    while (got < size) {
      const ssize_t count = read(fd_, bytes.data() + got, size - got);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        return DiskError("read", path_);
      }
      if (count == 0) {
        break;
      }
      got += static_cast<size_t>(count);
    }
    bytes.resize(got);
    contents_.bytes += static_cast<int64_t>(got);
    return got == size;
  }

  absl::Status ReadExactly(size_t size, std::string& bytes) {
    SB_ASSIGN_OR_RETURN(const bool whole, Read(size, bytes));
    return whole ? absl::OkStatus()
                 : DataLossError(absl::StrCat(path_, " ends early, at byte ", contents_.bytes,
                                              ": its end is missing; use another backup"));
  }

  absl::Status ReadChunk() {
    chunk_begin_ = contents_.bytes;
    std::string length;
    SB_RETURN_IF_ERROR(ReadExactly(kNumberBytes, length));
    const size_t size = FromLittleEndian(length);
    if (size > kMaxBackupChunkBytes) {
      return Damaged("a length is wrong");
    }
    std::string rest;
    SB_RETURN_IF_ERROR(ReadExactly(size + kNumberBytes, rest));
    chunk_ = absl::StrCat(length, absl::string_view(rest).substr(0, size));
    if (Crc32c(chunk_) != FromLittleEndian(absl::string_view(rest).substr(size))) {
      contents_.bytes = chunk_begin_;
      return Damaged("a checksum does not match");
    }
    return absl::OkStatus();
  }

  absl::Status TakeChunk() {
    Decoder decoder(absl::string_view(chunk_).substr(kNumberBytes));
    const uint32_t sort = decoder.Varint();
    // Only what may follow: the info first, and parts of a practice within one.
    bool fits = false;
    if (!began_) {
      fits = sort == kInfoChunk;
    } else if (digest_.has_value()) {
      fits = sort == kItemsChunk || sort == kSummaryChunk;
    } else {
      fits = sort == kPracticeChunk || sort == kTrailerChunk;
    }
    if (!fits) {
      contents_.bytes = chunk_begin_;
      return Damaged("a chunk is missing or not at its place");
    }
    switch (sort) {
      case kInfoChunk:
        began_ = true;
        contents_.info.created = FromStoredTime(decoder.Int64());
        contents_.info.store = std::string(decoder.String());
        break;
      case kPracticeChunk:
        practice_ = std::string(decoder.String());
        digest_.emplace(practice_, absl::InfinitePast());
        counted_.emplace(practice_, keys_after_);
        break;
      case kItemsChunk:
        SB_RETURN_IF_ERROR(TakeItems(decoder));
        break;
      case kSummaryChunk:
        SB_RETURN_IF_ERROR(TakeSummary(decoder));
        break;
      default:
        SB_RETURN_IF_ERROR(TakeTrailer(decoder));
        break;
    }
    if (!decoder.ok() || !decoder.rest().empty()) {
      return Damaged("a chunk's parts do not fit its length");
    }
    return absl::OkStatus();
  }

  absl::Status TakeItems(Decoder& decoder) {
    std::vector<CopyItem> items;
    while (decoder.ok() && !decoder.rest().empty()) {
      if (std::optional<CopyItem> item = ReadCopyItem(decoder); item.has_value()) {
        digest_->Add(*item);
        counted_->Add(*item);
        items.push_back(*std::move(item));
      }
    }
    return decoder.ok() && on_items_ ? on_items_(practice_, items) : absl::OkStatus();
  }

  absl::Status TakeSummary(Decoder& decoder) {
    const PracticeSummary found = std::move(*digest_).Finish();
    digest_.reset();
    PracticeSummary stated;
    stated.practice = practice_;
    for (int64_t& count : stated.counts) {
      count = decoder.Int64();
    }
    stated.digest = std::string(decoder.String());
    if (decoder.ok() && !(stated == found)) {
      return Damaged("a practice's items are not those that were written");
    }
    stated_.push_back(stated);
    contents_.practices.push_back(std::move(*counted_).Finish());
    return absl::OkStatus();
  }

  absl::Status TakeTrailer(Decoder& decoder) {
    ended_ = true;
    const int64_t practices = decoder.Int64();
    const absl::string_view digest = decoder.String();
    if (decoder.ok() &&
        (practices != static_cast<int64_t>(stated_.size()) || digest != DigestOf(stated_))) {
      return Damaged("its practices are not those that were written");
    }
    return absl::OkStatus();
  }

  const std::string& path_;
  const absl::Time keys_after_;
  const OnBackupItems& on_items_;
  int fd_ = -1;
  std::string chunk_;  // with its length
  int64_t chunk_begin_ = 0;
  bool began_ = false;
  bool ended_ = false;
  std::string practice_;
  std::optional<PracticeDigest> digest_;   // of all items, of the practice that is being read
  std::optional<PracticeDigest> counted_;  // of those the caller counts
  std::vector<PracticeSummary> stated_;
  BackupContents contents_;
};

}  // namespace

absl::StatusOr<BackupContents> ReadBackup(const std::string& path, absl::Time keys_after,
                                          const OnBackupItems& on_items) {
  return Reading(path, keys_after, on_items).Run();
}

}  // namespace securebase::storage
