// The episodes service as its callers meet it: over mutual TLS, with tokens.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/platform/api/page_token.h"
#include "services/platform/records/database.h"
#include "services/platform/records/housekeeping.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes {
namespace {

using securebase::testing::HasViolation;
using securebase::testing::IsError;
using testing::Couple;
using ::testing::ElementsAre;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::Not;

class EpisodesServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<securebase::testing::TestServer::GrpcService> services;
    services.push_back(MakeEpisodesGrpcService(handlers_, server_.adapter()));
    ASSERT_OK(server_.Start(std::move(services)));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(const std::string& method, const client::CallOptions& options,
                                const Request& request) {
    return server_.Client().Call<Response>(absl::StrCat("/", kEpisodesService, "/", method),
                                           options, request);
  }

  absl::StatusOr<v1::Episode> Create(const client::CallOptions& options) {
    v1::CreateEpisodeRequest request;
    request.set_parent("practices/p1");
    request.set_episode_id("e1");
    *request.mutable_episode() = Couple();
    return Call<v1::Episode>("CreateEpisode", options, request);
  }
  absl::StatusOr<v1::Episode> Get(const client::CallOptions& options) {
    return Call<v1::Episode>("GetEpisode", options,
                             FromText<v1::GetEpisodeRequest>("name: 'practices/p1/episodes/e1'"));
  }
  std::vector<std::string> SeenBy(const client::CallOptions& options) {
    const auto view = Call<type::v1::AccessView>(
        "GetAccessView", options,
        FromText<v1::GetAccessViewRequest>(
            "parent: 'practices/p1' episode: 'practices/p1/episodes/e1'"));
    EXPECT_OK(view);
    if (!view.ok() || view->episodes().empty()) {
      return {};
    }
    return {view->episodes(0).subjects().begin(), view->episodes(0).subjects().end()};
  }
  client::CallOptions Ann() { return server_.AsParticipant("ehr-1"); }
  client::CallOptions Bob() { return server_.AsParticipant("ehr-2"); }
  client::CallOptions DrLee() { return server_.AsStaff("dr-lee"); }

  securebase::testing::TestServer server_{{kEpisodesService}};
  std::unique_ptr<storage::Store> store_ = storage::MakeMemoryStore(server_.clock());
  LocalAccess access_{*store_};
  api::PageTokens page_tokens_{*server_.runtime().keyring};
  records::Database database_{{store_.get(), &access_, &page_tokens_, &server_.ids()}};
  EpisodeHandlers handlers_{database_, access_};
};

