#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/outcomes/records/practice_fold.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/call.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/timed_mutex.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/store.h"

namespace securebase::outcomes {

// The practices' folds, in memory: loaded on a practice's first read and kept current from its
// journal, so that a read costs what has changed since the last one, however long the history is.
// Nothing is kept that the store does not hold; a restart loads again. Thread-safe.
class Projections {
 public:
  // Practices kept at most; the one that was read least recently is forgotten.
  static constexpr size_t kMaxPractices = 1000;

  // For reading a practice as a whole, and for a page of changes that was begun: not the caller's
  // time, or callers who are all in a hurry would begin again and again and never get there.
  static constexpr absl::Duration kLoadTime = absl::Seconds(60);

  // Both must outlive the object.
  Projections(storage::Store& store, const Catalogue& catalogue)
      : store_(store), catalogue_(catalogue) {}

  // Calls `use` with the fold of the call's practice, which includes every write that was
  // acknowledged before Read began, and with the position it stands at. One read of a practice at a
  // time, which others wait for until their deadline: `use` shall be short, and must not read the
  // store. A read that has to load the practice may take longer than its caller has, so that the
  // next one need not.
  absl::Status Read(const api::Call& call,
                    const std::function<void(const PracticeFold&, const storage::Position&)>& use);

  // How often a practice was loaded as a whole.
  int64_t loads() const;

 private:
  struct Practice {
    TimedMutex mutex;
    std::unique_ptr<PracticeFold> fold ABSL_GUARDED_BY(mutex);  // null: not loaded
    storage::Position position ABSL_GUARDED_BY(mutex);
    int64_t last_read = 0;  // guarded by Projections::mutex_
  };

  std::shared_ptr<Practice> FindPractice(const std::string& practice);
  absl::Status CatchUp(const api::Call& call, Practice& practice)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(practice.mutex);
  absl::Status Follow(const api::Call& call, const storage::JournalPage& page, Practice& practice)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(practice.mutex);
  absl::Status Load(const api::Call& call, Practice& practice)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(practice.mutex);

  storage::Store& store_;
  const Catalogue& catalogue_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Practice>> practices_ ABSL_GUARDED_BY(mutex_);
  int64_t reads_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t loads_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace securebase::outcomes
