#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/episodes/handlers/checks.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/consent.h"
#include "services/episodes/rules/lifecycle.h"
#include "services/episodes/rules/members.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {
namespace {

using records::Reader;
using records::Write;

using api::IsParticipant;

// A consent is written when it is recorded and when it is withdrawn.
constexpr int64_t kWithdrawnVersion = 2;

// Whether the caller is this participant of the episode, and still takes part.
bool IsCaller(const api::Call& call, const v1::Episode& episode, absl::string_view id) {
  const v1::Participant* participant = FindParticipant(episode, id);
  return IsParticipant(call) && participant != nullptr && IsPresent(*participant) &&
         !participant->patient().empty() && participant->patient() == call.principal.patient;
}

// An episode and what is needed to tell what a participant may see of its consents.
struct Shown {
  v1::Episode episode;
  std::vector<v1::SafetyHold> holds;  // read for participants only
};

absl::StatusOr<Shown> ReadShown(const Reader& reader, const std::string& episode) {
  Shown shown;
  SB_ASSIGN_OR_RETURN(shown.episode, reader.Get(EpisodeKind(), episode));
  if (IsParticipant(reader.call())) {
    SB_ASSIGN_OR_RETURN(
        shown.holds, reader.FindAll(SafetyHoldKind(), SafetyHoldsOf(episode), 2 * kMaxSafetyHolds));
  }
  return shown;
}

// Participants see what they decided, what was decided about them, and what they were given while
// it lasts: that somebody refused or withdrew is for nobody else to know. While a hold keeps the
// data from them, they see what they would see of a consent that was withdrawn. nullopt: nothing.
std::optional<v1::Consent> ShowConsent(const api::Call& call, const Shown& shown,
                                       v1::Consent consent) {
  if (!IsParticipant(call)) {
    return consent;
  }
  const bool given = consent.status() == v1::CONSENT_STATUS_ACTIVE &&
                     IsCaller(call, shown.episode, consent.recipient());
  const bool held = given && IsHeld(shown.holds, consent.subject(), consent.recipient());
  if (!IsCaller(call, shown.episode, consent.grantor()) &&
      !IsCaller(call, shown.episode, consent.subject()) && (!given || held)) {
    return std::nullopt;
  }
  if (held) {
    consent = AsIfWithdrawn(shown.holds, std::move(consent));
    consent.set_etag(api::MakeEtag(kWithdrawnVersion));
  }
  return consent;
}

std::string EpisodeOf(absl::string_view child) {
  // practices/p/episodes/e/consents/c
  return std::string(child.substr(0, child.rfind('/', child.rfind('/') - 1)));
}

absl::StatusOr<v1::Consent> ReadConsent(const Reader& reader, const std::string& name) {
  SB_ASSIGN_OR_RETURN(const Shown shown, ReadShown(reader, EpisodeOf(name)));
  SB_ASSIGN_OR_RETURN(v1::Consent stored, reader.Get(ConsentKind(), name));
  std::optional<v1::Consent> consent = ShowConsent(reader.call(), shown, std::move(stored));
  return consent.has_value() ? absl::StatusOr<v1::Consent>(*std::move(consent)) : NotFound(name);
}

absl::Status TooMany(int limit, absl::string_view what) {
  return LimitExceeded(absl::StrCat("an episode has at most ", limit, " ", what));
}

// Who may record what is decided.
absl::Status CheckRecorder(const api::Call& call, const v1::Episode& episode,
                           const v1::Consent& consent) {
  if (!IsParticipant(call)) {
    return absl::OkStatus();
  }
  if (!IsCaller(call, episode, consent.grantor())) {
    return PrincipalNotAllowed(
        "a participant decides for themself only: `consent.grantor` must be theirs");
  }
  if (IsDisclosureAmongGuardians(episode, consent)) {
    return PrincipalNotAllowed(
        "a disclosure among a minor's guardians is recorded by staff: a minor has confidentiality "
        "of their own");
  }
  return absl::OkStatus();
}

v1::ConsentState StateOf(Decision decision) {
  switch (decision) {
    case Decision::kGiven:
      return v1::CONSENT_STATE_GIVEN;
    case Decision::kRefused:
      return v1::CONSENT_STATE_REFUSED;
    case Decision::kMissing:
      return v1::CONSENT_STATE_MISSING;
  }
  return v1::CONSENT_STATE_MISSING;
}

}  // namespace

