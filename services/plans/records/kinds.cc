#include "services/plans/records/kinds.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/plans/rules/content.h"
#include "services/plans/rules/digest.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::plans {
namespace {

using records::SortableTime;
using records::SortKey;
using storage::IndexEntry;

// Names of indexes, which are stored: never to be changed.
constexpr char kAllPlans[] = "plan.all";
constexpr char kPlansOfEpisode[] = "plan.episode";
constexpr char kPlansByReview[] = "plan.review";
constexpr char kRevisionsOfPlan[] = "revision.plan";
constexpr char kScreeningsOfPlan[] = "screening.plan";
constexpr char kReviewsOfPlan[] = "review.plan";
constexpr char kSessionsOfEpisode[] = "session.episode";
constexpr char kAllTechniques[] = "technique.all";
constexpr char kDueWork[] = "plan-schedules.due";

std::string ToSortable(const google::protobuf::Timestamp& time) {
  return SortableTime(api::FromProto(time));
}

std::string ToSortable(absl::CivilDay day) { return absl::FormatCivilTime(day); }

records::Query Below(const char* index, absl::string_view parent) {
  return {.index = index, .prefix = SortKey({LastId(parent), ""})};
}

}  // namespace

const records::Kind<v1::Plan>& PlanKind() {
  static const auto* kind = new records::Kind<v1::Plan>{
      "plan",
      [](const v1::Plan& plan) {
        return records::Access{LastId(plan.episode()), rules::DataSubjects(plan.content())};
      },
      [](const v1::Plan& plan) {
        const std::string time = ToSortable(plan.create_time());
        std::vector<IndexEntry> entries = {
            {kAllPlans, time}, {kPlansOfEpisode, SortKey({LastId(plan.episode()), time})}};
        if (plan.has_review_due_date()) {
          entries.push_back({kPlansByReview, ToSortable(FromPartialDate(plan.review_due_date()))});
        }
        return entries;
      }};
  return *kind;
}

const records::Kind<v1::Revision>& RevisionKind() {
  static const auto* kind = new records::Kind<v1::Revision>{
      "revision",
      [](const v1::Revision& revision) {
        v1::RevisionStatement statement;
        statement.ParseFromString(revision.signed_bytes());
        return records::Access{LastId(revision.episode()),
                               rules::DataSubjects(statement.content())};
      },
      [](const v1::Revision& revision) {
        return std::vector<IndexEntry>{
            {kRevisionsOfPlan, SortKey({LastId(PlanOf(revision.name())),
                                        absl::StrFormat("%06d", revision.number())})}};
      }};
  return *kind;
}

const records::Kind<v1::Screening>& ScreeningKind() {
  static const auto* kind = new records::Kind<v1::Screening>{
      "screening",
      [](const v1::Screening& screening) {
        return records::Access{LastId(screening.episode()), {screening.participant()}};
      },
      [](const v1::Screening& screening) {
        return std::vector<IndexEntry>{
            {kScreeningsOfPlan,
             SortKey({LastId(PlanOf(screening.name())), ToSortable(screening.screen_time()),
                      ToSortable(screening.create_time())})}};
      }};
  return *kind;
}

const records::Kind<v1::Review>& ReviewKind() {
  static const auto* kind = new records::Kind<v1::Review>{
      "review",
      [](const v1::Review& review) {
        return records::Access{LastId(review.episode()),
                               {review.subjects().begin(), review.subjects().end()}};
      },
      [](const v1::Review& review) {
        return std::vector<IndexEntry>{
            {kReviewsOfPlan,
             SortKey({LastId(PlanOf(review.name())), ToSortable(review.create_time())})}};
      }};
  return *kind;
}

const records::Kind<v1::Session>& SessionKind() {
  static const auto* kind = new records::Kind<v1::Session>{
      "session",
      [](const v1::Session& session) {
        return records::Access{LastId(session.episode()),
                               {session.participants().begin(), session.participants().end()}};
      },
      [](const v1::Session& session) {
        return std::vector<IndexEntry>{
            {kSessionsOfEpisode,
             SortKey({LastId(session.episode()), ToSortable(session.start_time())})}};
      }};
  return *kind;
}

