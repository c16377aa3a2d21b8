#pragma once

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "securebase/episodes/v1/episode.pb.h"

namespace securebase::episodes::testing {

// A message from its text form; fails the test when it does not parse.
template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Two adults, "ann" and "bob", treated by dr-lee.
inline v1::Episode Couple() {
  return FromText<v1::Episode>(R"pb(
    name: "practices/p1/episodes/e1"
    kind: EPISODE_KIND_COUPLE
    status: EPISODE_STATUS_ACTIVE
    participants {
      id: "ann"
      patient: "ehr-1"
      role: PARTICIPANT_ROLE_PARTNER
      age_group: AGE_GROUP_ADULT
    }
    participants {
      id: "bob"
      patient: "ehr-2"
      role: PARTICIPANT_ROLE_PARTNER
      age_group: AGE_GROUP_ADULT
    }
    care_team { staff: "dr-lee" role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
  )pb");
}

// Two guardians, "mum" and "dad", and their child "kim".
inline v1::Episode Family() {
  return FromText<v1::Episode>(R"pb(
    name: "practices/p1/episodes/e2"
    kind: EPISODE_KIND_CAREGIVER_CHILD
    status: EPISODE_STATUS_ACTIVE
    participants {
      id: "mum"
      patient: "ehr-3"
      role: PARTICIPANT_ROLE_CAREGIVER
      age_group: AGE_GROUP_ADULT
    }
    participants {
      id: "dad"
      patient: "ehr-4"
      role: PARTICIPANT_ROLE_CAREGIVER
      age_group: AGE_GROUP_ADULT
    }
    participants {
      id: "kim"
      patient: "ehr-5"
      role: PARTICIPANT_ROLE_CHILD
      age_group: AGE_GROUP_MINOR
      guardians: "mum"
      guardians: "dad"
    }
    care_team { staff: "dr-lee" role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
  )pb");
}

}  // namespace securebase::episodes::testing
