#include <string>

#include "tests/testing/counting_store.h"
#include "tests/unit/goals/handlers/goals_fixture.h"

// Answers, overrides, flags, attainment and the journal.
namespace securebase::goals {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kNotAllowed = IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed);
const auto kWrongState = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);

using RespondToGoalTest = GoalsFixture;
using OverrideAchievementTest = GoalsFixture;
using FlagGoalTest = GoalsFixture;
using GetAttainmentTest = GoalsFixture;
using ListJournalTest = GoalsFixture;

TEST_F(RespondToGoalTest, AnswersAreSeenByWhoGaveThemAndByStaff) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1", /*active=*/false));
  ASSERT_OK_AND_ASSIGN(const v1::Goal asked,
                       Respond(Staff(), "g1", "anna", v1::ACCEPTANCE_STATUS_PENDING));
  ASSERT_EQ(asked.acceptances_size(), 1);
  EXPECT_EQ(asked.acceptances(0).status(), v1::ACCEPTANCE_STATUS_PENDING);
  EXPECT_EQ(asked.acceptances(0).recorded_by().subject(), "dr-a");
  ASSERT_OK(Respond(Anna(), "g1", "anna", v1::ACCEPTANCE_STATUS_DISAGREE));
  ASSERT_OK_AND_ASSIGN(const v1::Goal bens,
                       Respond(Ben(), "g1", "ben", v1::ACCEPTANCE_STATUS_AGREE));
  ASSERT_EQ(bens.acceptances_size(), 1);
  EXPECT_EQ(bens.acceptances(0).participant(), "ben");
  ASSERT_OK_AND_ASSIGN(const v1::Goal staffs, Get(Staff(), "g1"));
  ASSERT_EQ(staffs.acceptances_size(), 2);
  EXPECT_EQ(staffs.acceptances(0).status(), v1::ACCEPTANCE_STATUS_DISAGREE);
  EXPECT_EQ(staffs.acceptances(1).status(), v1::ACCEPTANCE_STATUS_AGREE);
}

TEST_F(RespondToGoalTest, Refusals) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1"));
  EXPECT_THAT(Respond(Anna(), "g1", "ben", v1::ACCEPTANCE_STATUS_AGREE), kNotAllowed);
  EXPECT_THAT(Respond(Staff(), "g1", "cleo", v1::ACCEPTANCE_STATUS_AGREE),
              HasViolation("participant"));
  EXPECT_THAT(Respond(Staff(), "g1", "anna", v1::ACCEPTANCE_STATUS_UNSPECIFIED),
              HasViolation("status"));
  EXPECT_THAT(Respond(Staff(), "none", "anna", v1::ACCEPTANCE_STATUS_AGREE), kNotFound);
  ASSERT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_CANCELLED));
  EXPECT_THAT(Respond(Staff(), "g1", "anna", v1::ACCEPTANCE_STATUS_AGREE), kWrongState);
}

v1::OverrideAchievementRequest OverrideRequest(v1::AchievementStatus status,
                                               const std::string& reason) {
  v1::OverrideAchievementRequest request;
  request.set_name("practices/p1/goals/g1");
  request.set_status(status);
  request.set_reason(reason);
  return request;
}

