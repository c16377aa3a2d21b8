#include "services/outcomes/rules/schedule.h"

#include <string>

#include "gtest/gtest.h"

namespace securebase::outcomes {
namespace {

v1::Schedule Weekly(absl::Time start, const std::string& zone) {
  v1::Schedule schedule;
  schedule.mutable_start_time()->set_seconds(absl::ToUnixSeconds(start));
  schedule.set_time_zone(zone);
  schedule.set_cadence_weeks(1);
  schedule.set_window_days(2);
  schedule.set_expiry_days(5);
  return schedule;
}

absl::Time Local(int month, int day, int hour, const std::string& zone) {
  absl::TimeZone loaded;
  EXPECT_TRUE(absl::LoadTimeZone(zone, &loaded));
  return absl::FromCivil(absl::CivilHour(2026, month, day, hour), loaded);
}

absl::Time Seconds(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds());
}

constexpr char kBerlin[] = "Europe/Berlin";

TEST(ScheduleTest, KeepsTheTimeOfDayWhenSummerTimeBegins) {
  const v1::Schedule schedule = Weekly(Local(3, 25, 9, kBerlin), kBerlin);
  // Summer time begins on 29 March 2026.
  EXPECT_EQ(OccurrenceOf(schedule, 1).due, Local(4, 1, 9, kBerlin));
  EXPECT_EQ(OccurrenceOf(schedule, 1).due - OccurrenceOf(schedule, 0).due, absl::Hours(7 * 24 - 1));
  EXPECT_EQ(OccurrenceOf(schedule, 1).open, Local(3, 30, 9, kBerlin));
  EXPECT_EQ(OccurrenceOf(schedule, 1).expire, Local(4, 6, 9, kBerlin));
}

TEST(ScheduleTest, EveryMomentBelongsToOneOccurrence) {
  for (const std::string zone : {"UTC", "Europe/Berlin", "America/New_York"}) {
    const v1::Schedule schedule = Weekly(Local(2, 1, 2, zone), zone);
    EXPECT_EQ(OccurrenceAt(schedule, OccurrenceOf(schedule, 0).open - absl::Seconds(1)),
              std::nullopt);
    for (int number = 0; number < 60; ++number) {
      const absl::Time open = OccurrenceOf(schedule, number).open;
      EXPECT_EQ(OccurrenceAt(schedule, open), number) << zone;
      if (number > 0) {
        EXPECT_EQ(OccurrenceAt(schedule, open - absl::Seconds(1)), number - 1) << zone;
      }
    }
  }
}

TEST(ScheduleTest, CountsEveryMissedOccurrenceHoweverLongNobodyLooked) {
  v1::Schedule schedule = Weekly(Local(1, 5, 9, "UTC"), "UTC");
  EXPECT_FALSE(CountMisses(Local(1, 10, 9, "UTC") - absl::Seconds(1), schedule));
  EXPECT_EQ(CountedMisses(schedule), 0);
  EXPECT_TRUE(CountMisses(Local(1, 10, 9, "UTC"), schedule));
  EXPECT_EQ(CountedMisses(schedule), 1);
  EXPECT_EQ(Seconds(schedule.next_check_time()), Local(1, 17, 9, "UTC"));
  EXPECT_TRUE(CountMisses(Local(3, 30, 9, "UTC"), schedule));
  EXPECT_EQ(CountedMisses(schedule), 12);
  EXPECT_FALSE(CountMisses(Local(3, 30, 9, "UTC"), schedule));
}

TEST(ScheduleTest, ALateAnswerCountsForItsOccurrenceAndWhatCameAfterStaysMissed) {
  v1::Schedule schedule = Weekly(Local(1, 5, 9, "UTC"), "UTC");
  ASSERT_TRUE(CountMisses(Local(1, 24, 9, "UTC"), schedule));
  EXPECT_EQ(CountedMisses(schedule), 3);
  AddScheduleAnswer("a1", Local(1, 13, 9, "UTC"), schedule);  // the second
  EXPECT_EQ(CountedMisses(schedule), 1);
  AddScheduleAnswer("a2", Local(1, 20, 9, "UTC"), schedule);  // the third
  EXPECT_EQ(CountedMisses(schedule), 0);
  RemoveScheduleAnswer("a2", schedule);
  EXPECT_EQ(CountedMisses(schedule), 1);
  EXPECT_EQ(schedule.answered_through(), 1);
  RemoveScheduleAnswer("a1", schedule);
  EXPECT_FALSE(schedule.has_answered_through());
}

TEST(ScheduleTest, AnAnswerBeforeTheFirstOpeningAnswersNothing) {
  v1::Schedule schedule = Weekly(Local(1, 5, 9, "UTC"), "UTC");
  AddScheduleAnswer("a1", Local(1, 3, 8, "UTC"), schedule);
  EXPECT_EQ(schedule.answers_size(), 0);
  AddScheduleAnswer("a1", Local(1, 3, 9, "UTC"), schedule);
  EXPECT_EQ(schedule.answers_size(), 1);
}

TEST(ScheduleTest, DueFollowsTheClock) {
  v1::Schedule schedule = Weekly(Local(1, 5, 9, "UTC"), "UTC");
  EXPECT_EQ(ComputeDue(schedule, Local(1, 3, 8, "UTC")).state(), v1::DUE_STATE_UPCOMING);
  EXPECT_EQ(ComputeDue(schedule, Local(1, 3, 9, "UTC")).state(), v1::DUE_STATE_DUE);
  EXPECT_EQ(ComputeDue(schedule, Local(1, 10, 8, "UTC")).state(), v1::DUE_STATE_DUE);
  const v1::DueAssessment late = ComputeDue(schedule, Local(1, 10, 9, "UTC"));
  EXPECT_EQ(late.state(), v1::DUE_STATE_OVERDUE);
  EXPECT_EQ(late.occurrence(), 1);
  EXPECT_EQ(late.missed_in_a_row(), 1);
  AddScheduleAnswer("a1", Local(1, 11, 9, "UTC"), schedule);
  EXPECT_EQ(ComputeDue(schedule, Local(1, 11, 10, "UTC")).state(), v1::DUE_STATE_UPCOMING);
}

TEST(ScheduleTest, DefaultsFitEveryCadence) {
  v1::InstrumentDefinition definition;
  for (int weeks = 1; weeks <= 104; ++weeks) {
    v1::Schedule schedule;
    schedule.set_cadence_weeks(weeks);
    EXPECT_TRUE(CompleteSchedule(definition, "schedule", schedule).empty()) << weeks;
    EXPECT_LE(schedule.window_days() + schedule.expiry_days(), 7 * weeks);
    EXPECT_EQ(schedule.expiry_days(), weeks == 1 ? 5 : weeks == 2 ? 12 : 14);
  }
  v1::Schedule none;
  EXPECT_EQ(CompleteSchedule(definition, "schedule", none)[0].field, "schedule.cadence_weeks");
}

}  // namespace
}  // namespace securebase::outcomes
