#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/plans/handlers/neighbours.h"
#include "services/plans/rules/episode.h"

// What the rules must know, asked of the episodes service.
namespace securebase::plans {

// The episode, without who consented. NOT_FOUND, UNAVAILABLE.
absl::StatusOr<rules::Episode> GetEpisode(EpisodesNeighbour& episodes, const api::Call& call,
                                          const std::string& name);
// The same with who consented at this moment.
absl::StatusOr<rules::Episode> GetEpisodeWithConsents(EpisodesNeighbour& episodes,
                                                      const api::Call& call,
                                                      const std::string& name);
// INTERNAL when the time zone is not known here.
absl::StatusOr<rules::Policy> GetPolicy(EpisodesNeighbour& episodes, const api::Call& call);

}  // namespace securebase::plans
