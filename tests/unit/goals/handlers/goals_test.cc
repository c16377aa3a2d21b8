#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "google/protobuf/util/message_differencer.h"
#include "tests/unit/goals/handlers/goals_fixture.h"

namespace securebase::goals {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
const auto kNotAllowed = IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed);
const auto kWrongState = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);
const auto kLimit = IsError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded);
const auto kStale = IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch);

using CreateGoalTest = GoalsFixture;
using ListGoalsTest = GoalsFixture;
using UpdateGoalTest = GoalsFixture;
using TransitionGoalTest = GoalsFixture;
using SupersedeGoalTest = GoalsFixture;

TEST_F(CreateGoalTest, IsProposedOrActiveAndComesWithItsHead) {
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Create(GboGoal(8), "g1", /*active=*/false));
  EXPECT_EQ(goal.name(), "practices/p1/goals/g1");
  EXPECT_FALSE(goal.uid().empty());
  EXPECT_FALSE(goal.etag().empty());
  EXPECT_TRUE(goal.has_create_time());
  EXPECT_TRUE(goal.has_status_time());
  EXPECT_EQ(goal.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_PROPOSED);
  EXPECT_EQ(goal.created_by().subject(), "dr-a");
  EXPECT_EQ(goal.gbo().target(), 8);
  EXPECT_FALSE(goal.has_achievement());
  ASSERT_OK_AND_ASSIGN(const v1::Goal active, Create(GboGoal()));
  EXPECT_EQ(active.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_ACTIVE);
  EXPECT_EQ(active.achievement().status(), v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
}

TEST_F(CreateGoalTest, WhatTheServerSetsCannotBeSent) {
  v1::Goal goal = GboGoal();
  goal.set_superseded_by("practices/p1/goals/other");
  goal.set_measure_fixed(true);
  goal.mutable_achievement_override()->set_status(v1::ACHIEVEMENT_STATUS_ACHIEVED);
  goal.mutable_unsafe_flag()->set_reason("no");
  ASSERT_OK_AND_ASSIGN(const v1::Goal created, Create(goal));
  EXPECT_THAT(created.superseded_by(), IsEmpty());
  EXPECT_FALSE(created.measure_fixed());
  EXPECT_FALSE(created.has_achievement_override());
  EXPECT_FALSE(created.has_unsafe_flag());
}

TEST_F(CreateGoalTest, NamesEveryWrongField) {
  v1::Goal goal = GasGoal();
  goal.clear_statement();
  goal.mutable_gas()->mutable_levels()->RemoveLast();
  const auto refused = Create(goal);
  EXPECT_THAT(refused, HasViolation("goal.statement"));
  EXPECT_THAT(refused, HasViolation("goal.gas.levels"));

  v1::Goal no_measure = GboGoal();
  no_measure.clear_gbo();
  EXPECT_THAT(Create(no_measure), HasViolation("goal.measure"));
  EXPECT_THAT(Create(GboGoal(11)), HasViolation("goal.gbo.target"));
}

TEST_F(CreateGoalTest, ParticipantsMustBelongToTheEpisode) {
  EXPECT_THAT(Create(GboGoal(10, "cleo")), HasViolation("goal.owner"));
  v1::Goal goal = ScaleGoal();
  goal.mutable_scale()->set_subject("cleo");
  goal.mutable_scale()->set_informant("cleo");
  const auto refused = Create(goal);
  EXPECT_THAT(refused, HasViolation("goal.scale.subject"));
  EXPECT_THAT(refused, HasViolation("goal.scale.informant"));
}

