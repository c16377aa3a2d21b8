#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"
#include "securebase/plans/v1/session.pb.h"
#include "services/plans/records/stored.pb.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

// What the plans service stores.
namespace securebase::plans {

inline constexpr char kPlanPattern[] = "practices/{practice}/plans/{plan}";
inline constexpr char kRevisionPattern[] = "practices/{practice}/plans/{plan}/revisions/{revision}";
inline constexpr char kSessionPattern[] = "practices/{practice}/sessions/{session}";
inline constexpr char kTechniquePattern[] = "practices/{practice}/techniques/{technique}";

// A plan holds its latest revision's content; it is its subjects' and everybody's whom the content
// mentions. `schedules` and `schedules_pending` are not stored with it.
const records::Kind<v1::Plan>& PlanKind();
// `content` is not stored: `signed_bytes` hold it, so that what is shown is what was signed.
const records::Kind<v1::Revision>& RevisionKind();
// The participant's alone.
const records::Kind<v1::Screening>& ScreeningKind();
const records::Kind<v1::Review>& ReviewKind();
const records::Kind<v1::Session>& SessionKind();
// The practice's own techniques.
const records::Kind<v1::Technique>& TechniqueKind();
const records::Kind<stored::ScheduleWork>& ScheduleWorkKind();
// Nobody's data in particular, and never shown. Not journaled: screenings are.
const records::Kind<stored::PlanScreenings>& PlanScreeningsKind();

// Oldest first.
records::Query AllPlans();
records::Query PlansOfEpisode(absl::string_view episode);
records::Query RevisionsOfPlan(absl::string_view plan);
records::Query ScreeningsOfPlan(absl::string_view plan);
records::Query ReviewsOfPlan(absl::string_view plan);
records::Query SessionsOfEpisode(absl::string_view episode);
// Plans whose review falls due before the day, the earliest first.
records::Query PlansByReviewDate(absl::CivilDay before);
// By code.
records::Query AllTechniques();
// Work to be tried at `now` or before, the longest waiting first.
records::Query DueScheduleWork(absl::Time now);

// "practices/p/plans/x/revisions/7" of the plan "practices/p/plans/x".
std::string RevisionName(absl::string_view plan, int number);
std::string ScheduleWorkName(absl::string_view plan);
std::string PlanScreeningsName(absl::string_view plan);
// "practices/p/plans/x" of what stands below it.
std::string PlanOf(absl::string_view name);

// The statement that the revision's signed bytes hold. DATA_LOSS when they cannot be read, or are
// not those of the digest.
absl::StatusOr<v1::RevisionStatement> StatementOf(const v1::Revision& revision);

// A day as the API says it, and back; the day must be complete.
type::v1::PartialDate ToPartialDate(absl::CivilDay day);
absl::CivilDay FromPartialDate(const type::v1::PartialDate& date);

}  // namespace securebase::plans
