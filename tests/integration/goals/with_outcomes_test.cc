#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/access_client.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/goals/grpc_service.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/remote_neighbours.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/page_token.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/episodes/builders.h"
#include "tests/unit/goals/rules/goal_maker.h"

// Goals on one server, episodes and outcomes on another, as they run: consent and series are asked
// for over the network, in the caller's name, with the goals service's certificate.
namespace securebase::goals {
namespace {

using episodes::testing::Couple;
using episodes::testing::FromText;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::TestServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using episodes::kEpisodesService;
using outcomes::kOutcomesService;

// What securebase-outcomes serves, on a server of its own.
struct OutcomesProcess {
  OutcomesProcess() {
    std::vector<TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episodes, server.adapter()));
    services.push_back(outcomes::MakeOutcomesGrpcService(outcomes, server.adapter()));
    EXPECT_OK(server.Start(std::move(services)));
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const client::CallOptions& options,
                                const Request& request) {
    return Call<Response>(kEpisodesService, method, options, request);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& service, const std::string& method,
                                const client::CallOptions& options, const Request& request) {
    return server.Client().Call<Response>(absl::StrCat("/", service, "/", method), options,
                                          request);
  }

  TestServer server{{kEpisodesService, kOutcomesService}};
  std::unique_ptr<storage::Store> store = storage::MakeMemoryStore(server.clock());
  episodes::LocalAccess access{*store};
  api::PageTokens page_tokens{*server.runtime().keyring};
  records::Database database{{store.get(), &access, &page_tokens, &server.ids()}};
  outcomes::Catalogue catalogue = *outcomes::BuiltInCatalogue();
  outcomes::Projections projections{*store, catalogue};
  episodes::EpisodeHandlers episodes{database, access};
  outcomes::OutcomeHandlers outcomes{database, catalogue, projections};
};

class GoalsWithOutcomesTest : public ::testing::Test {
 protected:
  GoalsWithOutcomesTest()
      : outcomes_(*client::MakeClient(process_.server.ChannelOptions("goals"))),
        access_(*outcomes_, server_.clock()),
        neighbours_(*outcomes_, server_.clock()) {}

  void SetUp() override {
    std::vector<TestServer::GrpcService> services;
    services.push_back(MakeGoalsGrpcService(handlers_, server_.adapter()));
    ASSERT_OK(server_.Start(std::move(services)));
    episodes::v1::CreateEpisodeRequest request;
    request.set_parent("practices/p1");
    request.set_episode_id("e1");
    *request.mutable_episode() = Couple();
    ASSERT_OK(process_.Call<episodes::v1::Episode>("CreateEpisode",
                                                   process_.server.AsStaff("dr-lee"), request));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const client::CallOptions& options,
                                const Request& request) {
    return server_.Client().Call<Response>(absl::StrCat("/", kGoalsService, "/", method), options,
                                           request);
  }
  absl::StatusOr<v1::Goal> Create(const v1::Goal& goal, const std::string& id) {
    v1::CreateGoalRequest request;
    request.set_parent("practices/p1");
    *request.mutable_goal() = goal;
    request.mutable_goal()->clear_name();
    request.set_goal_id(id);
    request.set_active(true);
    return Call<v1::Goal>("CreateGoal", DrLee(), request);
  }
  absl::StatusOr<v1::Goal> Get(const client::CallOptions& options, const std::string& id) {
    v1::GetGoalRequest request;
    request.set_name("practices/p1/goals/" + id);
    return Call<v1::Goal>("GetGoal", options, request);
  }
  absl::StatusOr<v1::Rating> Rate(const client::CallOptions& options, const std::string& goal,
                                  const std::string& participant, int value) {
    server_.clock().Advance(absl::Milliseconds(1));
    v1::RateGoalRequest request;
    request.set_parent("practices/p1/goals/" + goal);
    *request.mutable_rating()->mutable_informant() = Participant(participant);
    request.mutable_rating()->set_value(value);
    return Call<v1::Rating>("RateGoal", options, request);
  }

