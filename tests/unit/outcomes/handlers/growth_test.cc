// That calls ask no more of the store in a practice with a long history. Counted, not timed.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "services/outcomes/records/kinds.h"
#include "services/platform/base/resource_name.h"
#include "tests/testing/counting_store.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using securebase::testing::CountingStore;
using securebase::testing::DatabaseFixture;
using securebase::testing::StoreWork;
using testing::FromText;

// What the calls asked of the store, each by its name.
using Works = std::map<std::string, StoreWork>;

// A practice with three open episodes, in which `closed` others have come and gone, all of them
// dr-lee's. Ids are as long as each other, so that bytes can be compared.
class Practice {
 public:
  explicit Practice(int closed) {
    for (int i = 0; i < closed; ++i) {
      const std::string id = absl::StrFormat("closed-%04d", i);
      Treat(id);
      Transition(id, episodes::v1::EPISODE_STATUS_FINISHED);
      TendAlerts();
      fixture_.clock().Advance(absl::Hours(24 * 30));
      RunTimedWork();
    }
    for (int i = 0; i < 3; ++i) {
      Treat(absl::StrFormat("open-%06d", i));
    }
    Poll(System());  // loads
    Poll(Staff());
    Summary();
  }

  Works Measure() {
    Works works;
    const std::string episode = "open-000001";
    const auto measured = [&](const std::string& name, const auto& call) {
      store_.TakeWork();
      call();
      works[name] = store_.TakeWork();
    };
    const v1::GetCaseloadResponse first = Poll(Staff());
    EXPECT_EQ(first.entries_size(), 3);
    const std::string etag = first.etag();
    measured("poll, nothing changed", [&] { EXPECT_TRUE(Poll(Staff(), etag).not_modified()); });
    Submit(episode, 12);
    measured("poll after a submission", [&] { Poll(Staff()); });
    Submit(episode, 13);
    measured("poll of the practice after a submission", [&] { Poll(System()); });
    Submit(episode, 12);
    measured("summary after a submission", [&] { Summary(); });
    Transition("open-000002", episodes::v1::EPISODE_STATUS_FINISHED);
    measured("poll after an episode closed", [&] { Poll(Staff()); });
    measured("summary after an episode closed", [&] { Summary(); });
    Transition("open-000002", episodes::v1::EPISODE_STATUS_ACTIVE);
    measured("poll after an episode opened again", [&] { Poll(Staff()); });
    measured("submit", [&] { Submit(episode, 12); });
    measured("submit late", [&] { Submit(episode, 12, absl::Hours(30)); });
    measured("read a series", [&] {
      v1::GetSeriesRequest request;
      request.set_name(newest_.series());
      EXPECT_OK(handlers_.GetSeries(Staff(), request));
    });
    measured("list an episode's assessments", [&] {
      v1::ListAssessmentsRequest request;
      request.set_parent("practices/p1");
      request.set_episode(EpisodeName(episode));
      EXPECT_OK(handlers_.ListAssessments(Staff(), request));
    });
    measured("list the open alerts", [&] {
      EXPECT_OK(handlers_.ListAlerts(
          System(), FromText<v1::ListAlertsRequest>(
                        "parent: 'practices/p1' page_size: 50 states: ALERT_STATE_OPEN")));
    });
    measured("list the active schedules", [&] {
      EXPECT_OK(handlers_.ListSchedules(
          System(), FromText<v1::ListSchedulesRequest>("parent: 'practices/p1'")));
    });
    measured("list what is due", [&] {
      EXPECT_OK(handlers_.ListDueAssessments(
          System(), FromText<v1::ListDueAssessmentsRequest>("parent: 'practices/p1'")));
    });
    measured("timed work", [&] { RunTimedWork(); });
    return works;
  }

 private:
  static std::string EpisodeName(const std::string& id) {
    return absl::StrCat("practices/p1/episodes/", id);
  }
  api::Call System() { return fixture_.Call(auth::PrincipalKind::kSystem, "ehr"); }
  api::Call Staff() { return fixture_.Call(auth::PrincipalKind::kStaff, "dr-lee"); }