TEST_F(OverrideAchievementTest, StandsInUntilItIsTakenAway) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  const auto request =
      OverrideRequest(v1::ACHIEVEMENT_STATUS_NOT_ATTAINABLE, "He has moved abroad");
  ASSERT_OK_AND_ASSIGN(const v1::Goal overruled,
                       Do(&GoalHandlers::OverrideAchievement, Staff(), request));
  EXPECT_EQ(overruled.achievement().status(), v1::ACHIEVEMENT_STATUS_NOT_ATTAINABLE);
  EXPECT_EQ(overruled.achievement().computed_status(), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
  EXPECT_EQ(overruled.achievement_override().reason(), "He has moved abroad");
  EXPECT_EQ(overruled.achievement_override().actor().subject(), "dr-a");
  ASSERT_OK(Rate(Staff(), "g1", 9, Participant("anna")));
  EXPECT_EQ(Get(Staff(), "g1")->achievement().status(), v1::ACHIEVEMENT_STATUS_NOT_ATTAINABLE);
  ASSERT_OK_AND_ASSIGN(const v1::Goal computed,
                       Do(&GoalHandlers::OverrideAchievement, Staff(),
                          OverrideRequest(v1::ACHIEVEMENT_STATUS_UNSPECIFIED, "")));
  EXPECT_EQ(computed.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_FALSE(computed.has_achievement_override());
}

TEST_F(OverrideAchievementTest, Refusals) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  EXPECT_THAT(Do(&GoalHandlers::OverrideAchievement, Staff(),
                 OverrideRequest(v1::ACHIEVEMENT_STATUS_ACHIEVED, "")),
              HasViolation("reason"));
  EXPECT_THAT(Do(&GoalHandlers::OverrideAchievement, Staff(),
                 OverrideRequest(v1::ACHIEVEMENT_STATUS_UNSPECIFIED, "He has moved abroad")),
              HasViolation("status"))
      << "forgotten, not taken back";
  v1::OverrideAchievementRequest stale =
      OverrideRequest(v1::ACHIEVEMENT_STATUS_ACHIEVED, "as seen in the session");
  stale.set_etag("stale");
  EXPECT_THAT(Do(&GoalHandlers::OverrideAchievement, Staff(), stale),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  stale.clear_etag();
  ASSERT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ENTERED_IN_ERROR));
  EXPECT_THAT(Do(&GoalHandlers::OverrideAchievement, Staff(), stale), kWrongState);
}

// Ben's rating and his answer are his own: a goal that Anna shares is to the byte what it was.
TEST_F(RespondToGoalTest, AHiddenRatingOrAnswerLeavesNoTraceInTheGoal) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1"));
  ASSERT_OK_AND_ASSIGN(const v1::Goal before, Get(Anna(), "g1"));
  ASSERT_OK(Rate(Ben(), "g1", 3, Participant("ben")));
  ASSERT_OK(Respond(Ben(), "g1", "ben", v1::ACCEPTANCE_STATUS_DISAGREE));
  ASSERT_OK_AND_ASSIGN(const v1::Goal annas, Get(Anna(), "g1"));
  EXPECT_EQ(annas.DebugString(), before.DebugString());
  EXPECT_TRUE(Get(Ben(), "g1")->measure_fixed());
  EXPECT_TRUE(Get(Staff(), "g1")->measure_fixed());
}

// Followers of the journal read the goal again when somebody answered.
TEST_F(RespondToGoalTest, TheJournalNamesTheGoal) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1"));
  v1::ListJournalRequest request;
  request.set_parent("practices/p1");
  ASSERT_OK_AND_ASSIGN(const auto before, Do(&GoalHandlers::ListJournal, System(), request));
  ASSERT_OK(Respond(Ben(), "g1", "ben", v1::ACCEPTANCE_STATUS_DISAGREE));
  request.set_token(before.next_token());
  ASSERT_OK_AND_ASSIGN(const auto after, Do(&GoalHandlers::ListJournal, System(), request));
  ASSERT_EQ(after.entries_size(), 1);
  EXPECT_EQ(after.entries(0).resource(), "practices/p1/goals/g1");
  EXPECT_EQ(after.entries(0).action(), type::v1::JOURNAL_ACTION_UPDATED);
}

TEST_F(RespondToGoalTest, AnAnswerMeanwhileKeepsTheGoalFromBeingAccepted) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1", /*active=*/false));
  ASSERT_OK(Respond(Staff(), "g1", "anna", v1::ACCEPTANCE_STATUS_AGREE));
  neighbours_.during_next_write = [&] {
    EXPECT_OK(Respond(Ben(), "g1", "ben", v1::ACCEPTANCE_STATUS_DISAGREE));
  };
  EXPECT_THAT(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ACCEPTED), kWrongState);
}