absl::StatusOr<v1::Consent> EpisodeHandlers::CreateConsent(
    const api::Call& call, const v1::CreateConsentRequest& request) {
  SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "consent_id", request.consent_id()));
  return database_.Transact<v1::Consent>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Consent> {
        SB_ASSIGN_OR_RETURN(const v1::Episode episode, write.Get(EpisodeKind(), request.parent()));
        SB_RETURN_IF_ERROR(CheckSeesAll(write, episode.name()));
        SB_RETURN_IF_ERROR(CheckChangeable(episode));
        v1::Consent consent = request.consent();
        *consent.mutable_create_time() = api::ToProto(write.now());
        SB_RETURN_IF_ERROR(CheckRecorder(call, episode, consent));
        SB_RETURN_IF_ERROR(InvalidFields(CheckConsent(episode, consent)));
        SB_ASSIGN_OR_RETURN(
            const auto others,
            write.FindAll(ConsentKind(), ConsentsOf(request.parent()), kMaxConsents));
        if (others.size() >= static_cast<size_t>(kMaxConsents)) {
          return TooMany(kMaxConsents, "consents");
        }
        consent.set_name(
            absl::StrCat(request.parent(), "/consents/", write.IdOr(request.consent_id())));
        *consent.mutable_recorded_by() = api::ActorOf(call);
        return write.Create(ConsentKind(), std::move(consent));
      });
}

absl::StatusOr<v1::Consent> EpisodeHandlers::GetConsent(const api::Call& call,
                                                        const v1::GetConsentRequest& request) {
  SB_ASSIGN_OR_RETURN(const Reader reader, database_.ReaderFor(call));
  return ReadConsent(reader, request.name());
}

