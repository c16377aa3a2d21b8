#include "services/plans/remote_neighbours.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/neighbour.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {
namespace {

constexpr char kService[] = "plans";
constexpr char kGetEpisode[] = "/securebase.episodes.v1.EpisodesService/GetEpisode";
constexpr char kGetTreatmentConsent[] =
    "/securebase.episodes.v1.EpisodesService/GetTreatmentConsent";
constexpr char kGetSettings[] = "/securebase.episodes.v1.EpisodesService/GetPracticeSettings";
constexpr char kListGoals[] = "/securebase.goals.v1.GoalsService/ListGoals";
constexpr char kListSeries[] = "/securebase.outcomes.v1.OutcomesService/ListSeries";
constexpr char kCreateSchedule[] = "/securebase.outcomes.v1.OutcomesService/CreateSchedule";
constexpr char kGetInstrument[] = "/securebase.outcomes.v1.OutcomesService/GetInstrument";
constexpr char kGetSchedule[] = "/securebase.outcomes.v1.OutcomesService/GetSchedule";
constexpr char kEndSchedule[] = "/securebase.outcomes.v1.OutcomesService/EndSchedule";

constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr absl::Duration kOptionalTimeout = absl::Seconds(3);
constexpr int kPageSize = 200;

std::string Parent(const api::Call& call) { return absl::StrCat("practices/", call.practice()); }

// An UNAVAILABLE that never reached the neighbour has no reason of its own.
absl::Status WithReason(const absl::Status& status, absl::string_view neighbour) {
  return status.ok() || ReasonOf(status) != Reason::kUnspecified
             ? status
             : client::NeighbourError(status, neighbour);
}

}  // namespace

absl::StatusOr<episodes::v1::Episode> RemoteEpisodes::GetEpisode(const api::Call& call,
                                                                 const std::string& name) {
  episodes::v1::GetEpisodeRequest request;
  request.set_name(name);
  auto episode = client_.Call<episodes::v1::Episode>(
      kGetEpisode, client::AsService(call, kService, {"system/EpisodeOfCare.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(client::NeighbourError(episode.status(), "episodes"));
  return episode;
}

absl::StatusOr<episodes::v1::TreatmentConsent> RemoteEpisodes::GetTreatmentConsent(
    const api::Call& call, const std::string& episode) {
  episodes::v1::GetTreatmentConsentRequest request;
  request.set_name(episode);
  auto consent = client_.Call<episodes::v1::TreatmentConsent>(
      kGetTreatmentConsent, client::AsService(call, kService, {"system/Consent.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(client::NeighbourError(consent.status(), "episodes"));
  return consent;
}

absl::StatusOr<episodes::v1::PracticeSettings> RemoteEpisodes::GetSettings(const api::Call& call) {
  episodes::v1::GetPracticeSettingsRequest request;
  request.set_name(absl::StrCat(Parent(call), "/settings"));
  auto settings = client_.Call<episodes::v1::PracticeSettings>(
      kGetSettings, client::AsService(call, kService, {"system/Organization.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(client::NeighbourError(settings.status(), "episodes"));
  return settings;
}

absl::StatusOr<std::vector<goals::v1::Goal>> RemoteGoals::ListGoals(const api::Call& call,
                                                                    const std::string& episode,
                                                                    int limit) {
  std::vector<goals::v1::Goal> goals;
  const client::CallOptions options = client::OnBehalfOf(call, kOptionalTimeout);
  const absl::Status read = client::ForEachPage<goals::v1::ListGoalsResponse>(
      [&](const std::string& page_token) {
        goals::v1::ListGoalsRequest request;
        request.set_parent(Parent(call));
        request.set_episode(episode);
        request.set_page_size(kPageSize);
        request.set_page_token(page_token);
        return client_.Call<goals::v1::ListGoalsResponse>(kListGoals, options, request);
      },
      [&](const goals::v1::ListGoalsResponse& page) {
        goals.insert(goals.end(), page.goals().begin(), page.goals().end());
        return static_cast<int>(goals.size()) < limit;
      });
  SB_RETURN_IF_ERROR(WithReason(read, "goals"));
  if (static_cast<int>(goals.size()) > limit) {
    goals.resize(static_cast<size_t>(limit));
  }
  return goals;
}

absl::StatusOr<std::vector<outcomes::v1::Series>> RemoteOutcomes::ListSeries(
    const api::Call& call, const std::string& episode, int limit) {
  std::vector<outcomes::v1::Series> series;
  const client::CallOptions options = client::OnBehalfOf(call, kOptionalTimeout);
  const absl::Status read = client::ForEachPage<outcomes::v1::ListSeriesResponse>(
      [&](const std::string& page_token) {
        outcomes::v1::ListSeriesRequest request;
        request.set_parent(Parent(call));
        request.set_episode(episode);
        request.set_page_size(kPageSize);
        request.set_page_token(page_token);
        return client_.Call<outcomes::v1::ListSeriesResponse>(kListSeries, options, request);
      },
      [&](const outcomes::v1::ListSeriesResponse& page) {
        series.insert(series.end(), page.series().begin(), page.series().end());
        return static_cast<int>(series.size()) < limit;
      });
  SB_RETURN_IF_ERROR(WithReason(read, "outcomes"));
  if (static_cast<int>(series.size()) > limit) {
    series.resize(static_cast<size_t>(limit));
  }
  return series;
}

absl::Status RemoteOutcomes::CreateSchedule(const api::Call& call, const std::string& id,
                                            const outcomes::v1::Schedule& schedule) {
  outcomes::v1::CreateScheduleRequest request;
  request.set_parent(Parent(call));
  request.set_schedule_id(id);
  *request.mutable_schedule() = schedule;
  request.set_request_id(absl::StrCat(id, "-create"));
  return WithReason(client_
                        .Call<outcomes::v1::Schedule>(kCreateSchedule,
                                                      client::OnBehalfOf(call, kTimeout), request)
                        .status(),
                    "outcomes");
}

absl::Status RemoteOutcomes::CheckInstrument(const api::Call& call, const std::string& name) {
  outcomes::v1::GetInstrumentRequest request;
  request.set_name(name);
  return WithReason(
      client_
          .Call<outcomes::v1::Instrument>(
              kGetInstrument,
              client::AsService(call, kService, {"system/Questionnaire.r"}, kTimeout), request)
          .status(),
      "outcomes");
}

absl::StatusOr<outcomes::v1::Schedule> RemoteOutcomes::GetSchedule(const api::Call& call,
                                                                   const std::string& name) {
  outcomes::v1::GetScheduleRequest request;
  request.set_name(name);
  auto schedule = client_.Call<outcomes::v1::Schedule>(
      kGetSchedule, client::AsService(call, kService, {"system/ServiceRequest.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(WithReason(schedule.status(), "outcomes"));
  return schedule;
}

absl::Status RemoteOutcomes::EndSchedule(const api::Call& call, const std::string& name) {
  outcomes::v1::EndScheduleRequest request;
  request.set_name(name);
  request.set_reason("plan");
  request.set_request_id(absl::StrCat(LastId(name), "-end"));
  return WithReason(
      client_
          .Call<outcomes::v1::Schedule>(
              kEndSchedule,
              client::AsService(call, kService, {"system/ServiceRequest.u"}, kTimeout), request)
          .status(),
      "outcomes");
}

}  // namespace securebase::plans
