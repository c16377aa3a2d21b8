#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/episodes/handlers/checks.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/lifecycle.h"
#include "services/episodes/rules/members.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/claims.h"

namespace securebase::episodes {
namespace {

constexpr char kIdentifierScope[] = "episodes";
// Each takes a read, an expectation, a put and a journal entry of the one batch.
constexpr int kMergeStep = 50;

using records::Write;

// The episode as the caller may see it; nullopt: not at all.
std::optional<v1::Episode> Shown(const api::Call& call, const type::v1::AccessView& view,
                                 v1::Episode episode) {
  if (!api::IsParticipant(call)) {
    return episode;
  }
  for (const type::v1::EpisodeAccess& access : view.episodes()) {
    if (access.episode() == LastId(episode.name())) {
      return ForParticipant(std::move(episode), access);
    }
  }
  return std::nullopt;
}

// The narrowest index for the request; what it does not cover is filtered afterwards.
records::Query QueryFor(const api::Call& call, const v1::ListEpisodesRequest& request) {
  if (api::IsParticipant(call)) {
    return EpisodesOfPatient(call.principal.patient);
  }
  if (request.has_external_identifier()) {
    return EpisodesWithIdentifier(request.external_identifier());
  }
  if (!request.patient().empty()) {
    return EpisodesOfPatient(request.patient());
  }
  if (!request.staff().empty()) {
    return EpisodesOfStaff(request.staff());
  }
  return call.principal.kind == auth::PrincipalKind::kStaff
             ? EpisodesOfStaff(call.principal.subject)
             : AllEpisodes();
}

bool Matches(const v1::ListEpisodesRequest& request, const v1::Episode& episode) {
  const auto is_patient = [&](const v1::Participant& participant) {
    return participant.patient() == request.patient();
  };
  const auto is_staff = [&](const v1::CareTeamMember& member) {
    return IsPresent(member) && member.staff() == request.staff();
  };
  const auto is_identifier = [&](const type::v1::ExternalIdentifier& identifier) {
    return identifier.system() == request.external_identifier().system() &&
           identifier.value() == request.external_identifier().value();
  };
  const auto any = [](const auto& list, const auto& predicate) {
    return std::any_of(list.begin(), list.end(), predicate);
  };
  return (request.patient().empty() || any(episode.participants(), is_patient)) &&
         (request.staff().empty() || any(episode.care_team(), is_staff)) &&
         (!request.has_external_identifier() ||
          any(episode.external_identifiers(), is_identifier)) &&
         (request.statuses().empty() ||
          any(request.statuses(), [&](int status) { return status == episode.status(); }));
}

// Staff who opened an episode that they do not belong to could not see what they have done.
absl::Status CheckOpener(const api::Call& call, const v1::Episode& episode) {
  if (call.principal.kind != auth::PrincipalKind::kStaff ||
      std::any_of(episode.care_team().begin(), episode.care_team().end(),
                  [&](const v1::CareTeamMember& member) {
                    return member.staff() == call.principal.subject;
                  })) {
    return absl::OkStatus();
  }
  return InvalidFields({{"episode.care_team", "must include the member of staff who opens it"}});
}

// Reads the episode, checks the etag, changes it and writes it.
template <typename Request>
absl::StatusOr<v1::Episode> Change(
    const records::Database& database, const api::Call& call, const Request& request,
    const std::function<absl::StatusOr<v1::Episode>(Write&, v1::Episode)>& change) {
  return database.Transact<v1::Episode>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Episode> {
        SB_ASSIGN_OR_RETURN(v1::Episode stored, write.Get(EpisodeKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(stored, request.etag()));
        SB_ASSIGN_OR_RETURN(v1::Episode changed, change(write, std::move(stored)));
        return write.Update(EpisodeKind(), std::move(changed));
      });
}

// The same for a change of who takes part or who treats, which decides who sees what.
template <typename Request>
absl::StatusOr<v1::Episode> ChangeMembers(
    const records::Database& database, const api::Call& call, const Request& request,
    const std::function<absl::StatusOr<v1::Episode>(Write&, v1::Episode)>& change) {
  return Change(database, call, request,
                [&](Write& write, v1::Episode episode) -> absl::StatusOr<v1::Episode> {
                  SB_RETURN_IF_ERROR(CheckSeesAll(write, request.name()));
                  return change(write, std::move(episode));
                });
}

}  // namespace

absl::StatusOr<v1::Episode> EpisodeHandlers::CreateEpisode(
    const api::Call& call, const v1::CreateEpisodeRequest& request) {
  return database_.Transact<v1::Episode>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Episode> {
        v1::Episode draft = request.episode();
        draft.set_name(
            FormatName(kEpisodePattern, {call.practice(), write.IdOr(request.episode_id())}));
        for (v1::Participant& participant : *draft.mutable_participants()) {
          participant.set_id(write.IdOr(participant.id()));
        }
        SB_ASSIGN_OR_RETURN(v1::Episode episode,
                            OpenEpisode(std::move(draft), request.planned(), write.now()));
        SB_RETURN_IF_ERROR(CheckOpener(call, episode));
        SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
            write, kIdentifierScope, {}, episode.external_identifiers(), episode.name(),
            "episode.external_identifiers"));
        return write.Create(EpisodeKind(), std::move(episode));
      });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::GetEpisode(const api::Call& call,
                                                        const v1::GetEpisodeRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(v1::Episode episode, reader.Get(EpisodeKind(), request.name()));
  std::optional<v1::Episode> shown = Shown(call, reader.view(), std::move(episode));
  return shown.has_value() ? absl::StatusOr<v1::Episode>(*std::move(shown))
                           : NotFound(request.name());
}

