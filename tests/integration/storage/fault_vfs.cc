#include "tests/integration/storage/fault_vfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace securebase::storage {
namespace {

constexpr int64_t kSector = 512;

void Require(bool condition, const char* what) {
  if (!condition) {
    perror(what);
    abort();
  }
}

}  // namespace

struct FaultVfs::Calls {
  // SQLite allocates szOsFile bytes for a file; the real file's part follows ours.
  struct OpenFile {
    sqlite3_file base;
    FaultVfs* owner;
    File sort;
    State* state;                 // null for files whose content does not matter (temporary ones)
    std::shared_ptr<State> keep;  // what `state` points to
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static OpenFile* Of(sqlite3_file* file) { return reinterpret_cast<OpenFile*>(file); }
  static sqlite3_file* Real(sqlite3_file* file) { return Of(file)->real(); }
  static FaultVfs* Owner(sqlite3_vfs* vfs) { return static_cast<FaultVfs*>(vfs->pAppData); }

  static int64_t SizeOf(OpenFile* file) {
    sqlite3_int64 size = 0;
    Require(file->real()->pMethods->xFileSize(file->real(), &size) == SQLITE_OK, "file size");
    return size;
  }

  // Notes what the sectors from `begin` to `end` (in bytes) hold, unless they are unsynced already.
  static void Remember(OpenFile* file, int64_t begin, int64_t end) {
    if (file->state == nullptr) {
      return;
    }
    MutexLock lock(file->owner->mutex_);
    for (int64_t sector = begin / kSector; sector * kSector < end; ++sector) {
      if (file->state->before.count(sector) > 0) {
        continue;
      }
      std::string content(kSector, '\0');
      const int code =
          file->real()->pMethods->xRead(file->real(), content.data(), kSector, sector * kSector);
      Require(code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ, "read a sector");
      file->state->before.emplace(sector, std::move(content));
    }
  }

  static int Close(sqlite3_file* file) {
    const int code = Real(file)->pMethods->xClose(Real(file));
    Of(file)->keep.~shared_ptr();
    return code;
  }
  static int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
    return Real(file)->pMethods->xRead(Real(file), data, size, offset);
  }
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    if (const int code = Of(file)->owner->Admit(Operation::kWrite, Of(file)->sort);
        code != SQLITE_OK) {
      return code;
    }
    Remember(Of(file), offset, offset + size);
    return Real(file)->pMethods->xWrite(Real(file), data, size, offset);
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (const int code = Of(file)->owner->Admit(Operation::kTruncate, Of(file)->sort);
        code != SQLITE_OK) {
      return code;
    }
    Remember(Of(file), size, SizeOf(Of(file)));
    return Real(file)->pMethods->xTruncate(Real(file), size);
  }
  static int Sync(sqlite3_file* file, int) {
    if (const int code = Of(file)->owner->Admit(Operation::kSync, Of(file)->sort);
        code != SQLITE_OK) {
      return code;
    }
    if (State* state = Of(file)->state; state != nullptr) {
      const int64_t size = SizeOf(Of(file));
      MutexLock lock(Of(file)->owner->mutex_);
      state->before.clear();
      state->synced_size = size;
    }
    return SQLITE_OK;
  }
  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Real(file)->pMethods->xFileSize(Real(file), size);
  }
  static int Lock(sqlite3_file* file, int level) {
    return Real(file)->pMethods->xLock(Real(file), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Real(file)->pMethods->xUnlock(Real(file), level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* result) {
    return Real(file)->pMethods->xCheckReservedLock(Real(file), result);
  }
  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
  }
  static int SectorSize(sqlite3_file* file) {
    return Real(file)->pMethods->xSectorSize(Real(file));
  }
  static int DeviceCharacteristics(sqlite3_file* file) {
    return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
  }
  static int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
    return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, memory);
  }
  static int ShmLock(sqlite3_file* file, int offset, int n, int flags) {
    return Real(file)->pMethods->xShmLock(Real(file), offset, n, flags);
  }
  static void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
  static int ShmUnmap(sqlite3_file* file, int remove) {
    return Real(file)->pMethods->xShmUnmap(Real(file), remove);
  }

  static const sqlite3_io_methods* Methods() {
    static const sqlite3_io_methods methods = {2,
                                               &Close,
                                               &Read,
                                               &Write,
                                               &Truncate,
                                               &Sync,
                                               &FileSize,
                                               &Lock,
                                               &Unlock,
                                               &CheckReservedLock,
                                               &FileControl,
                                               &SectorSize,
                                               &DeviceCharacteristics,
                                               &ShmMap,
                                               &ShmLock,
                                               &ShmBarrier,
                                               &ShmUnmap,
                                               nullptr,
                                               nullptr};
    return &methods;
  }

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
    FaultVfs* owner = Owner(vfs);
    const File sort = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? File::kDatabase
                      : (flags & SQLITE_OPEN_WAL) != 0   ? File::kLog
                                                         : File::kOther;
    OpenFile* const made = new (file) OpenFile{{nullptr}, owner, sort, nullptr, nullptr};
    const int code = owner->real_->xOpen(owner->real_, path, made->real(), flags, out);
    if (code != SQLITE_OK) {
      made->keep.~shared_ptr();
      made->base.pMethods = nullptr;  // SQLite then does not close it
      return code;
    }
    if (path != nullptr && sort != File::kOther) {
      const int64_t size = SizeOf(made);
      MutexLock lock(owner->mutex_);
      std::shared_ptr<State>& state = owner->files_[path];
      if (state == nullptr) {
        state = std::make_shared<State>();
        state->synced_size = size;
      }
      made->keep = state;
      made->state = state.get();
    }
    made->base.pMethods = Methods();
    return SQLITE_OK;
  }
  static int Delete(sqlite3_vfs* vfs, const char* path, int sync) {
    FaultVfs* owner = Owner(vfs);
    if (const int code = owner->Admit(Operation::kTruncate, File::kOther); code != SQLITE_OK) {
      return code;
    }
    {
      MutexLock lock(owner->mutex_);
      owner->files_.erase(path);
    }
    return owner->real_->xDelete(owner->real_, path, sync);
  }
};