TEST_F(RespondToGoalTest, ARatingMeanwhileKeepsTheMeasureFromChanging) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  v1::UpdateGoalRequest request;
  request.mutable_goal()->set_name("practices/p1/goals/g1");
  request.mutable_goal()->mutable_gbo()->set_target(7);
  request.mutable_update_mask()->add_paths("gbo.target");
  neighbours_.during_next_write = [&] { EXPECT_OK(Rate(Staff(), "g1", 3, Participant("anna"))); };
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), kWrongState);
}

// What a repeat answers was composed when the first call was made; consents may have been withdrawn
// since.
TEST_F(RespondToGoalTest, ARepeatShowsNothingThatMayNoLongerBeSeen) {
  v1::RespondToGoalRequest request;
  request.set_participant("anna");
  request.set_status(v1::ACCEPTANCE_STATUS_AGREE);
  const auto repeat = [&](const std::string& goal) {
    request.set_name("practices/p1/goals/" + goal);
    request.set_request_id("answer-to-" + goal);
    return Do(&GoalHandlers::RespondToGoal, Anna(), request);
  };
  ASSERT_OK(Create(GboGoal(10, ""), "rated"));
  ASSERT_OK(Rate(Ben(), "rated", 3, Participant("ben")));
  ASSERT_OK(Create(GboGoal(10, ""), "answered"));
  ASSERT_OK(Respond(Ben(), "answered", "ben", v1::ACCEPTANCE_STATUS_DISAGREE));
  ASSERT_OK(Create(GboGoal(10, ""), "own"));
  GiveAccess("participant:anna-login", "e1", "anna", {"anna", "ben"});  // Ben consents
  ASSERT_EQ(repeat("rated")->progress_size(), 1);
  ASSERT_EQ(repeat("answered")->acceptances_size(), 2);
  ASSERT_OK(repeat("own"));
  EXPECT_OK(repeat("rated"));
  GiveAccess("participant:anna-login", "e1", "anna", {"anna"});  // and withdraws
  EXPECT_THAT(repeat("rated"), kNotFound);
  EXPECT_THAT(repeat("answered"), kNotFound);
  EXPECT_OK(repeat("own")) << "nothing of his was shown";
  EXPECT_EQ(Get(Anna(), "answered")->acceptances_size(), 1) << "her answer was recorded";
}

TEST_F(RespondToGoalTest, ARepeatShowsNoSeriesThatMayNoLongerBeSeen) {
  v1::Goal goal = ScaleGoal();
  goal.mutable_scale()->set_subject("ben");
  goal.mutable_scale()->set_informant("ben");
  outcomes::v1::Series series;
  series.set_name("practices/p1/series/s1");
  series.set_instrument("practices/p1/instruments/phq-9");
  series.set_subject("ben");
  series.set_informant("ben");
  series.add_scales()->set_scale("total");
  series.mutable_scales(0)->set_count(1);
  series.mutable_scales(0)->mutable_latest()->set_value(9);
  neighbours_.series["ben"] = {series};
  v1::CreateGoalRequest request = CreateRequest(goal, "", /*active=*/false);
  request.set_request_id("r1");
  GiveAccess("participant:anna-login", "e1", "anna", {"anna", "ben"});
  ASSERT_OK_AND_ASSIGN(const v1::Goal created, Do(&GoalHandlers::CreateGoal, Anna(), request));
  ASSERT_EQ(created.achievement().series().latest(), 9);
  GiveAccess("participant:anna-login", "e1", "anna", {"anna"});
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), request), kNotFound);
}

