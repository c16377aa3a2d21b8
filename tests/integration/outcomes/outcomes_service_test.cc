// Outcomes and episodes as their callers meet them: one server, over mutual TLS, with tokens.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/timed_work_runner.h"
#include "services/platform/api/page_token.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/episodes/builders.h"
#include "tests/unit/outcomes/own_definition.h"

namespace securebase::outcomes {
namespace {

using episodes::testing::FromText;
using securebase::testing::HasViolation;
using securebase::testing::IsError;
using securebase::testing::TestServer;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kCouple[] = "practices/p1/episodes/e1";

class OutcomesServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(catalogue_);
    std::vector<TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episodes_, server_.adapter()));
    services.push_back(MakeOutcomesGrpcService(outcomes_, server_.adapter()));
    ASSERT_OK(server_.Start(std::move(services)));
    episodes::v1::CreateEpisodeRequest request;
    request.set_parent("practices/p1");
    request.set_episode_id("e1");
    *request.mutable_episode() = episodes::testing::Couple();
    ASSERT_OK(server_.Client().Call<episodes::v1::Episode>(
        absl::StrCat("/", episodes::kEpisodesService, "/CreateEpisode"), server_.AsSystem(),
        request));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const client::CallOptions& options,
                                const Request& request) {
    return server_.Client().Call<Response>(absl::StrCat("/", kOutcomesService, "/", method),
                                           options, request);
  }

  v1::SubmitAssessmentRequest Phq9(int each, int item_9) {
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(kCouple);
    assessment.set_instrument("practices/p1/instruments/phq-9");
    assessment.set_subject("ann");
    assessment.set_informant("ann");
    for (int item = 1; item <= 9; ++item) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(absl::StrCat(item));
      answer.set_value(item == 9 ? item_9 : each);
    }
    *assessment.mutable_answered_time() = api::ToProto(server_.clock().Now());
    return request;
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> Submit(const client::CallOptions& options,
                                                      const v1::SubmitAssessmentRequest& request) {
    return Call<v1::SubmitAssessmentResponse>("SubmitAssessment", options, request);
  }
  client::CallOptions DrLee() { return server_.AsStaff("dr-lee"); }
  client::CallOptions Ann() { return server_.AsParticipant("ehr-1"); }

  TestServer server_{{episodes::kEpisodesService, kOutcomesService}};
  std::unique_ptr<storage::Store> store_ = storage::MakeMemoryStore(server_.clock());
  episodes::LocalAccess access_{*store_};
  api::PageTokens page_tokens_{*server_.runtime().keyring};
  records::Database database_{{store_.get(), &access_, &page_tokens_, &server_.ids()}};
  absl::StatusOr<Catalogue> catalogue_ = BuiltInCatalogue();
  Projections projections_{*store_, *catalogue_};
  episodes::EpisodeHandlers episodes_{database_, access_};
  OutcomeHandlers outcomes_{database_, *catalogue_, projections_};
};

