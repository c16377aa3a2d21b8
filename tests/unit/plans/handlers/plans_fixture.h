#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "google/protobuf/text_format.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/base/error.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans {

inline absl::Status NeighbourDown() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable,
                   "the neighbour does not answer; retry the call");
}

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class FakeEpisodes : public EpisodesNeighbour {
 public:
  absl::StatusOr<episodes::v1::Episode> GetEpisode(const api::Call&,
                                                   const std::string& name) override {
    if (const auto meanwhile = std::exchange(during_next_write, nullptr)) {
      meanwhile();
    }
    if (down) {
      return NeighbourDown();
    }
    const auto found = episodes.find(name);
    return found == episodes.end() ? absl::StatusOr<episodes::v1::Episode>(NotFound(name))
                                   : found->second;
  }
  absl::StatusOr<episodes::v1::TreatmentConsent> GetTreatmentConsent(
      const api::Call&, const std::string& episode) override {
    if (down) {
      return NeighbourDown();
    }
    episodes::v1::TreatmentConsent consent;
    for (const auto& [participant, state] : consents[episode]) {
      episodes::v1::ParticipantConsent& each = *consent.add_participants();
      each.set_participant(participant);
      each.set_state(state);
    }
    return consent;
  }
  absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call&) override {
    if (down) {
      return NeighbourDown();
    }
    return settings;
  }

  // Done once, by the next call that asks for an episode, before it is answered.
  std::function<void()> during_next_write;
  bool down = false;
  std::map<std::string, episodes::v1::Episode> episodes;
  std::map<std::string, std::map<std::string, episodes::v1::ConsentState>> consents;
  episodes::v1::PracticeSettings settings;
};

class FakeGoals : public GoalsNeighbour {
 public:
  absl::StatusOr<std::vector<goals::v1::Goal>> ListGoals(const api::Call&, const std::string&,
                                                         int) override {
    if (!status.ok()) {
      return status;
    }
    return goals;
  }

  absl::Status status;
  std::vector<goals::v1::Goal> goals;
};

// Keeps schedules as the outcomes service does.
class FakeOutcomes : public OutcomesNeighbour {
 public:
  absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(const api::Call&, const std::string&,
                                                               int) override {
    if (!status.ok()) {
      return status;
    }
    return series;
  }
  absl::Status CreateSchedule(const api::Call& call, const std::string& id,
                              const outcomes::v1::Schedule& schedule) override {
    ++creates;
    last_creator = auth::FormatPrincipal(call.principal);
    if (!status.ok()) {
      return status;
    }
    const std::string name = "practices/" + call.practice() + "/schedules/" + id;
    if (schedules.count(name) > 0 || taken.count(schedule.informant()) > 0) {
      return AlreadyExists("a schedule");
    }
    schedules[name] = schedule;
    schedules[name].set_name(name);
    schedules[name].set_status(outcomes::v1::SCHEDULE_STATUS_ACTIVE);
    if (lose_answers) {
      return NeighbourDown();
    }
    return absl::OkStatus();
  }
  absl::Status CheckInstrument(const api::Call&, const std::string& name) override {
    ++instrument_calls;
    if (!status.ok()) {
      return status;
    }
    return absl::EndsWith(name, "/typo") ? NotFound(name) : absl::OkStatus();
  }
  absl::StatusOr<outcomes::v1::Schedule> GetSchedule(const api::Call&,
                                                     const std::string& name) override {
    const auto found = schedules.find(name);
    return found == schedules.end() ? absl::StatusOr<outcomes::v1::Schedule>(NotFound(name))
                                    : found->second;
  }
  absl::Status EndSchedule(const api::Call& call, const std::string& name) override {
    last_ender = auth::FormatPrincipal(call.principal);
    if (!status.ok()) {
      return status;
    }
    const auto found = schedules.find(name);
    if (found == schedules.end()) {
      return NotFound(name);
    }
    if (found->second.status() != outcomes::v1::SCHEDULE_STATUS_ACTIVE) {
      return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                       "it has ended already");
    }
    found->second.set_status(outcomes::v1::SCHEDULE_STATUS_COMPLETED);
    return absl::OkStatus();
  }

  int Active() const {
    int count = 0;
    for (const auto& [name, schedule] : schedules) {
      count += schedule.status() == outcomes::v1::SCHEDULE_STATUS_ACTIVE ? 1 : 0;
    }
    return count;
  }

  absl::Status status;  // of every call
  int instrument_calls = 0;
  bool lose_answers = false;         // creates, and then fails
  std::map<std::string, int> taken;  // informants who have a schedule of somebody else's
  std::map<std::string, outcomes::v1::Schedule> schedules;
  std::vector<outcomes::v1::Series> series;
  int creates = 0;
  std::string last_creator;
  std::string last_ender;
};

