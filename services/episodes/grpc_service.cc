#include "services/episodes/grpc_service.h"

namespace securebase::episodes {

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeEpisodesGrpcService(EpisodeHandlers& handlers,
                                                                       rpc::Adapter& adapter) {
  return rpc::MakeService(
      kEpisodesService, adapter,
      {
          SB_RPC(handlers, CreateEpisode),       SB_RPC(handlers, GetEpisode),
          SB_RPC(handlers, ListEpisodes),        SB_RPC(handlers, UpdateEpisode),
          SB_RPC(handlers, TransitionEpisode),   SB_RPC(handlers, AddParticipant),
          SB_RPC(handlers, UpdateParticipant),   SB_RPC(handlers, EndParticipation),
          SB_RPC(handlers, AddCareTeamMember),   SB_RPC(handlers, EndCareTeamMembership),
          SB_RPC(handlers, MergePatients),       SB_RPC(handlers, CreateConsent),
          SB_RPC(handlers, GetConsent),          SB_RPC(handlers, ListConsents),
          SB_RPC(handlers, WithdrawConsent),     SB_RPC(handlers, GetTreatmentConsent),
          SB_RPC(handlers, CreateSafetyHold),    SB_RPC(handlers, GetSafetyHold),
          SB_RPC(handlers, ListSafetyHolds),     SB_RPC(handlers, ReleaseSafetyHold),
          SB_RPC(handlers, GetPracticeSettings), SB_RPC(handlers, UpdatePracticeSettings),
          SB_RPC(handlers, GetAccessView),
      });
}

}  // namespace securebase::episodes
