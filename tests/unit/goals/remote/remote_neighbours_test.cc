#include "services/goals/remote_neighbours.h"

#include <string>

#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/fake_client.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::goals {
namespace {

using outcomes::v1::ListSeriesRequest;
using outcomes::v1::ListSeriesResponse;
using ::securebase::testing::CallOfDrA;
using ::securebase::testing::FakeClient;
using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr char kEpisode[] = "practices/p1/episodes/e1";
constexpr char kListSeries[] = "/securebase.outcomes.v1.OutcomesService/ListSeries";
constexpr char kGetSettings[] = "/securebase.episodes.v1.EpisodesService/GetPracticeSettings";
constexpr char kGetEpisode[] = "/securebase.episodes.v1.EpisodesService/GetEpisode";

class RemoteNeighboursTest : public ::testing::Test {
 protected:
  void AnswerSettings(absl::StatusOr<episodes::v1::PracticeSettings> answer) {
    client_.On<episodes::v1::GetPracticeSettingsRequest, episodes::v1::PracticeSettings>(
        kGetSettings, [answer](const auto&) { return answer; });
  }

  FakeClient client_;
  FakeClock clock_;
  RemoteNeighbours neighbours_{client_, clock_};
};

TEST_F(RemoteNeighboursTest, ReadsEveryPageOfSeriesForThePrincipal) {
  client_.On<ListSeriesRequest, ListSeriesResponse>(
      kListSeries, [](const ListSeriesRequest& request) -> absl::StatusOr<ListSeriesResponse> {
        EXPECT_EQ(request.parent(), "practices/p1");
        EXPECT_EQ(request.episode(), kEpisode);
        EXPECT_EQ(request.subject(), "anna");
        ListSeriesResponse page;
        page.add_series()->set_name("s" + request.page_token());
        page.set_next_page_token(request.page_token().empty() ? "2" : "");
        return page;
      });
  ASSERT_OK_AND_ASSIGN(const auto series, neighbours_.ListSeries(CallOfDrA(), kEpisode, "anna"));
  ASSERT_THAT(series, SizeIs(2));
  EXPECT_EQ(series[1].name(), "s2");
  for (const auto& asked : client_.asked()) {
    EXPECT_EQ(asked.options.acting_for->subject(), "dr-a");
    EXPECT_EQ(asked.options.acting_for->kind(), type::v1::PRINCIPAL_KIND_STAFF);
  }
}

TEST_F(RemoteNeighboursTest, SaysThatOutcomesIsUnavailable) {
  EXPECT_THAT(neighbours_.ListSeries(CallOfDrA(), kEpisode, "anna"),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(RemoteNeighboursTest, SettingsAreKeptAndOutliveAnOutage) {
  episodes::v1::PracticeSettings settings;
  settings.set_time_zone("Europe/Berlin");
  AnswerSettings(settings);
  ASSERT_OK(neighbours_.GetSettings(CallOfDrA()));
  EXPECT_EQ(client_.asked()[0].options.acting_for->kind(), type::v1::PRINCIPAL_KIND_SERVICE);
  EXPECT_EQ(client_.asked()[0].options.acting_for->practice(), "p1");
  clock_.Advance(RemoteNeighbours::kSettingsAge - absl::Microseconds(1));
  ASSERT_OK(neighbours_.GetSettings(CallOfDrA()));
  EXPECT_THAT(client_.asked(), SizeIs(1));
  clock_.Advance(absl::Microseconds(1));
  AnswerSettings(absl::UnavailableError("down"));
  ASSERT_OK_AND_ASSIGN(const auto old, neighbours_.GetSettings(CallOfDrA()));
  EXPECT_EQ(old.time_zone(), "Europe/Berlin");
  EXPECT_THAT(client_.asked(), SizeIs(2));
}

TEST_F(RemoteNeighboursTest, AnOutageIsNotAskedAboutInEveryRead) {
  EXPECT_THAT(neighbours_.GetSettings(CallOfDrA()),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
  EXPECT_FALSE(neighbours_.GetSettings(CallOfDrA()).ok());
  EXPECT_THAT(client_.asked(), SizeIs(1));
  AnswerSettings(episodes::v1::PracticeSettings());
  clock_.Advance(RemoteNeighbours::kSettingsRetry);
  EXPECT_OK(neighbours_.GetSettings(CallOfDrA()));
}

TEST_F(RemoteNeighboursTest, ParticipantsAreThoseOfTheEpisode) {
  client_.On<episodes::v1::GetEpisodeRequest, episodes::v1::Episode>(
      kGetEpisode,
      [](const episodes::v1::GetEpisodeRequest& request) -> absl::StatusOr<episodes::v1::Episode> {
        if (request.name() != kEpisode) {
          return NotFound(request.name());
        }
        episodes::v1::Episode episode;
        episode.add_participants()->set_id("anna");
        episode.add_participants()->set_id("ben");
        episode.set_status(episodes::v1::EPISODE_STATUS_FINISHED);
        return episode;
      });
  ASSERT_OK_AND_ASSIGN(const EpisodeFacts facts, neighbours_.GetEpisode(CallOfDrA(), kEpisode));
  EXPECT_THAT(facts.participants, ElementsAre("anna", "ben"));
  EXPECT_EQ(facts.status, episodes::v1::EPISODE_STATUS_FINISHED);
  EXPECT_EQ(client_.asked()[0].options.acting_for->kind(), type::v1::PRINCIPAL_KIND_SERVICE);
  EXPECT_THAT(neighbours_.GetEpisode(CallOfDrA(), "practices/p1/episodes/none"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(RemoteNeighboursTest, ScalesAreThoseOfTheInstrument) {
  client_.On<outcomes::v1::GetInstrumentRequest, outcomes::v1::Instrument>(
      "/securebase.outcomes.v1.OutcomesService/GetInstrument",
      [](const auto& request) -> absl::StatusOr<outcomes::v1::Instrument> {
        if (request.name() != "practices/p1/instruments/ecr-r") {
          return NotFound(request.name());
        }
        outcomes::v1::Instrument instrument;
        instrument.mutable_definition()->add_scales()->set_id("anxiety");
        instrument.mutable_definition()->add_scales()->set_id("avoidance");
        return instrument;
      });
  ASSERT_OK_AND_ASSIGN(const auto scales, neighbours_.GetScales(CallOfDrA(), "ecr-r"));
  EXPECT_THAT(scales, ElementsAre("anxiety", "avoidance"));
  const type::v1::ActingFor acting_for = *client_.asked()[0].options.acting_for;
  EXPECT_EQ(acting_for.kind(), type::v1::PRINCIPAL_KIND_SERVICE);
  EXPECT_THAT(acting_for.scopes(), ElementsAre("system/Questionnaire.r"));
  EXPECT_THAT(neighbours_.GetScales(CallOfDrA(), "none"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

}  // namespace
}  // namespace securebase::goals
