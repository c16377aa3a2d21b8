#include "services/plans/rules/episode.h"

namespace securebase::plans::rules {

const Member* FindMember(const Episode& episode, absl::string_view id) {
  for (const Member& member : episode.members) {
    if (member.id == id) {
      return &member;
    }
  }
  return nullptr;
}

const StaffMember* FindStaff(const Episode& episode, absl::string_view id) {
  for (const StaffMember& member : episode.team) {
    if (member.id == id) {
      return &member;
    }
  }
  return nullptr;
}

std::vector<std::string> DefaultSubjects(const Episode& episode) {
  std::vector<std::string> ids;
  for (const Member& member : episode.members) {
    if (!member.left && member.role != MemberRole::kObserver) {
      ids.push_back(member.id);
    }
  }
  return ids;
}

}  // namespace securebase::plans::rules
