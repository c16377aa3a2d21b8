#include "services/platform/records/kind.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/platform/records/stored_record.h"

namespace securebase::records {

using internal::kDataSubjects;
using internal::kSeparator;

std::string SortKey(const std::vector<std::string>& parts) {
  return absl::StrJoin(parts, std::string(1, kSeparator));
}

Query DataOf(absl::string_view episode, absl::string_view participant) {
  return {kDataSubjects, SortKey({std::string(episode), std::string(participant), ""})};
}

std::string SortableTime(absl::Time time) {
  // Shifted so that years before 1970 are positive too; 17 digits hold the years 1 to 9999.
  constexpr int64_t kShift = int64_t{62135596800} * 1000000;
  return absl::StrFormat("%018d", absl::ToUnixMicros(time) + kShift);
}

}  // namespace securebase::records
