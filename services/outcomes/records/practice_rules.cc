#include "services/outcomes/records/practice_rules.h"

#include <algorithm>

#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/settings.h"
#include "services/outcomes/rules/summary.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {

PracticeRules MakePracticeRules(const episodes::v1::PracticeSettings& settings) {
  const episodes::v1::HouseRules& house = settings.house_rules();
  PracticeRules rules;
  rules.signals.on_track_assessments = house.on_track_assessments();
  rules.signals.on_track_fraction = house.on_track_fraction();
  rules.signals.alliance_fall = house.alliance_fall();
  rules.signals.alliance_floor = house.alliance_floor();
  rules.signals.alliance_split = house.alliance_split();
  rules.signals.missed_in_a_row = house.missed_in_a_row();
  rules.risk_escalation = absl::Hours(house.risk_escalation_hours());
  rules.escalation_staff.assign(house.escalation_staff().begin(), house.escalation_staff().end());
  rules.time_zone = settings.time_zone();
  rules.smallest_group = std::max(house.smallest_group(), kLeastSmallestGroup);
  return rules;
}

absl::StatusOr<PracticeRules> ReadPracticeRules(const records::Reader& reader) {
  SB_ASSIGN_OR_RETURN(const auto stored, reader.Find(episodes::SettingsKind(),
                                                     FormatName(episodes::kSettingsPattern,
                                                                {reader.call().practice()})));
  return MakePracticeRules(
      episodes::WithDefaults(stored.value_or(episodes::v1::PracticeSettings())));
}

}  // namespace securebase::outcomes
