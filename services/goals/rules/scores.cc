#include "services/goals/rules/scores.h"

#include <cmath>

#include "services/platform/base/error.h"

namespace securebase::goals {

absl::StatusOr<double> GasTScore(const std::vector<WeightedLevel>& goals) {
  double weighted = 0;
  double squares = 0;
  double sum = 0;
  for (const WeightedLevel& goal : goals) {
    // Negated, so that NaN is refused too.
    if (!(goal.weight > 0) || goal.level < -2 || goal.level > 2) {
      return InvalidFields({{"goals", "weights must be above 0 and levels from -2 to 2"}});
    }
    weighted += goal.weight * goal.level;
    squares += goal.weight * goal.weight;
    sum += goal.weight;
  }
  if (goals.empty()) {
    return InvalidFields({{"goals", "there must be at least one"}});
  }
  return 50 +
         10 * weighted / std::sqrt((1 - kGasCorrelation) * squares + kGasCorrelation * sum * sum);
}

bool Meets(double value, outcomes::v1::Comparator comparator, double target) {
  // Sums of decimal fractions are off by some 1e-14; no scale has a step below 1e-4.
  constexpr double kTolerance = 1e-9;
  switch (comparator) {
    case outcomes::v1::COMPARATOR_EXCEEDS:
      return value > target + kTolerance;
    case outcomes::v1::COMPARATOR_AT_LEAST:
      return value >= target - kTolerance;
    case outcomes::v1::COMPARATOR_BELOW:
      return value < target - kTolerance;
    case outcomes::v1::COMPARATOR_AT_MOST:
      return value <= target + kTolerance;
    default:
      return false;
  }
}

v1::RatingChange JudgeGboChange(double difference) {
  constexpr auto kComparator = outcomes::v1::COMPARATOR_EXCEEDS;
  v1::RatingChange change;
  change.set_difference(difference);
  change.set_threshold(kGboReliableChange);
  change.set_comparator(kComparator);
  change.set_provisional(true);
  change.set_source("Edbrooke-Childs et al. 2015");
  change.set_judgement(Meets(difference, kComparator, kGboReliableChange)
                           ? v1::CHANGE_JUDGEMENT_RELIABLY_IMPROVED
                       : Meets(-difference, kComparator, kGboReliableChange)
                           ? v1::CHANGE_JUDGEMENT_RELIABLY_DETERIORATED
                           : v1::CHANGE_JUDGEMENT_NO_RELIABLE_CHANGE);
  return change;
}

int StartLevel(const v1::GasMeasure& gas) {
  return gas.anchor() == v1::GAS_ANCHOR_MINUS_TWO ? -2 : -1;
}

double Weight(const v1::GasMeasure& gas) { return gas.has_weight() ? gas.weight() : 1; }

int Target(const v1::GboMeasure& gbo) { return gbo.has_target() ? gbo.target() : 10; }

}  // namespace securebase::goals