TEST_F(CreateGoalTest, AScaleMustExist) {
  v1::Goal goal = ScaleGoal();
  goal.mutable_scale()->set_instrument("phq9");
  EXPECT_THAT(Create(goal), HasViolation("goal.scale.instrument"));
  goal = ScaleGoal();
  goal.mutable_scale()->set_scale("sum");
  const auto refused = Create(goal);
  EXPECT_THAT(refused, HasViolation("goal.scale.scale"));
  EXPECT_THAT(ViolationsOf(refused.status())[0].description, HasSubstr("total"));
  ASSERT_OK(Create(ScaleGoal(), "g1"));
  ASSERT_OK_AND_ASSIGN(goal, Get(Staff(), "g1"));
  goal.mutable_scale()->set_scale("sum");
  v1::UpdateGoalRequest update;
  *update.mutable_goal() = goal;
  update.mutable_update_mask()->add_paths("scale");
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), update), HasViolation("goal.scale.scale"));
}

TEST_F(CreateGoalTest, FailsClosedWhenParticipantsCannotBeChecked) {
  neighbours_.down = true;
  EXPECT_THAT(Create(GboGoal()),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(CreateGoalTest, EpisodesOutOfSightAreNotFound) {
  v1::Goal goal = GboGoal(10, "cleo");
  goal.set_episode(kOtherEpisode);
  EXPECT_THAT(Create(goal), kNotFound);
  EXPECT_OK(Do(&GoalHandlers::CreateGoal, Staff("dr-c"), CreateRequest(goal)));
  goal.set_episode("practices/p1/episodes/none");
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, System(), CreateRequest(goal)), kNotFound);
}

TEST_F(CreateGoalTest, ParticipantsProposeTheirOwn) {
  EXPECT_OK(Do(&GoalHandlers::CreateGoal, Anna(), CreateRequest(GboGoal(), "", false)));
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), CreateRequest(GboGoal(), "", true)),
              kNotAllowed);
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), CreateRequest(GboGoal(10, "ben"), "", false)),
              kNotAllowed);
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), CreateRequest(GboGoal(10, ""), "", false)),
              kNotAllowed);
}

// Whether an id or an identifier is taken would tell of goals that they may not see.
TEST_F(CreateGoalTest, ParticipantsChooseNoIds) {
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), CreateRequest(GboGoal(), "mine", false)),
              kNotAllowed);
  v1::Goal goal = GboGoal();
  goal.add_external_identifiers()->set_system("https://ehr.example.org/goals");
  goal.mutable_external_identifiers(0)->set_value("42");
  v1::CreateGoalRequest request = CreateRequest(goal, "", false);
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Anna(), request), kNotAllowed);
  request.mutable_goal()->clear_external_identifiers();
  request.set_request_id("mine");
  ASSERT_OK_AND_ASSIGN(const v1::Goal first, Do(&GoalHandlers::CreateGoal, Anna(), request));
  EXPECT_EQ(Do(&GoalHandlers::CreateGoal, Anna(), request)->name(), first.name());
}

TEST_F(CreateGoalTest, ARepeatedRequestIdGivesTheFirstResult) {
  v1::CreateGoalRequest request = CreateRequest(GboGoal());
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Goal first, Do(&GoalHandlers::CreateGoal, Staff(), request));
  ASSERT_OK_AND_ASSIGN(const v1::Goal second, Do(&GoalHandlers::CreateGoal, Staff(), request));
  EXPECT_TRUE(MessageDifferencer::Equals(first, second));
  request.mutable_goal()->set_statement("Something else");
  EXPECT_THAT(Do(&GoalHandlers::CreateGoal, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(CreateGoalTest, IdsAndExternalIdentifiersAreTakenOnce) {
  const auto taken = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);
  v1::Goal goal = GboGoal();
  goal.add_external_identifiers()->set_system("https://ehr.example.org/goals");
  goal.mutable_external_identifiers(0)->set_value("42");
  ASSERT_OK(Create(goal, "g1"));
  EXPECT_THAT(Create(GboGoal(), "g1"), taken);
  EXPECT_THAT(Create(goal, "g2"), taken);
  EXPECT_THAT(Get(Staff(), "g2"), kNotFound) << "nothing was stored";
}

TEST_F(CreateGoalTest, AnOwnerHasThreeActiveGboGoals) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(Create(GboGoal(), absl::StrCat("g", i)));
  }
  EXPECT_THAT(Create(GboGoal()), kLimit);
  EXPECT_OK(Create(GasGoal())) << "other measures are not counted";
  EXPECT_OK(Create(GboGoal(10, "ben"))) << "nor other owners";
  EXPECT_OK(Create(GboGoal(10, ""))) << "nor shared goals";
  EXPECT_OK(Create(GboGoal(), "g3", /*active=*/false)) << "nor proposals";
  EXPECT_THAT(Transition("g3", v1::GOAL_LIFECYCLE_STATUS_ACTIVE), kLimit);
  ASSERT_OK(Transition("g0", v1::GOAL_LIFECYCLE_STATUS_ON_HOLD));
  EXPECT_OK(Transition("g3", v1::GOAL_LIFECYCLE_STATUS_ACTIVE));
  EXPECT_THAT(Transition("g0", v1::GOAL_LIFECYCLE_STATUS_ACTIVE), kLimit);
}

