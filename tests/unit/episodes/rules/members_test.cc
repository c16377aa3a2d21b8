#include "services/episodes/rules/members.h"

#include "gmock/gmock.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes {
namespace {

using testing::Couple;
using ::testing::ElementsAre;
using testing::Family;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> Fields(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(CheckParticipants, AcceptsEveryKind) {
  EXPECT_THAT(CheckParticipants(Couple(), "p"), IsEmpty());
  EXPECT_THAT(CheckParticipants(Family(), "p"), IsEmpty());
  const auto individual = FromText<v1::Episode>(R"pb(
    kind: EPISODE_KIND_INDIVIDUAL
    participants {
      id: "a"
      patient: "1"
      role: PARTICIPANT_ROLE_CLIENT
      age_group: AGE_GROUP_MINOR
      guardians: "b"
    }
    participants { id: "b" role: PARTICIPANT_ROLE_CAREGIVER age_group: AGE_GROUP_ADULT }
    participants { id: "c" role: PARTICIPANT_ROLE_OBSERVER age_group: AGE_GROUP_ADULT }
  )pb");
  EXPECT_THAT(CheckParticipants(individual, "p"), IsEmpty());
  EXPECT_THAT(MissingToBeActive(individual), IsEmpty());
}

TEST(CheckParticipants, ReportsEverythingThatIsWrongAtOnce) {
  const auto episode = FromText<v1::Episode>(R"pb(
    kind: EPISODE_KIND_COUPLE
    participants {
      id: "a"
      patient: "1"
      role: PARTICIPANT_ROLE_PARTNER
      age_group: AGE_GROUP_MINOR
      guardians: "a"
      guardians: "zoe"
    }
    participants { id: "a" patient: "1" role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
    participants { id: "c" role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
    participants {
      id: "d"
      patient: "4"
      role: PARTICIPANT_ROLE_CHILD
      age_group: AGE_GROUP_ADULT
      guardians: "c"
    }
  )pb");
  EXPECT_THAT(Fields(CheckParticipants(episode, "p")),
              UnorderedElementsAre("p[0].age_group", "p[0].guardians[0]", "p[0].guardians[1]",
                                   "p[1].id", "p[1].patient", "p[2].patient", "p[2].role",
                                   "p[3].role", "p[3].guardians"));
}

TEST(CheckParticipants, AGuardianIsAnAdultAndNoObserver) {
  v1::Episode episode = Family();
  episode.mutable_participants(0)->set_age_group(v1::AGE_GROUP_MINOR);
  episode.mutable_participants(1)->set_role(v1::PARTICIPANT_ROLE_OBSERVER);
  episode.mutable_participants(2)->add_guardians("mum");
  EXPECT_THAT(Fields(CheckParticipants(episode, "p")),
              ElementsAre("p[2].guardians[0]", "p[2].guardians[1]", "p[2].guardians[2]",
                          "p[2].guardians[2]"));
}

TEST(CheckParticipants, OnePartnerMayComeWhereAnotherLeft) {
  v1::Episode episode = Couple();
  episode.mutable_participants(1)->mutable_leave_time()->set_seconds(1);
  v1::Participant* third = episode.add_participants();
  *third = episode.participants(0);
  third->set_id("cy");
  third->set_patient("ehr-9");
  EXPECT_THAT(CheckParticipants(episode, "p"), IsEmpty());
  EXPECT_THAT(MissingToBeActive(episode), IsEmpty());
  episode.mutable_participants(1)->clear_leave_time();
  EXPECT_THAT(Fields(CheckParticipants(episode, "p")), ElementsAre("p[2].role"));
}

TEST(CheckParticipants, AnIndividualEpisodeHasOneClient) {
  v1::Episode episode = Couple();
  episode.set_kind(v1::EPISODE_KIND_INDIVIDUAL);
  for (v1::Participant& participant : *episode.mutable_participants()) {
    participant.set_role(v1::PARTICIPANT_ROLE_CLIENT);
  }
  EXPECT_THAT(Fields(CheckParticipants(episode, "p")), ElementsAre("p[1].role"));
}

TEST(CheckJoining, TheChildOfADyadJoinsAsAMinor) {
  v1::Participant child = Family().participants(2);
  EXPECT_THAT(CheckJoining(v1::EPISODE_KIND_CAREGIVER_CHILD, child, "participant"), IsEmpty());
  child.set_age_group(v1::AGE_GROUP_ADULT);
  EXPECT_THAT(Fields(CheckJoining(v1::EPISODE_KIND_CAREGIVER_CHILD, child, "participant")),
              ElementsAre("participant.age_group"));
  EXPECT_THAT(CheckJoining(v1::EPISODE_KIND_FAMILY, child, "participant"), IsEmpty());
}

TEST(MissingToBeActive, CountsOnlyWhoTakesPart) {
  for (v1::Episode episode : {Couple(), Family()}) {
    ASSERT_THAT(MissingToBeActive(episode), IsEmpty());
    for (v1::Participant& participant : *episode.mutable_participants()) {
      participant.mutable_leave_time()->set_seconds(1);
    }
    EXPECT_FALSE(MissingToBeActive(episode).empty());
  }
}

TEST(MissingToBeActive, AMinorNeedsOneGuardianWhoTakesPart) {
  v1::Episode episode = Family();
  episode.mutable_participants(0)->mutable_leave_time()->set_seconds(1);
  EXPECT_THAT(MissingToBeActive(episode), IsEmpty());
  episode.mutable_participants(2)->mutable_guardians()->RemoveLast();  // dad
  EXPECT_THAT(MissingToBeActive(episode),
              ElementsAre("every minor needs a guardian who takes part"));
  episode.mutable_participants(2)->set_age_group(v1::AGE_GROUP_ADULT);
  EXPECT_THAT(MissingToBeActive(episode), IsEmpty());
}

TEST(MissingToBeActive, AFamilyIsTwoWhoAreNotObservers) {
  v1::Episode episode = Couple();
  episode.set_kind(v1::EPISODE_KIND_FAMILY);
  EXPECT_THAT(MissingToBeActive(episode), IsEmpty());
  episode.mutable_participants(1)->set_role(v1::PARTICIPANT_ROLE_OBSERVER);
  EXPECT_FALSE(MissingToBeActive(episode).empty());
}

TEST(CheckCareTeam, NeedsALeadOnceEach) {
  v1::Episode episode = Couple();
  EXPECT_THAT(CheckCareTeam(episode, "team"), IsEmpty());
  v1::CareTeamMember* again = episode.add_care_team();
  again->set_staff("dr-lee");
  again->set_role(v1::CARE_TEAM_ROLE_COORDINATOR);
  again->set_supervised(true);
  EXPECT_THAT(Fields(CheckCareTeam(episode, "team")),
              ElementsAre("team[1].staff", "team[1].supervised"));
  episode.mutable_care_team(0)->mutable_end_time()->set_seconds(1);
  EXPECT_THAT(Fields(CheckCareTeam(episode, "team")), ElementsAre("team[1].supervised", "team"));
}

}  // namespace
}  // namespace securebase::episodes
