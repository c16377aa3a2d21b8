#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "services/platform/base/error.h"

// Who may make up an episode. The kinds are those of relational practice; which roles belong to
// which kind, and what an episode needs to be under way, are rules of this project.
namespace securebase::episodes {

inline constexpr int kMaxParticipants = 12;  // those who left included
inline constexpr int kMaxCareTeam = 50;      // those who left included

// Takes part, or treats, at present.
bool IsPresent(const v1::Participant& participant);
bool IsPresent(const v1::CareTeamMember& member);

// The participant with this id, present or not; null without one.
const v1::Participant* FindParticipant(const v1::Episode& episode, absl::string_view id);
v1::Participant* FindParticipant(v1::Episode& episode, absl::string_view id);

// Everything that is wrong with the participants, by path under `field`
// ("episode.participants"). Holds in every status:
//   - ids differ; so do patients;
//   - the role belongs to the episode's kind: INDIVIDUAL has a CLIENT, COUPLE has PARTNERs, FAMILY
//     and CAREGIVER_CHILD have the roles of a family; OBSERVERs may be anywhere;
//   - at most one CLIENT, and at most two PARTNERs of a COUPLE, both adults, are present;
//   - whoever is treated (CLIENT, PARTNER, CHILD) is a patient of the EHR;
//   - only minors have guardians; these are other participants, adults, and not OBSERVERs.
std::vector<FieldViolation> CheckParticipants(const v1::Episode& episode, absl::string_view field);

// What is wrong with `participant` joining an episode of this kind, by path under `field`
// ("participant"), beyond the above: the CHILD of a CAREGIVER_CHILD episode joins as a minor. They
// may come of age later.
std::vector<FieldViolation> CheckJoining(v1::EpisodeKind kind, const v1::Participant& participant,
                                         absl::string_view field);

// What the episode lacks to be ACTIVE, a clause each; empty: nothing. Counted are those present:
//   INDIVIDUAL one client, COUPLE two partners, FAMILY two members who are not observers,
//   CAREGIVER_CHILD a caregiver and a child; and a guardian for every minor who is not an observer.
std::vector<std::string> MissingToBeActive(const v1::Episode& episode);

// Everything that is wrong with the care team, by path under `field` ("episode.care_team"):
// somebody is in it twice, nobody leads, or somebody who does not treat is called supervised.
std::vector<FieldViolation> CheckCareTeam(const v1::Episode& episode, absl::string_view field);

// Whether somebody present is LEAD_CLINICIAN.
bool HasLead(const v1::Episode& episode);

// Lets `staff` see the episode and the data of `subjects` because of `alert` (its name). Whoever
// treats, or has a cover for that alert already, needs none. Returns whether anything changed.
bool AddCovers(const std::string& alert, const std::vector<std::string>& staff,
               const std::vector<std::string>& subjects, absl::Time now, v1::Episode& episode);
// Ends the covers of that alert. Returns whether there were any.
bool EndCovers(const std::string& alert, v1::Episode& episode);

}  // namespace securebase::episodes
