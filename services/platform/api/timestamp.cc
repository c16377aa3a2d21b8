#include "services/platform/api/timestamp.h"

#include <algorithm>

namespace securebase::api {
namespace {

// RFC 3339's range, which Timestamp has too.
constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  const absl::Time first = absl::FromUnixSeconds(kFirstSecond);
  const absl::Time last = absl::FromUnixSeconds(kLastSecond);
  const absl::Time clamped = std::min(std::max(time, first), last);
  const int64_t seconds = absl::ToUnixSeconds(clamped);  // rounds towards the past
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(clamped - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

}  // namespace securebase::api
