#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/call.h"

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

// What a principal may see. Implemented over the episodes records where they are local, and over
// GetAccessView elsewhere (clients/cpp/access_client.h). Thread-safe.
class AccessSource {
 public:
  virtual ~AccessSource() = default;
  // The view of the call's principal (staff or participant); others see the whole practice and are
  // not asked for. An error fails the call: closed, not open.
  virtual absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(const Call& call) = 0;
  // The same, for a caller who could not see something: not from a copy that may be too old to know
  // of it. Asked only about what is named, never for a list.
  virtual absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> FreshViewFor(
      const Call& call) {
    return ViewFor(call);
  }
};

}  // namespace securebase::api
