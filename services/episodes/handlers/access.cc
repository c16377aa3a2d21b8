#include <memory>

#include "services/episodes/handlers/episode_handlers.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {

absl::StatusOr<type::v1::AccessView> EpisodeHandlers::GetAccessView(
    const api::Call& call, const v1::GetAccessViewRequest& request) {
  if (!request.episode().empty()) {
    return access_.ViewOfEpisode(call, request.episode());
  }
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  return reader.view();
}

}  // namespace securebase::episodes
