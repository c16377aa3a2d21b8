#pragma once

#include <string>
#include <vector>

#include "clients/cpp/client.h"
#include "services/plans/handlers/neighbours.h"

// Neighbours over the network. `client` must outlive the object.
namespace securebase::plans {

class RemoteEpisodes : public EpisodesNeighbour {
 public:
  explicit RemoteEpisodes(client::Client& client) : client_(client) {}

  absl::StatusOr<episodes::v1::Episode> GetEpisode(const api::Call& call,
                                                   const std::string& name) override;
  absl::StatusOr<episodes::v1::TreatmentConsent> GetTreatmentConsent(
      const api::Call& call, const std::string& episode) override;
  absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call& call) override;

 private:
  client::Client& client_;
};

// Lists wait 3 s at most: a review goes out without what they would have told. Errors are the
// neighbour's own, so that a review can say what was missing and why.
class RemoteGoals : public GoalsNeighbour {
 public:
  explicit RemoteGoals(client::Client& client) : client_(client) {}

  absl::StatusOr<std::vector<goals::v1::Goal>> ListGoals(const api::Call& call,
                                                         const std::string& episode,
                                                         int limit) override;

 private:
  client::Client& client_;
};

class RemoteOutcomes : public OutcomesNeighbour {
 public:
  explicit RemoteOutcomes(client::Client& client) : client_(client) {}

  absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(const api::Call& call,
                                                               const std::string& episode,
                                                               int limit) override;
  absl::Status CreateSchedule(const api::Call& call, const std::string& id,
                              const outcomes::v1::Schedule& schedule) override;
  absl::Status CheckInstrument(const api::Call& call, const std::string& name) override;
  absl::StatusOr<outcomes::v1::Schedule> GetSchedule(const api::Call& call,
                                                     const std::string& name) override;
  absl::Status EndSchedule(const api::Call& call, const std::string& name) override;

 private:
  client::Client& client_;
};

}  // namespace securebase::plans
