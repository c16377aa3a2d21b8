#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/access_client.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/goals/grpc_service.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/remote_neighbours.h"
#include "services/platform/api/page_token.h"
#include "services/platform/records/database.h"
#include "services/platform/records/housekeeping.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/fake_client.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/goals/rules/goal_maker.h"

// The goals service over the wire: a real server and client with mutual TLS and tokens, the
// neighbours played by the test.
namespace securebase::goals {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::ExpectGolden;
using ::securebase::testing::FakeClient;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::ReadRepositoryFile;
using ::securebase::testing::TestServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kEpisode[] = "practices/p1/episodes/e1";

class GoalsServiceTest : public ::testing::Test {
 protected:
  GoalsServiceTest()
      : server_({kGoalsService}),
        store_(storage::MakeMemoryStore(server_.clock())),
        access_(outcomes_, server_.clock()),
        neighbours_(outcomes_, server_.clock()),
        page_tokens_(*server_.runtime().keyring),
        database_({store_.get(), &access_, &page_tokens_, &server_.ids()}),
        handlers_(database_, neighbours_) {}

  void SetUp() override {
    SetViews({"anna"});
    outcomes_.On<episodes::v1::GetPracticeSettingsRequest, episodes::v1::PracticeSettings>(
        "/securebase.episodes.v1.EpisodesService/GetPracticeSettings", [](const auto&) {
          episodes::v1::PracticeSettings settings;
          settings.set_time_zone("Europe/Berlin");
          settings.mutable_house_rules()->set_stuck_ratings(4);
          return absl::StatusOr<episodes::v1::PracticeSettings>(settings);
        });
    outcomes_.On<episodes::v1::GetEpisodeRequest, episodes::v1::Episode>(
        "/securebase.episodes.v1.EpisodesService/GetEpisode", [](const auto&) {
          episodes::v1::Episode episode;
          episode.add_participants()->set_id("anna");
          episode.add_participants()->set_id("ben");
          return absl::StatusOr<episodes::v1::Episode>(episode);
        });
    outcomes_.On<outcomes::v1::ListSeriesRequest, outcomes::v1::ListSeriesResponse>(
        "/securebase.outcomes.v1.OutcomesService/ListSeries",
        [](const auto&) { return absl::StatusOr<outcomes::v1::ListSeriesResponse>(Phq9()); });
    outcomes_.On<outcomes::v1::GetInstrumentRequest, outcomes::v1::Instrument>(
        "/securebase.outcomes.v1.OutcomesService/GetInstrument", [](const auto& request) {
          EXPECT_EQ(request.name(), "practices/p1/instruments/phq-9");
          outcomes::v1::Instrument instrument;
          instrument.mutable_definition()->add_scales()->set_id("total");
          return absl::StatusOr<outcomes::v1::Instrument>(instrument);
        });
    std::vector<TestServer::GrpcService> services;
    services.push_back(MakeGoalsGrpcService(handlers_, server_.adapter()));
    ASSERT_OK(server_.Start(std::move(services)));
  }

  // What the episodes service lets staff (everything of e1) and Anna (`annas` data) see.
  void SetViews(const std::vector<std::string>& annas) {
    using type::v1::AccessView;
    outcomes_.On<episodes::v1::GetAccessViewRequest, AccessView>(
        "/securebase.episodes.v1.EpisodesService/GetAccessView",
        [this, annas](const auto&) -> absl::StatusOr<AccessView> {
          AccessView view;
          type::v1::EpisodeAccess& episode = *view.add_episodes();
          episode.set_episode("e1");
          const auto asked = outcomes_.asked();
          if (asked.back().options.acting_for->kind() == type::v1::PRINCIPAL_KIND_PARTICIPANT) {
            episode.set_self("anna");
            episode.mutable_subjects()->Add(annas.begin(), annas.end());
          } else {
            episode.set_all_subjects(true);
          }
          return view;
        });
  }

  static outcomes::v1::ListSeriesResponse Phq9() {
    outcomes::v1::ListSeriesResponse response;
    outcomes::v1::Series& series = *response.add_series();
    series.set_name("practices/p1/series/s1");
    series.set_instrument("practices/p1/instruments/phq-9");
    series.set_subject("anna");
    series.set_informant("anna");
    outcomes::v1::ScaleSummary& total = *series.add_scales();
    total.set_scale("total");
    total.set_count(2);
    total.mutable_baseline()->set_value(18);
    total.mutable_latest()->set_value(9);
    total.mutable_verdict()->set_verdict(outcomes::v1::VERDICT_RECOVERED);
    return response;
  }