const records::Kind<v1::Technique>& TechniqueKind() {
  static const auto* kind = new records::Kind<v1::Technique>{
      "technique", [](const v1::Technique&) { return records::Access(); },
      [](const v1::Technique& technique) {
        return std::vector<IndexEntry>{{kAllTechniques, LastId(technique.name())}};
      }};
  return *kind;
}

const records::Kind<stored::ScheduleWork>& ScheduleWorkKind() {
  static const auto* kind = new records::Kind<stored::ScheduleWork>{
      "plan-schedules",
      [](const stored::ScheduleWork& work) {
        return records::Access{LastId(work.episode()),
                               {work.subjects().begin(), work.subjects().end()}};
      },
      [](const stored::ScheduleWork& work) {
        std::vector<IndexEntry> entries;
        if (work.has_next_attempt_time()) {
          entries.push_back({kDueWork, ToSortable(work.next_attempt_time())});
        }
        return entries;
      },
      /*journaled=*/false};
  return *kind;
}

const records::Kind<stored::PlanScreenings>& PlanScreeningsKind() {
  static const auto* kind = new records::Kind<stored::PlanScreenings>{
      "plan-screenings",
      [](const stored::PlanScreenings& screenings) {
        return records::Access{LastId(screenings.episode()), {}};
      },
      [](const stored::PlanScreenings&) { return std::vector<IndexEntry>(); },
      /*journaled=*/false};
  return *kind;
}

records::Query AllPlans() { return {.index = kAllPlans, .by_episode = kPlansOfEpisode}; }
records::Query PlansOfEpisode(absl::string_view episode) { return Below(kPlansOfEpisode, episode); }
records::Query RevisionsOfPlan(absl::string_view plan) { return Below(kRevisionsOfPlan, plan); }
records::Query ScreeningsOfPlan(absl::string_view plan) { return Below(kScreeningsOfPlan, plan); }
records::Query ReviewsOfPlan(absl::string_view plan) { return Below(kReviewsOfPlan, plan); }
records::Query SessionsOfEpisode(absl::string_view episode) {
  return Below(kSessionsOfEpisode, episode);
}
records::Query PlansByReviewDate(absl::CivilDay before) {
  return {.index = kPlansByReview, .until = ToSortable(before), .by_episode = kPlansOfEpisode};
}
records::Query AllTechniques() { return {.index = kAllTechniques}; }
records::Query DueScheduleWork(absl::Time now) {
  return {.index = kDueWork, .until = SortableTime(now + absl::Microseconds(1))};
}

std::string RevisionName(absl::string_view plan, int number) {
  return absl::StrCat(plan, "/revisions/", number);
}

std::string ScheduleWorkName(absl::string_view plan) { return absl::StrCat(plan, "/schedules"); }

std::string PlanScreeningsName(absl::string_view plan) { return absl::StrCat(plan, "/screenings"); }

std::string PlanOf(absl::string_view name) {
  // practices/p/plans/x/…: up to the fourth slash
  size_t end = 0;
  for (int slashes = 0; end < name.size(); ++end) {
    if (name[end] == '/' && ++slashes == 4) {
      break;
    }
  }
  return std::string(name.substr(0, end));
}

absl::StatusOr<v1::RevisionStatement> StatementOf(const v1::Revision& revision) {
  v1::RevisionStatement statement;
  if (rules::Sha256Hex(revision.signed_bytes()) != revision.digest() ||
      !statement.ParseFromString(revision.signed_bytes())) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kDataLoss,
                     absl::StrCat("the content of ", revision.name(), " cannot be read"));
  }
  return statement;
}

type::v1::PartialDate ToPartialDate(absl::CivilDay day) {
  type::v1::PartialDate date;
  date.set_year(static_cast<int>(day.year()));
  date.set_month(day.month());
  date.set_day(day.day());
  return date;
}

absl::CivilDay FromPartialDate(const type::v1::PartialDate& date) {
  return absl::CivilDay(date.year(), date.month(), date.day());
}

}  // namespace securebase::plans
