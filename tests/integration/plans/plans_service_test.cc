// The plans service as its callers meet it, over mutual TLS, with the real episodes and outcomes
// services as neighbours, each with a store of its own. There is no goals service here.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/access_client.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"
#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/plans/grpc_service.h"
#include "services/plans/handlers/schedule_worker.h"
#include "services/plans/remote_neighbours.h"
#include "services/platform/api/page_token.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/records/housekeeping.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"

namespace securebase::plans {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEpisode[] = "practices/p1/episodes/e1";
constexpr char kPlan[] = "practices/p1/plans/x";
constexpr char kRevision[] = "practices/p1/plans/x/revisions/1";

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class PlansServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<securebase::testing::TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episode_handlers_, server_.adapter()));
    services.push_back(outcomes::MakeOutcomesGrpcService(outcome_handlers_, server_.adapter()));
    services.push_back(MakePlansGrpcService(plan_handlers_, server_.adapter()));
    ASSERT_OK(server_.Start(std::move(services)));
    server_.Client("plans");  // made before the server's threads ask for it

    ASSERT_OK(Call<episodes::v1::Episode>(episodes::kEpisodesService, "CreateEpisode", DrLee(),
                                          FromText<episodes::v1::CreateEpisodeRequest>(R"(
            parent: "practices/p1" episode_id: "e1"
            episode {
              kind: EPISODE_KIND_COUPLE
              participants { id: "ann" patient: "ehr-1" role: PARTICIPANT_ROLE_PARTNER
                             age_group: AGE_GROUP_ADULT }
              participants { id: "bob" patient: "ehr-2" role: PARTICIPANT_ROLE_PARTNER
                             age_group: AGE_GROUP_ADULT }
              care_team { staff: "dr-lee" role: CARE_TEAM_ROLE_LEAD_CLINICIAN supervised: true }
              care_team { staff: "dr-sup" role: CARE_TEAM_ROLE_SUPERVISOR }
              problems { code: "couple" }
            })")));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& service, const std::string& method,
                                const client::CallOptions& options, const Request& request) {
    return server_.Client().Call<Response>(absl::StrCat("/", service, "/", method), options,
                                           request);
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Plans(const std::string& method, const client::CallOptions& options,
                                 const std::string& request) {
    return Call<Response>(kPlansService, method, options, FromText<Request>(request));
  }

  client::CallOptions DrLee() { return server_.AsStaff("dr-lee"); }
  client::CallOptions DrSup() { return server_.AsStaff("dr-sup"); }
  client::CallOptions Ann() { return server_.AsParticipant("ehr-1"); }
  client::CallOptions Bob() { return server_.AsParticipant("ehr-2"); }

  absl::StatusOr<v1::Plan> Draft() {
    return Plans<v1::Plan, v1::CreatePlanRequest>("CreatePlan", DrLee(), R"(
        parent: "practices/p1" plan_id: "x" plan { episode: "practices/p1/episodes/e1" } draft {})");
  }
  absl::StatusOr<v1::Plan> Get(const client::CallOptions& options) {
    return Plans<v1::Plan, v1::GetPlanRequest>("GetPlan", options,
                                               absl::StrCat("name: '", kPlan, "'"));
  }
  absl::StatusOr<v1::Plan> Transition(const std::string& status) {
    return Plans<v1::Plan, v1::TransitionPlanRequest>(
        "TransitionPlan", DrLee(), absl::StrCat("name: '", kPlan, "' status: ", status));
  }
  absl::Status Consent(const client::CallOptions& options, const std::string& who) {
    return Call<episodes::v1::Consent>(
               episodes::kEpisodesService, "CreateConsent", options,
               FromText<episodes::v1::CreateConsentRequest>(absl::StrCat(
                   "parent: '", kEpisode, "' consent { grantor: '", who, "' subject: '", who,
                   "' capacity: CONSENT_CAPACITY_SELF purpose: CONSENT_PURPOSE_TREATMENT "
                   "status: CONSENT_STATUS_ACTIVE }")))
        .status();
  }
  absl::Status Screen(const std::string& who) {
    auto request = FromText<v1::RecordScreeningRequest>(
        absl::StrCat("parent: '", kPlan, "' screening { participant: '", who,
                     "' kind: SCREENING_KIND_VIOLENCE_AND_COERCION alone: true "
                     "result: SCREENING_RESULT_CONJOINT_WORK_SUITABLE }"));
    *request.mutable_screening()->mutable_screen_time() = api::ToProto(server_.clock().Now());
    return Call<v1::Screening>(kPlansService, "RecordScreening", DrLee(), request).status();
  }
  absl::Status Sign(const client::CallOptions& options, const std::string& role,
                    const std::string& meaning) {
    const auto revision = Plans<v1::Revision, v1::GetRevisionRequest>(
        "GetRevision", options, absl::StrCat("name: '", kRevision, "'"));
    SB_RETURN_IF_ERROR(revision.status());
    return Plans<v1::Revision, v1::SignRevisionRequest>(
               "SignRevision", options,
               absl::StrCat("name: '", kRevision, "' digest: '", revision->digest(),
                            "' role: SIGNER_ROLE_", role, " meaning: SIGNATURE_MEANING_", meaning))
        .status();
  }
  // Everything that a couple's plan takes to be active.
  absl::Status MakeReady() {
    SB_RETURN_IF_ERROR(Draft().status());
    SB_RETURN_IF_ERROR(Screen("ann"));
    SB_RETURN_IF_ERROR(Screen("bob"));
    SB_RETURN_IF_ERROR(Consent(Ann(), "ann"));
    SB_RETURN_IF_ERROR(Consent(Bob(), "bob"));
    SB_RETURN_IF_ERROR(Sign(DrLee(), "CLINICIAN", "AUTHORSHIP"));
    return Sign(DrSup(), "SUPERVISOR", "APPROVAL");
  }
  std::vector<outcomes::v1::Schedule> ActiveSchedules() {
    const auto page = Call<outcomes::v1::ListSchedulesResponse>(
        outcomes::kOutcomesService, "ListSchedules", DrLee(),
        FromText<outcomes::v1::ListSchedulesRequest>(
            absl::StrCat("parent: 'practices/p1' episode: '", kEpisode, "' page_size: 100")));
    EXPECT_OK(page);
    return page.ok() ? std::vector<outcomes::v1::Schedule>(page->schedules().begin(),
                                                           page->schedules().end())
                     : std::vector<outcomes::v1::Schedule>();
  }

  securebase::testing::TestServer server_{
      {episodes::kEpisodesService, outcomes::kOutcomesService, kPlansService}};
  api::PageTokens page_tokens_{*server_.runtime().keyring};

  std::unique_ptr<storage::Store> outcomes_store_ = storage::MakeMemoryStore(server_.clock());
  episodes::LocalAccess local_access_{*outcomes_store_};
  records::Database outcomes_database_{
      {outcomes_store_.get(), &local_access_, &page_tokens_, &server_.ids()}};
  episodes::EpisodeHandlers episode_handlers_{outcomes_database_, local_access_};
  outcomes::Catalogue catalogue_ = *outcomes::BuiltInCatalogue();
  outcomes::Projections projections_{*outcomes_store_, catalogue_};
  outcomes::OutcomeHandlers outcome_handlers_{outcomes_database_, catalogue_, projections_};

  securebase::testing::LoopClient loop_{server_, "plans"};
  std::unique_ptr<storage::Store> plans_store_ = storage::MakeMemoryStore(server_.clock());
  client::AccessClient access_{loop_, server_.clock()};
  records::Database plans_database_{{plans_store_.get(), &access_, &page_tokens_, &server_.ids()}};
  const rules::PlanLibrary library_ = *rules::PlanLibrary::LoadBuiltIn();
  RemoteEpisodes remote_episodes_{loop_};
  RemoteGoals remote_goals_{loop_};
  RemoteOutcomes remote_outcomes_{loop_};
  const Neighbours neighbours_{&remote_episodes_, &remote_goals_, &remote_outcomes_};
  PlanHandlers plan_handlers_{plans_database_, library_, neighbours_, nullptr};
  ScheduleWorker worker_{plans_database_, neighbours_, server_.clock(), server_.ids(), "worker"};
};

TEST_F(PlansServiceTest, ACouplesPlanIsDraftedSignedActiveMeasuredHeldAndReviewed) {
  ASSERT_OK_AND_ASSIGN(const v1::Plan draft, Draft());
  EXPECT_EQ(draft.content().population(), v1::POPULATION_COUPLE);
  const int measures = draft.content().measures_size();
  ASSERT_GT(measures, 0);

  // What is missing is said one kind at a time, and by name.
  const auto missing = [&] { return Transition("PLAN_STATUS_ACTIVE").status(); };
  EXPECT_THAT(missing(), IsError(absl::StatusCode::kFailedPrecondition, Reason::kScreeningMissing));
  ASSERT_OK(Screen("ann"));
  ASSERT_OK(Screen("bob"));
  EXPECT_EQ(MetadataOf(missing()).at("missing_consents"), "ann,bob");
  ASSERT_OK(Consent(Ann(), "ann"));
  ASSERT_OK(Consent(Bob(), "bob"));
  ASSERT_OK(Sign(DrLee(), "CLINICIAN", "AUTHORSHIP"));
  EXPECT_THAT(missing(), IsError(absl::StatusCode::kFailedPrecondition, Reason::kSignatureMissing));
  EXPECT_EQ(MetadataOf(missing()).at("missing"), "supervisor");
  ASSERT_OK(Sign(DrSup(), "SUPERVISOR", "APPROVAL"));
  ASSERT_OK_AND_ASSIGN(v1::Plan plan, Transition("PLAN_STATUS_ACTIVE"));
  EXPECT_TRUE(plan.schedules_pending());
  EXPECT_THAT(ActiveSchedules(), ::testing::IsEmpty());

  // Its measures have schedules in the outcomes service once the worker has run.
  ASSERT_OK_AND_ASSIGN(const ScheduleWorker::Result made, worker_.Run());
  EXPECT_EQ(made.done, measures);
  EXPECT_EQ(made.left + made.failures, 0);
  ASSERT_OK_AND_ASSIGN(plan, Get(DrLee()));
  EXPECT_FALSE(plan.schedules_pending());
  const auto schedules = ActiveSchedules();
  ASSERT_EQ(static_cast<int>(schedules.size()), measures);
  EXPECT_EQ(schedules[0].plan(), kPlan);

  // A review says what it could not see: there is no goals service here.
  ASSERT_OK_AND_ASSIGN(
      const v1::Review review,
      (Plans<v1::Review, v1::CreateReviewRequest>(
          "CreateReview", DrLee(),
          absl::StrCat("parent: '", kPlan, "' review { decision: REVIEW_DECISION_CONTINUE }"))));
  ASSERT_EQ(review.snapshot().missing_size(), 1);
  EXPECT_EQ(review.snapshot().missing(0).source(), "goals");

  ASSERT_OK(Transition("PLAN_STATUS_ON_HOLD"));
  ASSERT_OK(worker_.Run());
  EXPECT_THAT(ActiveSchedules(), ::testing::IsEmpty());
  ASSERT_OK(Transition("PLAN_STATUS_ACTIVE"));
  ASSERT_OK(worker_.Run());
  EXPECT_EQ(static_cast<int>(ActiveSchedules().size()), measures);
}

TEST_F(PlansServiceTest, SchedulesAreMadeInTheNameOfWhoActedAndEndedInTheServices) {
  ASSERT_OK(MakeReady());
  ASSERT_OK(Transition("PLAN_STATUS_ACTIVE"));
  ASSERT_OK(worker_.Run());
  ASSERT_OK(Transition("PLAN_STATUS_REVOKED"));
  ASSERT_OK(worker_.Run());
  ASSERT_OK_AND_ASSIGN(const auto audit, outcomes_store_->ListAudit({}, "p1", 0, 1000));
  bool created = false;
  bool ended = false;
  for (const storage::AuditEntry& entry : audit) {
    if (entry.value.find("/CreateSchedule") != std::string::npos) {
      EXPECT_THAT(entry.value, HasSubstr("\"staff:dr-lee via plans\""));
      created = true;
    }
    if (entry.value.find("/EndSchedule") != std::string::npos) {
      EXPECT_THAT(entry.value, HasSubstr("\"service:plans"));
      ended = true;
    }
  }
  EXPECT_TRUE(created);
  EXPECT_TRUE(ended);
}

TEST_F(PlansServiceTest, APartnerSeesTheJointPlanOnceTheOtherDisclosesAndNeverTheScreenings) {
  ASSERT_OK(MakeReady());
  const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
  EXPECT_THAT(Get(Ann()), kNotFound);
  ASSERT_OK(Call<episodes::v1::Consent>(episodes::kEpisodesService, "CreateConsent", Bob(),
                                        FromText<episodes::v1::CreateConsentRequest>(R"(
          parent: "practices/p1/episodes/e1"
          consent { grantor: "bob" subject: "bob" recipient: "ann"
                    capacity: CONSENT_CAPACITY_SELF purpose: CONSENT_PURPOSE_DISCLOSURE
                    status: CONSENT_STATUS_ACTIVE })")));
  EXPECT_OK(Get(Ann()));
  EXPECT_OK(Sign(Ann(), "PARTICIPANT", "AGREEMENT"));
  EXPECT_THAT((Plans<v1::ListScreeningsResponse, v1::ListScreeningsRequest>(
                  "ListScreenings", Ann(), absl::StrCat("parent: '", kPlan, "'"))),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_THAT(Get(Bob()), kNotFound);
  EXPECT_THAT(Get(server_.AsStaff("dr-kay")), kNotFound);
}

TEST_F(PlansServiceTest, ErrorsKeepTheirReasonFieldsAndMetadata) {
  ASSERT_OK(Draft());
  const auto refused = Plans<v1::Revision, v1::RevisePlanRequest>("RevisePlan", DrLee(), R"(
      name: "practices/p1/plans/x" update_mask { paths: "techniques" }
      content { techniques { technique: "practices/p1/techniques/holding-therapy" } })");
  EXPECT_THAT(refused,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTechniqueContraindicated));
  EXPECT_THAT(MetadataOf(refused.status()).at("reference"), HasSubstr("Chaffin et al. 2006"));
  EXPECT_THAT((Plans<v1::Revision, v1::RevisePlanRequest>("RevisePlan", DrLee(), R"(
      name: "practices/p1/plans/x" update_mask { paths: "subjects" }
      content { subjects: "cleo" })")),
              HasViolation("content.subjects[0]"));
  EXPECT_THAT(Transition("PLAN_STATUS_COMPLETED"),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
}

TEST_F(PlansServiceTest, LogsAndAuditHoldNoText) {
  ASSERT_OK(Draft());
  ASSERT_OK((Plans<v1::Revision, v1::RevisePlanRequest>("RevisePlan", DrLee(), R"(
      name: "practices/p1/plans/x" update_mask { paths: "summary" } change_reason: "SECRETWORD"
      content { summary: "SECRETWORD: we avoid holding therapy" })")));
  ASSERT_OK(Get(DrLee()));
  std::string all = server_.log().text();
  for (const AuditRecord& record : server_.audit().records()) {
    all += FormatAuditRecord(record);
  }
  ASSERT_OK_AND_ASSIGN(const auto written, plans_store_->ListAudit({}, "p1", 0, 100));
  for (const storage::AuditEntry& entry : written) {
    all += entry.value;
  }
  EXPECT_THAT(all, HasSubstr("RevisePlan"));
  EXPECT_THAT(all, Not(HasSubstr("SECRETWORD")));
}

}  // namespace
}  // namespace securebase::plans