TEST_F(FlagGoalTest, IsNeverShownToParticipants) {
  ASSERT_OK_AND_ASSIGN(const v1::Goal before, Create(GboGoal(), "g1"));
  v1::FlagGoalRequest request;
  request.set_name("practices/p1/goals/g1");
  request.set_unsafe(true);
  EXPECT_THAT(Do(&GoalHandlers::FlagGoal, Staff(), request), HasViolation("reason"));
  request.set_reason("would confront him alone");
  ASSERT_OK_AND_ASSIGN(const v1::Goal flagged, Do(&GoalHandlers::FlagGoal, Staff(), request));
  EXPECT_EQ(flagged.unsafe_flag().reason(), "would confront him alone");
  EXPECT_EQ(flagged.unsafe_flag().actor().subject(), "dr-a");
  EXPECT_TRUE(Get(System(), "g1")->has_unsafe_flag());
  ASSERT_OK_AND_ASSIGN(const v1::Goal annas, Get(Anna(), "g1"));
  EXPECT_FALSE(annas.has_unsafe_flag());
  EXPECT_EQ(annas.etag(), before.etag()) << "nor does the etag tell of it";
  request.clear_unsafe();
  EXPECT_THAT(Do(&GoalHandlers::FlagGoal, Staff(), request), HasViolation("unsafe"));
  request.set_unsafe(false);
  request.clear_reason();
  ASSERT_OK_AND_ASSIGN(const v1::Goal cleared, Do(&GoalHandlers::FlagGoal, Staff(), request));
  EXPECT_FALSE(cleared.has_unsafe_flag());
  EXPECT_FALSE(Get(Staff(), "g1")->has_unsafe_flag());
}

outcomes::v1::Series Phq9(double baseline, double latest, outcomes::v1::Verdict verdict) {
  outcomes::v1::Series series;
  series.set_name("practices/p1/series/s1");
  series.set_instrument("practices/p1/instruments/phq-9");
  series.set_subject("anna");
  series.set_informant("anna");
  outcomes::v1::ScaleSummary& total = *series.add_scales();
  total.set_scale("total");
  total.set_count(2);
  total.set_count_from_baseline(2);
  total.mutable_baseline()->set_value(baseline);
  total.mutable_latest()->set_value(latest);
  total.mutable_verdict()->set_verdict(verdict);
  return series;
}