  // PHQ-9 with all items but the ninth at `each`: a total of 8 times that.
  void SubmitPhq9(int each) {
    process_.server.clock().Advance(absl::Hours(24));
    outcomes::v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    outcomes::v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode("practices/p1/episodes/e1");
    assessment.set_instrument("practices/p1/instruments/phq-9");
    assessment.set_subject("ann");
    assessment.set_informant("ann");
    for (int item = 1; item <= 9; ++item) {
      outcomes::v1::Answer& answer = *assessment.add_answers();
      answer.set_item(absl::StrCat(item));
      answer.set_value(item == 9 ? 0 : each);
    }
    *assessment.mutable_answered_time() = api::ToProto(process_.server.clock().Now());
    ASSERT_OK(process_.Call<outcomes::v1::SubmitAssessmentResponse>(
        kOutcomesService, "SubmitAssessment", process_.server.AsStaff("dr-lee"), request));
  }

  client::CallOptions DrLee() { return server_.AsStaff("dr-lee"); }
  client::CallOptions Ann() { return server_.AsParticipant("ehr-1"); }
  client::CallOptions Bob() { return server_.AsParticipant("ehr-2"); }

  OutcomesProcess process_;
  TestServer server_{{kGoalsService}};
  std::unique_ptr<storage::Store> store_ = storage::MakeMemoryStore(server_.clock());
  std::unique_ptr<client::Client> outcomes_;
  client::AccessClient access_;
  RemoteNeighbours neighbours_;
  api::PageTokens page_tokens_{*server_.runtime().keyring};
  records::Database database_{{store_.get(), &access_, &page_tokens_, &server_.ids()}};
  GoalHandlers handlers_{database_, neighbours_};
};

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);

