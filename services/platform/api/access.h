#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/type/v1/type.pb.h"

namespace securebase::api {

// Whether the principal that `view` was made for may see a record of `episode` (its id) that holds
// data of `subjects` (ids of participants). Fails closed: an empty view sees nothing.
//
//   - A practice-wide view sees every record.
//   - A record without an episode is the practice's, seen with `practice_records`.
//   - Otherwise the episode must be in the view, with all subjects or with each one of `subjects`.
//     A record of an episode about nobody in particular needs the episode alone.
bool MaySee(const type::v1::AccessView& view, absl::string_view episode,
            const std::vector<std::string>& subjects);

// Whether the view still holds at `now`; an expired one must be fetched again.
bool IsCurrent(const type::v1::AccessView& view, absl::Time now);

}  // namespace securebase::api