TEST_F(GetAttainmentTest, AddsUpAnEpisode) {
  ASSERT_OK(Create(GasGoal(), "gas1"));
  ASSERT_OK(Create(GasGoal(), "gas2"));
  ASSERT_OK(Create(GasGoal(), "gas3"));
  ASSERT_OK(Create(GboGoal(8), "gbo"));
  ASSERT_OK(Create(ScaleGoal(), "scale"));
  ASSERT_OK(Create(GboGoal(), "proposed", /*active=*/false));
  ASSERT_OK(Rate(Anna(), "gas1", 0, Participant("anna")));
  ASSERT_OK(Rate(Anna(), "gas2", 1, Participant("anna")));
  ASSERT_OK(Rate(Anna(), "gas3", 2, Participant("anna")));
  ASSERT_OK(Rate(Anna(), "gbo", 3, Participant("anna")));
  ASSERT_OK(Rate(Anna(), "gbo", 6, Participant("anna")));
  neighbours_.series["anna"] = {Phq9(18, 9, outcomes::v1::VERDICT_RECOVERED)};
  ASSERT_OK_AND_ASSIGN(const v1::Attainment attainment, Attainment(Staff()));
  EXPECT_EQ(attainment.episode(), kEpisode);
  EXPECT_THAT(attainment.goals(), SizeIs(5)) << "what is only proposed does not count";
  ASSERT_EQ(attainment.gas_scores_size(), 1);
  EXPECT_NEAR(attainment.gas_scores(0).t_score(), 63.69, 0.005);
  ASSERT_EQ(attainment.gbo_changes_size(), 1);
  EXPECT_EQ(attainment.gbo_changes(0).change().judgement(), v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED);
  EXPECT_THAT(attainment.gbo_mean_changes(), SizeIs(1));
  EXPECT_EQ(attainment.goals(4).achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(attainment.goals(4).achievement().series().latest(), 9);
  EXPECT_THAT(attainment.unavailable(), IsEmpty());
  EXPECT_TRUE(attainment.has_poll_after());
}

TEST_F(GetAttainmentTest, SaysWhatIsMissingWhenOutcomesIsDown) {
  ASSERT_OK(Create(GasGoal(), "gas1"));
  ASSERT_OK(Create(ScaleGoal(), "scale"));
  ASSERT_OK(Rate(Anna(), "gas1", 1, Participant("anna")));
  neighbours_.down = true;
  ASSERT_OK_AND_ASSIGN(const v1::Attainment attainment, Attainment(Staff()));
  EXPECT_THAT(attainment.unavailable(), ElementsAre("outcomes", "settings"));
  EXPECT_NEAR(attainment.gas_scores(0).t_score(), 60, 1e-9);
  EXPECT_FALSE(attainment.goals(1).has_achievement());
  ASSERT_OK_AND_ASSIGN(const v1::Goal scale, Get(Staff(), "scale"));
  EXPECT_THAT(scale.unavailable(), ElementsAre("outcomes", "settings"));
  EXPECT_FALSE(scale.has_achievement());
  ASSERT_OK_AND_ASSIGN(const v1::Goal gas, Get(Staff(), "gas1"));
  EXPECT_THAT(gas.unavailable(), ElementsAre("settings"));
  EXPECT_EQ(gas.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
}

TEST_F(GetAttainmentTest, AsksOncePerSubject) {
  ASSERT_OK(Create(ScaleGoal(), "g1"));
  ASSERT_OK(Create(ScaleGoal(), "g2"));
  neighbours_.series_calls = 0;
  ASSERT_OK(Attainment(Staff()));
  EXPECT_EQ(neighbours_.series_calls, 1);
}

TEST_F(GetAttainmentTest, NotModifiedUntilSomethingChanges) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK_AND_ASSIGN(const v1::Attainment first, Attainment(Staff()));
  ASSERT_OK_AND_ASSIGN(const v1::Attainment same, Attainment(Staff(), first.etag()));
  EXPECT_TRUE(same.not_modified());
  EXPECT_EQ(same.etag(), first.etag());
  EXPECT_THAT(same.goals(), IsEmpty());
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  ASSERT_OK_AND_ASSIGN(const v1::Attainment changed, Attainment(Staff(), first.etag()));
  EXPECT_FALSE(changed.not_modified());
  EXPECT_NE(changed.etag(), first.etag());
  // A change that Ben may not see is none for him.
  ASSERT_OK_AND_ASSIGN(const v1::Attainment bens, Attainment(Ben()));
  ASSERT_OK(Rate(Staff(), "g1", 4, Participant("anna")));
  EXPECT_TRUE(Attainment(Ben(), bens.etag())->not_modified());
  EXPECT_EQ(Attainment(Ben(), bens.etag())->etag(), bens.etag()) << "nor can he tell by the etag";
}

// An unchanged poll reads no record, however many ratings there are; a linked series is asked for.
TEST_F(GetAttainmentTest, AnUnchangedPollReadsNothing) {
  testing::CountingStore store(fixture_.store());
  records::Database database(
      {&store, &fixture_.access(), &fixture_.page_tokens(), &fixture_.ids()});
  GoalHandlers handlers(database, neighbours_);
  const auto poll = [&](const std::string& known_etag) {
    v1::GetAttainmentRequest request;
    request.set_parent(kEpisode);
    request.set_known_etag(known_etag);
    const auto attainment = handlers.GetAttainment(Staff(), request);
    EXPECT_OK(attainment);
    return attainment.value_or(v1::Attainment());
  };
  ASSERT_OK(Create(GboGoal(), "g1"));
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(Rate(Staff(), "g1", i, Clinician()));
  }
  const std::string first = poll("").etag();
  const testing::StoreWork few = store.TakeWork();
  EXPECT_GT(few.rows, 0);
  EXPECT_TRUE(poll(first).not_modified());
  EXPECT_EQ(store.TakeWork().ToString(), [] {
    testing::StoreWork work;
    work.positions = 1;
    return work.ToString();
  }());
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(Rate(Staff(), "g1", i % 10, Clinician()));
  }
  store.TakeWork();
  const v1::Attainment changed = poll(first);
  EXPECT_FALSE(changed.not_modified());
  EXPECT_EQ(store.TakeWork().ToString(), few.ToString()) << "ratings are not read";

  // Somebody writes elsewhere in the practice: the same is said again, under another etag.
  v1::Goal other = GboGoal(10, "cleo");
  other.set_episode(kOtherEpisode);
  ASSERT_OK(Do(&GoalHandlers::CreateGoal, Staff("dr-c"), CreateRequest(other, "g2")));
  const v1::Attainment again = poll(changed.etag());
  EXPECT_TRUE(again.not_modified());
  EXPECT_NE(again.etag(), changed.etag());
  EXPECT_TRUE(poll(again.etag()).not_modified());
  // Midnight in the practice's zone, or another policy, may change what is overdue.
  fixture_.clock().Advance(absl::Hours(24));
  store.TakeWork();
  poll(again.etag());
  EXPECT_GT(store.TakeWork().rows, 0);
}

