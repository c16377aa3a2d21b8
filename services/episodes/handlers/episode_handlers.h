#pragma once

#include "absl/status/statusor.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/type/v1/type.pb.h"
#include "services/episodes/records/local_access.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

namespace securebase::episodes {

// The methods of securebase.episodes.v1.EpisodesService; their contracts and errors are the
// comments of proto/securebase/episodes/v1/episodes_service.proto. Requests have been authorized
// and validated against their field rules. Thread-safe.
class EpisodeHandlers {
 public:
  // Both must outlive the object; `access` is the database's.
  EpisodeHandlers(const records::Database& database, LocalAccess& access)
      : database_(database), access_(access) {}

  absl::StatusOr<v1::Episode> CreateEpisode(const api::Call& call,
                                            const v1::CreateEpisodeRequest& request);
  absl::StatusOr<v1::Episode> GetEpisode(const api::Call& call,
                                         const v1::GetEpisodeRequest& request);
  absl::StatusOr<v1::ListEpisodesResponse> ListEpisodes(const api::Call& call,
                                                        const v1::ListEpisodesRequest& request);
  absl::StatusOr<v1::Episode> UpdateEpisode(const api::Call& call,
                                            const v1::UpdateEpisodeRequest& request);
  absl::StatusOr<v1::Episode> TransitionEpisode(const api::Call& call,
                                                const v1::TransitionEpisodeRequest& request);

  absl::StatusOr<v1::Episode> AddParticipant(const api::Call& call,
                                             const v1::AddParticipantRequest& request);
  absl::StatusOr<v1::Episode> UpdateParticipant(const api::Call& call,
                                                const v1::UpdateParticipantRequest& request);
  absl::StatusOr<v1::Episode> EndParticipation(const api::Call& call,
                                               const v1::EndParticipationRequest& request);
  absl::StatusOr<v1::Episode> AddCareTeamMember(const api::Call& call,
                                                const v1::AddCareTeamMemberRequest& request);
  absl::StatusOr<v1::Episode> EndCareTeamMembership(
      const api::Call& call, const v1::EndCareTeamMembershipRequest& request);
  absl::StatusOr<v1::MergePatientsResponse> MergePatients(const api::Call& call,
                                                          const v1::MergePatientsRequest& request);

  absl::StatusOr<v1::Consent> CreateConsent(const api::Call& call,
                                            const v1::CreateConsentRequest& request);
  absl::StatusOr<v1::Consent> GetConsent(const api::Call& call,
                                         const v1::GetConsentRequest& request);
  absl::StatusOr<v1::ListConsentsResponse> ListConsents(const api::Call& call,
                                                        const v1::ListConsentsRequest& request);
  absl::StatusOr<v1::Consent> WithdrawConsent(const api::Call& call,
                                              const v1::WithdrawConsentRequest& request);
  absl::StatusOr<v1::TreatmentConsent> GetTreatmentConsent(
      const api::Call& call, const v1::GetTreatmentConsentRequest& request);

  absl::StatusOr<v1::SafetyHold> CreateSafetyHold(const api::Call& call,
                                                  const v1::CreateSafetyHoldRequest& request);
  absl::StatusOr<v1::SafetyHold> GetSafetyHold(const api::Call& call,
                                               const v1::GetSafetyHoldRequest& request);
  absl::StatusOr<v1::ListSafetyHoldsResponse> ListSafetyHolds(
      const api::Call& call, const v1::ListSafetyHoldsRequest& request);
  absl::StatusOr<v1::SafetyHold> ReleaseSafetyHold(const api::Call& call,
                                                   const v1::ReleaseSafetyHoldRequest& request);

  absl::StatusOr<v1::PracticeSettings> GetPracticeSettings(
      const api::Call& call, const v1::GetPracticeSettingsRequest& request);
  absl::StatusOr<v1::PracticeSettings> UpdatePracticeSettings(
      const api::Call& call, const v1::UpdatePracticeSettingsRequest& request);

  absl::StatusOr<type::v1::AccessView> GetAccessView(const api::Call& call,
                                                     const v1::GetAccessViewRequest& request);

 private:
  const records::Database& database_;
  LocalAccess& access_;
};

}  // namespace securebase::episodes
