#include "services/episodes/rules/settings.h"

#include "gtest/gtest.h"
#include "tests/testing/golden.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes {
namespace {

using testing::FromText;

TEST(PracticeSettings, DefaultsAreThese) {
  securebase::testing::ExpectGolden("practice_settings_defaults.txtpb",
                                    WithDefaults({}).DebugString());
}

TEST(PracticeSettings, ADefaultReplacesNothingThatIsSet) {
  const auto set = FromText<v1::PracticeSettings>(R"pb(
    time_zone: "Europe/Berlin"
    review_interval_days: 30
    supervisor_signature_required: false
    participant_consent_required: false
    solo_practice: true
    house_rules {
      risk_escalation_hours: 1
      escalation_staff: "dr-lee"
      on_track_assessments: 2
      on_track_fraction: 0.25
      alliance_fall: 1
      alliance_floor: 2
      alliance_split: 2
      missed_in_a_row: 3
      stuck_ratings: 5
      smallest_group: 5
    }
  )pb");
  EXPECT_EQ(WithDefaults(set).DebugString(), set.DebugString());
}

TEST(PracticeSettings, OnlyNamesOfTheZoneDatabaseAreZones) {
  v1::PracticeSettings settings;
  EXPECT_TRUE(CheckSettings(settings).empty());
  for (const char* zone : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    settings.set_time_zone(zone);
    EXPECT_TRUE(CheckSettings(settings).empty()) << zone;
  }
  for (const char* zone : {"Mars/Base", "CET+1", "localtime", "Fixed/UTC+05:00:00", "/etc/passwd",
                           "../zoneinfo/UTC", "europe berlin", "Europe/"}) {
    settings.set_time_zone(zone);
    ASSERT_EQ(CheckSettings(settings).size(), 1u) << zone;
    EXPECT_EQ(CheckSettings(settings)[0].field, "settings.time_zone");
  }
}

}  // namespace
}  // namespace securebase::episodes
