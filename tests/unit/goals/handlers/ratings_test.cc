#include <string>

#include "google/protobuf/util/message_differencer.h"
#include "services/platform/api/timestamp.h"
#include "tests/unit/goals/handlers/goals_fixture.h"

namespace securebase::goals {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kNotAllowed = IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed);
const auto kWrongState = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);

class RateGoalTest : public GoalsFixture {
 protected:
  absl::StatusOr<v1::ListRatingsResponse> List(const api::Call& call, const std::string& goal,
                                               int page_size = 0, const std::string& token = "") {
    v1::ListRatingsRequest request;
    request.set_parent("practices/p1/goals/" + goal);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return Do(&GoalHandlers::ListRatings, call, request);
  }
  static std::vector<int> Values(const v1::ListRatingsResponse& page) {
    std::vector<int> values;
    for (const v1::Rating& rating : page.ratings()) {
      values.push_back(rating.value());
    }
    return values;
  }
  absl::StatusOr<v1::Rating> MarkInError(const std::string& rating) {
    v1::MarkRatingEnteredInErrorRequest request;
    request.set_name(rating);
    request.set_reason("wrong-goal");
    return Do(&GoalHandlers::MarkRatingEnteredInError, Staff(), request);
  }
};

TEST_F(RateGoalTest, MovesTheGoal) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK_AND_ASSIGN(const v1::Rating first, Rate(Anna(), "g1", 3, Participant("anna")));
  EXPECT_THAT(first.name(), ::testing::StartsWith("practices/p1/goals/g1/ratings/"));
  EXPECT_EQ(first.episode(), kEpisode);
  EXPECT_EQ(first.owner(), "anna");
  EXPECT_EQ(first.recorded_by().kind(), type::v1::PRINCIPAL_KIND_PARTICIPANT);
  EXPECT_TRUE(MessageDifferencer::Equals(first.rating_time(), first.create_time()))
      << "the server's time, if none is given";
  ASSERT_OK(Rate(Staff(), "g1", 6, Participant("anna")));
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(Anna(), "g1"));
  EXPECT_TRUE(goal.measure_fixed());
  ASSERT_EQ(goal.progress_size(), 1);
  EXPECT_EQ(goal.progress(0).count(), 2);
  EXPECT_EQ(goal.achievement().status(), v1::ACHIEVEMENT_STATUS_IMPROVING);
  EXPECT_EQ(goal.achievement().ratings(0).value(), 6);
}

TEST_F(RateGoalTest, WhoRatesForWhom) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1"));
  EXPECT_OK(Rate(Anna(), "g1", 3, Participant("anna")));
  EXPECT_THAT(Rate(Anna(), "g1", 3, Participant("ben")), kNotAllowed);
  EXPECT_THAT(Rate(Anna(), "g1", 3, Clinician()), kNotAllowed);
  EXPECT_OK(Rate(Staff(), "g1", 3, Participant("ben")));
  EXPECT_OK(Rate(Staff(), "g1", 3, Clinician()));
  EXPECT_THAT(Rate(Staff(), "g1", 3, Participant("cleo")),
              HasViolation("rating.informant.participant"));
}

TEST_F(RateGoalTest, ParticipantsChooseNoIds) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  EXPECT_THAT(Rate(Anna(), "g1", 3, Participant("anna"), "r1"), kNotAllowed);
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna"), "r1"));
  EXPECT_THAT(Rate(Anna(), "g1", 3, Participant("anna"), "r1"), kNotAllowed)
      << "taken or not, the answer is the same";
}