TEST_F(CreateGoalTest, TheLimitHoldsWhenManyCreateAtOnce) {
  std::atomic<int> created = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto result = Create(GboGoal());
      created += result.ok() ? 1 : 0;
      refused += ReasonOf(result.status()) == Reason::kLimitExceeded ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(created, 3);
  EXPECT_EQ(refused, 5);
}

TEST_F(CreateGoalTest, AnEpisodeHasAHundredGoals) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(Create(GasGoal()));
  }
  EXPECT_THAT(Create(GasGoal()), kLimit);
}

TEST_F(CreateGoalTest, GoalsOutOfSightAreNotFound) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  EXPECT_OK(Get(Staff(), "g1"));
  EXPECT_OK(Get(System(), "g1"));
  EXPECT_OK(Get(Anna(), "g1"));
  EXPECT_THAT(Get(Ben(), "g1"), kNotFound) << "a partner's goal";
  EXPECT_THAT(Get(Staff("dr-c"), "g1"), kNotFound) << "another care team";
  EXPECT_THAT(
      Get(fixture_.Call(auth::PrincipalKind::kSystem, "ehr", "", /*practice=*/"p2"), "g1").status(),
      IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields))
      << "another practice";
  GiveAccess("participant:ben-login", "e1", "ben", {"anna", "ben"});
  EXPECT_OK(Get(Ben(), "g1")) << "consented to";
}

TEST_F(CreateGoalTest, SharedGoalsAreSeenByBoth) {
  ASSERT_OK(Create(GboGoal(10, ""), "shared"));
  EXPECT_OK(Get(Anna(), "shared"));
  EXPECT_OK(Get(Ben(), "shared"));
}

std::vector<std::string> Ids(const v1::ListGoalsResponse& page) {
  std::vector<std::string> ids;
  for (const v1::Goal& goal : page.goals()) {
    ids.push_back(goal.name().substr(goal.name().rfind('/') + 1));
  }
  return ids;
}

TEST_F(ListGoalsTest, FiltersAddUp) {
  ASSERT_OK(Create(GboGoal(), "a1"));
  fixture_.clock().Advance(absl::Seconds(1));
  ASSERT_OK(Create(GboGoal(), "a2", /*active=*/false));
  fixture_.clock().Advance(absl::Seconds(1));
  v1::Goal mood = GasGoal(v1::GAS_ANCHOR_MINUS_ONE, "ben");
  mood.set_domain(v1::GOAL_DOMAIN_MOOD);
  ASSERT_OK(Create(mood, "b1"));
  v1::ListGoalsRequest request;
  request.set_parent("practices/p1");
  const auto list = [&] { return Ids(*Do(&GoalHandlers::ListGoals, Staff(), request)); };
  EXPECT_THAT(list(), ElementsAre("b1", "a2", "a1")) << "newest first";
  request.set_episode(kEpisode);
  EXPECT_THAT(list(), ElementsAre("b1", "a2", "a1"));
  request.set_owner("anna");
  EXPECT_THAT(list(), ElementsAre("a2", "a1"));
  request.add_statuses(v1::GOAL_LIFECYCLE_STATUS_ACTIVE);
  EXPECT_THAT(list(), ElementsAre("a1"));
  request.clear_owner();
  request.add_domains(v1::GOAL_DOMAIN_MOOD);
  EXPECT_THAT(list(), ElementsAre("b1"));
  request.set_episode(kOtherEpisode);
  EXPECT_THAT(list(), IsEmpty());
}