TEST_F(OutcomesServiceTest, AMeasureIsScheduledAnsweredSeenAndActedUpon) {
  ASSERT_OK(Call<v1::Schedule>(
      "CreateSchedule", DrLee(),
      FromText<v1::CreateScheduleRequest>(
          "parent: 'practices/p1' schedule { episode: 'practices/p1/episodes/e1' subject: 'ann' "
          "informant: 'ann' instrument: 'practices/p1/instruments/phq-9' }")));
  const auto due = Call<v1::ListDueAssessmentsResponse>(
      "ListDueAssessments", Ann(),
      FromText<v1::ListDueAssessmentsRequest>("parent: 'practices/p1'"));
  ASSERT_OK(due);
  ASSERT_THAT(due->due(), SizeIs(1));

  const auto submitted = Submit(Ann(), Phq9(2, 2));
  ASSERT_OK(submitted);
  EXPECT_EQ(submitted->assessment().result().scales(0).value(), 18);
  EXPECT_THAT(submitted->notice(), HasSubstr("no emergency service"));
  EXPECT_THAT(submitted->alerts(), IsEmpty());

  v1::GetCaseloadRequest poll;
  poll.set_parent("practices/p1");
  const auto caseload = Call<v1::GetCaseloadResponse>("GetCaseload", DrLee(), poll);
  ASSERT_OK(caseload);
  ASSERT_THAT(caseload->entries(), SizeIs(1));
  EXPECT_EQ(caseload->entries(0).urgency(), v1::URGENCY_RISK);
  const size_t audited = server_.audit().records().size();
  poll.set_known_etag(caseload->etag());
  const auto unchanged = Call<v1::GetCaseloadResponse>("GetCaseload", DrLee(), poll);
  ASSERT_OK(unchanged);
  EXPECT_TRUE(unchanged->not_modified());
  EXPECT_EQ(server_.audit().records().size(), audited) << "nothing was disclosed";

  v1::AcknowledgeAlertRequest acknowledge;
  acknowledge.set_name(caseload->entries(0).alerts(0).alert());
  acknowledge.set_note_code("called-patient");
  const auto acknowledged = Call<v1::Alert>("AcknowledgeAlert", DrLee(), acknowledge);
  ASSERT_OK(acknowledged);
  EXPECT_EQ(acknowledged->state(), v1::ALERT_STATE_ACKNOWLEDGED);
  const auto changed = Call<v1::GetCaseloadResponse>("GetCaseload", DrLee(), poll);
  ASSERT_OK(changed);
  EXPECT_FALSE(changed->not_modified());
  EXPECT_EQ(changed->entries(0).urgency(), v1::URGENCY_RISK_ACKNOWLEDGED);

  v1::GetSeriesRequest get;
  get.set_name(submitted->assessment().series());
  const auto series = Call<v1::GetSeriesResponse>("GetSeries", Ann(), get);
  ASSERT_OK(series);
  EXPECT_THAT(series->points(), SizeIs(1));
  EXPECT_THAT(Call<v1::GetSeriesResponse>("GetSeries", server_.AsParticipant("ehr-2"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(OutcomesServiceTest, ViolationsArriveWithTheirFieldsAndWithoutTheAnswers) {
  v1::SubmitAssessmentRequest request = Phq9(1, 0);
  request.mutable_assessment()->mutable_answers(3)->set_value(7);
  const auto refused = Submit(DrLee(), request);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(refused, HasViolation("assessment.answers[3].value"));
  request = Phq9(1, 0);
  *request.mutable_assessment()->mutable_answered_time() =
      api::ToProto(server_.clock().Now() + absl::Hours(1));
  EXPECT_THAT(Submit(DrLee(), request), HasViolation("assessment.answered_time"));
}

TEST_F(OutcomesServiceTest, ParticipantsHaveNoCaseloadAndStaffNoJournal) {
  EXPECT_THAT(Call<v1::GetCaseloadResponse>(
                  "GetCaseload", Ann(), FromText<v1::GetCaseloadRequest>("parent: 'practices/p1'")),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  const auto journal = FromText<v1::ListJournalRequest>("parent: 'practices/p1'");
  EXPECT_THAT(Call<v1::ListJournalResponse>("ListJournal", DrLee(), journal),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  const auto read = Call<v1::ListJournalResponse>("ListJournal", server_.AsSystem(), journal);
  ASSERT_OK(read);
  ASSERT_THAT(read->entries(), SizeIs(1));
  EXPECT_EQ(read->entries(0).resource(), kCouple);
}

TEST_F(OutcomesServiceTest, AnswersAndScoresStayOutOfTheLog) {
  v1::SubmitAssessmentRequest request = Phq9(3, 3);
  request.mutable_assessment()->set_age_months(777);
  auto& identifier = *request.mutable_assessment()->add_external_identifiers();
  identifier.set_system("https://ehr.example.org");
  identifier.set_value("secret-value");
  ASSERT_OK(Submit(DrLee(), request));
  ASSERT_OK(Submit(Ann(), Phq9(3, 3)));
  const std::string log = server_.log().text();
  EXPECT_THAT(log, HasSubstr("SubmitAssessment"));
  EXPECT_THAT(log, Not(HasSubstr("secret-value")));
  EXPECT_THAT(log, Not(HasSubstr("777")));
  EXPECT_THAT(log, Not(HasSubstr("RISK_LEVEL")));
}

TEST_F(OutcomesServiceTest, AnOwnInstrumentIsDefinedWordedAnsweredAndJudged) {
  v1::CreateInstrumentRequest create;
  create.set_parent("practices/p1");
  *create.mutable_definition() = testing::OwnDefinition();
  create.mutable_definition()->mutable_scales(0)->set_items(1, "nowhere");
  const auto refused = Call<v1::InstrumentVersion>("CreateInstrument", DrLee(), create);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(refused, HasViolation("definition.scales[0].items[1]"));
  *create.mutable_definition() = testing::OwnDefinition();
  create.set_request_id("create-1");
  const auto created = Call<v1::InstrumentVersion>("CreateInstrument", DrLee(), create);
  ASSERT_OK(created);
  const auto repeated = Call<v1::InstrumentVersion>("CreateInstrument", DrLee(), create);
  ASSERT_OK(repeated);
  EXPECT_EQ(repeated->SerializeAsString(), created->SerializeAsString());

  v1::ImportInstrumentTextsRequest import;
  import.set_parent(created->name());
  v1::InstrumentTexts& texts = *import.add_texts();
  texts.set_language("en");
  texts.set_licence_statement("our own");
  for (const v1::Item& item : created->definition().items()) {
    v1::ItemText& text = *texts.add_items();
    text.set_item(item.id());
    text.set_text("A wording that nobody may log");
  }
  ASSERT_OK(Call<v1::ImportInstrumentTextsResponse>("ImportInstrumentTexts", DrLee(), import));
  v1::TransitionInstrumentVersionRequest activate;
  activate.set_name(created->name());
  activate.set_status(v1::PUBLICATION_STATUS_ACTIVE);
  ASSERT_OK(Call<v1::InstrumentVersion>("TransitionInstrumentVersion", DrLee(), activate));

  // Ann reads the form and answers it.
  v1::GetInstrumentTextsRequest read;
  read.set_name(created->name() + "/texts/en");
  ASSERT_OK(Call<v1::InstrumentTexts>("GetInstrumentTexts", Ann(), read));
  v1::SubmitAssessmentRequest request = Phq9(0, 0);
  v1::Assessment& assessment = *request.mutable_assessment();
  assessment.set_instrument("practices/p1/instruments/own-closeness");
  assessment.clear_answers();
  for (const int value : {4, 4, 0, 0}) {
    v1::Answer& answer = *assessment.add_answers();
    answer.set_item(absl::StrCat(assessment.answers_size()));
    answer.set_value(value);
  }
  const auto submitted = Submit(Ann(), request);
  ASSERT_OK(submitted);
  EXPECT_EQ(submitted->assessment().result().scales(0).value(), 12);

  const auto norm = Call<v1::Norm>("CreateNorm", DrLee(), FromText<v1::CreateNormRequest>(R"pb(
                                     parent: "practices/p1"
                                     norm_id: "ours"
                                     norm {
                                       instrument: "practices/p1/instruments/own-closeness"
                                       instrument_version: 1
                                       scale: "total"
                                       threshold: 5
                                       sample_size: 64
                                       population: "couples"
                                       source: "report 7"
                                       confidence: CONFIDENCE_HIGH
                                     })pb"));
  ASSERT_OK(norm);
  v1::TransitionNormRequest approve;
  approve.set_name(norm->name());
  approve.set_status(v1::PUBLICATION_STATUS_ACTIVE);
  EXPECT_THAT(Call<v1::Norm>("TransitionNorm", server_.AsSystem(), approve),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  ASSERT_OK(Call<v1::Norm>("TransitionNorm", DrLee(), approve));
  v1::GetSeriesRequest get;
  get.set_name(submitted->assessment().series());
  const auto series = Call<v1::GetSeriesResponse>("GetSeries", DrLee(), get);
  ASSERT_OK(series);
  EXPECT_EQ(series->series().scales(0).verdict().approved_norm(), "practices/p1/norms/ours");
  EXPECT_THAT(server_.log().text(), Not(HasSubstr("nobody may log")));
}

TEST_F(OutcomesServiceTest, TheMetricsShowHowLongARiskAlertHasWaited) {
  ASSERT_OK(Submit(DrLee(), Phq9(1, 1)));
  server_.clock().Advance(absl::Hours(2));
  obs::MetricsRegistry& metrics = *server_.runtime().metrics;
  TimedWorkRunner runner(database_, server_.clock(), server_.ids(), metrics,
                         *server_.runtime().logger);
  runner.RunOnce();
  EXPECT_EQ(runner.OldestRiskAge(), absl::Hours(2));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("securebase_oldest_unacknowledged_risk_alert_seconds 7200"));
  server_.clock().Advance(absl::Hours(1));
  EXPECT_EQ(runner.OldestRiskAge(), absl::Hours(3));
  server_.Shutdown();  // nobody reads the metrics any more
}

}  // namespace
}  // namespace securebase::outcomes
