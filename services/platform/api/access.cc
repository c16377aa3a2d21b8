#include "services/platform/api/access.h"

#include <algorithm>

namespace securebase::api {

using type::v1::AccessView;
using type::v1::EpisodeAccess;

bool MaySee(const AccessView& view, absl::string_view episode,
            const std::vector<std::string>& subjects) {
  if (view.practice_wide()) {
    return true;
  }
  if (episode.empty()) {
    return view.practice_records();
  }
  const auto found = std::lower_bound(
      view.episodes().begin(), view.episodes().end(), episode,
      [](const EpisodeAccess& access, absl::string_view id) { return access.episode() < id; });
  if (found == view.episodes().end() || found->episode() != episode) {
    return false;
  }
  return found->all_subjects() ||
         std::all_of(subjects.begin(), subjects.end(), [&](const std::string& subject) {
           return std::find(found->subjects().begin(), found->subjects().end(), subject) !=
                  found->subjects().end();
         });
}

bool IsCurrent(const AccessView& view, absl::Time now) {
  return !view.has_expire_time() || now < absl::FromUnixSeconds(view.expire_time().seconds()) +
                                              absl::Nanoseconds(view.expire_time().nanos());
}

}  // namespace securebase::api