absl::StatusOr<v1::ListEpisodesResponse> EpisodeHandlers::ListEpisodes(
    const api::Call& call, const v1::ListEpisodesRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  // Filters see what the caller sees, so that nobody can probe for what is not shown.
  SB_ASSIGN_OR_RETURN(
      const records::Page<v1::Episode> page,
      database_.List<v1::Episode>(call, request, EpisodeKind(), QueryFor(call, request),
                                  [&](const v1::Episode& episode) {
                                    const auto shown = Shown(call, reader.view(), episode);
                                    return shown.has_value() && Matches(request, *shown);
                                  }));
  v1::ListEpisodesResponse response;
  for (const v1::Episode& episode : page.items) {
    *response.add_episodes() = *Shown(call, reader.view(), episode);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Episode> EpisodeHandlers::UpdateEpisode(
    const api::Call& call, const v1::UpdateEpisodeRequest& request) {
  const std::string& name = request.episode().name();
  return database_.Transact<v1::Episode>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::Episode> {
        SB_ASSIGN_OR_RETURN(v1::Episode episode, write.Get(EpisodeKind(), name));
        SB_RETURN_IF_ERROR(api::CheckEtag(episode, request.episode().etag()));
        SB_RETURN_IF_ERROR(CheckChangeable(episode));
        const auto before = episode.external_identifiers();
        SB_RETURN_IF_ERROR(
            api::MergeUpdate(request.update_mask(), request.episode(), "episode", episode));
        SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(write, kIdentifierScope, before,
                                                             episode.external_identifiers(), name,
                                                             "episode.external_identifiers"));
        return write.Update(EpisodeKind(), std::move(episode));
      });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::TransitionEpisode(
    const api::Call& call, const v1::TransitionEpisodeRequest& request) {
  return Change(database_, call, request, [&](Write& write, v1::Episode episode) {
    return Move(std::move(episode), request.status(), request.reason(), write.now());
  });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::AddParticipant(
    const api::Call& call, const v1::AddParticipantRequest& request) {
  return ChangeMembers(database_, call, request, [&](Write& write, v1::Episode episode) {
    v1::Participant participant = request.participant();
    participant.set_id(write.IdOr(participant.id()));
    return episodes::AddParticipant(std::move(episode), std::move(participant), write.now());
  });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::UpdateParticipant(
    const api::Call& call, const v1::UpdateParticipantRequest& request) {
  return ChangeMembers(
      database_, call, request, [&](Write&, v1::Episode episode) -> absl::StatusOr<v1::Episode> {
        const std::string& id = request.participant().id();
        if (id.empty()) {
          return InvalidFields({{"participant.id", "must say which participant"}});
        }
        const v1::Participant* stored = FindParticipant(episode, id);
        if (stored == nullptr) {
          return NotFound(absl::StrCat("the participant of ", request.name()));
        }
        v1::Participant changed = *stored;
        SB_RETURN_IF_ERROR(
            api::MergeUpdate(request.update_mask(), request.participant(), "participant", changed));
        changed.set_id(id);
        return ReplaceParticipant(std::move(episode), changed);
      });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::EndParticipation(
    const api::Call& call, const v1::EndParticipationRequest& request) {
  return ChangeMembers(database_, call, request, [&](Write& write, v1::Episode episode) {
    return episodes::EndParticipation(std::move(episode), request.participant(), write.now());
  });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::AddCareTeamMember(
    const api::Call& call, const v1::AddCareTeamMemberRequest& request) {
  return ChangeMembers(database_, call, request, [&](Write& write, v1::Episode episode) {
    return episodes::AddCareTeamMember(std::move(episode), request.member(), write.now());
  });
}

absl::StatusOr<v1::Episode> EpisodeHandlers::EndCareTeamMembership(
    const api::Call& call, const v1::EndCareTeamMembershipRequest& request) {
  return ChangeMembers(database_, call, request, [&](Write& write, v1::Episode episode) {
    return episodes::EndCareTeamMembership(std::move(episode), request.staff(), write.now());
  });
}

absl::StatusOr<v1::MergePatientsResponse> EpisodeHandlers::MergePatients(
    const api::Call& call, const v1::MergePatientsRequest& request) {
  if (request.from_patient() == request.into_patient()) {
    return InvalidFields({{"into_patient", "must differ from from_patient"}});
  }
  return database_.Transact<v1::MergePatientsResponse>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::MergePatientsResponse> {
        SB_ASSIGN_OR_RETURN(const std::vector<v1::Episode> found,
                            write.FindAll(EpisodeKind(), EpisodesOfPatient(request.from_patient()),
                                          kMergeStep + 1));
        v1::MergePatientsResponse response;
        for (const v1::Episode& listed : found) {
          if (response.episodes_size() == kMergeStep) {
            response.set_more(true);
            break;
          }
          // Read once more, so that the commit depends on it.
          SB_ASSIGN_OR_RETURN(v1::Episode episode, write.Get(EpisodeKind(), listed.name()));
          SB_RETURN_IF_ERROR(
              write
                  .Update(EpisodeKind(), ReplacePatient(std::move(episode), request.from_patient(),
                                                        request.into_patient()))
                  .status());
          response.add_episodes(listed.name());
        }
        return response;
      });
}

}  // namespace securebase::episodes
