#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/records/timed_work.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/api/timestamp.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::outcomes::testing {

using episodes::testing::FromText;

inline constexpr char kCouple[] = "practices/p1/episodes/e1";
inline constexpr char kFamily[] = "practices/p1/episodes/e2";

inline std::string InstrumentName(const std::string& id, const std::string& practice = "p1") {
  return absl::StrCat("practices/", practice, "/instruments/", id);
}

// PHQ-9 answers of this total (at most 24 without item 9), item 9 as given.
inline std::vector<int> Phq9(int total, int item_9 = 0) {
  std::vector<int> answers;
  int rest = total - item_9;
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::min(3, rest));
    rest -= answers.back();
  }
  answers.push_back(item_9);
  return answers;
}

// The handlers of outcomes, and of episodes below them, over one memory store. Ann and Bob are the
// couple e1; mum, dad and their child kim are e2; dr-lee treats both.
class OutcomesFixture : public ::testing::Test {
 protected:
  OutcomesFixture() {
    EXPECT_OK(catalogue_);
    for (const episodes::v1::Episode& like :
         {episodes::testing::Couple(), episodes::testing::Family()}) {
      EXPECT_OK(OpenEpisode(like));
    }
  }

  api::Call System(const std::string& practice = "p1") {
    return fixture_.Call(auth::PrincipalKind::kSystem, "ehr", "/test/Method", practice);
  }
  api::Call Staff(const std::string& subject = "dr-lee") {
    return fixture_.Call(auth::PrincipalKind::kStaff, subject);
  }
  // ehr-1 is ann, ehr-2 bob, ehr-3 mum, ehr-4 dad, ehr-5 kim.
  api::Call Patient(const std::string& patient) {
    api::Call call = fixture_.Call(auth::PrincipalKind::kParticipant, "user-of-" + patient);
    call.principal.patient = patient;
    return call;
  }

  // The handler's answer to a request that passes the field rules.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (OutcomeHandlers::*method)(const api::Call&,
                                                                                  const Request&)
                                  const,
                              const api::Call& call, const Request& request) {
    EXPECT_OK(api::ValidateRequest(request, call.practice(), call.time)) << request.DebugString();
    return (handlers_.*method)(call, request);
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (OutcomeHandlers::*method)(const api::Call&,
                                                                                  const Request&)
                                  const,
                              const api::Call& call, const std::string& request) {
    return Do(method, call, FromText<Request>(request));
  }

  absl::Status OpenEpisode(const episodes::v1::Episode& like) {
    episodes::v1::CreateEpisodeRequest request;
    request.set_parent("practices/p1");
    request.set_episode_id(like.name().substr(like.name().rfind('/') + 1));
    *request.mutable_episode() = like;
    return episodes_.CreateEpisode(System(), request).status();
  }
  absl::Status CloseEpisode(const std::string& name) {
    episodes::v1::TransitionEpisodeRequest request;
    request.set_name(name);
    request.set_status(episodes::v1::EPISODE_STATUS_FINISHED);
    return episodes_.TransitionEpisode(System(), request).status();
  }
  absl::Status Disclose(const std::string& subject, const std::string& recipient) {
    episodes::v1::CreateConsentRequest request;
    request.set_parent(kCouple);
    episodes::v1::Consent& consent = *request.mutable_consent();
    consent.set_grantor(subject);
    consent.set_capacity(episodes::v1::CONSENT_CAPACITY_SELF);
    consent.set_subject(subject);
    consent.set_purpose(episodes::v1::CONSENT_PURPOSE_DISCLOSURE);
    consent.set_recipient(recipient);
    consent.set_status(episodes::v1::CONSENT_STATUS_ACTIVE);
    return episodes_.CreateConsent(Patient(subject == "ann" ? "ehr-1" : "ehr-2"), request).status();
  }

  // A request of ann's own answers, in the order of the instrument's items; −1: not answered.
  // Answered at the clock's time, `ago` before.
  v1::SubmitAssessmentRequest Request(const std::string& instrument,
                                      const std::vector<int>& answers,
                                      absl::Duration ago = absl::ZeroDuration()) {
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(kCouple);
    assessment.set_instrument(InstrumentName(instrument));
    assessment.set_subject("ann");
    assessment.set_informant("ann");
    const v1::InstrumentDefinition* definition = catalogue_->Find(instrument);
    for (size_t i = 0; i < answers.size(); ++i) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(definition->items(static_cast<int>(i)).id());
      if (answers[i] < 0) {
        answer.set_not_answered(true);
      } else {
        answer.set_value(answers[i]);
      }
    }
    *assessment.mutable_answered_time() = api::ToProto(fixture_.clock().Now() - ago);
    return request;
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> Submit(const v1::SubmitAssessmentRequest& request) {
    return Do(&OutcomeHandlers::SubmitAssessment, Staff(), request);
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitPhq9(
      int total, int item_9 = 0, absl::Duration ago = absl::ZeroDuration()) {
    return Submit(Request("phq-9", Phq9(total, item_9), ago));
  }
  // PHQ-9 totals, a week apart, the last one now; the last reply.
  v1::SubmitAssessmentResponse SubmitWeekly(const std::vector<int>& totals) {
    v1::SubmitAssessmentResponse last;
    for (const int total : totals) {
      fixture_.clock().Advance(absl::Hours(24 * 7));
      const auto response = SubmitPhq9(total);
      EXPECT_OK(response);
      last = response.value_or(v1::SubmitAssessmentResponse());
    }
    return last;
  }

  absl::StatusOr<v1::GetSeriesResponse> GetSeries(const api::Call& call, const std::string& name) {
    v1::GetSeriesRequest request;
    request.set_name(name);
    return Do(&OutcomeHandlers::GetSeries, call, request);
  }
  // Alerts as dr-lee lists them, the newest first.
  std::vector<v1::Alert> Alerts(const std::string& filter = "") {
    const auto response = Do<v1::ListAlertsRequest, v1::ListAlertsResponse>(
        &OutcomeHandlers::ListAlerts, Staff(), "parent: 'practices/p1' page_size: 200 " + filter);
    EXPECT_OK(response);
    return {response->alerts().begin(), response->alerts().end()};
  }
  absl::StatusOr<v1::Alert> Acknowledge(const std::string& name) {
    return Do<v1::AcknowledgeAlertRequest, v1::Alert>(
        &OutcomeHandlers::AcknowledgeAlert, Staff(),
        "name: '" + name + "' note_code: 'called-patient'");
  }
  absl::StatusOr<v1::Alert> Resolve(const std::string& name) {
    return Do<v1::ResolveAlertRequest, v1::Alert>(&OutcomeHandlers::ResolveAlert, Staff(),
                                                  "name: '" + name + "'");
  }
  absl::StatusOr<v1::GetCaseloadResponse> Caseload(const api::Call& call,
                                                   const std::string& known_etag = "") {
    v1::GetCaseloadRequest request;
    request.set_parent("practices/p1");
    request.set_known_etag(known_etag);
    return Do(&OutcomeHandlers::GetCaseload, call, request);
  }

  securebase::testing::DatabaseFixture fixture_;
  episodes::LocalAccess access_{fixture_.store()};
  records::Database database_ = fixture_.Database(access_);
  episodes::EpisodeHandlers episodes_{database_, access_};
  absl::StatusOr<Catalogue> catalogue_ = BuiltInCatalogue();
  Projections projections_{fixture_.store(), *catalogue_};
  OutcomeHandlers handlers_{database_, *catalogue_, projections_};
};

}  // namespace securebase::outcomes::testing
