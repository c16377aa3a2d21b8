#pragma once

#include <vector>

#include "securebase/episodes/v1/episode.pb.h"
#include "services/platform/base/error.h"

namespace securebase::episodes {

// `stored` with the default in every field that is 0, empty or unset. The defaults are named in the
// comments of proto/securebase/episodes/v1/episode.proto; those of house_rules are this project's
// own decisions, no published ones.
v1::PracticeSettings WithDefaults(v1::PracticeSettings stored);

// Everything that is wrong with the settings, by path under "settings": the time zone must be one
// of the IANA database, as installed where the service runs.
std::vector<FieldViolation> CheckSettings(const v1::PracticeSettings& settings);

}  // namespace securebase::episodes