// A couple's episode e1 with Anna and Ben, treated by dr-a, who is supervised by dr-s; an episode
// e2 with Cleo, treated by dr-c. All consent. Calls are authorized and validated as the server does
// it before a handler runs.
class PlansFixture : public ::testing::Test {
 protected:
  static constexpr char kEpisode[] = "practices/p1/episodes/e1";
  static constexpr char kOtherEpisode[] = "practices/p1/episodes/e2";
  static constexpr char kPlan[] = "practices/p1/plans/x";

  PlansFixture()
      : library_(*rules::PlanLibrary::LoadBuiltIn()),
        database_(fixture_.Database()),
        handlers_(database_, library_, {&episodes_, &goals_, &outcomes_}, [this] { ++wakes_; }) {
    episodes_.settings.set_time_zone("Europe/Berlin");
    episodes_.episodes[kEpisode] = FromText<episodes::v1::Episode>(R"(
        name: "practices/p1/episodes/e1" kind: EPISODE_KIND_COUPLE status: EPISODE_STATUS_ACTIVE
        participants { id: "anna" role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
        participants { id: "ben" role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
        care_team { staff: "dr-a" role: CARE_TEAM_ROLE_LEAD_CLINICIAN supervised: true }
        care_team { staff: "dr-s" role: CARE_TEAM_ROLE_SUPERVISOR }
        problems { code: "couple" })");
    episodes_.episodes[kOtherEpisode] = FromText<episodes::v1::Episode>(R"(
        name: "practices/p1/episodes/e2" kind: EPISODE_KIND_INDIVIDUAL
        status: EPISODE_STATUS_ACTIVE
        participants { id: "cleo" role: PARTICIPANT_ROLE_CLIENT age_group: AGE_GROUP_ADULT }
        care_team { staff: "dr-c" role: CARE_TEAM_ROLE_LEAD_CLINICIAN })");
    episodes_.consents[kEpisode] = {{"anna", episodes::v1::CONSENT_STATE_GIVEN},
                                    {"ben", episodes::v1::CONSENT_STATE_GIVEN}};
    episodes_.consents[kOtherEpisode] = {{"cleo", episodes::v1::CONSENT_STATE_GIVEN}};
    GiveAccess("staff:dr-a", "e1", "", {});
    GiveAccess("staff:dr-s", "e1", "", {});
    GiveAccess("staff:dr-c", "e2", "", {});
    GiveAccess("participant:anna-login", "e1", "anna", {"anna"});
    GiveAccess("participant:ben-login", "e1", "ben", {"anna", "ben"});  // Anna consented
  }

  // Without `self`: all subjects of the episode.
  void GiveAccess(const std::string& principal, const std::string& episode, const std::string& self,
                  const std::vector<std::string>& subjects) {
    type::v1::AccessView view;
    view.set_practice_records(self.empty());
    type::v1::EpisodeAccess& access = *view.add_episodes();
    access.set_episode(episode);
    access.set_self(self);
    access.set_all_subjects(self.empty());
    access.mutable_subjects()->Add(subjects.begin(), subjects.end());
    fixture_.access().Set(principal, view);
  }

  api::Call Staff(const std::string& subject = "dr-a") {
    return fixture_.Call(auth::PrincipalKind::kStaff, subject);
  }
  api::Call System() { return fixture_.Call(auth::PrincipalKind::kSystem, "ehr"); }
  // Sees her own data only.
  api::Call Anna() { return fixture_.Call(auth::PrincipalKind::kParticipant, "anna-login"); }
  // Sees hers as well.
  api::Call Ben() { return fixture_.Call(auth::PrincipalKind::kParticipant, "ben-login"); }

  // Calls a handler as the server does.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (PlanHandlers::*method)(const api::Call&,
                                                                               const Request&),
                              api::Call call, const Request& request) {
    call.method = std::string(Request::descriptor()->name());
    SB_RETURN_IF_ERROR(api::CheckPractice(request, call.practice()));
    SB_RETURN_IF_ERROR(api::ValidateRequest(request, call.practice(), call.time));
    return (handlers_.*method)(call, request);
  }

  // A valid content for the couple.
  static v1::PlanContent Content(const std::string& summary = "They argue and drift apart.") {
    v1::PlanContent content = FromText<v1::PlanContent>(R"(
        population: POPULATION_COUPLE problems: "couple"
        goals { id: "g1" theme: "Repair after conflict" problem: "couple" }
        techniques { technique: "practices/p1/techniques/conflict-resolution" goals: "g1" }
        measures { id: "m1" instrument: "practices/p1/instruments/csi-16" subject: "anna"
                   informants: "anna" cadence_weeks: 6 goals: "g1" }
        measures { id: "m2" instrument: "practices/p1/instruments/csi-16" subject: "ben"
                   informants: "ben" cadence_weeks: 6 goals: "g1" })");
    content.set_summary(summary);
    return content;
  }

  static v1::CreatePlanRequest CreateRequest(const v1::PlanContent& content,
                                             const std::string& id = "x") {
    v1::CreatePlanRequest request;
    request.set_parent("practices/p1");
    request.set_plan_id(id);
    request.mutable_plan()->set_episode(kEpisode);
    *request.mutable_plan()->mutable_content() = content;
    return request;
  }

