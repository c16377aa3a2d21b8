#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "securebase/goals/v1/goal.pb.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/base/error.h"

namespace securebase::goals {

// What the field options in the proto cannot say. `field` is the path of the goal in the request,
// "goal". Every violation at once: a measure is missing; GAS levels that are not −2, −1, 0, +1, +2
// in this order; dates that are not known to the day; a due date before the start date.
std::vector<FieldViolation> GoalViolations(const v1::Goal& goal, absl::string_view field);

// A value outside of the goal's scale (0 to 10 for GBO, −2 to +2 for GAS); an informant of the
// wrong form. For goals measured by ratings only.
std::vector<FieldViolation> RatingViolations(const v1::Goal& goal, const v1::Rating& rating,
                                             absl::string_view field);

// PARTICIPANT with an id, or CLINICIAN without one.
std::vector<FieldViolation> InformantViolations(const v1::Informant& informant,
                                                absl::string_view field);

// Its measure is GBO or GAS.
bool IsRated(const v1::Goal& goal);

// The day, where the date is known to the day.
std::optional<absl::CivilDay> ToCivilDay(const type::v1::PartialDate& date);

}  // namespace securebase::goals
