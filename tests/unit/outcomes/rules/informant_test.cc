#include "services/outcomes/rules/informant.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/api/timestamp.h"
#include "tests/unit/episodes/builders.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using episodes::testing::Couple;
using episodes::testing::Family;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using testing::Instrument;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// What is wrong with `informant` answering about `subject`; `role` as CheckInformant leaves it.
std::vector<FieldViolation> Check(const episodes::v1::Episode& episode,
                                  absl::string_view instrument, const std::string& subject,
                                  const std::string& informant, v1::Informant& role,
                                  absl::Time answered = kNow) {
  return CheckInformant(episode, Instrument(instrument), subject, informant, answered, "assessment",
                        role);
}

// The role that is found for them; UNSPECIFIED if they may not answer.
v1::Informant RoleOf(const episodes::v1::Episode& episode, absl::string_view instrument,
                     const std::string& subject, const std::string& informant) {
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  Check(episode, instrument, subject, informant, role);
  return role;
}

auto At(const std::string& field) { return Field(&FieldViolation::field, field); }

// A family with "miss", who teaches the child, and "gran", who lives with it.
episodes::v1::Episode WithOthers() {
  episodes::v1::Episode episode = Family();
  episodes::v1::Participant& teacher = *episode.add_participants();
  teacher.set_id("miss");
  teacher.set_role(episodes::v1::PARTICIPANT_ROLE_OBSERVER);
  episodes::v1::Participant& gran = *episode.add_participants();
  gran.set_id("gran");
  gran.set_role(episodes::v1::PARTICIPANT_ROLE_RELATIVE);
  return episode;
}

// An instrument of everybody's.
v1::InstrumentDefinition ForAll() {
  v1::InstrumentDefinition definition = Instrument("sdq");
  definition.clear_informants();
  for (int role = v1::INFORMANT_SELF; role <= v1::INFORMANT_CLINICIAN; ++role) {
    definition.add_informants(static_cast<v1::Informant>(role));
  }
  return definition;
}

TEST(InformantTest, WhoAnswersAboutWhomDecidesTheRole) {
  const episodes::v1::Episode family = WithOthers();
  EXPECT_EQ(RoleOf(family, "sdq", "kim", "kim"), v1::INFORMANT_SELF);
  EXPECT_EQ(RoleOf(family, "sdq", "kim", "mum"), v1::INFORMANT_PARENT);
  EXPECT_EQ(RoleOf(family, "sdq", "kim", "miss"), v1::INFORMANT_TEACHER);
  EXPECT_EQ(RoleOf(family, "phq-9", "mum", "mum"), v1::INFORMANT_SELF);
  EXPECT_EQ(RoleOf(Couple(), "phq-9", "ann", "ann"), v1::INFORMANT_SELF);
}

TEST(InformantTest, AGuardianIsAParentWhateverTheirRole) {
  episodes::v1::Episode family = WithOthers();
  EXPECT_EQ(RoleOf(family, "sdq", "kim", "gran"), v1::INFORMANT_UNSPECIFIED);
  family.mutable_participants(2)->add_guardians("gran");
  EXPECT_EQ(RoleOf(family, "sdq", "kim", "gran"), v1::INFORMANT_PARENT);
  EXPECT_EQ(RoleOf(family, "sdq", "gran", "kim"), v1::INFORMANT_UNSPECIFIED);
}

TEST(InformantTest, ACaregiverAnswersAsAParentAboutTheirOwnParenting) {
  EXPECT_EQ(RoleOf(Family(), "prfq", "mum", "mum"), v1::INFORMANT_PARENT);
  EXPECT_EQ(RoleOf(Family(), "prfq", "kim", "kim"), v1::INFORMANT_UNSPECIFIED);
}

TEST(InformantTest, WithoutARoleTheFirstThatTheInstrumentIsForIsTaken) {
  const v1::InstrumentDefinition all = ForAll();
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(CheckInformant(Family(), all, "mum", "mum", kNow, "assessment", role), IsEmpty());
  EXPECT_EQ(role, v1::INFORMANT_SELF);
  role = v1::INFORMANT_PARENT;  // somebody who says what they answered as is believed
  EXPECT_THAT(CheckInformant(Family(), all, "mum", "mum", kNow, "assessment", role), IsEmpty());
  EXPECT_EQ(role, v1::INFORMANT_PARENT);
}