  v1::GetCaseloadResponse Poll(const api::Call& call, const std::string& etag = "") {
    v1::GetCaseloadRequest request;
    request.set_parent("practices/p1");
    request.set_known_etag(etag);
    const auto response = handlers_.GetCaseload(call, request);
    EXPECT_OK(response);
    return response.value_or(v1::GetCaseloadResponse());
  }
  void Summary() {
    EXPECT_OK(handlers_.GetPracticeSummary(
        System(), FromText<v1::GetPracticeSummaryRequest>(
                      "parent: 'practices/p1' instrument: 'practices/p1/instruments/phq-9' "
                      "dimension: SUMMARY_DIMENSION_CLOSING_MONTH")));
  }
  void RunTimedWork() {
    TimedWork work(database_, fixture_.clock(), fixture_.ids());
    const auto report = work.Run();
    ASSERT_OK(report);
    EXPECT_EQ(report->failed, 0);
  }
  void Transition(const std::string& id, episodes::v1::EpisodeStatus status) {
    episodes::v1::TransitionEpisodeRequest request;
    request.set_name(EpisodeName(id));
    request.set_status(status);
    EXPECT_OK(episode_handlers_.TransitionEpisode(System(), request));
  }
  void Treat(const std::string& id) {
    auto episode = FromText<episodes::v1::CreateEpisodeRequest>(R"pb(
      parent: 'practices/p1'
      episode {
        kind: EPISODE_KIND_INDIVIDUAL
        participants { id: 'ann' role: PARTICIPANT_ROLE_CLIENT age_group: AGE_GROUP_ADULT }
        care_team { staff: 'dr-lee' role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
      }
    )pb");
    episode.set_episode_id(id);
    episode.mutable_episode()->mutable_participants(0)->set_patient("ehr-" + id);
    EXPECT_OK(episode_handlers_.CreateEpisode(System(), episode));
    auto schedule = FromText<v1::CreateScheduleRequest>(
        "parent: 'practices/p1' schedule { subject: 'ann' informant: 'ann' "
        "instrument: 'practices/p1/instruments/phq-9' }");
    schedule.mutable_schedule()->set_episode(EpisodeName(id));
    EXPECT_OK(handlers_.CreateSchedule(System(), schedule));
    for (int i = 0; i < 4; ++i) {
      Submit(id, 20 - i);
    }
  }
  void Submit(const std::string& episode, int total, absl::Duration ago = absl::ZeroDuration()) {
    fixture_.clock().Advance(absl::Hours(24));
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    request.set_request_id(fixture_.ids().NewId());
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(EpisodeName(episode));
    assessment.set_instrument(testing::InstrumentName("phq-9"));
    assessment.set_subject("ann");
    assessment.set_informant("ann");
    const std::vector<int> answers = testing::Phq9(total, 1);  // a risk answer: there is an alert
    for (size_t i = 0; i < answers.size(); ++i) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(absl::StrCat(i + 1));
      answer.set_value(answers[i]);
    }
    *assessment.mutable_answered_time() = api::ToProto(fixture_.clock().Now() - ago);
    const auto response = handlers_.SubmitAssessment(System(), request);
    ASSERT_OK(response);
    newest_ = response->assessment();
  }
  // Acknowledges and resolves all of them.
  void TendAlerts() {
    const auto alerts = handlers_.ListAlerts(
        System(), FromText<v1::ListAlertsRequest>(
                      "parent: 'practices/p1' page_size: 200 states: ALERT_STATE_OPEN"));
    ASSERT_OK(alerts);
    for (const v1::Alert& alert : alerts->alerts()) {
      v1::AcknowledgeAlertRequest acknowledge;
      acknowledge.set_name(alert.name());
      EXPECT_OK(handlers_.AcknowledgeAlert(System(), acknowledge));
      v1::ResolveAlertRequest resolve;
      resolve.set_name(alert.name());
      EXPECT_OK(handlers_.ResolveAlert(System(), resolve));
    }
  }

  DatabaseFixture fixture_;
  CountingStore store_{fixture_.store()};
  episodes::LocalAccess access_{store_};
  records::Database database_{{&store_, &access_, &fixture_.page_tokens(), &fixture_.ids()}};
  episodes::EpisodeHandlers episode_handlers_{database_, access_};
  Catalogue catalogue_ = BuiltInCatalogue().value();
  Projections projections_{store_, catalogue_};
  OutcomeHandlers handlers_{database_, catalogue_, projections_};
  v1::Assessment newest_;
};

TEST(GrowthTest, CallsAskAsMuchOfTheStoreWhateverCameBefore) {
  const Works young = Practice(2).Measure();
  const Works old = Practice(120).Measure();
  ASSERT_EQ(young.size(), old.size());
  for (const auto& [name, work] : young) {
    const StoreWork& later = old.at(name);
    EXPECT_EQ(later.ToString(), work.ToString()) << name;
    // Numbers and times take a byte more or less.
    EXPECT_LE(later.bytes, work.bytes + work.bytes / 20 + 16) << name;
  }
  // So that the comparison means something.
  EXPECT_EQ(old.at("poll, nothing changed").ToString(), [] {
    StoreWork work;
    work.positions = 2;  // who may see what, and where the practice stands
    return work.ToString();
  }());
  EXPECT_GT(old.at("submit").operations, 5);
  EXPECT_GT(old.at("poll after an episode opened again").rows, 0);
  EXPECT_GT(old.at("list the open alerts").rows, 0);
}

// A late form reads the series again, whose length is limited; an answer on time does not.
TEST(GrowthTest, TheNewestAnswerReadsNothingOfItsSeries) {
  const Works works = Practice(0).Measure();
  EXPECT_LT(works.at("submit").rows, works.at("submit late").rows);
}

}  // namespace
}  // namespace securebase::outcomes
