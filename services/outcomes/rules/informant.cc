#include "services/outcomes/rules/informant.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/api/timestamp.h"

namespace securebase::outcomes {
namespace {

using episodes::v1::CareTeamMember;
using episodes::v1::Episode;
using episodes::v1::Participant;

// Whoever left may have answered before; who joined later may have answered on paper, so that
// joining does not count.
const Participant* FindParticipant(const Episode& episode, const std::string& id,
                                   absl::Time answered) {
  for (const Participant& participant : episode.participants()) {
    if (participant.id() == id) {
      const bool left =
          participant.has_leave_time() && api::FromProto(participant.leave_time()) < answered;
      return left ? nullptr : &participant;
    }
  }
  return nullptr;
}

bool IsInCareTeam(const Episode& episode, const std::string& staff, absl::Time answered) {
  return std::any_of(
      episode.care_team().begin(), episode.care_team().end(), [&](const CareTeamMember& member) {
        return member.staff() == staff &&
               (!member.has_end_time() || answered <= api::FromProto(member.end_time()));
      });
}

std::vector<v1::Informant> RolesOf(const Participant& informant, const Participant& subject) {
  std::vector<v1::Informant> roles;
  const bool is_self = informant.id() == subject.id();
  if (is_self) {
    roles.push_back(v1::INFORMANT_SELF);
  }
  const bool is_guardian = std::find(subject.guardians().begin(), subject.guardians().end(),
                                     informant.id()) != subject.guardians().end();
  if (is_guardian || informant.role() == episodes::v1::PARTICIPANT_ROLE_CAREGIVER) {
    roles.push_back(v1::INFORMANT_PARENT);
  }
  if (!is_self && informant.role() == episodes::v1::PARTICIPANT_ROLE_PARTNER) {
    roles.push_back(v1::INFORMANT_PARTNER);
  }
  if (!is_self && informant.role() == episodes::v1::PARTICIPANT_ROLE_OBSERVER) {
    roles.push_back(v1::INFORMANT_TEACHER);
  }
  return roles;
}

bool IsFor(const v1::InstrumentDefinition& definition, v1::Informant role) {
  return std::find(definition.informants().begin(), definition.informants().end(), role) !=
         definition.informants().end();
}

std::string RoleWord(v1::Informant role) {
  return v1::Informant_Name(role).substr(std::string("INFORMANT_").size());
}

}  // namespace

std::vector<FieldViolation> CheckInformant(const Episode& episode,
                                           const v1::InstrumentDefinition& definition,
                                           const std::string& subject_id,
                                           const std::string& informant_id, absl::Time answered,
                                           const std::string& field, v1::Informant& role) {
  std::vector<FieldViolation> violations;
  const Participant* subject = FindParticipant(episode, subject_id, answered);
  if (subject == nullptr) {
    violations.push_back({absl::StrCat(field, ".subject"),
                          "is no participant of the episode at the time of answering"});
  }
  const Participant* informant = FindParticipant(episode, informant_id, answered);
  std::vector<v1::Informant> roles;
  if (informant == nullptr && IsInCareTeam(episode, informant_id, answered)) {
    roles.push_back(v1::INFORMANT_CLINICIAN);
  } else if (informant == nullptr) {
    violations.push_back(
        {absl::StrCat(field, ".informant"),
         "is neither a participant of the episode nor of its care team at the time of answering"});
  }
  if (!violations.empty()) {
    return violations;
  }
  if (informant != nullptr) {
    roles = RolesOf(*informant, *subject);
  }
  if (role != v1::INFORMANT_UNSPECIFIED &&
      std::find(roles.begin(), roles.end(), role) == roles.end()) {
    return {{absl::StrCat(field, ".informant_role"),
             "does not fit the roles of informant and subject in the episode"}};
  }
  const v1::Informant* fitting = role != v1::INFORMANT_UNSPECIFIED
                                     ? (IsFor(definition, role) ? &role : nullptr)
                                     : [&]() -> const v1::Informant* {
    const auto found = std::find_if(roles.begin(), roles.end(),
                                    [&](v1::Informant r) { return IsFor(definition, r); });
    return found == roles.end() ? nullptr : &*found;
  }();
  if (fitting == nullptr) {
    std::vector<std::string> words;
    for (const int allowed : definition.informants()) {
      words.push_back(RoleWord(static_cast<v1::Informant>(allowed)));
    }
    return {{absl::StrCat(field, ".informant"),
             absl::StrCat("the instrument is not for this informant, only for ",
                          absl::StrJoin(words, ", "))}};
  }
  role = *fitting;
  return {};
}

std::vector<FieldViolation> CheckTarget(const v1::InstrumentDefinition& definition,
                                        const std::string& target, const std::string& field) {
  const auto& targets = definition.relationship_targets();
  if (targets.empty()) {
    if (target.empty()) {
      return {};
    }
    return {{absl::StrCat(field, ".relationship_target"),
             "the instrument has no relationship targets; leave it empty"}};
  }
  if (std::find(targets.begin(), targets.end(), target) != targets.end()) {
    return {};
  }
  return {{absl::StrCat(field, ".relationship_target"),
           absl::StrCat("must be one of ", absl::StrJoin(targets, ", "))}};
}

}  // namespace securebase::outcomes