TEST_F(GoalsWithOutcomesTest, ConsentAndSafetyHoldDecideWhatAPartnerSees) {
  ASSERT_OK(Create(GboGoal(8, "ann"), "anns"));
  ASSERT_OK(Create(GboGoal(8, ""), "shared"));
  ASSERT_OK(Rate(Ann(), "shared", "ann", 3));
  ASSERT_OK(Rate(Bob(), "shared", "bob", 9));
  EXPECT_THAT(Get(Bob(), "anns"), kNotFound);
  EXPECT_EQ(Get(Bob(), "shared")->progress_size(), 1);

  ASSERT_OK_AND_ASSIGN(
      const episodes::v1::Consent consent,
      process_.Call<episodes::v1::Consent>("CreateConsent", process_.server.AsParticipant("ehr-1"),
                                           FromText<episodes::v1::CreateConsentRequest>(R"pb(
                                             parent: "practices/p1/episodes/e1"
                                             consent {
                                               grantor: "ann"
                                               capacity: CONSENT_CAPACITY_SELF
                                               subject: "ann"
                                               purpose: CONSENT_PURPOSE_DISCLOSURE
                                               recipient: "bob"
                                               status: CONSENT_STATUS_ACTIVE
                                             }
                                           )pb")));
  EXPECT_OK(Get(Bob(), "anns"));
  EXPECT_EQ(Get(Bob(), "shared")->progress_size(), 2);

  // A consent given under coercion must not expose anybody.
  ASSERT_OK(process_.Call<episodes::v1::SafetyHold>(
      "CreateSafetyHold", process_.server.AsStaff("dr-lee"),
      FromText<episodes::v1::CreateSafetyHoldRequest>(R"pb(
        parent: "practices/p1/episodes/e1"
        safety_hold { subject: "ann" withheld_from: "bob" reason: "threats" }
      )pb")));
  EXPECT_THAT(Get(Bob(), "anns"), kNotFound);
  ASSERT_OK_AND_ASSIGN(const v1::Goal shared, Get(Bob(), "shared"));
  ASSERT_EQ(shared.progress_size(), 1);
  EXPECT_EQ(shared.progress(0).informant().participant(), "bob");
  EXPECT_EQ(shared.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
}

TEST_F(GoalsWithOutcomesTest, AScalesGoalMovesWithItsAssessments) {
  v1::Goal goal = ScaleGoal();  // PHQ-9 below 10
  goal.set_owner("ann");
  goal.mutable_scale()->set_subject("ann");
  goal.mutable_scale()->set_informant("ann");
  ASSERT_OK(Create(goal, "mood"));
  const auto achievement = [&](const client::CallOptions& options) {
    const auto read = Get(options, "mood");
    EXPECT_OK(read);
    return read.ok() ? read->achievement() : v1::Achievement();
  };
  EXPECT_EQ(achievement(DrLee()).rule(), "no scored assessment yet");
  SubmitPhq9(3);
  SubmitPhq9(2);
  EXPECT_EQ(achievement(DrLee()).status(), v1::ACHIEVEMENT_STATUS_IMPROVING) << "24 to 16";
  SubmitPhq9(1);
  const v1::Achievement reached = achievement(Ann());
  EXPECT_EQ(reached.status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(reached.series().baseline(), 24);
  EXPECT_EQ(reached.series().previous(), 16);
  EXPECT_EQ(reached.series().latest(), 8);
  EXPECT_EQ(reached.series().verdict(), outcomes::v1::VERDICT_RECOVERED);
  // Whose token does not open series sees the goal without them.
  ASSERT_OK_AND_ASSIGN(const v1::Goal without,
                       Get(server_.AsStaff("dr-lee", "user/Goal.rs"), "mood"));
  EXPECT_FALSE(without.has_achievement());
  EXPECT_THAT(without.unavailable(), ElementsAre("outcomes"));
}

TEST_F(GoalsWithOutcomesTest, ParticipantsOfTheEpisodeAreKnown) {
  EXPECT_THAT(Create(GboGoal(8, "carol"), "g1"), HasViolation("goal.owner"));
  v1::Goal elsewhere = GboGoal(8, "ann");
  elsewhere.set_episode("practices/p1/episodes/none");
  EXPECT_THAT(Create(elsewhere, "g1"), kNotFound);
  ASSERT_OK(Create(GboGoal(8, "ann"), "g1"));
  EXPECT_THAT(Rate(DrLee(), "g1", "carol", 3), HasViolation("rating.informant.participant"));
  EXPECT_OK(Rate(DrLee(), "g1", "bob", 3));
  EXPECT_THAT(Rate(Bob(), "g1", "bob", 3), kNotFound) << "it is hers";
}

TEST_F(GoalsWithOutcomesTest, ThePracticesSettingsAreUsed) {
  ASSERT_OK(process_.Call<episodes::v1::PracticeSettings>(
      "UpdatePracticeSettings", process_.server.AsSystem(),
      FromText<episodes::v1::UpdatePracticeSettingsRequest>(R"pb(
        settings {
          name: "practices/p1/settings"
          house_rules { stuck_ratings: 2 }
        }
        update_mask { paths: "house_rules" }
      )pb")));
  ASSERT_OK(Create(GboGoal(8, "ann"), "g1"));
  ASSERT_OK(Rate(Ann(), "g1", "ann", 3));
  ASSERT_OK(Rate(Ann(), "g1", "ann", 3));
  ASSERT_OK_AND_ASSIGN(const v1::Goal goal, Get(DrLee(), "g1"));
  EXPECT_TRUE(goal.achievement().stuck());
  EXPECT_THAT(goal.unavailable(), IsEmpty());
}

TEST_F(GoalsWithOutcomesTest, NobodyElseIsBelievedToActForSomebody) {
  // The certificate is a client's, not that of the goals service.
  const auto impostor = client::MakeClient(process_.server.ChannelOptions("ehr"));
  ASSERT_OK(impostor);
  client::AccessClient access(**impostor, server_.clock());
  api::Call call;
  call.principal.practice = "p1";
  call.principal.kind = auth::PrincipalKind::kStaff;
  call.principal.subject = "dr-lee";
  call.deadline = absl::Now() + absl::Seconds(10);
  EXPECT_THAT(access.ViewFor(call),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(GoalsWithOutcomesTest, AfterAnOutageParticipantsAreRefusedAndStaffGoOnForAWhile) {
  ASSERT_OK(Create(GboGoal(8, "ann"), "g1"));
  ASSERT_OK(Get(Ann(), "g1"));
  process_.server.Shutdown();
  const auto closed = IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable);
  EXPECT_THAT(Get(Ann(), "g1"), closed);
  EXPECT_OK(Get(DrLee(), "g1"));
  server_.clock().Advance(client::AccessClient::kMaxAge);
  EXPECT_THAT(Get(DrLee(), "g1"), closed);
  EXPECT_OK(Get(server_.AsSystem(), "g1"));
}

}  // namespace
}  // namespace securebase::goals
