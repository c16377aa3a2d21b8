#include "services/plans/remote_neighbours.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/fake_client.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans {
namespace {

using outcomes::v1::ListSeriesRequest;
using outcomes::v1::ListSeriesResponse;
using ::securebase::testing::CallOfDrA;
using ::securebase::testing::FakeClient;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kEpisode[] = "practices/p1/episodes/e1";
constexpr char kSchedule[] = "practices/p1/schedules/s1";
constexpr char kEpisodes[] = "/securebase.episodes.v1.EpisodesService/";
constexpr char kGoals[] = "/securebase.goals.v1.GoalsService/";
constexpr char kOutcomes[] = "/securebase.outcomes.v1.OutcomesService/";

class RemoteNeighboursTest : public ::testing::Test {
 protected:
  template <typename Request, typename Response>
  void Answer(const std::string& method, absl::StatusOr<Response> answer) {
    client_.On<Request, Response>(method, [answer](const Request&) { return answer; });
  }

  // The last request, and as whom it was asked.
  template <typename Request>
  Request LastAsked() {
    Request request;
    EXPECT_TRUE(request.ParseFromString(client_.asked().back().request));
    return request;
  }
  type::v1::ActingFor AskedFor() { return *client_.asked().back().options.acting_for; }

  void ExpectAskedForDrA() {
    EXPECT_EQ(AskedFor().kind(), type::v1::PRINCIPAL_KIND_STAFF);
    EXPECT_EQ(AskedFor().subject(), "dr-a");
  }
  void ExpectAskedAsService(const std::string& scope) {
    EXPECT_EQ(AskedFor().kind(), type::v1::PRINCIPAL_KIND_SERVICE);
    EXPECT_EQ(AskedFor().subject(), "plans");
    EXPECT_EQ(AskedFor().practice(), "p1");
    EXPECT_THAT(AskedFor().scopes(), ElementsAre(scope));
  }

  // Every page is full, and there is always another.
  void AnswerEndlessSeries() {
    client_.On<ListSeriesRequest, ListSeriesResponse>(
        absl::StrCat(kOutcomes, "ListSeries"),
        [](const ListSeriesRequest& request) -> absl::StatusOr<ListSeriesResponse> {
          ListSeriesResponse page;
          for (int i = 0; i < request.page_size(); ++i) {
            page.add_series();
          }
          page.set_next_page_token(request.page_token() + "x");
          return page;
        });
  }

  FakeClient client_;
  RemoteEpisodes episodes_{client_};
  RemoteGoals goals_{client_};
  RemoteOutcomes outcomes_{client_};
};

TEST_F(RemoteNeighboursTest, ReadsEveryPageOfSeriesForThePrincipal) {
  client_.On<ListSeriesRequest, ListSeriesResponse>(
      absl::StrCat(kOutcomes, "ListSeries"),
      [](const ListSeriesRequest& request) -> absl::StatusOr<ListSeriesResponse> {
        EXPECT_EQ(request.parent(), "practices/p1");
        EXPECT_EQ(request.episode(), kEpisode);
        ListSeriesResponse page;
        page.add_series()->set_name("s" + request.page_token());
        page.set_next_page_token(request.page_token().empty() ? "2" : "");
        return page;
      });
  ASSERT_OK_AND_ASSIGN(const auto series, outcomes_.ListSeries(CallOfDrA(), kEpisode, 10));
  ASSERT_THAT(series, SizeIs(2));
  EXPECT_EQ(series[1].name(), "s2");
  ExpectAskedForDrA();
}

TEST_F(RemoteNeighboursTest, ReadsNoMorePagesThanItNeeds) {
  AnswerEndlessSeries();
  ASSERT_OK_AND_ASSIGN(const auto series, outcomes_.ListSeries(CallOfDrA(), kEpisode, 250));
  EXPECT_THAT(series, SizeIs(250));
  EXPECT_THAT(client_.asked(), SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const auto full_page, outcomes_.ListSeries(CallOfDrA(), kEpisode, 200));
  EXPECT_THAT(full_page, SizeIs(200));
  EXPECT_THAT(client_.asked(), SizeIs(3));
}

TEST_F(RemoteNeighboursTest, ReadsEveryPageOfGoalsForThePrincipal) {
  client_.On<goals::v1::ListGoalsRequest, goals::v1::ListGoalsResponse>(
      absl::StrCat(kGoals, "ListGoals"),
      [](const goals::v1::ListGoalsRequest& request)
          -> absl::StatusOr<goals::v1::ListGoalsResponse> {
        EXPECT_EQ(request.parent(), "practices/p1");
        EXPECT_EQ(request.episode(), kEpisode);
        goals::v1::ListGoalsResponse page;
        page.add_goals()->set_name("g" + request.page_token());
        page.set_next_page_token(request.page_token().empty() ? "2" : "");
        return page;
      });
  ASSERT_OK_AND_ASSIGN(const auto all, goals_.ListGoals(CallOfDrA(), kEpisode, 10));
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].name(), "g");
  ExpectAskedForDrA();
  ASSERT_OK_AND_ASSIGN(const auto one, goals_.ListGoals(CallOfDrA(), kEpisode, 1));
  EXPECT_THAT(one, SizeIs(1));
}

