#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "services/goals/handlers/neighbours.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"

namespace securebase::goals {

// Neighbours over the network: the process of the outcomes service, which serves episodes too.
//
// Series are read on behalf of the caller, whose consent and scopes (Observation.s) decide what is
// in them. Settings, instruments and the membership of an episode are read as the goals service
// itself; settings are kept for kSettingsAge, and beyond it while nobody answers. Thread-safe.
class RemoteNeighbours : public Neighbours {
 public:
  static constexpr absl::Duration kSettingsAge = absl::Seconds(60);
  // After a failure nobody is asked for this long, so that a neighbour that is down does not slow
  // every read.
  static constexpr absl::Duration kSettingsRetry = absl::Seconds(5);

  // Both must outlive the object.
  RemoteNeighbours(client::Client& outcomes, const Clock& clock)
      : outcomes_(outcomes), clock_(clock) {}

  absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(const api::Call& call,
                                                               const std::string& episode,
                                                               const std::string& subject) override;
  absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call& call) override;
  absl::StatusOr<std::vector<std::string>> GetScales(const api::Call& call,
                                                     const std::string& instrument) override;
  absl::StatusOr<EpisodeFacts> GetEpisode(const api::Call& call,
                                          const std::string& episode) override;

 private:
  struct KeptSettings {
    episodes::v1::PracticeSettings settings;
    bool known = false;  // `settings` came from the neighbour
    absl::Time ask_again;
  };

  client::Client& outcomes_;
  const Clock& clock_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, KeptSettings> settings_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace securebase::goals
