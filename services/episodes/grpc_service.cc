#include "services/episodes/grpc_service.h"

#include "securebase/episodes/v1/episodes_service.grpc.pb.h"

namespace securebase::episodes {
namespace {

class Service final : public rpc::ServiceFor<v1::EpisodesService, EpisodeHandlers> {
 public:
  using ServiceFor::ServiceFor;
  SB_RPC(CreateEpisode)
  SB_RPC(GetEpisode)
  SB_RPC(ListEpisodes)
  SB_RPC(UpdateEpisode)
  SB_RPC(TransitionEpisode)
  SB_RPC(AddParticipant)
  SB_RPC(UpdateParticipant)
  SB_RPC(EndParticipation)
  SB_RPC(AddCareTeamMember)
  SB_RPC(EndCareTeamMembership)
  SB_RPC(MergePatients)
  SB_RPC(CreateConsent)
  SB_RPC(GetConsent)
  SB_RPC(ListConsents)
  SB_RPC(WithdrawConsent)
  SB_RPC(GetTreatmentConsent)
  SB_RPC(CreateSafetyHold)
  SB_RPC(GetSafetyHold)
  SB_RPC(ListSafetyHolds)
  SB_RPC(ReleaseSafetyHold)
  SB_RPC(GetPracticeSettings)
  SB_RPC(UpdatePracticeSettings)
  SB_RPC(GetAccessView)
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeEpisodesGrpcService(EpisodeHandlers& handlers,
                                                                       rpc::Adapter& adapter) {
  return rpc::MakeService<Service>(handlers, adapter);
}

}  // namespace securebase::episodes
