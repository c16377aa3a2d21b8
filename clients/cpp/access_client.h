#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/access.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"

namespace securebase::client {

// What principals may see, asked of the episodes service on their behalf. Thread-safe.
//
//   - Staff: the answer is kept for kMaxAge, or until it says it expires. Who leaves a care team
//     sees its episodes half a minute longer at most.
//   - Participants: asked anew in every call (once, however often the call needs it), so that a
//     withdrawn consent and a safety hold take effect at once.
//   - Systems and services: the whole practice; nobody is asked.
//
// UNAVAILABLE (NEIGHBOUR_UNAVAILABLE) when the owner does not answer: nobody sees anything then.
class AccessClient : public api::AccessSource {
 public:
  static constexpr absl::Duration kMaxAge = absl::Seconds(30);
  // Answers kept, at most; beyond that the old ones go, then all.
  static constexpr size_t kMaxViews = 10000;
  static constexpr double kMaxRefreshes = 20;
  static constexpr double kRefreshesPerSecond = 10;

  // Both must outlive the object.
  AccessClient(Client& episodes, const Clock& clock) : episodes_(episodes), clock_(clock) {}

  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(
      const api::Call& call) override;
  // Staff who do not see what they name may have joined a care team, or begun an episode, just now:
  // an answer from before the call is asked for again. Who names what is not there can have this
  // done kMaxRefreshes times in a row, and kRefreshesPerSecond from then on.
  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> FreshViewFor(
      const api::Call& call) override;

 private:
  using ViewPtr = std::shared_ptr<const type::v1::AccessView>;
  struct Kept {
    ViewPtr view;
    absl::Time fetch_time;
    // How often it may be asked for before its time, as of `fetch_time`.
    double refreshes = kMaxRefreshes;
  };

  static bool IsUsable(const Kept& kept, absl::Time now);
  absl::StatusOr<ViewPtr> Ask(const api::Call& call, bool fresh);
  ViewPtr Find(const std::string& key) const;
  // As Find, but null too when the view is from before the call and may be asked for again;
  // `refreshes` is then how often more.
  ViewPtr FindFresh(const std::string& key, const api::Call& call, double& refreshes) const;
  void Keep(const std::string& key, Kept kept);

  Client& episodes_;
  const Clock& clock_;
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Kept> views_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::client
