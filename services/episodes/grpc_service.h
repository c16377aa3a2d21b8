#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "absl/status/statusor.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/platform/rpc/adapter.h"

namespace securebase::episodes {

inline constexpr char kEpisodesService[] = "securebase.episodes.v1.EpisodesService";

// securebase.episodes.v1.EpisodesService. Both must outlive it. FAILED_PRECONDITION when a method's
// policy is incomplete.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeEpisodesGrpcService(EpisodeHandlers& handlers,
                                                                       rpc::Adapter& adapter);

}  // namespace securebase::episodes
