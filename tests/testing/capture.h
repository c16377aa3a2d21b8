#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/mutex.h"
#include "services/platform/obs/log.h"

namespace securebase::testing {

// Keeps log lines, so that a test can look at them, or print them when it failed. Thread-safe.
class CapturedLog : public obs::LogSink {
 public:
  void Write(absl::string_view line) override {
    MutexLock lock(mutex_);
    text_.append(line.data(), line.size());
  }
  std::string text() const {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

// Keeps audit records; fails on request. Thread-safe.
class CapturedAudit : public AuditSink {
 public:
  absl::Status Record(const AuditRecord& record, absl::Time) override {
    MutexLock lock(mutex_);
    if (!failure_.ok()) {
      return failure_;
    }
    records_.push_back(record);
    return absl::OkStatus();
  }
  // What Record returns from now on.
  void Fail(absl::Status failure) {
    MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }
  std::vector<AuditRecord> records() const {
    MutexLock lock(mutex_);
    return records_;
  }

 private:
  mutable Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<AuditRecord> records_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::testing
