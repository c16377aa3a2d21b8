#include "services/plans/rules/lifecycle.h"

#include "services/platform/base/transition_table.h"

namespace securebase::plans::rules {
namespace {

const TransitionTable<PlanStatus>& Transitions() {
  static const auto* const kTable = new TransitionTable<PlanStatus>(
      StatusWord,
      {{v1::PLAN_STATUS_DRAFT,
        {v1::PLAN_STATUS_ACTIVE, v1::PLAN_STATUS_REVOKED, v1::PLAN_STATUS_ENTERED_IN_ERROR}},
       {v1::PLAN_STATUS_ACTIVE,
        {v1::PLAN_STATUS_ON_HOLD, v1::PLAN_STATUS_COMPLETED, v1::PLAN_STATUS_REVOKED,
         v1::PLAN_STATUS_ENTERED_IN_ERROR}},
       {v1::PLAN_STATUS_ON_HOLD,
        {v1::PLAN_STATUS_ACTIVE, v1::PLAN_STATUS_COMPLETED, v1::PLAN_STATUS_REVOKED,
         v1::PLAN_STATUS_ENTERED_IN_ERROR}},
       {v1::PLAN_STATUS_COMPLETED, {v1::PLAN_STATUS_ENTERED_IN_ERROR}},
       {v1::PLAN_STATUS_REVOKED, {v1::PLAN_STATUS_ENTERED_IN_ERROR}}});
  return *kTable;
}

}  // namespace

std::string StatusWord(PlanStatus status) {
  return v1::PlanStatus_Name(status).substr(sizeof("PLAN_STATUS_") - 1);
}

bool CanTransition(PlanStatus from, PlanStatus to) { return Transitions().Allows(from, to); }

std::vector<PlanStatus> AllowedTransitions(PlanStatus from) { return Transitions().From(from); }

absl::Status CheckTransition(PlanStatus from, PlanStatus to) {
  return Transitions().Check(from, to);
}

bool HasEnded(PlanStatus status) {
  return status == v1::PLAN_STATUS_COMPLETED || status == v1::PLAN_STATUS_REVOKED ||
         status == v1::PLAN_STATUS_ENTERED_IN_ERROR;
}

}  // namespace securebase::plans::rules