absl::StatusOr<v1::ListConsentsResponse> EpisodeHandlers::ListConsents(
    const api::Call& call, const v1::ListConsentsRequest& request) {
  SB_ASSIGN_OR_RETURN(const Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const Shown shown, ReadShown(reader, request.parent()));
  SB_ASSIGN_OR_RETURN(
      records::Page<v1::Consent> page,
      database_.List<v1::Consent>(call, request, ConsentKind(), ConsentsOf(request.parent()),
                                  [&](const v1::Consent& consent) {
                                    return ShowConsent(call, shown, consent).has_value();
                                  }));
  v1::ListConsentsResponse response;
  for (v1::Consent& consent : page.items) {
    *response.add_consents() = *ShowConsent(call, shown, std::move(consent));
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Consent> EpisodeHandlers::WithdrawConsent(
    const api::Call& call, const v1::WithdrawConsentRequest& request) {
  return database_.Transact<v1::Consent>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Consent> {
        SB_ASSIGN_OR_RETURN(v1::Consent consent, ReadConsent(write, request.name()));
        SB_ASSIGN_OR_RETURN(const v1::Episode episode,
                            write.Get(EpisodeKind(), EpisodeOf(request.name())));
        SB_RETURN_IF_ERROR(CheckSeesAll(write, episode.name()));
        if (IsParticipant(call) &&
            (request.entered_in_error() || !IsCaller(call, episode, consent.grantor()))) {
          return PrincipalNotAllowed(
              "a participant withdraws what they consented to themself; the rest is up to staff");
        }
        SB_ASSIGN_OR_RETURN(consent, Withdraw(std::move(consent), request.entered_in_error()));
        return write.Update(ConsentKind(), std::move(consent));
      });
}

absl::StatusOr<v1::TreatmentConsent> EpisodeHandlers::GetTreatmentConsent(
    const api::Call& call, const v1::GetTreatmentConsentRequest& request) {
  SB_ASSIGN_OR_RETURN(const Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(v1::Episode episode, reader.Get(EpisodeKind(), request.name()));
  SB_ASSIGN_OR_RETURN(const EpisodeRecords records, LoadEpisodeRecords(reader, std::move(episode)));
  v1::TreatmentConsent response;
  for (const v1::Participant& participant : records.episode.participants()) {
    if (IsPresent(participant) && participant.role() != v1::PARTICIPANT_ROLE_OBSERVER) {
      v1::ParticipantConsent& entry = *response.add_participants();
      entry.set_participant(participant.id());
      entry.set_state(StateOf(DecideTreatment(records, participant.id(), call.time)));
    }
  }
  const absl::Time next = NextChange(records.consents, call.time);
  if (next != absl::InfiniteFuture()) {
    *response.mutable_expire_time() = api::ToProto(next);
  }
  return response;
}

absl::StatusOr<v1::SafetyHold> EpisodeHandlers::CreateSafetyHold(
    const api::Call& call, const v1::CreateSafetyHoldRequest& request) {
  return database_.Transact<v1::SafetyHold>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::SafetyHold> {
        SB_ASSIGN_OR_RETURN(const v1::Episode episode, write.Get(EpisodeKind(), request.parent()));
        SB_RETURN_IF_ERROR(CheckSeesAll(write, episode.name()));
        SB_RETURN_IF_ERROR(CheckChangeable(episode));
        v1::SafetyHold hold = request.safety_hold();
        SB_RETURN_IF_ERROR(InvalidFields(CheckSafetyHold(episode, hold)));
        SB_ASSIGN_OR_RETURN(
            const auto others,
            write.FindAll(SafetyHoldKind(), SafetyHoldsOf(request.parent()), kMaxSafetyHolds));
        if (others.size() >= static_cast<size_t>(kMaxSafetyHolds)) {
          return TooMany(kMaxSafetyHolds, "safety holds");
        }
        hold.set_name(
            absl::StrCat(request.parent(), "/safetyHolds/", write.IdOr(request.safety_hold_id())));
        *hold.mutable_placed_by() = api::ActorOf(call);
        hold.clear_release_time();
        hold.clear_released_by();
        return write.Create(SafetyHoldKind(), std::move(hold));
      });
}

absl::StatusOr<v1::SafetyHold> EpisodeHandlers::GetSafetyHold(
    const api::Call& call, const v1::GetSafetyHoldRequest& request) {
  return database_.Get(call, SafetyHoldKind(), request.name());
}

absl::StatusOr<v1::ListSafetyHoldsResponse> EpisodeHandlers::ListSafetyHolds(
    const api::Call& call, const v1::ListSafetyHoldsRequest& request) {
  SB_ASSIGN_OR_RETURN(const v1::Episode episode,
                      database_.Get(call, EpisodeKind(), request.parent()));
  SB_ASSIGN_OR_RETURN(const records::Page<v1::SafetyHold> page,
                      database_.List<v1::SafetyHold>(call, request, SafetyHoldKind(),
                                                     SafetyHoldsOf(episode.name())));
  v1::ListSafetyHoldsResponse response;
  response.mutable_safety_holds()->Assign(page.items.begin(), page.items.end());
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::SafetyHold> EpisodeHandlers::ReleaseSafetyHold(
    const api::Call& call, const v1::ReleaseSafetyHoldRequest& request) {
  return database_.Transact<v1::SafetyHold>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::SafetyHold> {
        SB_ASSIGN_OR_RETURN(v1::SafetyHold hold, write.Get(SafetyHoldKind(), request.name()));
        SB_RETURN_IF_ERROR(CheckSeesAll(write, EpisodeOf(request.name())));
        if (hold.has_release_time()) {
          return StateNotAllowed("the hold has been released already");
        }
        *hold.mutable_release_time() = api::ToProto(write.now());
        *hold.mutable_released_by() = api::ActorOf(call);
        return write.Update(SafetyHoldKind(), std::move(hold));
      });
}

}  // namespace securebase::episodes