TEST_F(EpisodesServiceTest, ACoupleIsOpenedSeenDisclosedAndHeldBack) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode, Create(DrLee()));
  EXPECT_THAT(Get(server_.AsStaff("dr-kay")),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const v1::Episode shown, Get(Ann()));
  EXPECT_EQ(shown.participants(1).patient(), "");
  EXPECT_THAT(SeenBy(Ann()), ElementsAre("ann"));

  ASSERT_OK_AND_ASSIGN(
      const v1::Consent consent,
      Call<v1::Consent>("CreateConsent", Bob(), FromText<v1::CreateConsentRequest>(R"pb(
                          parent: "practices/p1/episodes/e1"
                          consent {
                            grantor: "bob"
                            capacity: CONSENT_CAPACITY_SELF
                            subject: "bob"
                            purpose: CONSENT_PURPOSE_DISCLOSURE
                            recipient: "ann"
                            status: CONSENT_STATUS_ACTIVE
                          }
                        )pb")));
  EXPECT_THAT(SeenBy(Ann()), ElementsAre("ann", "bob"));

  const auto hold = FromText<v1::CreateSafetyHoldRequest>(R"pb(
    parent: "practices/p1/episodes/e1"
    safety_hold { subject: "bob" withheld_from: "ann" reason: "threats" }
  )pb");
  EXPECT_THAT(Call<v1::SafetyHold>("CreateSafetyHold", Ann(), hold),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  ASSERT_OK(Call<v1::SafetyHold>("CreateSafetyHold", DrLee(), hold));
  EXPECT_THAT(SeenBy(Ann()), ElementsAre("ann"));
}

TEST_F(EpisodesServiceTest, EveryViolationArrivesAtOnce) {
  v1::CreateEpisodeRequest request;
  request.set_parent("practices/p1");
  request.set_episode_id("not an id");
  *request.mutable_episode() = Couple();
  request.mutable_episode()->set_treatment_contacts(-1);
  const auto malformed = Call<v1::Episode>("CreateEpisode", DrLee(), request);
  EXPECT_THAT(malformed, HasViolation("episode_id"));
  EXPECT_THAT(malformed, HasViolation("episode.treatment_contacts"));

  request.set_episode_id("e1");
  request.mutable_episode()->set_treatment_contacts(0);
  request.mutable_episode()->mutable_participants()->RemoveLast();
  request.mutable_episode()->mutable_participants(0)->clear_patient();
  const auto wrong = Call<v1::Episode>("CreateEpisode", DrLee(), request);
  EXPECT_THAT(wrong, HasViolation("episode.participants"));
  EXPECT_THAT(wrong, HasViolation("episode.participants[0].patient"));
}

TEST_F(EpisodesServiceTest, ErrorsKeepTheirReasonAndMetadata) {
  ASSERT_OK_AND_ASSIGN(const v1::Episode episode, Create(DrLee()));
  auto transition = FromText<v1::TransitionEpisodeRequest>(
      "name: 'practices/p1/episodes/e1' status: EPISODE_STATUS_PLANNED");
  const auto refused = Call<v1::Episode>("TransitionEpisode", DrLee(), transition);
  EXPECT_THAT(refused,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(refused.status())["allowed"],
            "ON_HOLD, FINISHED, CANCELLED, ENTERED_IN_ERROR");
  transition.set_status(v1::EPISODE_STATUS_FINISHED);
  transition.set_etag("v99");
  EXPECT_THAT(Call<v1::Episode>("TransitionEpisode", DrLee(), transition),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
}

TEST_F(EpisodesServiceTest, WritesAreAuditedInTheStoreAndReadsBeforeTheirAnswer) {
  ASSERT_OK(Create(DrLee()));
  ASSERT_OK(Get(DrLee()));
  ASSERT_OK_AND_ASSIGN(const auto written, store_->ListAudit({}, "p1", 0, 10));
  ASSERT_EQ(written.size(), 1u);
  EXPECT_THAT(written[0].value, HasSubstr("/CreateEpisode"));
  EXPECT_THAT(written[0].value, HasSubstr("staff:dr-lee"));
  ASSERT_EQ(server_.audit().records().size(), 1u);
  EXPECT_EQ(server_.audit().records()[0].resource, "practices/p1/episodes/e1");
}

TEST_F(EpisodesServiceTest, NeitherLogNorAuditHoldsAPatientsId) {
  ASSERT_OK(Create(DrLee()));
  ASSERT_OK(Get(Ann()));
  EXPECT_THAT(Call<v1::ListEpisodesResponse>(
                  "ListEpisodes", DrLee(),
                  FromText<v1::ListEpisodesRequest>("parent: 'practices/p1' patient: 'ehr-1'")),
              securebase::testing::IsOk());
  EXPECT_THAT(Call<v1::ListEpisodesResponse>(
                  "ListEpisodes", DrLee(),
                  FromText<v1::ListEpisodesRequest>(
                      "parent: 'practices/p1' patient: 'ehr-1' page_token: 'x'")),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
  std::string all = server_.log().text();
  for (const AuditRecord& record : server_.audit().records()) {
    all += FormatAuditRecord(record);
  }
  ASSERT_OK_AND_ASSIGN(const auto written, store_->ListAudit({}, "p1", 0, 10));
  for (const storage::AuditEntry& entry : written) {
    all += entry.value;
  }
  EXPECT_THAT(all, HasSubstr("GetEpisode"));
  // The token of a participant says "user-of-ehr-1"; in a real token the subject is opaque.
  size_t at = 0;
  while ((at = all.find("user-of-ehr-1")) != std::string::npos) {
    all.erase(at, 13);
  }
  EXPECT_THAT(all, Not(HasSubstr("ehr-1")));
  EXPECT_THAT(all, Not(HasSubstr("ehr-2")));
}

}  // namespace
}  // namespace securebase::episodes
