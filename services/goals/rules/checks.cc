#include "services/goals/rules/checks.h"

#include "absl/strings/str_cat.h"

namespace securebase::goals {
namespace {

void CheckDay(const type::v1::PartialDate& date, absl::string_view field,
              std::vector<FieldViolation>& violations) {
  if (!ToCivilDay(date).has_value()) {
    violations.push_back({std::string(field), "must be a date with year, month and day"});
  }
}

}  // namespace

bool IsRated(const v1::Goal& goal) { return goal.has_gbo() || goal.has_gas(); }

std::optional<absl::CivilDay> ToCivilDay(const type::v1::PartialDate& date) {
  const absl::CivilDay day(date.year(), date.month(), date.day());
  // A civil day is normalised: 30 February becomes 2 March.
  if (day.year() != date.year() || day.month() != date.month() || day.day() != date.day()) {
    return std::nullopt;
  }
  return day;
}

std::vector<FieldViolation> GoalViolations(const v1::Goal& goal, absl::string_view field) {
  std::vector<FieldViolation> violations;
  if (goal.measure_case() == v1::Goal::MEASURE_NOT_SET) {
    violations.push_back(
        {absl::StrCat(field, ".measure"), "one of gbo, gas and scale must be set"});
  }
  if (goal.has_gas()) {
    for (int i = 0; i < goal.gas().levels_size(); ++i) {
      if (goal.gas().levels(i).level() != i - 2) {
        violations.push_back({absl::StrCat(field, ".gas.levels[", i, "].level"),
                              "the five levels must be -2, -1, 0, 1 and 2, in this order"});
      }
    }
  }
  if (goal.has_start_date()) {
    CheckDay(goal.start_date(), absl::StrCat(field, ".start_date"), violations);
  }
  if (goal.has_due_date()) {
    CheckDay(goal.due_date(), absl::StrCat(field, ".due_date"), violations);
  }
  if (goal.has_start_date() && goal.has_due_date()) {
    const auto start = ToCivilDay(goal.start_date());
    const auto due = ToCivilDay(goal.due_date());
    if (start.has_value() && due.has_value() && *due < *start) {
      violations.push_back({absl::StrCat(field, ".due_date"), "must not be before start_date"});
    }
  }
  return violations;
}

std::vector<FieldViolation> InformantViolations(const v1::Informant& informant,
                                                absl::string_view field) {
  const bool participant = informant.kind() == v1::INFORMANT_KIND_PARTICIPANT;
  if (participant && informant.participant().empty()) {
    return {{absl::StrCat(field, ".participant"), "must name the participant who rates"}};
  }
  if (!participant && !informant.participant().empty()) {
    return {{absl::StrCat(field, ".participant"), "must be empty unless kind is PARTICIPANT"}};
  }
  return {};
}

std::vector<FieldViolation> RatingViolations(const v1::Goal& goal, const v1::Rating& rating,
                                             absl::string_view field) {
  std::vector<FieldViolation> violations =
      InformantViolations(rating.informant(), absl::StrCat(field, ".informant"));
  if (goal.has_gbo() && (rating.value() < 0 || rating.value() > 10)) {
    violations.push_back({absl::StrCat(field, ".value"), "must be 0 to 10 for a GBO goal"});
  }
  if (goal.has_gas() && (rating.value() < -2 || rating.value() > 2)) {
    violations.push_back({absl::StrCat(field, ".value"), "must be -2 to 2 for a GAS goal"});
  }
  return violations;
}

}  // namespace securebase::goals
