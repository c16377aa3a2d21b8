#include "services/episodes/rules/settings.h"

#include <utility>

#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/kinds.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {

absl::StatusOr<v1::PracticeSettings> EpisodeHandlers::GetPracticeSettings(
    const api::Call& call, const v1::GetPracticeSettingsRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(auto settings, reader.Find(SettingsKind(), request.name()));
  v1::PracticeSettings answer = WithDefaults(settings.value_or(v1::PracticeSettings()));
  answer.set_name(request.name());
  return answer;
}

absl::StatusOr<v1::PracticeSettings> EpisodeHandlers::UpdatePracticeSettings(
    const api::Call& call, const v1::UpdatePracticeSettingsRequest& request) {
  const std::string& name = request.settings().name();
  return database_.Transact<v1::PracticeSettings>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::PracticeSettings> {
        SB_ASSIGN_OR_RETURN(auto found, write.Find(SettingsKind(), name));
        v1::PracticeSettings settings = found.value_or(v1::PracticeSettings());
        SB_RETURN_IF_ERROR(api::CheckEtag(name, request.settings().etag(), settings.etag()));
        SB_RETURN_IF_ERROR(
            api::MergeUpdate(request.update_mask(), request.settings(), "settings", settings));
        SB_RETURN_IF_ERROR(InvalidFields(CheckSettings(settings)));
        settings.set_name(name);
        SB_ASSIGN_OR_RETURN(settings, write.Save(SettingsKind(), std::move(settings)));
        return WithDefaults(std::move(settings));
      });
}

}  // namespace securebase::episodes
