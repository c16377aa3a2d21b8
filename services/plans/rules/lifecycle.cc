#include "services/plans/rules/lifecycle.h"

#include "services/platform/base/error.h"

namespace securebase::plans::rules {
namespace {

constexpr PlanStatus kStatuses[] = {v1::PLAN_STATUS_DRAFT,   v1::PLAN_STATUS_ACTIVE,
                                    v1::PLAN_STATUS_ON_HOLD, v1::PLAN_STATUS_COMPLETED,
                                    v1::PLAN_STATUS_REVOKED, v1::PLAN_STATUS_ENTERED_IN_ERROR};

}  // namespace

std::string StatusWord(PlanStatus status) {
  return v1::PlanStatus_Name(status).substr(sizeof("PLAN_STATUS_") - 1);
}

bool CanTransition(PlanStatus from, PlanStatus to) {
  if (to == v1::PLAN_STATUS_ENTERED_IN_ERROR) {
    return from != v1::PLAN_STATUS_ENTERED_IN_ERROR && from != v1::PLAN_STATUS_UNSPECIFIED;
  }
  switch (from) {
    case v1::PLAN_STATUS_DRAFT:
      return to == v1::PLAN_STATUS_ACTIVE || to == v1::PLAN_STATUS_REVOKED;
    case v1::PLAN_STATUS_ACTIVE:
      return to == v1::PLAN_STATUS_ON_HOLD || to == v1::PLAN_STATUS_COMPLETED ||
             to == v1::PLAN_STATUS_REVOKED;
    case v1::PLAN_STATUS_ON_HOLD:
      return to == v1::PLAN_STATUS_ACTIVE || to == v1::PLAN_STATUS_COMPLETED ||
             to == v1::PLAN_STATUS_REVOKED;
    default:
      return false;
  }
}

std::vector<std::string> AllowedFrom(PlanStatus from) {
  std::vector<std::string> allowed;
  for (const PlanStatus to : kStatuses) {
    if (CanTransition(from, to)) {
      allowed.push_back(StatusWord(to));
    }
  }
  return allowed;
}

absl::Status CheckTransition(PlanStatus from, PlanStatus to) {
  if (CanTransition(from, to)) {
    return absl::OkStatus();
  }
  return TransitionNotAllowed(StatusWord(from), StatusWord(to), AllowedFrom(from));
}

bool HasEnded(PlanStatus status) {
  return status == v1::PLAN_STATUS_COMPLETED || status == v1::PLAN_STATUS_REVOKED ||
         status == v1::PLAN_STATUS_ENTERED_IN_ERROR;
}

}  // namespace securebase::plans::rules