  client::CallOptions Staff() { return server_.AsStaff("dr-a"); }
  client::CallOptions Anna() { return server_.AsParticipant("patient-anna"); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const client::CallOptions& options,
                                const Request& request) {
    return server_.Client().Call<Response>(absl::StrCat("/", kGoalsService, "/", method), options,
                                           request);
  }

  absl::StatusOr<v1::Goal> Create(const v1::Goal& goal, const std::string& id,
                                  const client::CallOptions& options) {
    server_.clock().Advance(absl::Seconds(1));
    v1::CreateGoalRequest request;
    request.set_parent("practices/p1");
    *request.mutable_goal() = goal;
    request.mutable_goal()->clear_name();
    request.set_goal_id(id);
    request.set_active(true);
    return Call<v1::Goal>("CreateGoal", options, request);
  }
  absl::StatusOr<v1::Rating> Rate(const std::string& goal, const std::string& id, int value,
                                  const v1::Informant& informant,
                                  const client::CallOptions& options) {
    server_.clock().Advance(absl::Minutes(1));
    v1::RateGoalRequest request;
    request.set_parent("practices/p1/goals/" + goal);
    request.set_rating_id(id);
    *request.mutable_rating()->mutable_informant() = informant;
    request.mutable_rating()->set_value(value);
    return Call<v1::Rating>("RateGoal", options, request);
  }
  absl::StatusOr<v1::Goal> Get(const std::string& id, const client::CallOptions& options) {
    v1::GetGoalRequest request;
    request.set_name("practices/p1/goals/" + id);
    return Call<v1::Goal>("GetGoal", options, request);
  }