TEST_F(GetAttainmentTest, UsesThePracticesHouseRules) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  EXPECT_FALSE(Get(Staff(), "g1")->achievement().stuck());
  neighbours_.settings.mutable_house_rules()->set_stuck_ratings(2);
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(Staff(), "g1"));
  EXPECT_TRUE(goal.achievement().stuck());
  EXPECT_TRUE(goal.achievement().house_rule());
  EXPECT_EQ(goal.achievement().status(), v1::ACHIEVEMENT_STATUS_NO_CHANGE);
}

TEST_F(GetAttainmentTest, DaysEndInThePracticesTimeZone) {
  v1::Goal goal = GboGoal(8);
  goal.mutable_due_date()->set_year(2026);
  goal.mutable_due_date()->set_month(1);
  goal.mutable_due_date()->set_day(1);
  ASSERT_OK(Create(goal, "g1"));
  // 23:30 UTC on 1 January is 2 January in Berlin.
  fixture_.clock().Set(
      absl::FromCivil(absl::CivilSecond(2026, 1, 1, 23, 30, 0), absl::UTCTimeZone()));
  EXPECT_TRUE(Get(Staff(), "g1")->achievement().overdue());
  neighbours_.settings.set_time_zone("UTC");
  EXPECT_FALSE(Get(Staff(), "g1")->achievement().overdue());
}

TEST_F(GetAttainmentTest, EpisodesOutOfSightAreNotFound) {
  EXPECT_THAT(Attainment(Staff("dr-c")), kNotFound);
}

TEST_F(ListJournalTest, NamesWhatHappenedAndNeverContent) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna"), "r1"));
  v1::FlagGoalRequest flag;
  flag.set_name("practices/p1/goals/g1");
  flag.set_unsafe(true);
  flag.set_reason("would confront him alone");
  ASSERT_OK(Do(&GoalHandlers::FlagGoal, Staff(), flag));
  v1::ListJournalRequest request;
  request.set_parent("practices/p1");
  ASSERT_OK_AND_ASSIGN(const v1::ListJournalResponse journal,
                       Do(&GoalHandlers::ListJournal, System(), request));
  std::vector<std::string> entries;
  for (const type::v1::JournalEntry& entry : journal.entries()) {
    entries.push_back(absl::StrCat(type::v1::JournalAction_Name(entry.action()).substr(15), " ",
                                   entry.resource()));
    EXPECT_EQ(entry.episode(), kEpisode);
  }
  EXPECT_THAT(
      entries,
      ElementsAre("CREATED practices/p1/goals/g1", "CREATED practices/p1/goals/g1/ratings/r1",
                  "UPDATED practices/p1/goals/g1", "UPDATED practices/p1/goals/g1"));
  request.set_token(journal.next_token());
  EXPECT_THAT(Do(&GoalHandlers::ListJournal, System(), request)->entries(), IsEmpty());
}

}  // namespace
}  // namespace securebase::goals
