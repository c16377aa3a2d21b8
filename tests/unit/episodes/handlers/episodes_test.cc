#include "gmock/gmock.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "tests/unit/episodes/episodes_fixture.h"

namespace securebase::episodes {
namespace {

using securebase::testing::HasViolation;
using securebase::testing::IsError;
using testing::Couple;
using ::testing::ElementsAre;
using testing::Family;
using testing::FromText;
using ::testing::IsEmpty;

constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class EpisodesTest : public testing::EpisodesFixture {
 protected:
  absl::StatusOr<v1::Episode> Get(const api::Call& call, const std::string& id = "e1") {
    return Do(&EpisodeHandlers::GetEpisode, call,
              absl::StrCat("name: 'practices/", call.practice(), "/episodes/", id, "'"));
  }
  absl::StatusOr<v1::Episode> Transition(const api::Call& call, const std::string& status,
                                         const std::string& more = "") {
    return Do(&EpisodeHandlers::TransitionEpisode, call,
              absl::StrCat("name: 'practices/p1/episodes/e1' status: EPISODE_STATUS_", status, " ",
                           more));
  }
  // Ids of all pages, and how many pages there were.
  std::vector<std::string> List(const api::Call& call, const std::string& filter = "",
                                int page_size = 0) {
    auto request = FromText<v1::ListEpisodesRequest>(
        absl::StrCat("parent: 'practices/", call.practice(), "' ", filter));
    request.set_page_size(page_size);
    std::vector<std::string> ids;
    pages_ = 0;
    do {
      const auto page = Do(&EpisodeHandlers::ListEpisodes, call, request);
      EXPECT_OK(page);
      if (!page.ok()) {
        break;
      }
      ++pages_;
      for (const v1::Episode& episode : page->episodes()) {
        ids.push_back(episode.name().substr(episode.name().rfind('/') + 1));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return ids;
  }

  int pages_ = 0;
};

TEST_F(EpisodesTest, CreateAnswersTheEpisodeWithItsHead) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode, Open(Staff(), Couple()));
  EXPECT_EQ(episode.name(), "practices/p1/episodes/e1");
  EXPECT_FALSE(episode.uid().empty());
  EXPECT_FALSE(episode.etag().empty());
  EXPECT_EQ(api::FromProto(episode.create_time()), fixture_.clock().Now());
  EXPECT_EQ(episode.status(), v1::EPISODE_STATUS_ACTIVE);
  ASSERT_OK_AND_ASSIGN(const v1::Episode read, Get(Staff()));
  EXPECT_EQ(read.DebugString(), episode.DebugString());
}

TEST_F(EpisodesTest, CreateMakesTheIdsThatTheClientLeavesOut) {
  auto request = FromText<v1::CreateEpisodeRequest>("parent: 'practices/p1'");
  *request.mutable_episode() = Couple();
  request.mutable_episode()->clear_name();
  request.mutable_episode()->mutable_participants(0)->clear_id();
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode,
                       Do(&EpisodeHandlers::CreateEpisode, System(), request));
  EXPECT_EQ(episode.name().rfind("practices/p1/episodes/0", 0), 0u);
  EXPECT_FALSE(episode.participants(0).id().empty());
}

TEST_F(EpisodesTest, ARepeatedCreateGivesTheFirstResultAndAnotherBodyIsRefused) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode first, Open(Staff(), Couple(), "r1"));
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const v1::Episode again, Open(Staff(), Couple(), "r1"));
  EXPECT_EQ(again.DebugString(), first.DebugString());
  v1::Episode other = Couple();
  other.set_treatment_contacts(3);
  EXPECT_THAT(Open(Staff(), other, "r1"),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
  EXPECT_THAT(Open(Staff(), Couple(), "r2"),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
}

TEST_F(EpisodesTest, CreateReportsEveryViolation) {
  v1::Episode draft = Couple();
  draft.mutable_participants(1)->set_patient("ehr-1");
  draft.mutable_care_team(0)->set_role(v1::CARE_TEAM_ROLE_COORDINATOR);
  const auto result = Open(System(), draft);
  EXPECT_THAT(result, HasViolation("episode.participants[1].patient"));
  EXPECT_THAT(result, HasViolation("episode.care_team"));
  EXPECT_THAT(Get(System()), IsError(kNotFound, Reason::kNotFound));
}

TEST_F(EpisodesTest, StaffOpenEpisodesTheyBelongTo) {
  EXPECT_THAT(Open(Staff("dr-kay"), Couple()), HasViolation("episode.care_team"));
}

TEST_F(EpisodesTest, AnExternalIdentifierBelongsToOneEpisode) {
  v1::Episode couple = Couple();
  *couple.add_external_identifiers() =
      FromText<type::v1::ExternalIdentifier>("system: 'urn:ehr' value: '7'");
  v1::Episode family = Family();
  *family.mutable_external_identifiers() = couple.external_identifiers();
  ASSERT_OK(Open(System(), couple));
  EXPECT_THAT(Open(System(), family),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_THAT(List(System(), "external_identifier { system: 'urn:ehr' value: '7' }"),
              ElementsAre("e1"));
  EXPECT_THAT(List(System(), "external_identifier { system: 'urn:ehr' value: '8' }"), IsEmpty());

  ASSERT_OK(Do(&EpisodeHandlers::UpdateEpisode, System(),
               "episode { name: 'practices/p1/episodes/e1' } "
               "update_mask { paths: 'external_identifiers' }"));
  EXPECT_OK(Open(System(), family));
  EXPECT_THAT(List(System(), "external_identifier { system: 'urn:ehr' value: '7' }"),
              ElementsAre("e2"));

  v1::Episode bad = Couple();
  bad.set_name("practices/p1/episodes/e9");
  bad.add_external_identifiers()->set_value("7");
  *bad.add_external_identifiers() = couple.external_identifiers(0);
  *bad.add_external_identifiers() = couple.external_identifiers(0);
  EXPECT_THAT(Open(System(), bad), HasViolation("episode.external_identifiers[0].system"));
  EXPECT_THAT(Open(System(), bad), HasViolation("episode.external_identifiers[2].value"));
}

TEST_F(EpisodesTest, WhatMayNotBeSeenIsNotFound) {
  OpenBoth();
  EXPECT_OK(Get(Staff()));
  EXPECT_OK(Get(System()));
  EXPECT_OK(Get(Patient("ehr-1")));
  EXPECT_THAT(Get(Staff("dr-kay")), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Get(Patient("ehr-3")), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Get(Staff("dr-lee", "p2")), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Get(System("p2")), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Transition(Staff("dr-kay"), "ON_HOLD"), IsError(kNotFound, Reason::kNotFound));
}

TEST_F(EpisodesTest, AParticipantSeesLessOfTheSameEpisode) {
  v1::Episode couple = Couple();
  couple.add_problems()->set_code("couple");
  ASSERT_OK(Open(System(), couple));
  ASSERT_OK_AND_ASSIGN(v1::Episode shown, Get(Patient("ehr-1")));
  EXPECT_EQ(shown.participants(0).patient(), "ehr-1");
  EXPECT_EQ(shown.participants(1).patient(), "");
  EXPECT_EQ(shown.problems_size(), 0);
  EXPECT_EQ(shown.etag(), "");
  ASSERT_OK(Disclose(Staff(), "bob", "bob", "ann"));
  ASSERT_OK_AND_ASSIGN(shown, Get(Patient("ehr-1")));
  EXPECT_EQ(shown.problems_size(), 1);
}

TEST_F(EpisodesTest, ListsShowEachCallerTheirOwnNewestFirst) {
  ASSERT_OK(Open(System(), Couple()));
  fixture_.clock().Advance(absl::Seconds(1));
  ASSERT_OK(Open(System(), Family()));
  ASSERT_OK(Do(&EpisodeHandlers::AddCareTeamMember, System(),
               "name: 'practices/p1/episodes/e1' "
               "member { staff: 'dr-kay' role: CARE_TEAM_ROLE_CLINICIAN }"));
  EXPECT_THAT(List(System()), ElementsAre("e2", "e1"));
  EXPECT_THAT(List(System("p2")), IsEmpty());
  EXPECT_THAT(List(Staff()), ElementsAre("e2", "e1"));
  EXPECT_THAT(List(Staff("dr-kay")), ElementsAre("e1"));
  EXPECT_THAT(List(Staff("dr-nil")), IsEmpty());
  EXPECT_THAT(List(Patient("ehr-5")), ElementsAre("e2"));
  EXPECT_THAT(List(Patient("")), IsEmpty());

  EXPECT_THAT(List(System(), "staff: 'dr-kay'"), ElementsAre("e1"));
  EXPECT_THAT(List(Staff("dr-kay"), "staff: 'dr-lee'"), ElementsAre("e1"));
  EXPECT_THAT(List(System(), "patient: 'ehr-3'"), ElementsAre("e2"));
  EXPECT_THAT(List(System(), "patient: 'ehr-3' staff: 'dr-kay'"), IsEmpty());
  EXPECT_THAT(List(System(), "statuses: EPISODE_STATUS_ON_HOLD"), IsEmpty());
  EXPECT_THAT(List(System(), "statuses: EPISODE_STATUS_ON_HOLD statuses: EPISODE_STATUS_ACTIVE"),
              ElementsAre("e2", "e1"));
}

TEST_F(EpisodesTest, AParticipantCannotProbeForOthers) {
  OpenBoth();
  EXPECT_THAT(List(Patient("ehr-1"), "patient: 'ehr-1'"), ElementsAre("e1"));
  EXPECT_THAT(List(Patient("ehr-1"), "patient: 'ehr-2'"), IsEmpty());
}

TEST_F(EpisodesTest, PagesFollowEachOtherAndTheirTokensBelongToTheirQuery) {
  for (int i = 1; i <= 5; ++i) {
    v1::Episode episode = Couple();
    episode.set_name(absl::StrCat("practices/p1/episodes/e", i));
    ASSERT_OK(Open(System(), episode));
    fixture_.clock().Advance(absl::Seconds(1));
  }
  EXPECT_THAT(List(Staff(), "", 2), ElementsAre("e5", "e4", "e3", "e2", "e1"));
  EXPECT_EQ(pages_, 3);
  auto request = FromText<v1::ListEpisodesRequest>("parent: 'practices/p1' page_size: 2");
  ASSERT_OK_AND_ASSIGN(const auto page, Do(&EpisodeHandlers::ListEpisodes, Staff(), request));
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(Do(&EpisodeHandlers::ListEpisodes, System(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
  request.set_staff("dr-lee");
  EXPECT_THAT(Do(&EpisodeHandlers::ListEpisodes, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
}

TEST_F(EpisodesTest, UpdateChangesWhatTheMaskNames) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode before, Open(System(), Couple()));
  fixture_.clock().Advance(absl::Hours(1));
  auto request = FromText<v1::UpdateEpisodeRequest>(
      "episode { name: 'practices/p1/episodes/e1' treatment_contacts: 6 problems { code: 'couple' "
      "} "
      "status: EPISODE_STATUS_FINISHED } update_mask { paths: 'treatment_contacts' paths: 'status' "
      "}");
  request.mutable_episode()->set_etag(before.etag());
  ASSERT_OK_AND_ASSIGN(const v1::Episode after,
                       Do(&EpisodeHandlers::UpdateEpisode, Staff(), request));
  EXPECT_EQ(after.treatment_contacts(), 6);
  EXPECT_EQ(after.problems_size(), 0);
  EXPECT_EQ(after.status(), v1::EPISODE_STATUS_ACTIVE);
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_EQ(api::FromProto(after.update_time()), fixture_.clock().Now());
  EXPECT_EQ(api::FromProto(after.create_time()), fixture_.clock().Now() - absl::Hours(1));
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateEpisode, Staff(), request),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateEpisode, Staff(),
                 "episode { name: 'practices/p1/episodes/e1' kind: EPISODE_KIND_FAMILY } "
                 "update_mask { paths: 'kind' }"),
              HasViolation("episode.kind"));
}

TEST_F(EpisodesTest, TransitionsFollowTheTable) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode before, Open(System(), Couple()));
  EXPECT_THAT(Transition(Staff(), "PLANNED"),
              IsError(kFailedPrecondition, Reason::kTransitionNotAllowed));
  ASSERT_OK_AND_ASSIGN(const v1::Episode after,
                       Transition(Staff(), "FINISHED", "reason: 'goals-met' request_id: 'r1'"));
  EXPECT_EQ(after.status_reason(), "goals-met");
  EXPECT_TRUE(after.has_end_time());
  ASSERT_OK_AND_ASSIGN(const v1::Episode again,
                       Transition(Staff(), "FINISHED", "reason: 'goals-met' request_id: 'r1'"));
  EXPECT_EQ(again.etag(), after.etag());
  EXPECT_THAT(Transition(Staff(), "ACTIVE", absl::StrCat("etag: '", before.etag(), "'")),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK(Transition(Staff(), "ENTERED_IN_ERROR"));
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateEpisode, Staff(),
                 "episode { name: 'practices/p1/episodes/e1' treatment_contacts: 6 }"),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(Get(Patient("ehr-1")), IsError(kNotFound, Reason::kNotFound));
}