  TestServer server_;
  FakeClient outcomes_;
  std::unique_ptr<storage::Store> store_;
  client::AccessClient access_;
  RemoteNeighbours neighbours_;
  api::PageTokens page_tokens_;
  records::Database database_;
  GoalHandlers handlers_;
};

// The example of docs/services/goals.md.
TEST_F(GoalsServiceTest, WorkedExample) {
  for (const std::string id : {"evenings", "asking", "school"}) {
    ASSERT_OK(Create(GasGoal(), id, Staff()));
  }
  ASSERT_OK(Create(GboGoal(8), "shouting", Staff()));
  const v1::Informant anna = Participant("anna");
  ASSERT_OK(Rate("evenings", "r1", 0, anna, Staff()));
  ASSERT_OK(Rate("asking", "r1", 1, anna, Staff()));
  ASSERT_OK(Rate("school", "r1", 2, anna, Staff()));
  ASSERT_OK(Rate("shouting", "r1", 3, anna, Staff()));
  ASSERT_OK(Rate("shouting", "r2", 6, anna, Staff()));
  v1::GetAttainmentRequest request;
  request.set_parent(kEpisode);
  ASSERT_OK_AND_ASSIGN(v1::Attainment attainment,
                       Call<v1::Attainment>("GetAttainment", Staff(), request));
  // What is left out, to be short enough to be read, other tests look at.
  attainment.clear_etag();
  attainment.clear_goals();
  attainment.clear_gbo_mean_changes();
  for (v1::GasScore& score : *attainment.mutable_gas_scores()) {
    for (v1::GasContribution& contribution : *score.mutable_contributions()) {
      contribution.clear_rating();
    }
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(attainment, &json, options).ok());
  ExpectGolden("goals/worked_example.txt", json);
  const std::string page = ReadRepositoryFile("docs/services/goals.md");
  EXPECT_THAT(page, HasSubstr("```json\n" + json + "```"));
  EXPECT_THAT(page,
              HasSubstr("```\n" + ReadRepositoryFile("tests/golden/goals/lifecycle.txt") + "```"));
}

TEST_F(GoalsServiceTest, ErrorsArriveWithReasonAndFields) {
  v1::Goal goal = GboGoal(11);
  goal.clear_statement();
  const auto refused = Create(goal, "g1", Staff());
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(refused, HasViolation("goal.statement"));
  EXPECT_THAT(refused, HasViolation("goal.gbo.target"));
  EXPECT_THAT(Get("none", Staff()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(Get("g1", server_.AsStaff("dr-a", "user/Goal.c")),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  EXPECT_THAT(Get("g1", server_.AsStaff("dr-a", "user/*.cruds", "p2")),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
  EXPECT_THAT(Get("g1", client::CallOptions()),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  v1::FlagGoalRequest flag;
  flag.set_name("practices/p1/goals/g1");
  EXPECT_THAT(Call<v1::Goal>("FlagGoal", Anna(), flag),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
}

TEST_F(GoalsServiceTest, AWithdrawnConsentTakesEffectInTheNextCall) {
  ASSERT_OK(Create(GboGoal(8, "ben"), "bens", Staff()));
  SetViews({"anna", "ben"});
  EXPECT_OK(Get("bens", Anna()));
  SetViews({"anna"});
  EXPECT_THAT(Get("bens", Anna()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(GoalsServiceTest, GoesOnAsFarAsItCanWhileOutcomesIsDown) {
  ASSERT_OK(Create(ScaleGoal(), "mood", Staff()));
  ASSERT_OK_AND_ASSIGN(const v1::Goal up, Get("mood", Staff()));
  EXPECT_EQ(up.achievement().status(), v1::ACHIEVEMENT_STATUS_ACHIEVED);
  EXPECT_EQ(up.achievement().series().latest(), 9);
  EXPECT_THAT(up.unavailable(), IsEmpty());

  const absl::Status down = absl::UnavailableError("down");
  outcomes_.On<outcomes::v1::ListSeriesRequest, outcomes::v1::ListSeriesResponse>(
      "/securebase.outcomes.v1.OutcomesService/ListSeries",
      [down](const auto&) { return absl::StatusOr<outcomes::v1::ListSeriesResponse>(down); });
  outcomes_.On<episodes::v1::GetAccessViewRequest, type::v1::AccessView>(
      "/securebase.episodes.v1.EpisodesService/GetAccessView",
      [down](const auto&) { return absl::StatusOr<type::v1::AccessView>(down); });
  ASSERT_OK_AND_ASSIGN(const v1::Goal without, Get("mood", Staff()));
  EXPECT_FALSE(without.has_achievement());
  EXPECT_THAT(without.unavailable(), ElementsAre("outcomes"));
  const auto closed = IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable);
  EXPECT_THAT(Get("mood", Anna()), closed);
  server_.clock().Advance(absl::Seconds(30));
  EXPECT_THAT(Get("mood", Staff()), closed) << "the copy is too old";
  EXPECT_OK(Get("mood", server_.AsSystem()));
}

TEST_F(GoalsServiceTest, ReadsAreAuditedAndPollsThatChangeNothingAreNot) {
  ASSERT_OK(Create(GboGoal(), "g1", Staff()));
  const size_t before = server_.audit().records().size();
  ASSERT_OK(Get("g1", Staff()));
  ASSERT_EQ(server_.audit().records().size(), before + 1);
  EXPECT_EQ(server_.audit().records().back().resource, "practices/p1/goals/g1");
  v1::GetAttainmentRequest request;
  request.set_parent(kEpisode);
  ASSERT_OK_AND_ASSIGN(const v1::Attainment first,
                       Call<v1::Attainment>("GetAttainment", Staff(), request));
  request.set_known_etag(first.etag());
  ASSERT_OK_AND_ASSIGN(const v1::Attainment second,
                       Call<v1::Attainment>("GetAttainment", Staff(), request));
  EXPECT_TRUE(second.not_modified());
  EXPECT_EQ(server_.audit().records().size(), before + 2);
}

TEST_F(GoalsServiceTest, WhatPatientsSayIsNotLogged) {
  const std::string canary = "canary-5d1f";
  v1::Goal goal = GasGoal();
  goal.set_statement(canary);
  goal.mutable_gas()->mutable_levels(0)->set_description(canary);
  ASSERT_OK(Create(goal, "g1", Staff()));
  v1::OverrideAchievementRequest request;
  request.set_name("practices/p1/goals/g1");
  request.set_status(v1::ACHIEVEMENT_STATUS_ACHIEVED);
  request.set_reason(canary);
  ASSERT_OK(Call<v1::Goal>("OverrideAchievement", Staff(), request));
  request.set_reason(std::string(600, 'x') + canary);
  EXPECT_THAT(Call<v1::Goal>("OverrideAchievement", Staff(), request), HasViolation("reason"));
  EXPECT_THAT(server_.log().text(), ::testing::Not(HasSubstr(canary)));
  EXPECT_THAT(server_.log().text(), HasSubstr("OverrideAchievement"));
}

}  // namespace
}  // namespace securebase::goals
