#include "services/episodes/rules/lifecycle.h"

#include "gmock/gmock.h"
#include "services/episodes/rules/members.h"
#include "services/platform/api/timestamp.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes {
namespace {

using securebase::testing::HasViolation;
using securebase::testing::IsError;
using securebase::testing::IsOk;
using testing::Couple;
using testing::Family;
using testing::FromText;
using ::testing::HasSubstr;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;
const absl::Time kNow = absl::FromUnixSeconds(1767258000);
const absl::Time kLater = kNow + absl::Hours(1);

TEST(OpenEpisode, StampsTimesAndIgnoresWhatOnlyTheServerSets) {
  v1::Episode draft = Couple();
  draft.set_status(v1::EPISODE_STATUS_FINISHED);
  draft.set_status_reason("made-up");
  draft.mutable_end_time()->set_seconds(5);
  draft.mutable_participants(0)->mutable_leave_time()->set_seconds(5);
  draft.mutable_care_team(0)->mutable_end_time()->set_seconds(5);
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode, OpenEpisode(draft, false, kNow));
  EXPECT_EQ(episode.status(), v1::EPISODE_STATUS_ACTIVE);
  EXPECT_EQ(episode.status_reason(), "");
  EXPECT_FALSE(episode.has_end_time());
  EXPECT_EQ(api::FromProto(episode.start_time()), kNow);
  for (const v1::Participant& participant : episode.participants()) {
    EXPECT_EQ(api::FromProto(participant.join_time()), kNow);
    EXPECT_FALSE(participant.has_leave_time());
  }
  EXPECT_EQ(api::FromProto(episode.care_team(0).start_time()), kNow);
  EXPECT_FALSE(episode.care_team(0).has_end_time());
}

TEST(OpenEpisode, KeepsAnEarlierStart) {
  v1::Episode draft = Couple();
  draft.mutable_start_time()->set_seconds(5);
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode, OpenEpisode(draft, false, kNow));
  EXPECT_EQ(episode.start_time().seconds(), 5);
}

