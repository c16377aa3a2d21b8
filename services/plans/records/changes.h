#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/episode.h"
#include "services/plans/rules/library.h"
#include "services/platform/records/database.h"

// The steps that changes of plans are made of, each within a transaction.
namespace securebase::plans {

// A revision as it is shown: with its content. DATA_LOSS as StatementOf.
absl::StatusOr<v1::Revision> WithContent(v1::Revision revision);

// The techniques of these names that exist, built-in or the practice's own. FAILED_PRECONDITION
// (TECHNIQUE_CONTRAINDICATED) when a name is that of a contraindicated one.
absl::StatusOr<std::map<std::string, v1::Technique>> FindTechniques(
    const records::Reader& reader, const rules::PlanLibrary& library,
    const std::vector<std::string>& names);

// A technique of the library as the practice sees it.
v1::Technique ForPractice(const v1::Technique& built_in, absl::string_view practice);

// Makes `content` the plan's latest revision: fills in its subjects, checks it against the episode
// and the catalogue (violations below `field`), records the revision, and sets content and latest
// revision of `plan`, which the caller has read and then writes. Errors are those of
// FindTechniques, INVALID_ARGUMENT, and ABORTED (CONFLICT) when somebody else revised the plan
// meanwhile.
absl::StatusOr<v1::Revision> AddRevision(records::Write& write, const rules::PlanLibrary& library,
                                         const rules::Episode& episode, v1::PlanContent content,
                                         absl::string_view change_reason, absl::string_view field,
                                         v1::Plan& plan);

// The latest revision of a plan, with its content, whether or not the caller may see it.
absl::StatusOr<v1::Revision> LatestRevision(const records::Reader& reader, const v1::Plan& plan);

// Records a screening (with name and episode) of the plan.
absl::StatusOr<v1::Screening> AddScreening(records::Write& write, const v1::Plan& plan,
                                           v1::Screening screening);

// The plan's screenings, newest first, 200 at most. The transaction does not commit if another is
// recorded meanwhile.
absl::StatusOr<std::vector<v1::Screening>> NewestScreenings(records::Write& write,
                                                            const v1::Plan& plan);

// Records that the plan wants the schedules of `content`; null: none. The work is done by
// ScheduleWorker once the transaction is committed.
absl::Status WantSchedules(records::Write& write, const v1::Plan& plan,
                           const v1::PlanContent* content);

// Fills in schedules, those that the caller may see, and schedules_pending.
absl::Status FillSchedules(const records::Reader& reader, v1::Plan& plan);

}  // namespace securebase::plans
