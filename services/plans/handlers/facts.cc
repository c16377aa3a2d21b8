#include "services/plans/handlers/facts.h"

#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {
namespace {

namespace ev1 = episodes::v1;

rules::MemberRole ToRole(ev1::ParticipantRole role) {
  switch (role) {
    case ev1::PARTICIPANT_ROLE_CLIENT:
      return rules::MemberRole::kClient;
    case ev1::PARTICIPANT_ROLE_PARTNER:
      return rules::MemberRole::kPartner;
    case ev1::PARTICIPANT_ROLE_CAREGIVER:
      return rules::MemberRole::kCaregiver;
    case ev1::PARTICIPANT_ROLE_CHILD:
      return rules::MemberRole::kChild;
    case ev1::PARTICIPANT_ROLE_SIBLING:
    case ev1::PARTICIPANT_ROLE_RELATIVE:
      return rules::MemberRole::kRelative;
    default:
      return rules::MemberRole::kObserver;
  }
}

rules::StaffRole ToRole(ev1::CareTeamRole role) {
  switch (role) {
    case ev1::CARE_TEAM_ROLE_LEAD_CLINICIAN:
    case ev1::CARE_TEAM_ROLE_CLINICIAN:
      return rules::StaffRole::kClinician;
    case ev1::CARE_TEAM_ROLE_SUPERVISOR:
      return rules::StaffRole::kSupervisor;
    default:
      return rules::StaffRole::kCoordinator;
  }
}

// For whom a plan is meant unless the clinician says otherwise. A family's is theirs to say.
v1::Population ToPopulation(const ev1::Episode& episode) {
  switch (episode.kind()) {
    case ev1::EPISODE_KIND_INDIVIDUAL:
      for (const ev1::Participant& participant : episode.participants()) {
        if (participant.role() == ev1::PARTICIPANT_ROLE_CLIENT &&
            participant.age_group() == ev1::AGE_GROUP_MINOR) {
          return v1::POPULATION_CHILD;
        }
      }
      return v1::POPULATION_ADULT;
    case ev1::EPISODE_KIND_COUPLE:
      return v1::POPULATION_COUPLE;
    case ev1::EPISODE_KIND_CAREGIVER_CHILD:
      return v1::POPULATION_CAREGIVER_CHILD;
    default:
      return v1::POPULATION_UNSPECIFIED;
  }
}

rules::Episode ToFacts(const ev1::Episode& episode) {
  rules::Episode facts;
  facts.name = episode.name();
  facts.under_way = episode.status() == ev1::EPISODE_STATUS_PLANNED ||
                    episode.status() == ev1::EPISODE_STATUS_ACTIVE ||
                    episode.status() == ev1::EPISODE_STATUS_ON_HOLD;
  facts.cancelled = episode.status() == ev1::EPISODE_STATUS_CANCELLED ||
                    episode.status() == ev1::EPISODE_STATUS_ENTERED_IN_ERROR;
  facts.population = ToPopulation(episode);
  for (const ev1::Problem& problem : episode.problems()) {
    facts.problems.push_back(problem.code());
  }
  for (const ev1::Participant& participant : episode.participants()) {
    facts.members.push_back({participant.id(),
                             ToRole(participant.role()),
                             participant.age_group() == ev1::AGE_GROUP_MINOR,
                             participant.has_leave_time(),
                             {participant.guardians().begin(), participant.guardians().end()}});
  }
  for (const ev1::CareTeamMember& member : episode.care_team()) {
    if (!member.has_end_time()) {
      facts.team.push_back({member.staff(), ToRole(member.role()), member.supervised()});
    }
  }
  return facts;
}

}  // namespace

absl::StatusOr<rules::Episode> GetEpisode(EpisodesNeighbour& episodes, const api::Call& call,
                                          const std::string& name) {
  SB_ASSIGN_OR_RETURN(const ev1::Episode episode, episodes.GetEpisode(call, name));
  return ToFacts(episode);
}

absl::StatusOr<rules::Episode> GetEpisodeWithConsents(EpisodesNeighbour& episodes,
                                                      const api::Call& call,
                                                      const std::string& name) {
  SB_ASSIGN_OR_RETURN(rules::Episode facts, GetEpisode(episodes, call, name));
  SB_ASSIGN_OR_RETURN(const ev1::TreatmentConsent consent,
                      episodes.GetTreatmentConsent(call, name));
  for (const ev1::ParticipantConsent& participant : consent.participants()) {
    if (participant.state() == ev1::CONSENT_STATE_GIVEN) {
      facts.consented.push_back(participant.participant());
    }
  }
  return facts;
}

absl::StatusOr<rules::Policy> GetPolicy(EpisodesNeighbour& episodes, const api::Call& call) {
  SB_ASSIGN_OR_RETURN(const ev1::PracticeSettings settings, episodes.GetSettings(call));
  rules::Policy policy;
  if (!settings.time_zone().empty() &&
      !absl::LoadTimeZone(settings.time_zone(), &policy.time_zone)) {
    return Internal("the practice's time zone is not known on this machine");
  }
  if (settings.review_interval_days() > 0) {
    policy.review_interval_days = settings.review_interval_days();
  }
  if (settings.has_supervisor_signature_required()) {
    policy.supervisor_signature_required = settings.supervisor_signature_required();
  }
  if (settings.has_participant_consent_required()) {
    policy.participant_consent_required = settings.participant_consent_required();
  }
  policy.solo_practice = settings.solo_practice();
  return policy;
}

}  // namespace securebase::plans
