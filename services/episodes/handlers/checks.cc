#include "services/episodes/handlers/checks.h"

#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::episodes {

absl::Status CheckSeesAll(const records::Reader& reader, absl::string_view episode) {
  if (reader.call().principal.kind != auth::PrincipalKind::kStaff) {
    return absl::OkStatus();
  }
  for (const type::v1::EpisodeAccess& access : reader.view().episodes()) {
    if (access.episode() == LastId(episode) && access.all_subjects()) {
      return absl::OkStatus();
    }
  }
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                   "this is for the episode's care team to say");
}

}  // namespace securebase::episodes
