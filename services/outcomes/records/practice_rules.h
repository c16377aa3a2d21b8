#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "services/outcomes/rules/signals.h"
#include "services/platform/records/database.h"

namespace securebase::outcomes {

// What outcomes needs of a practice's settings.
struct PracticeRules {
  SignalRules signals;
  absl::Duration risk_escalation;
  std::vector<std::string> escalation_staff;
  std::string time_zone;   // IANA
  int smallest_group = 0;  // at least kLeastSmallestGroup
};

// From settings with their defaults filled in.
PracticeRules MakePracticeRules(const episodes::v1::PracticeSettings& settings);

// Those of the caller's practice.
absl::StatusOr<PracticeRules> ReadPracticeRules(const records::Reader& reader);

}  // namespace securebase::outcomes