TEST(InformantTest, APartnerAnswersAboutTheOtherAndNotAboutThemself) {
  const v1::InstrumentDefinition all = ForAll();
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(CheckInformant(Couple(), all, "bob", "ann", kNow, "assessment", role), IsEmpty());
  EXPECT_EQ(role, v1::INFORMANT_PARTNER);
  EXPECT_THAT(CheckInformant(Couple(), all, "ann", "ann", kNow, "assessment", role),
              ElementsAre(At("assessment.informant_role")));
  role = v1::INFORMANT_SELF;
  EXPECT_THAT(CheckInformant(Couple(), all, "bob", "ann", kNow, "assessment", role),
              ElementsAre(At("assessment.informant_role")));
}

TEST(InformantTest, TheCareTeamAnswersAsCliniciansAndOnlyWhatIsForClinicians) {
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(CheckInformant(Couple(), ForAll(), "ann", "dr-lee", kNow, "assessment", role),
              IsEmpty());
  EXPECT_EQ(role, v1::INFORMANT_CLINICIAN);
  role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(Check(Couple(), "phq-9", "ann", "dr-lee", role),
              ElementsAre(Field(&FieldViolation::description, HasSubstr("only for SELF"))));
  EXPECT_EQ(role, v1::INFORMANT_UNSPECIFIED);
  EXPECT_THAT(Check(Couple(), "phq-9", "dr-lee", "dr-lee", role),
              ElementsAre(At("assessment.subject")));
}

TEST(InformantTest, ARoleThatFitsIsRefusedWhereTheInstrumentIsNotForIt) {
  v1::Informant role = v1::INFORMANT_PARENT;
  EXPECT_THAT(Check(Family(), "phq-9", "mum", "mum", role),
              ElementsAre(At("assessment.informant")));
}

TEST(InformantTest, StrangersAreNamedBothAtOnce) {
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(Check(Couple(), "phq-9", "eve", "dr-who", role),
              ElementsAre(At("assessment.subject"), At("assessment.informant")));
}

TEST(InformantTest, WhoLeftMayHaveAnsweredUntilThen) {
  episodes::v1::Episode couple = Couple();
  *couple.mutable_participants(0)->mutable_leave_time() = api::ToProto(kNow);
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(Check(couple, "phq-9", "ann", "ann", role, kNow), IsEmpty());
  EXPECT_THAT(Check(couple, "phq-9", "ann", "ann", role, kNow + absl::Microseconds(1)),
              ElementsAre(At("assessment.subject"), At("assessment.informant")));
}

// A form on paper may be older than the participant's record.
TEST(InformantTest, WhoJoinedLaterMayHaveAnsweredBefore) {
  episodes::v1::Episode couple = Couple();
  *couple.mutable_participants(0)->mutable_join_time() = api::ToProto(kNow);
  v1::Informant role = v1::INFORMANT_UNSPECIFIED;
  EXPECT_THAT(Check(couple, "phq-9", "ann", "ann", role, kNow - absl::Hours(24)), IsEmpty());
}

TEST(InformantTest, WhoLeftTheCareTeamMayHaveAnsweredUntilThen) {
  episodes::v1::Episode couple = Couple();
  *couple.mutable_care_team(0)->mutable_end_time() = api::ToProto(kNow);
  for (const bool late : {false, true}) {
    v1::Informant role = v1::INFORMANT_UNSPECIFIED;
    const auto violations =
        CheckInformant(couple, ForAll(), "ann", "dr-lee",
                       late ? kNow + absl::Microseconds(1) : kNow, "assessment", role);
    EXPECT_EQ(violations.empty(), !late);
  }
}

TEST(TargetTest, IsAskedForOnlyWhereTheInstrumentHasSome) {
  const v1::InstrumentDefinition& ecr_rs = Instrument("ecr-rs");
  EXPECT_THAT(CheckTarget(ecr_rs, "mother", "assessment"), IsEmpty());
  EXPECT_THAT(CheckTarget(ecr_rs, "", "assessment"),
              ElementsAre(At("assessment.relationship_target")));
  EXPECT_THAT(CheckTarget(ecr_rs, "boss", "assessment"),
              ElementsAre(Field(&FieldViolation::description, HasSubstr("mother, father"))));
  EXPECT_THAT(CheckTarget(Instrument("phq-9"), "", "assessment"), IsEmpty());
  EXPECT_THAT(CheckTarget(Instrument("phq-9"), "mother", "assessment"),
              ElementsAre(At("assessment.relationship_target")));
}

}  // namespace
}  // namespace securebase::outcomes
