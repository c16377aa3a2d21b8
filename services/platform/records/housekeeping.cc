#include "services/platform/records/housekeeping.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/practices.h"
#include "services/platform/storage/envelope.h"

namespace securebase::records {
namespace {

constexpr char kLease[] = "housekeeping";
constexpr absl::Duration kLeaseTime = absl::Minutes(5);
constexpr absl::Duration kStepTime = absl::Seconds(30);
constexpr int kPage = 500;

// How far the audit trail of a practice was exported, and how far it was removed.
const storage::RecordKey& WatermarkKey() {
  static const auto* key = new storage::RecordKey{"housekeeping", "audit"};
  return *key;
}

class StoreAuditSink : public AuditSink {
 public:
  explicit StoreAuditSink(storage::Store& store) : store_(store) {}

  absl::Status Record(const AuditRecord& record, absl::Time deadline) override {
    storage::Batch batch;
    batch.practice = record.practice;
    batch.audit.push_back(FormatAuditRecord(record));
    return store_.Apply({deadline}, batch).status();
  }

 private:
  storage::Store& store_;
};

absl::Status DiskError(const std::string& path, absl::string_view what) {
  return MakeError(
      absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
      absl::StrCat("cannot ", what, " the audit export ", path, ": ", std::strerror(errno)));
}

absl::Status WriteAll(int file, const std::string& path, const std::string& text) {
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = write(file, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) {
      return DiskError(path, "write");
    }
    written += n > 0 ? static_cast<size_t>(n) : 0;
  }
  return fsync(file) == 0 ? absl::OkStatus() : DiskError(path, "sync");
}

// Appends whole lines to an open file, or leaves it as it was: what follows the half of a line
// would continue it, and be lost with it.
absl::Status AppendLines(int file, const std::string& path, const std::string& text) {
  // Replicas that look after other practices may write to the same file.
  while (flock(file, LOCK_EX) != 0) {
    if (errno != EINTR) {
      return DiskError(path, "lock");
    }
  }
  struct stat before = {};
  if (fstat(file, &before) != 0) {
    return DiskError(path, "look at");
  }
  char last = '\n';
  if (before.st_size > 0 && pread(file, &last, 1, before.st_size - 1) != 1) {
    return DiskError(path, "read");
  }
  // Of a process that ended in the midst of a line; its entries are exported again.
  absl::Status status = WriteAll(file, path, last == '\n' ? text : "\n" + text);
  if (!status.ok()) {
    // Should this fail too, the next one begins with a line of its own.
    (void)!ftruncate(file, before.st_size);
  }
  return status;
}

// Appends durably: the file, and its name in the directory.
absl::Status AppendToFile(const std::string& directory, const std::string& name,
                          const std::string& text) {
  const std::string path = absl::StrCat(directory, "/", name);
  const int file = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return DiskError(path, "open");
  }
  absl::Status status = AppendLines(file, path, text);
  close(file);  // and unlocks it
  SB_RETURN_IF_ERROR(status);
  const int folder = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fsync(folder) != 0) {
    status = DiskError(directory, "sync");
  }
  if (folder >= 0) {
    close(folder);
  }
  return status;
}

// {"time":…} -> {"sequence":7,"time":…}
std::string ExportLine(const storage::AuditEntry& entry) {
  absl::string_view rest = entry.value;
  absl::ConsumePrefix(&rest, "{");
  return absl::StrCat("{\"sequence\":", entry.sequence, ",", rest, "\n");
}

struct Watermark {
  int64_t version = 0;   // of the record; 0: there is none yet
  int64_t exported = 0;  // sequence of the last entry exported
};

// Looks after one practice, while its lease is held.
class Keeper {
 public:
  Keeper(storage::Store& store, const Clock& clock, const HousekeepingOptions& options,
         std::string practice, int64_t token)
      : store_(store),
        clock_(clock),
        options_(options),
        practice_(std::move(practice)),
        token_(token) {}

  absl::Status Run() {
    SB_ASSIGN_OR_RETURN(Watermark watermark, ReadWatermark());
    absl::Status status;
    if (!options_.audit_directory.empty()) {
      status = Export(watermark);
    }
    // What cannot be exported stays; the journal need not.
    if (!absl::IsAborted(status)) {
      status.Update(Trim(watermark));
    }
    return status;
  }

 private:
  // A fresh one for each step: a run may take long, a step may not. In real time, as deadlines are.
  static storage::Context StepContext() { return {absl::Now() + kStepTime}; }

