#include "services/episodes/rules/members.h"

#include <algorithm>
#include <set>

#include "services/platform/api/timestamp.h"

namespace securebase::episodes {
namespace {

struct KindRules {
  v1::EpisodeKind kind;
  absl::string_view word;
  std::vector<v1::ParticipantRole> roles;
};

const KindRules& RulesOf(v1::EpisodeKind kind) {
  static const auto* const kRules = new std::vector<KindRules>{
      {v1::EPISODE_KIND_UNSPECIFIED, "unspecified", {}},
      {v1::EPISODE_KIND_INDIVIDUAL,
       "individual",
       {v1::PARTICIPANT_ROLE_CLIENT, v1::PARTICIPANT_ROLE_CAREGIVER, v1::PARTICIPANT_ROLE_RELATIVE,
        v1::PARTICIPANT_ROLE_OBSERVER}},
      {v1::EPISODE_KIND_COUPLE,
       "couple",
       {v1::PARTICIPANT_ROLE_PARTNER, v1::PARTICIPANT_ROLE_OBSERVER}},
      {v1::EPISODE_KIND_FAMILY,
       "family",
       {v1::PARTICIPANT_ROLE_PARTNER, v1::PARTICIPANT_ROLE_CAREGIVER, v1::PARTICIPANT_ROLE_CHILD,
        v1::PARTICIPANT_ROLE_SIBLING, v1::PARTICIPANT_ROLE_RELATIVE,
        v1::PARTICIPANT_ROLE_OBSERVER}},
      {v1::EPISODE_KIND_CAREGIVER_CHILD,
       "caregiver-child",
       {v1::PARTICIPANT_ROLE_CAREGIVER, v1::PARTICIPANT_ROLE_CHILD, v1::PARTICIPANT_ROLE_SIBLING,
        v1::PARTICIPANT_ROLE_RELATIVE, v1::PARTICIPANT_ROLE_OBSERVER}},
  };
  for (const KindRules& rules : *kRules) {
    if (rules.kind == kind) {
      return rules;
    }
  }
  return kRules->front();
}

bool IsTreated(v1::ParticipantRole role) {
  return role == v1::PARTICIPANT_ROLE_CLIENT || role == v1::PARTICIPANT_ROLE_PARTNER ||
         role == v1::PARTICIPANT_ROLE_CHILD;
}

bool Treats(v1::CareTeamRole role) {
  return role == v1::CARE_TEAM_ROLE_LEAD_CLINICIAN || role == v1::CARE_TEAM_ROLE_CLINICIAN;
}

int CountPresent(const v1::Episode& episode, v1::ParticipantRole role) {
  int count = 0;
  for (const v1::Participant& participant : episode.participants()) {
    count += IsPresent(participant) && participant.role() == role ? 1 : 0;
  }
  return count;
}

void CheckGuardians(const v1::Episode& episode, const v1::Participant& minor,
                    const std::string& path, std::vector<FieldViolation>& violations) {
  if (minor.age_group() != v1::AGE_GROUP_MINOR && minor.guardians_size() > 0) {
    violations.push_back({path, "must be empty: an adult has no guardians"});
    return;
  }
  std::set<absl::string_view> seen;
  for (int i = 0; i < minor.guardians_size(); ++i) {
    const std::string element = absl::StrCat(path, "[", i, "]");
    const v1::Participant* guardian = FindParticipant(episode, minor.guardians(i));
    if (guardian == nullptr || guardian->id() == minor.id()) {
      violations.push_back({element, "must be the id of another participant of this episode"});
    } else if (guardian->age_group() != v1::AGE_GROUP_ADULT) {
      violations.push_back({element, "must be an adult"});
    } else if (guardian->role() == v1::PARTICIPANT_ROLE_OBSERVER) {
      violations.push_back({element, "must not be an observer"});
    }
    if (!seen.insert(minor.guardians(i)).second) {
      violations.push_back({element, "is listed twice"});
    }
  }
}

bool HasPresentGuardian(const v1::Episode& episode, const v1::Participant& minor) {
  return std::any_of(minor.guardians().begin(), minor.guardians().end(),
                     [&episode](const std::string& id) {
                       const v1::Participant* guardian = FindParticipant(episode, id);
                       return guardian != nullptr && IsPresent(*guardian);
                     });
}

}  // namespace

bool IsPresent(const v1::Participant& participant) { return !participant.has_leave_time(); }
bool IsPresent(const v1::CareTeamMember& member) { return !member.has_end_time(); }

const v1::Participant* FindParticipant(const v1::Episode& episode, absl::string_view id) {
  for (const v1::Participant& participant : episode.participants()) {
    if (participant.id() == id) {
      return &participant;
    }
  }
  return nullptr;
}

v1::Participant* FindParticipant(v1::Episode& episode, absl::string_view id) {
  return const_cast<v1::Participant*>(FindParticipant(std::as_const(episode), id));
}

std::vector<FieldViolation> CheckParticipants(const v1::Episode& episode, absl::string_view field) {
  const KindRules& rules = RulesOf(episode.kind());
  std::vector<FieldViolation> violations;
  std::set<absl::string_view> ids;
  std::set<absl::string_view> patients;
  int clients = 0;
  int partners = 0;
  for (int i = 0; i < episode.participants_size(); ++i) {
    const v1::Participant& participant = episode.participants(i);
    const std::string path = absl::StrCat(field, "[", i, "]");
    if (!ids.insert(participant.id()).second) {
      violations.push_back({path + ".id", "must differ from every other participant's"});
    }
    if (std::find(rules.roles.begin(), rules.roles.end(), participant.role()) ==
        rules.roles.end()) {
      violations.push_back(
          {path + ".role", absl::StrCat("does not belong to an episode of kind ", rules.word)});
    }
    if (participant.patient().empty()) {
      if (IsTreated(participant.role())) {
        violations.push_back({path + ".patient", "must be set for clients, partners and children"});
      }
    } else if (!patients.insert(participant.patient()).second) {
      violations.push_back({path + ".patient", "takes part already; nobody can be in it twice"});
    }
    if (IsPresent(participant)) {
      clients += participant.role() == v1::PARTICIPANT_ROLE_CLIENT ? 1 : 0;
      partners += participant.role() == v1::PARTICIPANT_ROLE_PARTNER ? 1 : 0;
      if (participant.role() == v1::PARTICIPANT_ROLE_CLIENT && clients == 2) {
        violations.push_back({path + ".role", "there can be one client only"});
      }
      if (episode.kind() == v1::EPISODE_KIND_COUPLE &&
          participant.role() == v1::PARTICIPANT_ROLE_PARTNER && partners == 3) {
        violations.push_back({path + ".role", "a couple has two partners"});
      }
    }
    if (episode.kind() == v1::EPISODE_KIND_COUPLE &&
        participant.role() == v1::PARTICIPANT_ROLE_PARTNER &&
        participant.age_group() != v1::AGE_GROUP_ADULT) {
      violations.push_back({path + ".age_group", "the partners of a couple are adults"});
    }
    CheckGuardians(episode, participant, path + ".guardians", violations);
  }
  return violations;
}

std::vector<FieldViolation> CheckJoining(v1::EpisodeKind kind, const v1::Participant& participant,
                                         absl::string_view field) {
  if (kind == v1::EPISODE_KIND_CAREGIVER_CHILD &&
      participant.role() == v1::PARTICIPANT_ROLE_CHILD &&
      participant.age_group() != v1::AGE_GROUP_MINOR) {
    return {{absl::StrCat(field, ".age_group"),
             "the child of a caregiver-child episode is a minor when they join"}};
  }
  return {};
}

std::vector<std::string> MissingToBeActive(const v1::Episode& episode) {
  std::vector<std::string> missing;
  const auto count = [&episode](v1::ParticipantRole role) { return CountPresent(episode, role); };
  switch (episode.kind()) {
    case v1::EPISODE_KIND_INDIVIDUAL:
      if (count(v1::PARTICIPANT_ROLE_CLIENT) != 1) {
        missing.emplace_back("an individual episode needs one client");
      }
      break;
    case v1::EPISODE_KIND_COUPLE:
      if (count(v1::PARTICIPANT_ROLE_PARTNER) != 2) {
        missing.emplace_back("a couple needs two partners");
      }
      break;
    case v1::EPISODE_KIND_FAMILY: {
      int members = 0;
      for (const v1::Participant& participant : episode.participants()) {
        members +=
            IsPresent(participant) && participant.role() != v1::PARTICIPANT_ROLE_OBSERVER ? 1 : 0;
      }
      if (members < 2) {
        missing.emplace_back("a family needs two members who are not observers");
      }
      break;
    }
    case v1::EPISODE_KIND_CAREGIVER_CHILD:
      if (count(v1::PARTICIPANT_ROLE_CAREGIVER) == 0) {
        missing.emplace_back("a caregiver-child episode needs a caregiver");
      }
      if (count(v1::PARTICIPANT_ROLE_CHILD) == 0) {
        missing.emplace_back("a caregiver-child episode needs a child");
      }
      break;
    default:
      missing.emplace_back("the episode needs a kind");
  }
  for (const v1::Participant& participant : episode.participants()) {
    if (IsPresent(participant) && participant.age_group() == v1::AGE_GROUP_MINOR &&
        participant.role() != v1::PARTICIPANT_ROLE_OBSERVER &&
        !HasPresentGuardian(episode, participant)) {
      missing.emplace_back("every minor needs a guardian who takes part");
      break;
    }
  }
  return missing;
}

std::vector<FieldViolation> CheckCareTeam(const v1::Episode& episode, absl::string_view field) {
  std::vector<FieldViolation> violations;
  std::set<absl::string_view> staff;
  for (int i = 0; i < episode.care_team_size(); ++i) {
    const v1::CareTeamMember& member = episode.care_team(i);
    if (!IsPresent(member)) {
      continue;
    }
    const std::string path = absl::StrCat(field, "[", i, "]");
    if (!staff.insert(member.staff()).second) {
      violations.push_back({path + ".staff", "is in the care team already"});
    }
    if (member.supervised() && !Treats(member.role())) {
      violations.push_back({path + ".supervised", "only who treats can work under supervision"});
    }
  }
  if (!HasLead(episode)) {
    violations.push_back({std::string(field), "needs a lead clinician"});
  }
  return violations;
}

bool HasLead(const v1::Episode& episode) {
  return std::any_of(
      episode.care_team().begin(), episode.care_team().end(), [](const v1::CareTeamMember& member) {
        return IsPresent(member) && member.role() == v1::CARE_TEAM_ROLE_LEAD_CLINICIAN;
      });
}

bool AddCovers(const std::string& alert, const std::vector<std::string>& staff,
               const std::vector<std::string>& subjects, absl::Time now, v1::Episode& episode) {
  bool changed = false;
  for (const std::string& member : staff) {
    const bool treats = std::any_of(episode.care_team().begin(), episode.care_team().end(),
                                    [&](const v1::CareTeamMember& other) {
                                      return IsPresent(other) && other.staff() == member;
                                    });
    const bool covers = std::any_of(
        episode.covers().begin(), episode.covers().end(),
        [&](const v1::Cover& cover) { return cover.alert() == alert && cover.staff() == member; });
    if (treats || covers) {
      continue;
    }
    v1::Cover& cover = *episode.add_covers();
    cover.set_staff(member);
    cover.set_alert(alert);
    cover.mutable_subjects()->Assign(subjects.begin(), subjects.end());
    *cover.mutable_start_time() = api::ToProto(now);
    changed = true;
  }
  return changed;
}

bool EndCovers(const std::string& alert, v1::Episode& episode) {
  auto* covers = episode.mutable_covers();
  const auto end = std::remove_if(covers->begin(), covers->end(),
                                  [&](const v1::Cover& cover) { return cover.alert() == alert; });
  const bool any = end != covers->end();
  covers->erase(end, covers->end());
  return any;
}

}  // namespace securebase::episodes