FaultVfs::FaultVfs(std::string name)
    : name_(std::move(name)), real_(sqlite3_vfs_find(nullptr)), vfs_(new sqlite3_vfs(*real_)) {
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->szOsFile = static_cast<int>(sizeof(Calls::OpenFile)) + real_->szOsFile;
  vfs_->xOpen = &Calls::Open;
  vfs_->xDelete = &Calls::Delete;
  Require(sqlite3_vfs_register(vfs_.get(), /*makeDflt=*/0) == SQLITE_OK, "register a VFS");
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(vfs_.get()); }

void FaultVfs::SetHook(Hook hook) {
  MutexLock lock(mutex_);
  hook_ = std::move(hook);
}

void FaultVfs::CutPowerAfter(int64_t operations) {
  MutexLock lock(mutex_);
  operations_left_ = operations;
}

bool FaultVfs::power_is_cut() const {
  MutexLock lock(mutex_);
  return operations_left_ <= 0;
}

int64_t FaultVfs::unsynced_sectors() const {
  MutexLock lock(mutex_);
  int64_t sectors = 0;
  for (const auto& [path, state] : files_) {
    sectors += static_cast<int64_t>(state->before.size());
  }
  return sectors;
}

int FaultVfs::Admit(Operation operation, File file) {
  Hook hook;
  {
    MutexLock lock(mutex_);
    if (operations_left_ <= 0) {
      return SQLITE_IOERR;
    }
    operations_left_ -= operations_left_ == INT64_MAX ? 0 : 1;
    hook = hook_;
  }
  return hook ? hook(operation, file) : SQLITE_OK;
}

int64_t FaultVfs::LoseUnsynced(double keep, std::mt19937_64& random) {
  MutexLock lock(mutex_);
  std::bernoulli_distribution kept(keep);
  int64_t lost = 0;
  for (auto& [path, state] : files_) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
      continue;  // the file was never made
    }
    const int64_t live_size = lseek(fd, 0, SEEK_END);
    int64_t size = state->synced_size;
    for (const auto& [sector, before] : state->before) {
      const int64_t begin = sector * kSector;
      if (begin < live_size && kept(random)) {
        size = std::max(size, std::min(begin + kSector, live_size));
        continue;
      }
      ++lost;
      Require(pwrite(fd, before.data(), kSector, begin) == kSector, "undo a write");
    }
    Require(ftruncate(fd, size) == 0, "undo a change of size");
    close(fd);
    state->before.clear();
    state->synced_size = size;
  }
  return lost;
}

}  // namespace securebase::storage
