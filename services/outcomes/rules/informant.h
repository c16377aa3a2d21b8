#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "services/platform/base/error.h"

// Who may answer what about whom.
namespace securebase::outcomes {

// Everything that is wrong with `informant` answering the instrument about `subject` in the episode
// at `answered`, by path under `field` ("assessment"); nothing: `role` is then set, if it was not.
//   - The subject is a participant, taking part at that time.
//   - The informant is such a participant too or, for instruments that clinicians answer, a member
//     of the care team at that time.
//   - The role fits both: SELF answers about themself; a CAREGIVER or guardian is PARENT, also
//   about
//     their own parenting; a PARTNER is PARTNER; an OBSERVER is TEACHER; the care team is
//     CLINICIAN.
//   - The instrument is for that role. An unspecified role is the first of these that it is for.
std::vector<FieldViolation> CheckInformant(const episodes::v1::Episode& episode,
                                           const v1::InstrumentDefinition& definition,
                                           const std::string& subject, const std::string& informant,
                                           absl::Time answered, const std::string& field,
                                           v1::Informant& role);

// What is wrong with the relationship target: required, and one of the instrument's, where it has
// some; otherwise empty.
std::vector<FieldViolation> CheckTarget(const v1::InstrumentDefinition& definition,
                                        const std::string& target, const std::string& field);

}  // namespace securebase::outcomes
