#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// The assumed correlation between goals (Kiresuk & Sherman 1968, Community Mental Health Journal
// 4(6):443–453).
inline constexpr double kGasCorrelation = 0.30;

// Points that a change between two ratings exceeds if it is reliable: Edbrooke-Childs, Jacob, Law,
// Deighton & Wolpert 2015, Child and Adolescent Mental Health 20(3):142–148, from ratings by
// parents in CAMHS. Provisional: one source, another population.
inline constexpr double kGboReliableChange = 2.45;

// Goals an owner has at a time (Law & Jacob 2015, Goals and Goal Based Outcomes, 3rd edition).
inline constexpr int kMaxActiveGboGoals = 3;

struct WeightedLevel {
  double weight = 1;  // above 0
  int level = 0;      // −2 to +2
};

// T = 50 + 10·Σwx / sqrt((1−ρ)·Σw² + ρ·(Σw)²), not rounded. INVALID_ARGUMENT for no goals, a weight
// that is not above 0, or a level outside −2 to +2.
absl::StatusOr<double> GasTScore(const std::vector<WeightedLevel>& goals);

// Whether a value reaches a target. Figures that differ by less than 1e-9 are equal, as in
// outcomes.
bool Meets(double value, outcomes::v1::Comparator comparator, double target);

// What a difference between two GBO ratings, or the mean of several, amounts to: reliable where it
// exceeds kGboReliableChange, as any reliable change index does. With its derivation.
v1::RatingChange JudgeGboChange(double difference);

// The level that a GAS goal starts from, by its anchor: −1 or −2.
int StartLevel(const v1::GasMeasure& gas);

// Its weight, 1 where it is unset.
double Weight(const v1::GasMeasure& gas);

// Its target, 10 where it is unset.
int Target(const v1::GboMeasure& gbo);

}  // namespace securebase::goals
