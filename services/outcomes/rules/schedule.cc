#include "services/outcomes/rules/schedule.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/platform/api/timestamp.h"

namespace securebase::outcomes {
namespace {

constexpr int kDefaultWindowDays = 2;
constexpr int kDefaultExpiryDays = 14;
constexpr int kMaxAnswersKept = 10;

absl::TimeZone ZoneOf(const v1::Schedule& schedule) {
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(schedule.time_zone(), &zone);
  return zone;
}

// `days` later at the same time of day. FromCivil takes the time after a gap, and the first of a
// repeated hour.
absl::Time AddDays(absl::Time time, int64_t days, absl::TimeZone zone) {
  const absl::TimeZone::CivilInfo info = zone.At(time);
  const absl::CivilSecond later(info.cs.year(), info.cs.month(), info.cs.day() + days,
                                info.cs.hour(), info.cs.minute(), info.cs.second());
  return absl::FromCivil(later, zone) + info.subsecond;
}

void UpdateCheckTime(v1::Schedule& schedule) {
  *schedule.mutable_next_check_time() =
      api::ToProto(OccurrenceOf(schedule, NextToCheck(schedule)).expire);
}

}  // namespace

std::vector<FieldViolation> CompleteSchedule(const v1::InstrumentDefinition& definition,
                                             const std::string& field, v1::Schedule& schedule) {
  if (schedule.cadence_weeks() == 0) {
    schedule.set_cadence_weeks(definition.cadence_weeks());
  }
  if (schedule.cadence_weeks() == 0) {
    return {{absl::StrCat(field, ".cadence_weeks"),
             "the instrument proposes no cadence; give one of 1 to 104 weeks"}};
  }
  const int cadence_days = 7 * schedule.cadence_weeks();
  if (!schedule.has_window_days()) {
    schedule.set_window_days(
        schedule.has_expiry_days()
            ? std::clamp(cadence_days - schedule.expiry_days(), 0, kDefaultWindowDays)
            : kDefaultWindowDays);
  }
  if (!schedule.has_expiry_days()) {
    schedule.set_expiry_days(
        std::max(1, std::min(kDefaultExpiryDays, cadence_days - schedule.window_days())));
  }
  if (schedule.window_days() + schedule.expiry_days() > cadence_days) {
    return {{absl::StrCat(field, ".expiry_days"),
             absl::StrCat("window_days and expiry_days together must not exceed the cadence of ",
                          cadence_days, " days")}};
  }
  return {};
}

OccurrenceTimes OccurrenceOf(const v1::Schedule& schedule, int number) {
  const absl::TimeZone zone = ZoneOf(schedule);
  OccurrenceTimes occurrence;
  occurrence.number = number;
  occurrence.due = AddDays(api::FromProto(schedule.start_time()),
                           int64_t{7} * schedule.cadence_weeks() * number, zone);
  occurrence.open = AddDays(occurrence.due, -schedule.window_days(), zone);
  occurrence.expire = AddDays(occurrence.due, schedule.expiry_days(), zone);
  return occurrence;
}

std::optional<int> OccurrenceAt(const v1::Schedule& schedule, absl::Time time) {
  const absl::Time first = OccurrenceOf(schedule, 0).open;
  if (time < first) {
    return std::nullopt;
  }
  // Within an hour of the truth, whatever the zone does; the loop settles which side it is on.
  int number = static_cast<int>(absl::ToInt64Hours(time - first + absl::Hours(2)) /
                                (int64_t{24} * 7 * schedule.cadence_weeks()));
  while (number > 0 && time < OccurrenceOf(schedule, number).open) {
    --number;
  }
  return number;
}

int NextToCheck(const v1::Schedule& schedule) {
  const int answered = schedule.has_answered_through() ? schedule.answered_through() : -1;
  const int missed = schedule.has_missed_through() ? schedule.missed_through() : -1;
  return std::max(answered, missed) + 1;
}

int CountedMisses(const v1::Schedule& schedule) {
  const int answered = schedule.has_answered_through() ? schedule.answered_through() : -1;
  const int missed = schedule.has_missed_through() ? schedule.missed_through() : -1;
  return std::max(0, missed - answered);
}

v1::DueAssessment ComputeDue(const v1::Schedule& schedule, absl::Time now) {
  const int answered = schedule.has_answered_through() ? schedule.answered_through() : -1;
  int current = answered + 1;
  // The newest occurrence that has opened, if that is later: those before it are missed.
  const std::optional<int> opened = OccurrenceAt(schedule, now);
  if (opened.has_value() && *opened > current) {
    current = *opened;
  }
  OccurrenceTimes occurrence = OccurrenceOf(schedule, current);
  if (occurrence.expire <= now) {
    occurrence = OccurrenceOf(schedule, ++current);
  }
  v1::DueAssessment due;
  *due.mutable_schedule() = schedule;
  due.set_occurrence(current);
  *due.mutable_open_time() = api::ToProto(occurrence.open);
  *due.mutable_due_time() = api::ToProto(occurrence.due);
  *due.mutable_expire_time() = api::ToProto(occurrence.expire);
  due.set_missed_in_a_row(current - answered - 1);
  due.set_state(due.missed_in_a_row() > 0 ? v1::DUE_STATE_OVERDUE
                : occurrence.open <= now  ? v1::DUE_STATE_DUE
                                          : v1::DUE_STATE_UPCOMING);
  return due;
}

void AddScheduleAnswer(const std::string& assessment, absl::Time answered, v1::Schedule& schedule) {
  RemoveScheduleAnswer(assessment, schedule);
  const std::optional<int> number = OccurrenceAt(schedule, answered);
  if (!number.has_value()) {
    return;
  }
  std::vector<v1::ScheduleAnswer> answers(schedule.answers().begin(), schedule.answers().end());
  v1::ScheduleAnswer& added = answers.emplace_back();
  added.set_occurrence(*number);
  added.set_assessment(assessment);
  std::stable_sort(answers.begin(), answers.end(),
                   [](const v1::ScheduleAnswer& a, const v1::ScheduleAnswer& b) {
                     return a.occurrence() < b.occurrence();
                   });
  if (answers.size() > kMaxAnswersKept) {
    answers.erase(answers.begin());
  }
  schedule.clear_answers();
  for (v1::ScheduleAnswer& answer : answers) {
    *schedule.add_answers() = std::move(answer);
  }
  schedule.set_answered_through(schedule.answers().rbegin()->occurrence());
  UpdateCheckTime(schedule);
}

void RemoveScheduleAnswer(const std::string& assessment, v1::Schedule& schedule) {
  auto* answers = schedule.mutable_answers();
  const auto end = std::remove_if(
      answers->begin(), answers->end(),
      [&](const v1::ScheduleAnswer& answer) { return answer.assessment() == assessment; });
  if (end == answers->end()) {
    return;
  }
  answers->erase(end, answers->end());
  schedule.clear_answered_through();
  if (!answers->empty()) {
    schedule.set_answered_through(answers->rbegin()->occurrence());
  }
  UpdateCheckTime(schedule);
}

bool CountMisses(absl::Time now, v1::Schedule& schedule) {
  const int next = NextToCheck(schedule);
  int missed = next - 1;
  // Not one by one: a schedule that nobody looked at for years has missed hundreds.
  const std::optional<int> opened = OccurrenceAt(schedule, now);
  if (opened.has_value()) {
    missed =
        std::max(missed, OccurrenceOf(schedule, *opened).expire <= now ? *opened : *opened - 1);
  }
  const bool any = missed >= next;
  if (any) {
    schedule.set_missed_through(missed);
  }
  UpdateCheckTime(schedule);
  return any;
}

absl::Time WaitingSince(const v1::Schedule& schedule) {
  const int answered = schedule.has_answered_through() ? schedule.answered_through() : -1;
  return OccurrenceOf(schedule, answered + 1).open;
}

}  // namespace securebase::outcomes