TEST(OpenEpisode, OnlyAPlannedOneMayLackSomebody) {
  v1::Episode draft = Couple();
  draft.mutable_participants()->RemoveLast();
  EXPECT_THAT(OpenEpisode(draft, false, kNow), HasViolation("episode.participants"));
  ASSERT_OK_AND_ASSIGN(v1::Episode episode, OpenEpisode(draft, true, kNow));
  EXPECT_EQ(episode.status(), v1::EPISODE_STATUS_PLANNED);
  EXPECT_FALSE(episode.has_start_time());

  EXPECT_THAT(Move(episode, v1::EPISODE_STATUS_ACTIVE, "", kNow),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  v1::Participant bob = Couple().participants(1);
  ASSERT_OK_AND_ASSIGN(episode, AddParticipant(episode, bob, kNow));
  ASSERT_OK_AND_ASSIGN(episode, Move(episode, v1::EPISODE_STATUS_ACTIVE, "both-ready", kLater));
  EXPECT_EQ(api::FromProto(episode.start_time()), kLater);
  EXPECT_EQ(episode.status_reason(), "both-ready");
}

TEST(OpenEpisode, ReportsParticipantsAndCareTeamTogether) {
  v1::Episode draft = Family();
  draft.mutable_participants(2)->set_age_group(v1::AGE_GROUP_ADULT);
  draft.mutable_care_team(0)->set_role(v1::CARE_TEAM_ROLE_COORDINATOR);
  const auto result = OpenEpisode(draft, false, kNow);
  EXPECT_THAT(result, HasViolation("episode.participants[2].age_group"));
  EXPECT_THAT(result, HasViolation("episode.participants[2].guardians"));
  EXPECT_THAT(result, HasViolation("episode.care_team"));
}

TEST(Move, ClosingSetsTheEndAndReopeningClearsIt) {
  ASSERT_OK_AND_ASSIGN(v1::Episode episode,
                       Move(Couple(), v1::EPISODE_STATUS_FINISHED, "goals-met", kNow));
  EXPECT_EQ(api::FromProto(episode.end_time()), kNow);
  ASSERT_OK_AND_ASSIGN(episode, Move(episode, v1::EPISODE_STATUS_ACTIVE, "", kLater));
  EXPECT_FALSE(episode.has_end_time());
  EXPECT_EQ(episode.status_reason(), "");
  EXPECT_THAT(Move(episode, v1::EPISODE_STATUS_PLANNED, "", kNow),
              IsError(kFailedPrecondition, Reason::kTransitionNotAllowed));
}

TEST(Move, NobodyReopensAnEpisodeThatNobodyLeads) {
  ASSERT_OK_AND_ASSIGN(v1::Episode episode, Move(Couple(), v1::EPISODE_STATUS_FINISHED, "", kNow));
  ASSERT_OK_AND_ASSIGN(episode, EndCareTeamMembership(episode, "dr-lee", kNow));
  const auto result = Move(episode, v1::EPISODE_STATUS_ACTIVE, "", kLater);
  EXPECT_THAT(result, IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("lead clinician"));
}

TEST(AddParticipant, NamesTheElementAndNotTheList) {
  v1::Participant child = Family().participants(2);
  child.clear_patient();
  child.set_age_group(v1::AGE_GROUP_ADULT);
  const auto result = AddParticipant(Family(), child, kNow);  // "kim" takes part already
  EXPECT_THAT(result, HasViolation("participant.id"));
  EXPECT_THAT(result, HasViolation("participant.patient"));
  EXPECT_THAT(result, HasViolation("participant.age_group"));
  EXPECT_THAT(result, HasViolation("participant.guardians"));
}

TEST(AddParticipant, WhoLeftMayComeBackUnderTheSameId) {
  ASSERT_OK_AND_ASSIGN(v1::Episode episode, Move(Couple(), v1::EPISODE_STATUS_ON_HOLD, "", kNow));
  ASSERT_OK_AND_ASSIGN(episode, EndParticipation(episode, "bob", kNow));
  EXPECT_EQ(api::FromProto(episode.participants(1).leave_time()), kNow);
  EXPECT_THAT(EndParticipation(episode, "bob", kLater),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  ASSERT_OK_AND_ASSIGN(episode, AddParticipant(episode, Couple().participants(1), kLater));
  ASSERT_EQ(episode.participants_size(), 2);
  EXPECT_FALSE(episode.participants(1).has_leave_time());
  EXPECT_EQ(api::FromProto(episode.participants(1).join_time()), kLater);
}

TEST(AddParticipant, TwelveAreTheLimit) {
  v1::Episode episode = Family();
  v1::Participant next = FromText<v1::Participant>(R"pb(role: PARTICIPANT_ROLE_RELATIVE
                                                        age_group: AGE_GROUP_ADULT)pb");
  for (int i = episode.participants_size(); i < kMaxParticipants; ++i) {
    next.set_id(absl::StrCat("aunt-", i));
    ASSERT_OK_AND_ASSIGN(episode, AddParticipant(episode, next, kNow));
  }
  next.set_id("one-more");
  EXPECT_THAT(AddParticipant(episode, next, kNow),
              IsError(kFailedPrecondition, Reason::kLimitExceeded));
}

TEST(AddParticipant, NobodyJoinsAClosedEpisode) {
  ASSERT_OK_AND_ASSIGN(v1::Episode episode, Move(Couple(), v1::EPISODE_STATUS_CANCELLED, "", kNow));
  v1::Participant observer = FromText<v1::Participant>(R"pb(id: "t"
                                                            role: PARTICIPANT_ROLE_OBSERVER
                                                            age_group: AGE_GROUP_ADULT)pb");
  EXPECT_THAT(AddParticipant(episode, observer, kNow),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(AddParticipant(Couple(), observer, kNow), IsOk());
}

TEST(ReplaceParticipant, KeepsTimesAndChecksTheWhole) {
  v1::Episode episode = Family();
  *episode.mutable_participants(2)->mutable_join_time() = api::ToProto(kNow);
  v1::Participant kim = episode.participants(2);
  kim.set_age_group(v1::AGE_GROUP_ADULT);
  EXPECT_THAT(ReplaceParticipant(episode, kim), HasViolation("participant.guardians"));
  kim.clear_guardians();
  kim.clear_join_time();
  kim.mutable_leave_time()->set_seconds(1);
  ASSERT_OK_AND_ASSIGN(const v1::Episode grown, ReplaceParticipant(episode, kim));
  EXPECT_EQ(api::FromProto(grown.participants(2).join_time()), kNow);
  EXPECT_FALSE(grown.participants(2).has_leave_time());

  v1::Participant mum = episode.participants(0);
  mum.set_age_group(v1::AGE_GROUP_MINOR);
  mum.add_guardians("dad");
  EXPECT_THAT(ReplaceParticipant(episode, mum),
              HasViolation("episode.participants[2].guardians[0]"));
  mum.set_id("nobody");
  EXPECT_THAT(ReplaceParticipant(episode, mum),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST(EndParticipation, NeverLeavesAnActiveEpisodeIncomplete) {
  const auto result = EndParticipation(Couple(), "bob", kNow);
  EXPECT_THAT(result, IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("a couple needs two partners"));
  EXPECT_THAT(EndParticipation(Family(), "dad", kNow), IsOk());
  EXPECT_THAT(EndParticipation(Family(), "nobody", kNow),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

v1::CareTeamMember Member(const std::string& staff, v1::CareTeamRole role) {
  v1::CareTeamMember member;
  member.set_staff(staff);
  member.set_role(role);
  return member;
}

TEST(CareTeam, ALeadHandsOverBeforeLeaving) {
  EXPECT_THAT(EndCareTeamMembership(Couple(), "dr-lee", kNow),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(AddCareTeamMember(Couple(), Member("dr-lee", v1::CARE_TEAM_ROLE_SUPERVISOR), kNow),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  ASSERT_OK_AND_ASSIGN(
      v1::Episode episode,
      AddCareTeamMember(Couple(), Member("dr-kay", v1::CARE_TEAM_ROLE_CLINICIAN), kNow));
  ASSERT_OK_AND_ASSIGN(
      episode,
      AddCareTeamMember(episode, Member("dr-kay", v1::CARE_TEAM_ROLE_LEAD_CLINICIAN), kLater));
  ASSERT_EQ(episode.care_team_size(), 3);  // the membership with the former role has ended
  EXPECT_EQ(api::FromProto(episode.care_team(1).end_time()), kLater);
  EXPECT_EQ(api::FromProto(episode.care_team(2).start_time()), kLater);
  ASSERT_OK_AND_ASSIGN(episode, EndCareTeamMembership(episode, "dr-lee", kLater));
  EXPECT_EQ(api::FromProto(episode.care_team(0).end_time()), kLater);
  EXPECT_THAT(EndCareTeamMembership(episode, "dr-lee", kLater),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST(CareTeam, FiftyAreTheLimit) {
  v1::Episode episode = Couple();
  for (int i = 1; i < kMaxCareTeam; ++i) {
    ASSERT_OK_AND_ASSIGN(
        episode, AddCareTeamMember(
                     episode, Member(absl::StrCat("s", i), v1::CARE_TEAM_ROLE_COORDINATOR), kNow));
  }
  EXPECT_THAT(AddCareTeamMember(episode, Member("s50", v1::CARE_TEAM_ROLE_COORDINATOR), kNow),
              IsError(kFailedPrecondition, Reason::kLimitExceeded));
}

TEST(CareTeam, OnlyWhoTreatsIsSupervised) {
  v1::CareTeamMember member = Member("dr-kay", v1::CARE_TEAM_ROLE_COORDINATOR);
  member.set_supervised(true);
  EXPECT_THAT(AddCareTeamMember(Couple(), member, kNow), HasViolation("member.supervised"));
}

TEST(EnteredInError, FreezesTheEpisode) {
  v1::Episode episode = Couple();
  episode.set_status(v1::EPISODE_STATUS_ENTERED_IN_ERROR);
  EXPECT_THAT(CheckChangeable(episode), IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(ReplaceParticipant(episode, episode.participants(0)),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(AddCareTeamMember(episode, Member("s", v1::CARE_TEAM_ROLE_CLINICIAN), kNow),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST(ReplacePatient, ChangesEveryEntryOfThatPatient) {
  const v1::Episode episode = ReplacePatient(Couple(), "ehr-1", "ehr-2");
  EXPECT_EQ(episode.participants(0).patient(), "ehr-2");
  EXPECT_EQ(episode.participants(1).patient(), "ehr-2");
}

TEST(ForParticipant, ShowsOthersByIdAndRoleOnly) {
  v1::Episode episode = Family();
  episode.set_etag("e");
  episode.set_status_reason("moved");
  episode.mutable_update_time()->set_seconds(1);
  episode.add_external_identifiers()->set_value("x");
  episode.add_problems()->set_code("parenting");
  type::v1::EpisodeAccess access;
  access.set_episode("e2");
  access.set_self("mum");
  access.add_subjects("mum");
  v1::Episode shown = ForParticipant(episode, access);
  EXPECT_EQ(shown.participants(0).patient(), "ehr-3");
  EXPECT_EQ(shown.participants(2).ShortDebugString(), "id: \"kim\" role: PARTICIPANT_ROLE_CHILD");
  EXPECT_EQ(shown.etag(), "");
  EXPECT_FALSE(shown.has_update_time());
  EXPECT_EQ(shown.external_identifiers_size(), 0);
  EXPECT_EQ(shown.problems_size(), 0);
  EXPECT_EQ(shown.status_reason(), "");

  access.add_subjects("dad");
  access.add_subjects("kim");
  shown = ForParticipant(episode, access);
  EXPECT_EQ(shown.problems_size(), 1);
  EXPECT_EQ(shown.status_reason(), "moved");
  EXPECT_EQ(shown.participants(2).patient(), "");
}

}  // namespace
}  // namespace securebase::episodes
