#include "services/goals/remote_neighbours.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/neighbour.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::goals {
namespace {

constexpr char kService[] = "goals";
constexpr char kListSeries[] = "/securebase.outcomes.v1.OutcomesService/ListSeries";
constexpr char kGetSettings[] = "/securebase.episodes.v1.EpisodesService/GetPracticeSettings";
constexpr char kGetInstrument[] = "/securebase.outcomes.v1.OutcomesService/GetInstrument";
constexpr char kGetEpisode[] = "/securebase.episodes.v1.EpisodesService/GetEpisode";
// Short, since the answer goes out without what these would have told.
constexpr absl::Duration kOptionalTimeout = absl::Seconds(2);
constexpr absl::Duration kTimeout = absl::Seconds(5);
// A participant's series: instruments × informants × versions × languages × relationships. What is
// beyond is not read.
constexpr size_t kMaxSeries = 1000;

}  // namespace

absl::StatusOr<std::vector<outcomes::v1::Series>> RemoteNeighbours::ListSeries(
    const api::Call& call, const std::string& episode, const std::string& subject) {
  std::vector<outcomes::v1::Series> series;
  const client::CallOptions options = client::OnBehalfOf(call, kOptionalTimeout);
  const absl::Status read = client::ForEachPage<outcomes::v1::ListSeriesResponse>(
      [&](const std::string& page_token) {
        outcomes::v1::ListSeriesRequest request;
        request.set_parent(absl::StrCat("practices/", call.practice()));
        request.set_episode(episode);
        request.set_subject(subject);
        request.set_page_size(200);
        request.set_page_token(page_token);
        return outcomes_.Call<outcomes::v1::ListSeriesResponse>(kListSeries, options, request);
      },
      [&](const outcomes::v1::ListSeriesResponse& page) {
        series.insert(series.end(), page.series().begin(), page.series().end());
        return series.size() < kMaxSeries;
      });
  SB_RETURN_IF_ERROR(client::NeighbourError(read, "outcomes"));
  return series;
}

absl::StatusOr<episodes::v1::PracticeSettings> RemoteNeighbours::GetSettings(
    const api::Call& call) {
  const absl::Time now = clock_.Now();
  const absl::Status unknown =
      MakeError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable,
                "the practice's settings cannot be read at the moment");
  {
    MutexLock lock(mutex_);
    const auto kept = settings_.find(call.practice());
    if (kept != settings_.end() && now < kept->second.ask_again) {
      return kept->second.known
                 ? absl::StatusOr<episodes::v1::PracticeSettings>(kept->second.settings)
                 : unknown;
    }
  }
  episodes::v1::GetPracticeSettingsRequest request;
  request.set_name(absl::StrCat("practices/", call.practice(), "/settings"));
  auto settings = outcomes_.Call<episodes::v1::PracticeSettings>(
      kGetSettings, client::AsService(call, kService, {"system/Organization.r"}, kOptionalTimeout),
      request);
  MutexLock lock(mutex_);
  KeptSettings& kept = settings_[call.practice()];
  if (settings.ok()) {
    kept.settings = *std::move(settings);
    kept.known = true;
    kept.ask_again = now + kSettingsAge;
  } else {
    kept.ask_again = now + kSettingsRetry;
  }
  return kept.known ? absl::StatusOr<episodes::v1::PracticeSettings>(kept.settings) : unknown;
}

absl::StatusOr<std::vector<std::string>> RemoteNeighbours::GetScales(
    const api::Call& call, const std::string& instrument) {
  outcomes::v1::GetInstrumentRequest request;
  request.set_name(absl::StrCat("practices/", call.practice(), "/instruments/", instrument));
  const auto found = outcomes_.Call<outcomes::v1::Instrument>(
      kGetInstrument, client::AsService(call, kService, {"system/Questionnaire.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(client::NeighbourError(found.status(), "outcomes"));
  std::vector<std::string> scales;
  for (const outcomes::v1::Scale& scale : found->definition().scales()) {
    scales.push_back(scale.id());
  }
  return scales;
}

absl::StatusOr<EpisodeFacts> RemoteNeighbours::GetEpisode(const api::Call& call,
                                                          const std::string& episode) {
  episodes::v1::GetEpisodeRequest request;
  request.set_name(episode);
  const auto found = outcomes_.Call<episodes::v1::Episode>(
      kGetEpisode, client::AsService(call, kService, {"system/EpisodeOfCare.r"}, kTimeout),
      request);
  SB_RETURN_IF_ERROR(client::NeighbourError(found.status(), "episodes"));
  EpisodeFacts facts;
  facts.status = found->status();
  for (const episodes::v1::Participant& participant : found->participants()) {
    facts.participants.push_back(participant.id());
  }
  return facts;
}

}  // namespace securebase::goals
