#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/call.h"
#include "services/platform/base/mutex.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/store.h"

namespace securebase::episodes {

// Who may see what, from the episodes, consents and holds in this store. Every answer is as of the
// moment it is asked for, never older.
//
// A view is remembered until the practice's journal shows a change of an episode, a consent, a hold
// (or of what else lives below an episode), or until time ends it; so a call costs one look at the
// journal's position, and not a walk through a caseload. Of a member of staff's view only the
// episodes that changed are then read again, however many they ever treated. Thread-safe.
class LocalAccess : public records::AccessSource {
 public:
  // A caseload beyond this shows its newest episodes only.
  static constexpr int kMaxCaseload = 10000;
  // Views remembered at most, over all practices.
  static constexpr size_t kMaxRemembered = 5000;

  // Entries of the journal read to catch up; whoever is further behind forgets everything instead.
  static constexpr int kMaxCatchUp = 10000;
  // Changes of a practice that are remembered, to be made in views that are older.
  static constexpr size_t kMaxChanges = 1000;

  // `store` must outlive the object.
  explicit LocalAccess(storage::Store& store) : store_(store) {}

  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(
      const api::Call& call) override;

  // The same for one episode ("practices/p/episodes/e") only, computed afresh; also for callers who
  // see the whole practice. Empty when the caller sees nothing of it.
  absl::StatusOr<type::v1::AccessView> ViewOfEpisode(const api::Call& call,
                                                     absl::string_view episode) const;

  // How many views were computed because none was remembered or it no longer held.
  int64_t computed() const;

 private:
  // What the journal of a practice has shown so far.
  struct Followed {
    storage::Position position;
    int64_t last_change = 0;  // the sequence of the last entry that may change a view
  };
  struct Change {
    int64_t sequence = 0;
    std::string episode;  // its name
  };
  struct PracticeChanges {
    Followed followed;
    std::deque<Change> changes;  // in order
    int64_t complete_after = 0;  // all that came after this sequence are in `changes`
  };
  struct Remembered {
    std::shared_ptr<const type::v1::AccessView> view;
    storage::Position position;  // read before the view was computed
  };

  // Where the practice stands, with the journal followed up to there.
  absl::StatusOr<Followed> Follow(const api::Call& call);
  absl::StatusOr<type::v1::AccessView> Compute(const api::Call& call) const;
  // The view of a member of staff as it is when `changed` (names, each once) is read again.
  absl::StatusOr<type::v1::AccessView> Refresh(const api::Call& call,
                                               const type::v1::AccessView& view,
                                               const std::set<std::string>& changed) const;
  // Episodes that changed after `sequence`; nothing: more than is remembered.
  std::optional<std::set<std::string>> ChangedSince(const std::string& practice,
                                                    int64_t sequence) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  storage::Store& store_;
  mutable Mutex mutex_;
  std::map<std::string, PracticeChanges> followed_ ABSL_GUARDED_BY(mutex_);  // by practice
  std::map<std::string, Remembered> remembered_ ABSL_GUARDED_BY(mutex_);  // by practice, principal
  int64_t computed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace securebase::episodes
