#include "gmock/gmock.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "tests/unit/episodes/episodes_fixture.h"

namespace securebase::episodes {
namespace {

using securebase::testing::HasViolation;
using securebase::testing::IsError;

class SettingsTest : public testing::EpisodesFixture {
 protected:
  absl::StatusOr<v1::PracticeSettings> Get(const std::string& practice = "p1") {
    return Do(&EpisodeHandlers::GetPracticeSettings, System(practice),
              absl::StrCat("name: 'practices/", practice, "/settings'"));
  }
  absl::StatusOr<v1::PracticeSettings> Update(const std::string& settings,
                                              const std::string& more = "") {
    return Do(&EpisodeHandlers::UpdatePracticeSettings, System(),
              absl::StrCat("settings { name: 'practices/p1/settings' ", settings, " } ", more));
  }
};

TEST_F(SettingsTest, AreAtTheirDefaultsUntilSomebodyChangesThem) {
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings settings, Get());
  EXPECT_EQ(settings.name(), "practices/p1/settings");
  EXPECT_EQ(settings.etag(), "");
  EXPECT_EQ(settings.time_zone(), "UTC");
  EXPECT_EQ(settings.review_interval_days(), 90);
}

TEST_F(SettingsTest, AnUpdateKeepsTheRestAtDefaultsOfEachPractice) {
  ASSERT_OK_AND_ASSIGN(
      const v1::PracticeSettings updated,
      Update("time_zone: 'Europe/Berlin' house_rules { stuck_ratings: 6 }",
             "update_mask { paths: 'time_zone' paths: 'house_rules.stuck_ratings' }"));
  EXPECT_EQ(updated.review_interval_days(), 90);
  EXPECT_FALSE(updated.etag().empty());
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings read, Get());
  EXPECT_EQ(read.DebugString(), updated.DebugString());
  EXPECT_EQ(read.house_rules().stuck_ratings(), 6);
  EXPECT_EQ(read.house_rules().smallest_group(), 11);
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings other, Get("p2"));
  EXPECT_EQ(other.time_zone(), "UTC");

  ASSERT_OK(Update("review_interval_days: 30"));
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings again, Get());
  EXPECT_EQ(again.time_zone(), "Europe/Berlin");
  EXPECT_EQ(again.review_interval_days(), 30);
  // Clearing a field brings its default back.
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings reset,
                       Update("", "update_mask { paths: 'time_zone' }"));
  EXPECT_EQ(reset.time_zone(), "UTC");
}

TEST_F(SettingsTest, AStaleEtagIsRefused) {
  EXPECT_THAT(Update("solo_practice: true etag: 'v1'"),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK_AND_ASSIGN(const v1::PracticeSettings first, Update("solo_practice: true"));
  const std::string etag = absl::StrCat("etag: '", first.etag(), "'");
  EXPECT_OK(Update("review_interval_days: 30 " + etag));
  EXPECT_THAT(Update("review_interval_days: 60 " + etag),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
}

TEST_F(SettingsTest, AnUnknownZoneIsRefused) {
  EXPECT_THAT(Update("time_zone: 'Mars/Base'"), HasViolation("settings.time_zone"));
}

}  // namespace
}  // namespace securebase::episodes