TEST_F(RateGoalTest, KnownInformantsNeedNoNeighbour) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("ben")));
  neighbours_.down = true;
  EXPECT_OK(Rate(Staff(), "g1", 4, Participant("ben"))) << "rated before";
  EXPECT_OK(Rate(Anna(), "g1", 4, Participant("anna"))) << "speaks for herself";
  EXPECT_OK(Rate(Staff(), "g1", 4, Clinician()));
  EXPECT_THAT(Rate(Staff(), "g1", 4, Participant("anne")),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(RateGoalTest, RefusesWhatCannotBeRated) {
  ASSERT_OK(Create(GboGoal(), "gbo"));
  EXPECT_THAT(Rate(Staff(), "gbo", 11, Clinician()), HasViolation("rating.value"));
  EXPECT_THAT(Rate(Staff(), "gbo", -1, Clinician()), HasViolation("rating.value"));
  ASSERT_OK(Create(GasGoal(), "gas"));
  EXPECT_THAT(Rate(Staff(), "gas", 3, Clinician()), HasViolation("rating.value"));
  ASSERT_OK(Create(ScaleGoal(), "scale"));
  EXPECT_THAT(Rate(Staff(), "scale", 1, Clinician()), kWrongState);
  ASSERT_OK(Transition("gbo", v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
  EXPECT_OK(Rate(Staff(), "gbo", 5, Clinician())) << "follow-up";
  ASSERT_OK(Transition("gas", v1::GOAL_LIFECYCLE_STATUS_CANCELLED));
  EXPECT_THAT(Rate(Staff(), "gas", 0, Clinician()), kWrongState);
  EXPECT_THAT(Rate(Ben(), "gbo", 5, Participant("ben")), kNotFound);
}

TEST_F(RateGoalTest, AForgottenValueIsNoZero) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  v1::RateGoalRequest request;
  request.set_parent("practices/p1/goals/g1");
  *request.mutable_rating()->mutable_informant() = Clinician();
  EXPECT_THAT(Do(&GoalHandlers::RateGoal, Staff(), request), HasViolation("rating.value"));
  request.mutable_rating()->set_value(0);
  EXPECT_OK(Do(&GoalHandlers::RateGoal, Staff(), request));
}

TEST_F(RateGoalTest, EpisodesThatNeverWereTakeNothing) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 5, Participant("anna")));
  auto& status = neighbours_.episodes[kEpisode].status;
  status = episodes::v1::EPISODE_STATUS_FINISHED;
  EXPECT_OK(Rate(Staff(), "g1", 5, Participant("anna"))) << "late";
  for (const auto never :
       {episodes::v1::EPISODE_STATUS_CANCELLED, episodes::v1::EPISODE_STATUS_ENTERED_IN_ERROR}) {
    status = never;
    EXPECT_THAT(Create(GboGoal()), kWrongState);
    EXPECT_THAT(Rate(Staff(), "g1", 5, Participant("anna")), kWrongState);
    EXPECT_THAT(Rate(Staff(), "g1", 5, Participant("ben")), kWrongState);
    EXPECT_THAT(Rate(Anna(), "g1", 5, Participant("anna")), kWrongState);
  }
  status = episodes::v1::EPISODE_STATUS_ACTIVE;
  ASSERT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ON_HOLD));
  status = episodes::v1::EPISODE_STATUS_CANCELLED;
  EXPECT_THAT(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ACTIVE), kWrongState);
  EXPECT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_CANCELLED)) << "what ends is no harm";
}

TEST_F(RateGoalTest, ALateFormIsPutInItsPlace) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  ASSERT_OK(Rate(Staff(), "g1", 6, Participant("anna")));
  v1::RateGoalRequest late;
  late.set_parent("practices/p1/goals/g1");
  *late.mutable_rating()->mutable_informant() = Participant("anna");
  late.mutable_rating()->set_value(5);
  *late.mutable_rating()->mutable_rating_time() =
      api::ToProto(fixture_.clock().Now() - absl::Hours(24));
  ASSERT_OK(Do(&GoalHandlers::RateGoal, Staff(), late));
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(Staff(), "g1"));
  EXPECT_EQ(goal.progress(0).baseline().value(), 5);
  EXPECT_EQ(goal.progress(0).latest().value(), 6);
  EXPECT_EQ(goal.progress(0).count(), 3);
  EXPECT_EQ(goal.achievement().status(), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  ASSERT_OK_AND_ASSIGN(const auto page, List(Staff(), "g1"));
  EXPECT_THAT(Values(page), ElementsAre(6, 3, 5)) << "newest first, by when they were given";
  *late.mutable_rating()->mutable_rating_time() =
      api::ToProto(fixture_.clock().Now() + absl::Hours(1));
  EXPECT_THAT(Do(&GoalHandlers::RateGoal, Staff(), late), HasViolation("rating.rating_time"));
}

