#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "securebase/goals/v1/goal.pb.h"

namespace securebase::goals {

// Goals and ratings for tests, valid unless a test changes them.

inline v1::Goal GboGoal(int target = 10, const std::string& owner = "anna") {
  v1::Goal goal;
  goal.set_name("practices/p1/goals/g1");
  goal.set_episode("practices/p1/episodes/e1");
  goal.set_owner(owner);
  goal.set_statement("Say what I need before I shout");
  goal.set_domain(v1::GOAL_DOMAIN_COMMUNICATION);
  goal.mutable_gbo()->set_target(target);
  goal.set_lifecycle_status(v1::GOAL_LIFECYCLE_STATUS_ACTIVE);
  return goal;
}

inline v1::Goal GasGoal(v1::GasAnchor anchor = v1::GAS_ANCHOR_MINUS_ONE,
                        const std::string& owner = "anna", double weight = 1) {
  v1::Goal goal = GboGoal(10, owner);
  goal.mutable_gas()->set_anchor(anchor);
  goal.mutable_gas()->set_weight(weight);
  for (int level = -2; level <= 2; ++level) {
    v1::GasLevel& described = *goal.mutable_gas()->add_levels();
    described.set_level(level);
    described.set_description(absl::StrCat("calm evenings in a week: ", level + 3));
  }
  return goal;
}

inline v1::Goal ScaleGoal() {
  v1::Goal goal = GboGoal();
  v1::ScaleMeasure& scale = *goal.mutable_scale();
  scale.set_instrument("phq-9");
  scale.set_scale("total");
  scale.set_subject("anna");
  scale.set_informant("anna");
  scale.set_comparator(outcomes::v1::COMPARATOR_BELOW);
  scale.set_target(10);
  return goal;
}

inline v1::Informant Participant(const std::string& id) {
  v1::Informant informant;
  informant.set_kind(v1::INFORMANT_KIND_PARTICIPANT);
  informant.set_participant(id);
  return informant;
}

inline v1::Informant Clinician() {
  v1::Informant informant;
  informant.set_kind(v1::INFORMANT_KIND_CLINICIAN);
  return informant;
}

// Given and recorded at second `time`.
inline v1::Rating MakeRating(int value, int64_t time,
                             const v1::Informant& informant = Participant("anna")) {
  v1::Rating rating;
  rating.set_name(absl::StrCat("practices/p1/goals/g1/ratings/r", time));
  *rating.mutable_informant() = informant;
  rating.set_value(value);
  rating.mutable_rating_time()->set_seconds(time);
  rating.mutable_create_time()->set_seconds(time);
  return rating;
}

}  // namespace securebase::goals