TEST_F(ListGoalsTest, ShowsWhatTheCallerMaySee) {
  ASSERT_OK(Create(GboGoal(), "anna"));
  ASSERT_OK(Create(GboGoal(10, "ben"), "ben"));
  ASSERT_OK(Create(GboGoal(10, ""), "shared"));
  v1::ListGoalsRequest request;
  request.set_parent("practices/p1");
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, System(), request)), SizeIs(3));
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, Anna(), request)),
              ::testing::UnorderedElementsAre("anna", "shared"));
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, Staff("dr-c"), request)), IsEmpty());
}

TEST_F(ListGoalsTest, PagesHoldEveryGoalOnceAndTokensBelongToTheirQuery) {
  std::set<std::string> expected;
  for (int i = 0; i < 7; ++i) {
    const std::string id = absl::StrCat("g", i);
    ASSERT_OK(Create(GasGoal(), id));
    expected.insert(id);
    fixture_.clock().Advance(absl::Milliseconds(1));
  }
  v1::ListGoalsRequest request;
  request.set_parent("practices/p1");
  request.set_page_size(3);
  std::set<std::string> seen;
  std::string first_token;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, Do(&GoalHandlers::ListGoals, Staff(), request));
    for (const std::string& id : Ids(page)) {
      EXPECT_TRUE(seen.insert(id).second) << id;
    }
    request.set_page_token(page.next_page_token());
    first_token = first_token.empty() ? page.next_page_token() : first_token;
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, expected);

  const auto refused = IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken);
  request.set_page_token(first_token);
  EXPECT_THAT(Do(&GoalHandlers::ListGoals, System(), request), refused) << "another caller";
  request.set_owner("anna");
  EXPECT_THAT(Do(&GoalHandlers::ListGoals, Staff(), request), refused) << "another filter";
}

TEST_F(ListGoalsTest, FindsByExternalIdentifier) {
  v1::Goal goal = GboGoal();
  goal.add_external_identifiers()->set_system("https://ehr.example.org/goals");
  goal.mutable_external_identifiers(0)->set_value("42");
  ASSERT_OK(Create(goal, "g1"));
  ASSERT_OK(Create(GboGoal(), "g2"));
  v1::ListGoalsRequest request;
  request.set_parent("practices/p1");
  *request.mutable_external_identifier() = goal.external_identifiers(0);
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, Staff(), request)), ElementsAre("g1"));
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, Ben(), request)), IsEmpty());
  request.mutable_external_identifier()->set_value("43");
  EXPECT_THAT(Ids(*Do(&GoalHandlers::ListGoals, Staff(), request)), IsEmpty());
  request.set_page_token("anything");
  EXPECT_THAT(Do(&GoalHandlers::ListGoals, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken))
      << "there is one page";
}

v1::UpdateGoalRequest UpdateRequest(const std::string& id, const std::string& path) {
  v1::UpdateGoalRequest request;
  request.mutable_goal()->set_name("practices/p1/goals/" + id);
  request.mutable_update_mask()->add_paths(path);
  return request;
}