// A review shows without them what it has: it must not wait as long as the caller would.
TEST_F(RemoteNeighboursTest, ListsWaitThreeSecondsAtMostAndNeverLongerThanTheCall) {
  const absl::Time before = absl::Now();
  EXPECT_FALSE(outcomes_.ListSeries(CallOfDrA(), kEpisode, 10).ok());
  const absl::Time deadline = client_.asked().back().options.deadline;
  EXPECT_GE(deadline, before + absl::Seconds(3));
  EXPECT_LE(deadline, absl::Now() + absl::Seconds(3));
  api::Call hurried = CallOfDrA();
  hurried.deadline = before + absl::Seconds(1);
  EXPECT_FALSE(goals_.ListGoals(hurried, kEpisode, 10).ok());
  EXPECT_EQ(client_.asked().back().options.deadline, hurried.deadline);
}

TEST_F(RemoteNeighboursTest, SaysWhoIsUnavailable) {
  const auto neighbour = [](const absl::Status& status) {
    EXPECT_THAT(status, IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
    return std::string(status.message());
  };
  EXPECT_THAT(neighbour(goals_.ListGoals(CallOfDrA(), kEpisode, 1).status()),
              HasSubstr("goals service"));
  for (const absl::Status& status : {outcomes_.ListSeries(CallOfDrA(), kEpisode, 1).status(),
                                     outcomes_.GetSchedule(CallOfDrA(), kSchedule).status(),
                                     outcomes_.EndSchedule(CallOfDrA(), kSchedule),
                                     outcomes_.CreateSchedule(CallOfDrA(), "s1", {})}) {
    EXPECT_THAT(neighbour(status), HasSubstr("outcomes service"));
  }
  for (const absl::Status& status : {episodes_.GetEpisode(CallOfDrA(), kEpisode).status(),
                                     episodes_.GetTreatmentConsent(CallOfDrA(), kEpisode).status(),
                                     episodes_.GetSettings(CallOfDrA()).status()}) {
    EXPECT_THAT(neighbour(status), HasSubstr("episodes service"));
  }
}

// A caller's own rights decide what they are shown: that they lack them is no outage.
TEST_F(RemoteNeighboursTest, ARefusalOfTheCallerIsToldAsItIs) {
  const absl::Status refusal =
      MakeError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing, "needs another scope");
  Answer<goals::v1::ListGoalsRequest, goals::v1::ListGoalsResponse>(
      absl::StrCat(kGoals, "ListGoals"), refusal);
  EXPECT_THAT(goals_.ListGoals(CallOfDrA(), kEpisode, 1),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
}

// What the service asks for itself is its own affair: a caller cannot do anything about its rights.
TEST_F(RemoteNeighboursTest, ARefusalOfTheServiceIsAnOutageAndWhatIsNotThereIsNot) {
  Answer<episodes::v1::GetEpisodeRequest, episodes::v1::Episode>(
      absl::StrCat(kEpisodes, "GetEpisode"),
      MakeError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing, "no"));
  EXPECT_THAT(episodes_.GetEpisode(CallOfDrA(), kEpisode),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
  Answer<episodes::v1::GetEpisodeRequest, episodes::v1::Episode>(
      absl::StrCat(kEpisodes, "GetEpisode"), NotFound(kEpisode));
  EXPECT_THAT(episodes_.GetEpisode(CallOfDrA(), kEpisode),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(RemoteNeighboursTest, RulesKnowTheEpisodeTheConsentAndTheSettingsAsTheService) {
  episodes::v1::Episode episode;
  episode.set_name(kEpisode);
  Answer<episodes::v1::GetEpisodeRequest, episodes::v1::Episode>(
      absl::StrCat(kEpisodes, "GetEpisode"), episode);
  ASSERT_OK_AND_ASSIGN(const auto read, episodes_.GetEpisode(CallOfDrA(), kEpisode));
  EXPECT_EQ(read.name(), kEpisode);
  EXPECT_EQ(LastAsked<episodes::v1::GetEpisodeRequest>().name(), kEpisode);
  ExpectAskedAsService("system/EpisodeOfCare.r");

  episodes::v1::TreatmentConsent consent;
  consent.add_participants()->set_participant("anna");
  Answer<episodes::v1::GetTreatmentConsentRequest, episodes::v1::TreatmentConsent>(
      absl::StrCat(kEpisodes, "GetTreatmentConsent"), consent);
  ASSERT_OK_AND_ASSIGN(const auto given, episodes_.GetTreatmentConsent(CallOfDrA(), kEpisode));
  EXPECT_EQ(given.participants(0).participant(), "anna");
  EXPECT_EQ(LastAsked<episodes::v1::GetTreatmentConsentRequest>().name(), kEpisode);
  ExpectAskedAsService("system/Consent.r");

  episodes::v1::PracticeSettings settings;
  settings.set_time_zone("Europe/Berlin");
  Answer<episodes::v1::GetPracticeSettingsRequest, episodes::v1::PracticeSettings>(
      absl::StrCat(kEpisodes, "GetPracticeSettings"), settings);
  ASSERT_OK_AND_ASSIGN(const auto set, episodes_.GetSettings(CallOfDrA()));
  EXPECT_EQ(set.time_zone(), "Europe/Berlin");
  EXPECT_EQ(LastAsked<episodes::v1::GetPracticeSettingsRequest>().name(), "practices/p1/settings");
  ExpectAskedAsService("system/Organization.r");
}

TEST_F(RemoteNeighboursTest, AScheduleIsCreatedForThePrincipalAndMayBeAskedForAgain) {
  const std::string method = absl::StrCat(kOutcomes, "CreateSchedule");
  Answer<outcomes::v1::CreateScheduleRequest, outcomes::v1::Schedule>(method,
                                                                      outcomes::v1::Schedule());
  outcomes::v1::Schedule schedule;
  schedule.set_episode(kEpisode);
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(outcomes_.CreateSchedule(CallOfDrA(), "s1", schedule));
    const auto request = LastAsked<outcomes::v1::CreateScheduleRequest>();
    EXPECT_EQ(request.parent(), "practices/p1");
    EXPECT_EQ(request.schedule_id(), "s1");
    EXPECT_EQ(request.request_id(), "s1-create");  // the same each time
    EXPECT_EQ(request.schedule().episode(), kEpisode);
    ExpectAskedForDrA();
  }
  Answer<outcomes::v1::CreateScheduleRequest, outcomes::v1::Schedule>(
      method, InvalidFields({{"schedule.instrument", "is not in the catalogue"}}));
  EXPECT_THAT(outcomes_.CreateSchedule(CallOfDrA(), "s1", schedule),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
}

TEST_F(RemoteNeighboursTest, AScheduleIsReadAndEndedByTheServiceItself) {
  outcomes::v1::Schedule schedule;
  schedule.set_name(kSchedule);
  Answer<outcomes::v1::GetScheduleRequest, outcomes::v1::Schedule>(
      absl::StrCat(kOutcomes, "GetSchedule"), schedule);
  ASSERT_OK_AND_ASSIGN(const auto read, outcomes_.GetSchedule(CallOfDrA(), kSchedule));
  EXPECT_EQ(read.name(), kSchedule);
  ExpectAskedAsService("system/ServiceRequest.r");

  Answer<outcomes::v1::EndScheduleRequest, outcomes::v1::Schedule>(
      absl::StrCat(kOutcomes, "EndSchedule"), schedule);
  ASSERT_OK(outcomes_.EndSchedule(CallOfDrA(), kSchedule));
  const auto request = LastAsked<outcomes::v1::EndScheduleRequest>();
  EXPECT_EQ(request.name(), kSchedule);
  EXPECT_EQ(request.request_id(), "s1-end");  // unlike that of its creation
  EXPECT_EQ(request.reason(), "plan");
  ExpectAskedAsService("system/ServiceRequest.u");

  Answer<outcomes::v1::EndScheduleRequest, outcomes::v1::Schedule>(
      absl::StrCat(kOutcomes, "EndSchedule"), NotFound(kSchedule));
  EXPECT_THAT(outcomes_.EndSchedule(CallOfDrA(), kSchedule),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(RemoteNeighboursTest, WhetherAnInstrumentIsThereIsAskedByTheServiceItself) {
  const std::string method = absl::StrCat(kOutcomes, "GetInstrument");
  const std::string name = "practices/p1/instruments/phq-9";
  EXPECT_THAT(outcomes_.CheckInstrument(CallOfDrA(), name),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
  Answer<outcomes::v1::GetInstrumentRequest, outcomes::v1::Instrument>(method,
                                                                       outcomes::v1::Instrument());
  ASSERT_OK(outcomes_.CheckInstrument(CallOfDrA(), name));
  EXPECT_EQ(LastAsked<outcomes::v1::GetInstrumentRequest>().name(), name);
  ExpectAskedAsService("system/Questionnaire.r");
  Answer<outcomes::v1::GetInstrumentRequest, outcomes::v1::Instrument>(method, NotFound(name));
  EXPECT_THAT(outcomes_.CheckInstrument(CallOfDrA(), name),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

}  // namespace
}  // namespace securebase::plans
