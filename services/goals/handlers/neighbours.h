#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/platform/api/call.h"

namespace securebase::goals {

// An episode, as far as goals need to know it.
struct EpisodeFacts {
  episodes::v1::EpisodeStatus status = episodes::v1::EPISODE_STATUS_UNSPECIFIED;
  std::vector<std::string> participants;  // ids, of those who left too
};

// What goals need of the services beneath them, asked on behalf of the call's principal: what they
// may not see is not in the answer. Thread-safe. UNAVAILABLE (NEIGHBOUR_UNAVAILABLE) when the other
// side does not answer in time.
class Neighbours {
 public:
  virtual ~Neighbours() = default;

  // The series of an episode (its name) that are about this participant.
  virtual absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(
      const api::Call& call, const std::string& episode, const std::string& subject) = 0;

  // The practice's settings, defaults filled in.
  virtual absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call& call) = 0;

  // The ids of an instrument's scales, by the instrument's id. NOT_FOUND: there is no such
  // instrument.
  virtual absl::StatusOr<std::vector<std::string>> GetScales(const api::Call& call,
                                                             const std::string& instrument) = 0;

  // The episode of this name, whether or not the principal may see it. NOT_FOUND: there is none.
  virtual absl::StatusOr<EpisodeFacts> GetEpisode(const api::Call& call,
                                                  const std::string& episode) = 0;
};

}  // namespace securebase::goals