TEST_F(EpisodesTest, ParticipantsComeChangeAndGo) {
  OpenBoth();
  ASSERT_OK_AND_ASSIGN(
      v1::Episode family,
      Do(&EpisodeHandlers::AddParticipant, Staff(),
         "name: 'practices/p1/episodes/e2' participant { patient: 'ehr-6' "
         "role: PARTICIPANT_ROLE_SIBLING age_group: AGE_GROUP_MINOR guardians: 'mum' }"));
  ASSERT_EQ(family.participants_size(), 4);
  EXPECT_FALSE(family.participants(3).id().empty());
  EXPECT_OK(Get(Patient("ehr-6"), "e2"));

  ASSERT_OK_AND_ASSIGN(
      family,
      Do(&EpisodeHandlers::UpdateParticipant, Staff(),
         "name: 'practices/p1/episodes/e2' participant { id: 'kim' "
         "age_group: AGE_GROUP_ADULT } update_mask { paths: 'age_group' paths: 'guardians' }"));
  EXPECT_EQ(family.participants(2).age_group(), v1::AGE_GROUP_ADULT);
  EXPECT_EQ(family.participants(2).guardians_size(), 0);
  EXPECT_EQ(family.participants(2).patient(), "ehr-5");
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateParticipant, Staff(),
                 "name: 'practices/p1/episodes/e2' participant { id: 'zoe' "
                 "age_group: AGE_GROUP_ADULT } update_mask { paths: 'age_group' }"),
              IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateParticipant, Staff(),
                 "name: 'practices/p1/episodes/e2' participant { age_group: AGE_GROUP_ADULT } "
                 "update_mask { paths: 'age_group' }"),
              HasViolation("participant.id"));

  ASSERT_OK(Do(&EpisodeHandlers::EndParticipation, Staff(),
               "name: 'practices/p1/episodes/e2' participant: 'dad'"));
  EXPECT_THAT(Get(Patient("ehr-4"), "e2"), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Do(&EpisodeHandlers::EndParticipation, Staff(),
                 "name: 'practices/p1/episodes/e1' participant: 'bob'"),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST_F(EpisodesTest, TheCareTeamDecidesWhichStaffSeeIt) {
  OpenBoth();
  ASSERT_OK(Do(&EpisodeHandlers::AddCareTeamMember, Staff(),
               "name: 'practices/p1/episodes/e1' "
               "member { staff: 'dr-kay' role: CARE_TEAM_ROLE_LEAD_CLINICIAN }"));
  EXPECT_OK(Get(Staff("dr-kay")));
  ASSERT_OK(Do(&EpisodeHandlers::EndCareTeamMembership, Staff(),
               "name: 'practices/p1/episodes/e1' staff: 'dr-lee'"));
  EXPECT_THAT(Get(Staff("dr-lee")), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(Do(&EpisodeHandlers::EndCareTeamMembership, Staff("dr-kay"),
                 "name: 'practices/p1/episodes/e1' staff: 'dr-kay'"),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST_F(EpisodesTest, MergingPatientsMovesEveryEpisodeInBoundedSteps) {
  for (int i = 0; i < 120; ++i) {
    v1::Episode episode = Couple();
    episode.set_name(absl::StrCat("practices/p1/episodes/m", i));
    ASSERT_OK(Open(System(), episode));
  }
  EXPECT_THAT(List(Patient("ehr-77")), IsEmpty());
  int changed = 0;
  int calls = 0;
  bool more = true;
  while (more) {
    ASSERT_LT(++calls, 10);
    ASSERT_OK_AND_ASSIGN(const v1::MergePatientsResponse response,
                         Do(&EpisodeHandlers::MergePatients, System(),
                            absl::StrCat("parent: 'practices/p1' from_patient: 'ehr-1' "
                                         "into_patient: 'ehr-77' request_id: 'r",
                                         calls, "'")));
    EXPECT_LE(response.episodes_size(), 50);
    changed += response.episodes_size();
    more = response.more();
  }
  EXPECT_EQ(changed, 120);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(List(Patient("ehr-77")).size(), 120u);
  EXPECT_THAT(List(Patient("ehr-1")), IsEmpty());
  EXPECT_THAT(handlers_.MergePatients(
                  System(), FromText<v1::MergePatientsRequest>(
                                "parent: 'practices/p1' from_patient: 'a' into_patient: 'a'")),
              HasViolation("into_patient"));
}

}  // namespace
}  // namespace securebase::episodes