  absl::StatusOr<v1::Plan> Create(const v1::PlanContent& content = Content(),
                                  const std::string& id = "x") {
    return Do(&PlanHandlers::CreatePlan, Staff(), CreateRequest(content, id));
  }

  absl::StatusOr<v1::Plan> Get(const api::Call& call, const std::string& name = kPlan) {
    v1::GetPlanRequest request;
    request.set_name(name);
    return Do(&PlanHandlers::GetPlan, call, request);
  }

  absl::StatusOr<v1::Revision> GetRevision(const api::Call& call, int number = 1) {
    v1::GetRevisionRequest request;
    request.set_name(RevisionNameOf(number));
    return Do(&PlanHandlers::GetRevision, call, request);
  }

  static std::string RevisionNameOf(int number) {
    return std::string(kPlan) + "/revisions/" + std::to_string(number);
  }

  absl::StatusOr<v1::Revision> Revise(const v1::PlanContent& content,
                                      const std::string& etag = "") {
    v1::RevisePlanRequest request;
    request.set_name(kPlan);
    *request.mutable_content() = content;
    request.mutable_update_mask()->add_paths("*");
    request.set_etag(etag);
    return Do(&PlanHandlers::RevisePlan, Staff(), request);
  }

  v1::SignRevisionRequest SignRequest(int number, v1::SignerRole role) {
    v1::SignRevisionRequest request;
    request.set_name(RevisionNameOf(number));
    const auto revision = GetRevision(System(), number);
    request.set_digest(revision.ok() ? revision->digest() : "unknown");
    request.set_role(role);
    request.set_meaning(role == v1::SIGNER_ROLE_CLINICIAN    ? v1::SIGNATURE_MEANING_AUTHORSHIP
                        : role == v1::SIGNER_ROLE_SUPERVISOR ? v1::SIGNATURE_MEANING_APPROVAL
                                                             : v1::SIGNATURE_MEANING_AGREEMENT);
    return request;
  }
  absl::StatusOr<v1::Revision> Sign(const api::Call& call, int number, v1::SignerRole role) {
    return Do(&PlanHandlers::SignRevision, call, SignRequest(number, role));
  }
  void SignByAll(int number) {
    EXPECT_OK(Sign(Staff("dr-a"), number, v1::SIGNER_ROLE_CLINICIAN));
    EXPECT_OK(Sign(Staff("dr-s"), number, v1::SIGNER_ROLE_SUPERVISOR));
  }

  absl::StatusOr<v1::Revision> Answer(const api::Call& call, const std::string& warning,
                                      int number = 1) {
    v1::AnswerWarningRequest request;
    request.set_name(RevisionNameOf(number));
    request.set_warning(warning);
    request.mutable_answer()->set_kind(v1::WARNING_ANSWER_KIND_OPPOSITE);
    request.mutable_answer()->set_reason("The plan says to avoid it.");
    return Do(&PlanHandlers::AnswerWarning, call, request);
  }

  absl::StatusOr<v1::Screening> Screen(
      const std::string& participant,
      v1::ScreeningResult result = v1::SCREENING_RESULT_CONJOINT_WORK_SUITABLE) {
    v1::RecordScreeningRequest request;
    request.set_parent(kPlan);
    v1::Screening& screening = *request.mutable_screening();
    screening.set_participant(participant);
    screening.set_kind(v1::SCREENING_KIND_VIOLENCE_AND_COERCION);
    screening.set_alone(true);
    *screening.mutable_screen_time() = api::ToProto(fixture_.clock().Now());
    screening.set_result(result);
    fixture_.clock().Advance(absl::Seconds(1));
    return Do(&PlanHandlers::RecordScreening, Staff(), request);
  }
  void ScreenBoth() {
    EXPECT_OK(Screen("anna"));
    EXPECT_OK(Screen("ben"));
  }

  absl::StatusOr<v1::Plan> Transition(v1::PlanStatus status, const std::string& etag = "",
                                      const std::string& request_id = "") {
    v1::TransitionPlanRequest request;
    request.set_name(kPlan);
    request.set_status(status);
    request.set_reason("because");
    request.set_etag(etag);
    request.set_request_id(request_id);
    return Do(&PlanHandlers::TransitionPlan, Staff(), request);
  }
  absl::StatusOr<v1::Plan> Adopt() {
    v1::AdoptRevisionRequest request;
    request.set_name(kPlan);
    return Do(&PlanHandlers::AdoptRevision, Staff(), request);
  }
  // Creates the couple's plan and does all it takes to make it active.
  void CreateActivePlan() {
    ASSERT_OK(Create());
    ScreenBoth();
    SignByAll(1);
    ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
  }

  securebase::testing::DatabaseFixture fixture_;
  FakeEpisodes episodes_;
  FakeGoals goals_;
  FakeOutcomes outcomes_;
  int wakes_ = 0;
  const rules::PlanLibrary library_;
  records::Database database_;
  PlanHandlers handlers_;
};

}  // namespace securebase::plans