TEST_F(RateGoalTest, ARepeatedRequestIdCountsOnce) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  v1::RateGoalRequest request;
  request.set_parent("practices/p1/goals/g1");
  *request.mutable_rating()->mutable_informant() = Participant("anna");
  request.mutable_rating()->set_value(4);
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Rating first, Do(&GoalHandlers::RateGoal, Staff(), request));
  ASSERT_OK_AND_ASSIGN(const v1::Rating second, Do(&GoalHandlers::RateGoal, Staff(), request));
  EXPECT_TRUE(MessageDifferencer::Equals(first, second));
  EXPECT_EQ(Get(Staff(), "g1")->progress(0).count(), 1);
  request.mutable_rating()->set_value(5);
  EXPECT_THAT(Do(&GoalHandlers::RateGoal, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(RateGoalTest, AnInformantHasAThousandRatings) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK(Rate(Staff(), "g1", i % 10, Participant("anna")));
  }
  EXPECT_THAT(Rate(Staff(), "g1", 5, Participant("anna")),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded));
  EXPECT_OK(Rate(Staff(), "g1", 5, Clinician()));
}

TEST_F(RateGoalTest, RatingsPastTheirLimitCanStillBeCorrected) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK_AND_ASSIGN(const v1::Rating rating,
                         Rate(Staff(), "g1", i == 999 ? 9 : 2, Participant("anna")));
    last = rating.name();
  }
  ASSERT_OK(MarkInError(last));
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(Staff(), "g1"));
  EXPECT_EQ(goal.progress(0).count(), 999);
  EXPECT_EQ(goal.progress(0).best().value(), 2);
  EXPECT_EQ(goal.progress(0).unmoved(), 999);
}

TEST_F(RateGoalTest, WhatWasEnteredInErrorStaysAndCountsNowhere) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  ASSERT_OK_AND_ASSIGN(const v1::Rating wrong, Rate(Staff(), "g1", 9, Participant("anna")));
  EXPECT_EQ(Get(Staff(), "g1")->achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  ASSERT_OK_AND_ASSIGN(const v1::Rating marked, MarkInError(wrong.name()));
  EXPECT_TRUE(marked.has_error_time());
  EXPECT_EQ(marked.error_reason(), "wrong-goal");
  EXPECT_NE(marked.etag(), wrong.etag());
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(Staff(), "g1"));
  EXPECT_EQ(goal.progress(0).count(), 1);
  EXPECT_EQ(goal.achievement().status(), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  EXPECT_THAT(List(Staff(), "g1")->ratings(), SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const v1::Rating again, MarkInError(wrong.name()));
  EXPECT_TRUE(MessageDifferencer::Equals(again, marked)) << "marking it again changes nothing";
  EXPECT_THAT(MarkInError("practices/p1/goals/g1/ratings/none"), kNotFound);
}

