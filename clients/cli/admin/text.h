#pragma once

#include <string>

#include "absl/time/time.h"

namespace securebase::cli {

// "2026-01-01T09:00:00Z"
inline std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace securebase::cli
