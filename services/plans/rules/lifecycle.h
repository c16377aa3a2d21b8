#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/plan.pb.h"

// A plan's life: FHIR's CarePlan.status.
namespace securebase::plans::rules {

using v1::PlanStatus;

// The status as the API says it: "ON_HOLD".
std::string StatusWord(PlanStatus status);

// draft -> active <-> on-hold; active or on-hold -> completed or revoked; draft -> revoked;
// entered-in-error from any. Nothing leads out of completed, revoked or entered-in-error but the
// last. A status does not lead to itself.
bool CanTransition(PlanStatus from, PlanStatus to);

// The statuses that `from` leads to, in the order of the enum.
std::vector<PlanStatus> AllowedTransitions(PlanStatus from);

// FAILED_PRECONDITION (TRANSITION_NOT_ALLOWED), naming what is allowed.
absl::Status CheckTransition(PlanStatus from, PlanStatus to);

// Whether the plan has ended: completed, revoked or entered in error.
bool HasEnded(PlanStatus status);

}  // namespace securebase::plans::rules
