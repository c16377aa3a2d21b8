#include "services/goals/rules/progress.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "services/goals/rules/scores.h"

namespace securebase::goals {
namespace {

std::pair<int64_t, int32_t> TimeKey(const google::protobuf::Timestamp& time) {
  return {time.seconds(), time.nanos()};
}

v1::RatingPoint ToPoint(const v1::Rating& rating) {
  v1::RatingPoint point;
  point.set_rating(rating.name());
  point.set_value(rating.value());
  *point.mutable_rating_time() = rating.rating_time();
  return point;
}

void Append(const v1::Rating& rating, v1::InformantProgress& progress) {
  const v1::RatingPoint point = ToPoint(rating);
  if (progress.count() == 0) {
    *progress.mutable_informant() = rating.informant();
    *progress.mutable_baseline() = point;
    *progress.mutable_best() = point;
    progress.set_unmoved(1);
  } else {
    progress.set_unmoved(point.value() == progress.latest().value() ? progress.unmoved() + 1 : 1);
    *progress.mutable_previous() = progress.latest();
    if (point.value() > progress.best().value()) {
      *progress.mutable_best() = point;
    }
  }
  *progress.mutable_latest() = point;
  progress.set_count(progress.count() + 1);
}

}  // namespace

std::string InformantKey(const v1::Informant& informant) {
  return informant.kind() == v1::INFORMANT_KIND_PARTICIPANT
             ? absl::StrCat("participant/", informant.participant())
             : "clinician";
}

bool RatedBefore(const v1::Rating& a, const v1::Rating& b) {
  return std::make_tuple(TimeKey(a.rating_time()), TimeKey(a.create_time()), a.name()) <
         std::make_tuple(TimeKey(b.rating_time()), TimeKey(b.create_time()), b.name());
}

v1::InformantProgress FoldRatings(std::vector<v1::Rating> ratings) {
  std::sort(ratings.begin(), ratings.end(), RatedBefore);
  v1::InformantProgress progress;
  for (const v1::Rating& rating : ratings) {
    if (!rating.has_error_time()) {
      Append(rating, progress);
    }
  }
  return progress;
}

bool AddRating(const v1::Rating& rating, v1::InformantProgress& progress) {
  // A rating of the same instant goes the long way round: its place depends on the other's name.
  if (progress.count() > 0 &&
      TimeKey(rating.rating_time()) <= TimeKey(progress.latest().rating_time())) {
    return false;
  }
  Append(rating, progress);
  return true;
}

void Judge(const v1::Goal& goal, int stuck_ratings, v1::InformantProgress& progress) {
  if (progress.count() == 0) {
    return;
  }
  const int target = goal.has_gas() ? 0 : Target(goal.gbo());
  const bool reached = progress.latest().value() >= target;
  const bool reached_before = progress.has_previous() && progress.previous().value() >= target;
  progress.set_stuck(!reached && progress.unmoved() >= stuck_ratings);

  v1::RatingChange& change = *progress.mutable_change();
  bool up = false;
  bool down = false;
  if (goal.has_gas()) {
    const int difference = progress.latest().value() - StartLevel(goal.gas());
    change.Clear();
    change.set_difference(difference);
    change.set_judgement(v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA);
    up = difference > 0;
    down = difference < 0;
  } else {
    change = JudgeGboChange(progress.latest().value() - progress.baseline().value());
    if (progress.count() < 2) {
      change.set_judgement(v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA);
    }
    up = change.judgement() == v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED;
    down = change.judgement() == v1::CHANGE_JUDGEMENT_RELIABLY_DETERIORATED;
  }

  progress.set_status(reached            ? (reached_before ? v1::ACHIEVEMENT_STATUS_SUSTAINING
                                                           : v1::ACHIEVEMENT_STATUS_ACHIEVED)
                      : up               ? v1::ACHIEVEMENT_STATUS_IMPROVING
                      : down             ? v1::ACHIEVEMENT_STATUS_WORSENING
                      : progress.stuck() ? v1::ACHIEVEMENT_STATUS_NO_CHANGE
                                         : v1::ACHIEVEMENT_STATUS_IN_PROGRESS);
}

}  // namespace securebase::goals
