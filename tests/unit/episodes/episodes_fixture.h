#pragma once

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/api/timestamp.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes::testing {

// The handlers over a memory store, called as the adapter would: checked requests, in the names of
// different callers. Ann (ehr-1) and Bob (ehr-2) are the couple e1, treated by dr-lee; mum (ehr-3),
// dad (ehr-4) and kim (ehr-5) are e2.
class EpisodesFixture : public ::testing::Test {
 protected:
  api::Call System(const std::string& practice = "p1") {
    return fixture_.Call(auth::PrincipalKind::kSystem, "ehr", "/test/Method", practice);
  }
  api::Call Staff(const std::string& subject = "dr-lee", const std::string& practice = "p1") {
    return fixture_.Call(auth::PrincipalKind::kStaff, subject, "/test/Method", practice);
  }
  api::Call Patient(const std::string& patient) {
    api::Call call = fixture_.Call(auth::PrincipalKind::kParticipant, "user-of-" + patient);
    call.principal.patient = patient;
    return call;
  }

  // The handler's answer to a request that passes the field rules; a test that means to send a
  // malformed request calls the handler itself.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (EpisodeHandlers::*method)(const api::Call&,
                                                                                  const Request&),
                              const api::Call& call, const std::string& request) {
    return Do(method, call, FromText<Request>(request));
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (EpisodeHandlers::*method)(const api::Call&,
                                                                                  const Request&),
                              const api::Call& call, const Request& request) {
    EXPECT_OK(api::ValidateRequest(request, call.practice(), call.time)) << request.DebugString();
    return (handlers_.*method)(call, request);
  }

  // Opens an episode like `like`, under the id its name has.
  absl::StatusOr<v1::Episode> Open(const api::Call& call, const v1::Episode& like,
                                   const std::string& request_id = "") {
    v1::CreateEpisodeRequest request;
    request.set_parent("practices/" + call.practice());
    request.set_episode_id(like.name().substr(like.name().rfind('/') + 1));
    *request.mutable_episode() = like;
    request.mutable_episode()->set_name("practices/" + call.practice() + "/episodes/" +
                                        request.episode_id());
    request.set_request_id(request_id);
    return Do(&EpisodeHandlers::CreateEpisode, call, request);
  }
  void OpenBoth() {
    ASSERT_OK(Open(System(), Couple()));
    ASSERT_OK(Open(System(), Family()));
  }

  absl::StatusOr<v1::Consent> Disclose(const api::Call& call, const std::string& grantor,
                                       const std::string& subject, const std::string& recipient,
                                       const std::string& episode = "e1") {
    return Do(&EpisodeHandlers::CreateConsent, call,
              DisclosureRequest(grantor, subject, recipient, episode));
  }
  v1::CreateConsentRequest DisclosureRequest(const std::string& grantor, const std::string& subject,
                                             const std::string& recipient,
                                             const std::string& episode = "e1") {
    v1::CreateConsentRequest request;
    request.set_parent("practices/p1/episodes/" + episode);
    v1::Consent& consent = *request.mutable_consent();
    consent.set_grantor(grantor);
    consent.set_subject(subject);
    consent.set_capacity(grantor == subject ? v1::CONSENT_CAPACITY_SELF
                                            : v1::CONSENT_CAPACITY_GUARDIAN);
    consent.set_purpose(v1::CONSENT_PURPOSE_DISCLOSURE);
    consent.set_recipient(recipient);
    consent.set_status(v1::CONSENT_STATUS_ACTIVE);
    return request;
  }

  // Whose data of e1 or e2 the caller sees.
  std::vector<std::string> Sees(const api::Call& call) {
    const auto view = access_.ViewFor(call);
    EXPECT_OK(view);
    std::vector<std::string> subjects;
    if (view.ok()) {
      for (const type::v1::EpisodeAccess& access : (*view)->episodes()) {
        if (access.all_subjects()) {
          subjects.push_back(access.episode() + ": all");
        }
        subjects.insert(subjects.end(), access.subjects().begin(), access.subjects().end());
      }
    }
    return subjects;
  }

  securebase::testing::DatabaseFixture fixture_;
  LocalAccess access_{fixture_.store()};
  records::Database database_ = fixture_.Database(access_);
  EpisodeHandlers handlers_{database_, access_};
};

}  // namespace securebase::episodes::testing