TEST_F(UpdateGoalTest, ChangesWhatTheMaskNames) {
  ASSERT_OK_AND_ASSIGN(const v1::Goal before, Create(GboGoal(), "g1"));
  v1::UpdateGoalRequest request = UpdateRequest("g1", "statement");
  request.mutable_goal()->set_statement("Ask before I assume");
  request.mutable_goal()->set_domain(v1::GOAL_DOMAIN_MOOD);
  request.mutable_goal()->set_etag(before.etag());
  ASSERT_OK_AND_ASSIGN(const v1::Goal after, Do(&GoalHandlers::UpdateGoal, Staff(), request));
  EXPECT_EQ(after.statement(), "Ask before I assume");
  EXPECT_EQ(after.domain(), before.domain());
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), kStale);
}

TEST_F(UpdateGoalTest, OwnerAndEpisodeNeverChange) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  v1::UpdateGoalRequest request = UpdateRequest("g1", "owner");
  request.mutable_goal()->set_owner("ben");
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), HasViolation("goal.owner"));
}

TEST_F(UpdateGoalTest, TheResultMustBeAValidGoal) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  v1::UpdateGoalRequest request = UpdateRequest("g1", "due_date");
  request.mutable_goal()->mutable_due_date()->set_year(2026);
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), HasViolation("goal.due_date"));
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), UpdateRequest("g1", "gbo")),
              HasViolation("goal.measure"));
}

TEST_F(UpdateGoalTest, TheMeasureIsFixedOnceTheGoalIsRated) {
  ASSERT_OK(Create(GboGoal(8), "g1"));
  v1::UpdateGoalRequest request = UpdateRequest("g1", "gbo.target");
  request.mutable_goal()->mutable_gbo()->set_target(7);
  ASSERT_OK_AND_ASSIGN(const v1::Goal changed, Do(&GoalHandlers::UpdateGoal, Staff(), request));
  EXPECT_EQ(changed.gbo().target(), 7);
  ASSERT_OK(Rate(Staff(), "g1", 3, Participant("anna")));
  EXPECT_OK(Do(&GoalHandlers::UpdateGoal, Staff(), request)) << "the same measure";
  request.mutable_goal()->mutable_gbo()->set_target(6);
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), kWrongState);
}

TEST_F(UpdateGoalTest, ANewMeasureTakesOrGivesBackAPlace) {
  for (const std::string id : {"g1", "g2", "g3"}) {
    ASSERT_OK(Create(GboGoal(), id));
  }
  ASSERT_OK(Create(GasGoal(), "g4"));
  v1::UpdateGoalRequest to_gbo = UpdateRequest("g4", "gbo");
  to_gbo.mutable_goal()->mutable_gbo()->set_target(5);
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), to_gbo), kLimit);
  v1::UpdateGoalRequest to_gas = UpdateRequest("g1", "gas");
  *to_gas.mutable_goal()->mutable_gas() = GasGoal().gas();
  ASSERT_OK(Do(&GoalHandlers::UpdateGoal, Staff(), to_gas));
  EXPECT_OK(Do(&GoalHandlers::UpdateGoal, Staff(), to_gbo));
}

TEST_F(UpdateGoalTest, EndedGoalsStayAsTheyAre) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  ASSERT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_COMPLETED));
  v1::UpdateGoalRequest request = UpdateRequest("g1", "statement");
  request.mutable_goal()->set_statement("Ask before I assume");
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), kWrongState);
  request.mutable_goal()->set_name("practices/p1/goals/none");
  EXPECT_THAT(Do(&GoalHandlers::UpdateGoal, Staff(), request), kNotFound);
}

TEST_F(TransitionGoalTest, FollowsTheTable) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  v1::TransitionGoalRequest request;
  request.set_name("practices/p1/goals/g1");
  request.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_ON_HOLD);
  request.set_reason("life-event");
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const v1::Goal held, Do(&GoalHandlers::TransitionGoal, Staff(), request));
  EXPECT_EQ(held.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_ON_HOLD);
  EXPECT_EQ(held.status_reason(), "life-event");
  EXPECT_EQ(held.status_time().seconds() - held.create_time().seconds(), 3600);
  const auto refused = Transition("g1", v1::GOAL_LIFECYCLE_STATUS_PROPOSED);
  EXPECT_THAT(refused,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_THAT(MetadataOf(refused.status()).at("allowed"), HasSubstr("COMPLETED"));
  request.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_COMPLETED);
  request.set_etag("stale");
  EXPECT_THAT(Do(&GoalHandlers::TransitionGoal, Staff(), request), kStale);
  request.set_etag(held.etag());
  EXPECT_OK(Do(&GoalHandlers::TransitionGoal, Staff(), request));
}

