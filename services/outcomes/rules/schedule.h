#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "services/platform/base/error.h"

// When something is due. Occurrence n is due n × cadence weeks after the first one, at the same
// time of day in the schedule's zone, so that a change to summer time moves nothing for people.
// Every time between two openings belongs to the earlier occurrence, late answers included, so each
// answer belongs to exactly one.
namespace securebase::outcomes {

// The times of one occurrence.
struct OccurrenceTimes {
  int number = 0;
  absl::Time open;    // it may be answered from here on
  absl::Time due;     // it should be answered by now
  absl::Time expire;  // unanswered, it is missed from here on
};

// Fills in what the client left out: cadence (the definition's), window (2 days) and expiry (14
// days, or what the cadence leaves); house rules but for the cadence. Returns what is wrong with
// the rest, by path under `field` ("schedule"): no cadence, or window + expiry longer than the
// cadence.
std::vector<FieldViolation> CompleteSchedule(const v1::InstrumentDefinition& definition,
                                             const std::string& field, v1::Schedule& schedule);

// `number` from 0. Times beyond the year 9999 are absl::InfiniteFuture. The zone is
// schedule.time_zone, UTC when it is unknown to this machine.
OccurrenceTimes OccurrenceOf(const v1::Schedule& schedule, int number);

// The occurrence that an answer at `time` belongs to; nothing before the first opens.
std::optional<int> OccurrenceAt(const v1::Schedule& schedule, absl::Time time);

// What is to be answered at `now` under an active schedule.
v1::DueAssessment ComputeDue(const v1::Schedule& schedule, absl::Time now);

// The first occurrence that has neither been answered nor counted as missed, and nothing before it
// has been left out: the one whose expiry must be looked at next.
int NextToCheck(const v1::Schedule& schedule);

// Missed since the last answer, as counted so far.
int CountedMisses(const v1::Schedule& schedule);

// Records that `assessment` answers the schedule at `answered`, or takes back what it answered
// before. next_check_time follows.
void AddScheduleAnswer(const std::string& assessment, absl::Time answered, v1::Schedule& schedule);
void RemoveScheduleAnswer(const std::string& assessment, v1::Schedule& schedule);

// Counts every occurrence that has expired by `now` as missed. Returns whether any was.
bool CountMisses(absl::Time now, v1::Schedule& schedule);

// When the next occurrence that nobody answered opens: where the schedule stands in a list of what
// is waiting.
absl::Time WaitingSince(const v1::Schedule& schedule);

}  // namespace securebase::outcomes