// Anna and Ben share a goal and rate it; neither sees what the other says of it, nor anything that
// tells of it, unless they consented.
TEST_F(RateGoalTest, PartnersDoNotSeeEachOthersRatings) {
  ASSERT_OK(Create(GboGoal(8, ""), "g1"));
  ASSERT_OK(Rate(Anna(), "g1", 3, Participant("anna")));
  ASSERT_OK(Rate(Anna(), "g1", 9, Participant("anna")));
  ASSERT_OK_AND_ASSIGN(const v1::Goal before, Get(Anna(), "g1"));
  EXPECT_EQ(before.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  ASSERT_OK(Rate(Ben(), "g1", 6, Participant("ben")));
  ASSERT_OK_AND_ASSIGN(const v1::Rating bens, Rate(Ben(), "g1", 2, Participant("ben")));
  ASSERT_OK(Rate(Staff(), "g1", 5, Clinician()));

  ASSERT_OK_AND_ASSIGN(const v1::Goal after, Get(Anna(), "g1"));
  EXPECT_EQ(after.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(after.etag(), before.etag());
  ASSERT_EQ(after.progress_size(), 2) << "her own and the clinician's";
  EXPECT_THAT(Values(*List(Anna(), "g1")), ElementsAre(5, 9, 3));
  EXPECT_THAT(Values(*List(Ben(), "g1")), ElementsAre(5, 2, 6));
  EXPECT_THAT(Values(*List(Staff(), "g1")), SizeIs(5));
  ASSERT_OK_AND_ASSIGN(const v1::Goal staffs, Get(Staff(), "g1"));
  EXPECT_EQ(staffs.achievement().status(), v1::ACHIEVEMENT_STATUS_WORSENING);
  ASSERT_EQ(staffs.progress_size(), 3);
  EXPECT_EQ(staffs.progress(2).informant().kind(), v1::INFORMANT_KIND_CLINICIAN);

  v1::GetRatingRequest one;
  one.set_name(bens.name());
  EXPECT_EQ(Do(&GoalHandlers::GetRating, Ben(), one)->value(), 2);
  EXPECT_EQ(Do(&GoalHandlers::GetRating, Staff(), one)->informant().participant(), "ben");
  EXPECT_THAT(Do(&GoalHandlers::GetRating, Anna(), one), kNotFound);
  EXPECT_THAT(Do(&GoalHandlers::GetRating, Staff("dr-c"), one), kNotFound);

  v1::ListRatingsRequest of_ben;
  of_ben.set_parent("practices/p1/goals/g1");
  *of_ben.mutable_informant() = Participant("ben");
  EXPECT_THAT(Do(&GoalHandlers::ListRatings, Anna(), of_ben)->ratings(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const v1::Attainment annas, Attainment(Anna()));
  EXPECT_THAT(annas.gbo_changes(), SizeIs(2));

  GiveAccess("participant:anna-login", "e1", "anna", {"anna", "ben"});
  EXPECT_EQ(Get(Anna(), "g1")->achievement().status(), v1::ACHIEVEMENT_STATUS_WORSENING);
  EXPECT_THAT(Do(&GoalHandlers::ListRatings, Anna(), of_ben)->ratings(), SizeIs(2));
}

TEST_F(RateGoalTest, PagesAreOrderedAndComplete) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  for (const int value : {1, 2, 3, 4, 5}) {
    ASSERT_OK(Rate(Staff(), "g1", value, Participant("anna")));
  }
  ASSERT_OK_AND_ASSIGN(const auto first, List(Staff(), "g1", 2));
  EXPECT_THAT(Values(first), ElementsAre(5, 4));
  ASSERT_OK_AND_ASSIGN(const auto second, List(Staff(), "g1", 2, first.next_page_token()));
  EXPECT_THAT(Values(second), ElementsAre(3, 2));
  ASSERT_OK_AND_ASSIGN(const auto third, List(Staff(), "g1", 2, second.next_page_token()));
  EXPECT_THAT(Values(third), ElementsAre(1));
  EXPECT_THAT(third.next_page_token(), IsEmpty());
  EXPECT_THAT(List(Staff(), "none"), kNotFound);
  EXPECT_THAT(List(Staff("dr-c"), "g1"), kNotFound);
}

}  // namespace
}  // namespace securebase::goals
