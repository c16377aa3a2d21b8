#pragma once

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace securebase::api {

// absl::Time <-> google.protobuf.Timestamp, to the nanosecond. Times beyond the years 1 to 9999
// take the nearest end.
google::protobuf::Timestamp ToProto(absl::Time time);
absl::Time FromProto(const google::protobuf::Timestamp& timestamp);

}  // namespace securebase::api
