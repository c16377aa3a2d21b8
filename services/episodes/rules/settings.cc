#include "services/episodes/rules/settings.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"

namespace securebase::episodes {
namespace {

// The name becomes a path below the zone database when it is loaded, so nothing that could lead
// elsewhere is tried. "localtime" would mean another zone on each machine.
bool IsTimeZone(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' ||
           c == '+';
  });
  absl::TimeZone zone;
  return plain && name.front() != '/' && name != "localtime" && absl::LoadTimeZone(name, &zone);
}

}  // namespace

v1::PracticeSettings WithDefaults(v1::PracticeSettings stored) {
  const auto fill = [](auto value, auto fallback) { return value == 0 ? fallback : value; };
  if (stored.time_zone().empty()) {
    stored.set_time_zone("UTC");
  }
  stored.set_review_interval_days(fill(stored.review_interval_days(), 90));
  if (!stored.has_supervisor_signature_required()) {
    stored.set_supervisor_signature_required(true);
  }
  if (!stored.has_participant_consent_required()) {
    stored.set_participant_consent_required(true);
  }
  v1::HouseRules& rules = *stored.mutable_house_rules();
  rules.set_risk_escalation_hours(fill(rules.risk_escalation_hours(), 24));
  rules.set_on_track_assessments(fill(rules.on_track_assessments(), 4));
  rules.set_on_track_fraction(fill(rules.on_track_fraction(), 0.5));
  rules.set_alliance_fall(fill(rules.alliance_fall(), 0.5));
  rules.set_alliance_floor(fill(rules.alliance_floor(), 3.0));
  rules.set_alliance_split(fill(rules.alliance_split(), 1.0));
  rules.set_missed_in_a_row(fill(rules.missed_in_a_row(), 2));
  rules.set_stuck_ratings(fill(rules.stuck_ratings(), 4));
  rules.set_smallest_group(fill(rules.smallest_group(), 11));
  return stored;
}

std::vector<FieldViolation> CheckSettings(const v1::PracticeSettings& settings) {
  if (!settings.time_zone().empty() && !IsTimeZone(settings.time_zone())) {
    return {{"settings.time_zone", "must be a time zone of the IANA database: \"Europe/Berlin\""}};
  }
  return {};
}

}  // namespace securebase::episodes