TEST_F(TransitionGoalTest, AcceptedOnlyWhenEverybodyAskedAgrees) {
  ASSERT_OK(Create(GboGoal(10, ""), "g1", /*active=*/false));
  ASSERT_OK(Respond(Staff(), "g1", "anna", v1::ACCEPTANCE_STATUS_PENDING));
  ASSERT_OK(Respond(Ben(), "g1", "ben", v1::ACCEPTANCE_STATUS_AGREE));
  EXPECT_THAT(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ACCEPTED), kWrongState);
  ASSERT_OK(Respond(Anna(), "g1", "anna", v1::ACCEPTANCE_STATUS_DISAGREE));
  EXPECT_THAT(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ACCEPTED), kWrongState);
  ASSERT_OK(Respond(Anna(), "g1", "anna", v1::ACCEPTANCE_STATUS_AGREE));
  EXPECT_OK(Transition("g1", v1::GOAL_LIFECYCLE_STATUS_ACCEPTED));
}

v1::SupersedeGoalRequest SupersedeRequest(const std::string& id, const v1::Goal& goal) {
  v1::SupersedeGoalRequest request;
  request.set_name("practices/p1/goals/" + id);
  *request.mutable_goal() = goal;
  request.mutable_goal()->clear_name();
  request.set_goal_id(id + "-next");
  request.set_active(true);
  return request;
}

TEST_F(SupersedeGoalTest, LinksBothAndCancelsTheOld) {
  for (const std::string id : {"g1", "g2", "g3"}) {
    ASSERT_OK(Create(GboGoal(), id));
  }
  // The fourth active GBO goal of its owner, were it not for the place that the old one gives up.
  ASSERT_OK_AND_ASSIGN(const v1::Goal next, Do(&GoalHandlers::SupersedeGoal, Staff(),
                                               SupersedeRequest("g1", GboGoal(6))));
  EXPECT_EQ(next.supersedes(), "practices/p1/goals/g1");
  EXPECT_EQ(next.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_ACTIVE);
  ASSERT_OK_AND_ASSIGN(const v1::Goal old, Get(Staff(), "g1"));
  EXPECT_EQ(old.superseded_by(), next.name());
  EXPECT_EQ(old.lifecycle_status(), v1::GOAL_LIFECYCLE_STATUS_CANCELLED);
  EXPECT_EQ(old.status_reason(), "replaced");
  EXPECT_THAT(Do(&GoalHandlers::SupersedeGoal, Staff(), SupersedeRequest("g1", GboGoal(5))),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
}

TEST_F(SupersedeGoalTest, OwnerAndEpisodeStay) {
  ASSERT_OK(Create(GboGoal(), "g1"));
  EXPECT_THAT(Do(&GoalHandlers::SupersedeGoal, Staff(), SupersedeRequest("g1", GboGoal(5, "ben"))),
              HasViolation("goal.owner"));
  v1::Goal elsewhere = GboGoal();
  elsewhere.set_episode(kOtherEpisode);
  EXPECT_THAT(Do(&GoalHandlers::SupersedeGoal, Staff(), SupersedeRequest("g1", elsewhere)),
              HasViolation("goal.episode"));
  v1::SupersedeGoalRequest stale = SupersedeRequest("g1", GboGoal());
  stale.set_etag("stale");
  EXPECT_THAT(Do(&GoalHandlers::SupersedeGoal, Staff(), stale), kStale);
}

}  // namespace
}  // namespace securebase::goals
