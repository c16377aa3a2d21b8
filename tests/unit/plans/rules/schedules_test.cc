#include "services/plans/rules/schedules.h"

#include <set>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/platform/base/resource_name.h"

namespace securebase::plans::rules {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kPlan[] = "practices/p/plans/x";

v1::PlanContent Content(const char* text) {
  v1::PlanContent content;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &content));
  return content;
}

v1::PlanContent Couple() {
  return Content(R"(measures { id: "m1" instrument: "csi" subject: "a" informants: ["a", "b"]
                               cadence_weeks: 6 }
                    measures { id: "m2" instrument: "core" subject: "b" informants: "b"
                               cadence_weeks: 1 })");
}

std::vector<v1::PlanSchedule> InState(std::vector<v1::PlanSchedule> schedules,
                                      v1::ScheduleState state) {
  for (v1::PlanSchedule& schedule : schedules) {
    schedule.set_state(state);
  }
  return schedules;
}

TEST(SchedulesTest, OneForEachMeasureAndInformant) {
  const auto wanted = WantedSchedules(kPlan, Couple(), 1);
  ASSERT_THAT(wanted, SizeIs(3));
  EXPECT_EQ(wanted[1].informant(), "b");
  EXPECT_EQ(wanted[1].subject(), "a");
  EXPECT_EQ(wanted[2].cadence_weeks(), 1);
}

TEST(SchedulesTest, IdsAreTheSameForTheSameWorkAndElseDiffer) {
  const auto first = WantedSchedules(kPlan, Couple(), 1);
  EXPECT_EQ(first[0].id(), WantedSchedules(kPlan, Couple(), 1)[0].id());
  std::set<std::string> ids = {first[0].id(), first[1].id(), first[2].id(),
                               WantedSchedules(kPlan, Couple(), 2)[0].id(),
                               WantedSchedules("practices/p/plans/y", Couple(), 1)[0].id()};
  EXPECT_THAT(ids, SizeIs(5));
  EXPECT_TRUE(IsValidId(first[0].id()));
}

TEST(ReconcileTest, CreatesWhatIsWantedAnew) {
  const auto result = Reconcile({}, WantedSchedules(kPlan, Couple(), 1));
  ASSERT_THAT(result, SizeIs(3));
  EXPECT_TRUE(AnyPending(result));
}

TEST(ReconcileTest, KeepsWhatIsStillWanted) {
  const auto present = InState(WantedSchedules(kPlan, Couple(), 1), v1::SCHEDULE_STATE_ACTIVE);
  const auto result = Reconcile(present, WantedSchedules(kPlan, Couple(), 2));
  ASSERT_THAT(result, SizeIs(3));
  EXPECT_EQ(result[0].id(), present[0].id());
  EXPECT_FALSE(AnyPending(result));
}

TEST(ReconcileTest, EndsWhatIsNotWantedEvenWhenItMayNotExistYet) {
  for (const auto state : {v1::SCHEDULE_STATE_ACTIVE, v1::SCHEDULE_STATE_PENDING}) {
    const auto result = Reconcile(InState(WantedSchedules(kPlan, Couple(), 1), state), {});
    ASSERT_THAT(result, SizeIs(3));
    for (const v1::PlanSchedule& schedule : result) {
      EXPECT_EQ(schedule.state(), v1::SCHEDULE_STATE_ENDING);
    }
  }
}

TEST(ReconcileTest, TriesAnewWhatWasGivenUp) {
  auto present = InState(WantedSchedules(kPlan, Couple(), 1), v1::SCHEDULE_STATE_PENDING);
  for (v1::PlanSchedule& schedule : present) {
    schedule.set_last_error("NEIGHBOUR_UNAVAILABLE");
  }
  EXPECT_TRUE(AnyPending(present));
  for (v1::PlanSchedule& schedule : present) {
    schedule.set_last_error("INVALID_FIELDS");
    EXPECT_TRUE(IsGivenUp(schedule));
  }
  EXPECT_FALSE(AnyPending(present));
  EXPECT_TRUE(AnyPending(Reconcile(present, WantedSchedules(kPlan, Couple(), 2))));
}

TEST(ReconcileTest, AnotherCadenceIsAnotherSchedule) {
  v1::PlanContent changed = Couple();
  changed.mutable_measures(1)->set_cadence_weeks(2);
  const auto result =
      Reconcile(InState(WantedSchedules(kPlan, Couple(), 1), v1::SCHEDULE_STATE_ACTIVE),
                WantedSchedules(kPlan, changed, 2));
  ASSERT_THAT(result, SizeIs(4));
  EXPECT_EQ(result[2].state(), v1::SCHEDULE_STATE_ENDING);
  EXPECT_EQ(result[3].state(), v1::SCHEDULE_STATE_PENDING);
  EXPECT_EQ(result[3].cadence_weeks(), 2);
}

TEST(ReconcileTest, ResumingAfterAHoldMakesNewOnes) {
  const auto ending =
      Reconcile(InState(WantedSchedules(kPlan, Couple(), 1), v1::SCHEDULE_STATE_ACTIVE), {});
  const auto resumed = Reconcile(ending, WantedSchedules(kPlan, Couple(), 2));
  ASSERT_THAT(resumed, SizeIs(6));
  EXPECT_NE(resumed[0].id(), resumed[3].id());
  EXPECT_THAT(Reconcile(InState(ending, v1::SCHEDULE_STATE_ENDED), {}), IsEmpty());
}

}  // namespace
}  // namespace securebase::plans::rules
