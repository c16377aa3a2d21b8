#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/plans/v1/plan.pb.h"

// What the rules of plans need to know of an episode and of the practice. The records themselves
// are the episodes service's.
namespace securebase::plans::rules {

enum class MemberRole { kClient, kPartner, kCaregiver, kChild, kRelative, kObserver };

// A participant.
struct Member {
  std::string id;
  MemberRole role = MemberRole::kClient;
  bool minor = false;
  bool left = false;                   // takes part no more
  std::vector<std::string> guardians;  // of a minor: ids of members
};

enum class StaffRole { kClinician, kSupervisor, kCoordinator };

// Somebody of the care team, at present.
struct StaffMember {
  std::string id;
  StaffRole role = StaffRole::kClinician;
  bool supervised = false;
};

struct Episode {
  std::string name;
  bool under_way = false;  // neither ended nor entered in error; planned ones are
  bool cancelled = false;  // or entered in error: there was nothing to record
  v1::Population population = v1::POPULATION_UNSPECIFIED;  // what its kind suggests
  std::vector<std::string> problems;                       // codes
  std::vector<Member> members;
  std::vector<StaffMember> team;
  // Members whose treatment is consented to by all who must: what the episodes service says.
  std::vector<std::string> consented;
};

// The practice's policy.
struct Policy {
  absl::TimeZone time_zone = absl::UTCTimeZone();
  int review_interval_days = 90;
  bool supervisor_signature_required = true;
  bool participant_consent_required = true;
  bool solo_practice = false;
};

// Null when there is none.
const Member* FindMember(const Episode& episode, absl::string_view id);
const StaffMember* FindStaff(const Episode& episode, absl::string_view id);

// Ids of those whom a plan of the episode is about unless it says otherwise: who takes part,
// observers excepted.
std::vector<std::string> DefaultSubjects(const Episode& episode);

}  // namespace securebase::plans::rules