  absl::StatusOr<Watermark> ReadWatermark() {
    Watermark watermark;
    const auto record = store_.Get(StepContext(), practice_, WatermarkKey());
    if (absl::IsNotFound(record.status())) {
      return watermark;
    }
    SB_RETURN_IF_ERROR(record.status());
    SB_ASSIGN_OR_RETURN(const storage::Envelope envelope, storage::OpenEnvelope(record->value));
    watermark.version = record->version;
    if (!absl::SimpleAtoi(envelope.payload, &watermark.exported)) {
      return MakeError(absl::StatusCode::kDataLoss, Reason::kDataLoss,
                       "the mark of how far the audit trail was exported cannot be read");
    }
    return watermark;
  }

  absl::Status WriteWatermark(int64_t exported, Watermark& watermark) {
    storage::Envelope envelope;
    envelope.payload = absl::StrCat(exported);
    storage::Batch batch;
    batch.practice = practice_;
    batch.fence = storage::Fence{kLease, token_};
    batch.expectations.push_back({WatermarkKey(), watermark.version});
    batch.puts.push_back({WatermarkKey(), storage::SealEnvelope(envelope), {}});
    SB_ASSIGN_OR_RETURN(const storage::ApplyResult result, store_.Apply(StepContext(), batch));
    watermark = {result.versions[0], exported};
    return absl::OkStatus();
  }

  absl::Status Export(Watermark& watermark) {
    const std::string name =
        absl::StrCat("audit-", options_.service, "-",
                     absl::FormatTime("%Y-%m-%d", clock_.Now(), absl::UTCTimeZone()), ".ndjson");
    while (true) {
      SB_ASSIGN_OR_RETURN(const auto entries,
                          store_.ListAudit(StepContext(), practice_, watermark.exported, kPage));
      if (entries.empty()) {
        return absl::OkStatus();
      }
      std::string text;
      for (const storage::AuditEntry& entry : entries) {
        text += ExportLine(entry);
      }
      SB_RETURN_IF_ERROR(AppendToFile(options_.audit_directory, name, text));
      SB_RETURN_IF_ERROR(WriteWatermark(entries.back().sequence, watermark));
    }
  }

  absl::Status Trim(const Watermark& watermark) {
    storage::TrimRequest request;
    request.practice = practice_;
    request.journal_before = clock_.Now() - options_.journal_retention;
    request.limit = kPage;
    const absl::Time audit_before = clock_.Now() - options_.audit_retention;
    while (true) {
      // The oldest entries that are there: what was removed before is not looked at again.
      SB_ASSIGN_OR_RETURN(const auto entries, store_.ListAudit(StepContext(), practice_, 0, kPage));
      request.audit_through = 0;
      for (const storage::AuditEntry& entry : entries) {
        if (entry.time < audit_before && entry.sequence <= watermark.exported) {
          request.audit_through = entry.sequence;
        }
      }
      SB_ASSIGN_OR_RETURN(const int64_t removed, store_.Trim(StepContext(), request));
      if (removed == 0) {
        return absl::OkStatus();
      }
    }
  }

  storage::Store& store_;
  const Clock& clock_;
  const HousekeepingOptions& options_;
  const std::string practice_;
  const int64_t token_;
};

}  // namespace

absl::Status CheckAuditDirectory(const std::string& directory) {
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
      access(directory.c_str(), W_OK | X_OK) != 0) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                     absl::StrCat(directory,
                                  ": is no directory that audit entries can be exported "
                                  "to; make it, let this user write there, or correct "
                                  "--audit-directory"));
  }
  return absl::OkStatus();
}

std::unique_ptr<AuditSink> MakeStoreAuditSink(storage::Store& store) {
  return std::make_unique<StoreAuditSink>(store);
}

absl::Status RunHousekeeping(storage::Store& store, const Clock& clock,
                             const HousekeepingOptions& options) {
  absl::Status first;
  const auto look_after = [&](const std::string& practice) -> absl::Status {
    SB_ASSIGN_OR_RETURN(
        const storage::Lease lease,
        store.AcquireLease({absl::Now() + kStepTime}, practice, kLease, options.owner, kLeaseTime));
    absl::Status done = Keeper(store, clock, options, practice, lease.token).Run();
    done.Update(store.ReleaseLease({absl::Now() + kStepTime}, practice, kLease, lease.token));
    return done;
  };
  first.Update(ForEachPractice(store, kStepTime, [&](const std::string& practice) -> absl::Status {
    const absl::Status status = look_after(practice);
    if (status.ok() || absl::IsAborted(status)) {
      return absl::OkStatus();
    }
    first.Update(status);
    // Not to wait in vain for each practice of a store that is down.
    return store.Ping({absl::Now() + kStepTime});
  }));
  return first;
}

}  // namespace securebase::records
