#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/goals/v1/goal.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/platform/api/call.h"

// What plans need of the services beneath them. Thread-safe. UNAVAILABLE (NEIGHBOUR_UNAVAILABLE)
// when the other side does not answer in time.
namespace securebase::plans {

// Asked by the service for itself: rules must know more than the caller may see. Handlers check
// first that the caller may see the episode.
class EpisodesNeighbour {
 public:
  virtual ~EpisodesNeighbour() = default;
  // NOT_FOUND: there is none.
  virtual absl::StatusOr<episodes::v1::Episode> GetEpisode(const api::Call& call,
                                                           const std::string& name) = 0;
  virtual absl::StatusOr<episodes::v1::TreatmentConsent> GetTreatmentConsent(
      const api::Call& call, const std::string& episode) = 0;
  // Defaults filled in.
  virtual absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call& call) = 0;
};

// Asked on behalf of the caller: what they may not see is not in the answer.
class GoalsNeighbour {
 public:
  virtual ~GoalsNeighbour() = default;
  // An episode's goals, newest first, `limit` at most.
  virtual absl::StatusOr<std::vector<goals::v1::Goal>> ListGoals(const api::Call& call,
                                                                 const std::string& episode,
                                                                 int limit) = 0;
};

class OutcomesNeighbour {
 public:
  virtual ~OutcomesNeighbour() = default;
  // On behalf of the caller: an episode's series, `limit` at most.
  virtual absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(const api::Call& call,
                                                                       const std::string& episode,
                                                                       int limit) = 0;
  // On behalf of the caller. `id` is the schedule's, and makes the call repeatable. The errors are
  // those of OutcomesService.CreateSchedule.
  virtual absl::Status CreateSchedule(const api::Call& call, const std::string& id,
                                      const outcomes::v1::Schedule& schedule) = 0;
  // For the service itself: OK, or NOT_FOUND: there is no such instrument.
  virtual absl::Status CheckInstrument(const api::Call& call, const std::string& name) = 0;
  // For the service itself; the errors are those of OutcomesService.
  virtual absl::StatusOr<outcomes::v1::Schedule> GetSchedule(const api::Call& call,
                                                             const std::string& name) = 0;
  virtual absl::Status EndSchedule(const api::Call& call, const std::string& name) = 0;
};

struct Neighbours {
  EpisodesNeighbour* episodes;
  GoalsNeighbour* goals;
  OutcomesNeighbour* outcomes;
};

}  // namespace securebase::plans
