#include "services/plans/handlers/schedule_worker.h"

#include <string>

#include "tests/unit/plans/handlers/plans_fixture.h"

namespace securebase::plans {
namespace {

using ::testing::IsEmpty;

class ScheduleWorkerTest : public PlansFixture {
 protected:
  ScheduleWorkerTest() : worker_(MakeWorker("one")) {}

  ScheduleWorker MakeWorker(const std::string& owner) {
    return ScheduleWorker(database_, {&episodes_, &goals_, &outcomes_}, fixture_.clock(),
                          fixture_.ids(), owner);
  }
  ScheduleWorker::Result Run() {
    const auto result = worker_.Run();
    EXPECT_OK(result);
    EXPECT_EQ(result->failures, 0);
    return *result;
  }
  v1::Plan Plan() { return *Get(Staff()); }

  ScheduleWorker worker_;
};

TEST_F(ScheduleWorkerTest, CreatesOneScheduleForEachInformantOfAnActivePlan) {
  CreateActivePlan();
  EXPECT_EQ(Run().done, 2);
  EXPECT_FALSE(Plan().schedules_pending());
  ASSERT_EQ(outcomes_.Active(), 2);
  const v1::Plan plan = Plan();
  for (const v1::PlanSchedule& schedule : plan.schedules()) {
    EXPECT_EQ(schedule.state(), v1::SCHEDULE_STATE_ACTIVE);
    const outcomes::v1::Schedule& made = outcomes_.schedules.at(schedule.schedule());
    EXPECT_EQ(made.plan(), kPlan);
    EXPECT_EQ(made.episode(), kEpisode);
    EXPECT_EQ(made.informant(), schedule.informant());
    EXPECT_EQ(made.cadence_weeks(), 6);
  }
  EXPECT_EQ(outcomes_.last_creator, "staff:dr-a via plans");
}

TEST_F(ScheduleWorkerTest, DoesNothingTwice) {
  CreateActivePlan();
  Run();
  EXPECT_EQ(Run().done, 0);
  EXPECT_EQ(outcomes_.creates, 2);
}

TEST_F(ScheduleWorkerTest, LeavesThePlansEtagAlone) {
  CreateActivePlan();
  const std::string etag = Plan().etag();
  Run();
  EXPECT_EQ(Plan().etag(), etag);
}

TEST_F(ScheduleWorkerTest, TriesAgainLaterAndLaterUntilItIsDone) {
  CreateActivePlan();
  outcomes_.status = NeighbourDown();
  EXPECT_EQ(Run().left, 2);
  EXPECT_TRUE(Plan().schedules_pending());
  EXPECT_EQ(Plan().schedules(0).last_error(), "NEIGHBOUR_UNAVAILABLE");
  EXPECT_EQ(outcomes_.creates, 2);
  Run();  // not due yet
  EXPECT_EQ(outcomes_.creates, 2);
  fixture_.clock().Advance(RetryDelay(1));
  Run();
  EXPECT_EQ(outcomes_.creates, 4);
  fixture_.clock().Advance(RetryDelay(1));
  Run();  // the second delay is longer
  EXPECT_EQ(outcomes_.creates, 4);
  fixture_.clock().Advance(RetryDelay(2));
  outcomes_.status = absl::OkStatus();
  EXPECT_EQ(Run().done, 2);
  EXPECT_FALSE(Plan().schedules_pending());
  EXPECT_THAT(Plan().schedules(0).last_error(), IsEmpty());
}

// An instrument that the catalogue lacks does not come to be there by waiting.
TEST_F(ScheduleWorkerTest, GivesUpWhatIsWrongInItself) {
  CreateActivePlan();
  outcomes_.status = InvalidFields({{"schedule.instrument", "is not in the catalogue"}});
  Run();
  EXPECT_FALSE(Plan().schedules_pending());
  EXPECT_EQ(Plan().schedules(0).state(), v1::SCHEDULE_STATE_PENDING);
  EXPECT_EQ(Plan().schedules(0).last_error(), "INVALID_FIELDS");
  EXPECT_EQ(outcomes_.creates, 2);
  fixture_.clock().Advance(absl::Hours(24));
  Run();
  EXPECT_EQ(outcomes_.creates, 2);
  outcomes_.status = absl::OkStatus();
  ASSERT_OK(Transition(v1::PLAN_STATUS_ON_HOLD));
  ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
  Run();
  EXPECT_EQ(outcomes_.Active(), 2);
}

TEST_F(ScheduleWorkerTest, WaitsLongerEachTimeUpToALimit) {
  EXPECT_EQ(RetryDelay(1), absl::Seconds(5));
  EXPECT_EQ(RetryDelay(2), absl::Seconds(10));
  EXPECT_EQ(RetryDelay(7), absl::Seconds(320));
  EXPECT_EQ(RetryDelay(1000000), ScheduleWorker::kMaxDelay);
}

// The schedule was made and the answer lost: the next attempt finds it and makes no other.
TEST_F(ScheduleWorkerTest, RecognizesWhatItMadeWithoutHearingOfIt) {
  CreateActivePlan();
  outcomes_.lose_answers = true;
  Run();
  EXPECT_TRUE(Plan().schedules_pending());
  EXPECT_EQ(outcomes_.Active(), 2);
  outcomes_.lose_answers = false;
  fixture_.clock().Advance(RetryDelay(1));
  Run();
  EXPECT_FALSE(Plan().schedules_pending());
  EXPECT_EQ(outcomes_.schedules.size(), 2U);
}

TEST_F(ScheduleWorkerTest, LeavesAScheduleOfSomebodyElsesAloneAndWaits) {
  CreateActivePlan();
  outcomes_.taken["ben"] = 1;
  Run();
  EXPECT_EQ(outcomes_.Active(), 1);
  EXPECT_EQ(Plan().schedules(1).last_error(), "ALREADY_EXISTS");
  outcomes_.taken.clear();
  fixture_.clock().Advance(RetryDelay(1));
  Run();
  EXPECT_EQ(outcomes_.Active(), 2);
}

TEST_F(ScheduleWorkerTest, AsksForConsentAgain) {
  CreateActivePlan();
  episodes_.consents[kEpisode]["ben"] = episodes::v1::CONSENT_STATE_MISSING;
  Run();
  EXPECT_EQ(outcomes_.Active(), 1);
  EXPECT_EQ(Plan().schedules(1).state(), v1::SCHEDULE_STATE_PENDING);
  EXPECT_EQ(Plan().schedules(1).last_error(), "CONSENT_MISSING");
  episodes_.consents[kEpisode]["ben"] = episodes::v1::CONSENT_STATE_GIVEN;
  fixture_.clock().Advance(RetryDelay(1));
  Run();
  EXPECT_EQ(outcomes_.Active(), 2);
}

TEST_F(ScheduleWorkerTest, AHoldAndAnEndEndThemByTheServiceItself) {
  for (const auto status : {v1::PLAN_STATUS_ON_HOLD, v1::PLAN_STATUS_COMPLETED}) {
    if (status == v1::PLAN_STATUS_ON_HOLD) {
      CreateActivePlan();
      Run();
      ASSERT_OK(Transition(status));
    } else {
      ASSERT_OK(Transition(v1::PLAN_STATUS_ACTIVE));
      Run();
      EXPECT_EQ(outcomes_.Active(), 2);  // resumed: made anew
      ASSERT_OK(Transition(status));
    }
    EXPECT_TRUE(Plan().schedules_pending());
    Run();
    EXPECT_EQ(outcomes_.Active(), 0);
    EXPECT_FALSE(Plan().schedules_pending());
    EXPECT_EQ(outcomes_.last_ender, "service:plans");
  }
  EXPECT_EQ(outcomes_.schedules.size(), 4U);
}

TEST_F(ScheduleWorkerTest, EndsWhatItMayHaveMadeAndWhatOthersEnded) {
  CreateActivePlan();
  outcomes_.lose_answers = true;
  Run();
  ASSERT_OK(Transition(v1::PLAN_STATUS_REVOKED));
  outcomes_.schedules.begin()->second.set_status(outcomes::v1::SCHEDULE_STATUS_COMPLETED);
  Run();
  EXPECT_EQ(outcomes_.Active(), 0);
  EXPECT_FALSE(Plan().schedules_pending());
}

TEST_F(ScheduleWorkerTest, WorkForAPlanThatWasNeverKnownThereIsDoneToo) {
  CreateActivePlan();
  ASSERT_OK(Transition(v1::PLAN_STATUS_REVOKED));
  Run();
  EXPECT_FALSE(Plan().schedules_pending());
  EXPECT_THAT(outcomes_.schedules, IsEmpty());
}

TEST_F(ScheduleWorkerTest, AdoptingARevisionMovesOnlyWhatChanged) {
  CreateActivePlan();
  Run();
  v1::PlanContent content = Content();
  content.mutable_measures(1)->set_cadence_weeks(2);
  ASSERT_OK(Revise(content));
  SignByAll(2);
  ASSERT_OK(Adopt());
  Run();
  EXPECT_EQ(outcomes_.Active(), 2);
  EXPECT_EQ(outcomes_.schedules.size(), 3U);
}

TEST_F(ScheduleWorkerTest, LeavesAPracticeToTheWorkerThatHasIt) {
  CreateActivePlan();
  ASSERT_OK(fixture_.store().AcquireLease({}, "p1", "plan-schedules", "two", absl::Minutes(1)));
  EXPECT_EQ(Run().done, 0);
  EXPECT_EQ(outcomes_.creates, 0);
  fixture_.clock().Advance(absl::Minutes(1));
  EXPECT_EQ(Run().done, 2);
  // And gives it up afterwards.
  EXPECT_OK(fixture_.store().AcquireLease({}, "p1", "plan-schedules", "two", absl::Minutes(1)));
}

// Another worker took over while this one was waiting for the outcomes service: what this one found
// out is not written over the other's.
TEST_F(ScheduleWorkerTest, DoesNotWriteOnceItsLeaseIsLost) {
  CreateActivePlan();
  class SlowOutcomes : public FakeOutcomes {
   public:
    explicit SlowOutcomes(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}
    absl::Status CreateSchedule(const api::Call& call, const std::string& id,
                                const outcomes::v1::Schedule& schedule) override {
      meanwhile_();
      return FakeOutcomes::CreateSchedule(call, id, schedule);
    }

   private:
    std::function<void()> meanwhile_;
  };
  SlowOutcomes slow([this] {
    fixture_.clock().Advance(ScheduleWorker::kLease);
    EXPECT_OK(fixture_.store().AcquireLease({}, "p1", "plan-schedules", "two", absl::Hours(1)));
  });
  ScheduleWorker worker(database_, {&episodes_, &goals_, &slow}, fixture_.clock(), fixture_.ids(),
                        "one");
  const auto result = worker.Run();
  ASSERT_OK(result);
  EXPECT_EQ(result->failures, 1);
  EXPECT_TRUE(Plan().schedules_pending());
  EXPECT_EQ(Plan().schedules(0).state(), v1::SCHEDULE_STATE_PENDING);
}

// The plan is put on hold while its schedules are being made: none of them stays.
TEST_F(ScheduleWorkerTest, AChangeOnTheWayIsNotOverwritten) {
  CreateActivePlan();
  class Interrupted : public FakeOutcomes {
   public:
    std::function<void()> once;
    absl::Status CreateSchedule(const api::Call& call, const std::string& id,
                                const outcomes::v1::Schedule& schedule) override {
      if (once != nullptr) {
        std::exchange(once, nullptr)();
      }
      return FakeOutcomes::CreateSchedule(call, id, schedule);
    }
  };
  Interrupted outcomes;
  outcomes.once = [this] { EXPECT_OK(Transition(v1::PLAN_STATUS_ON_HOLD)); };
  ScheduleWorker worker(database_, {&episodes_, &goals_, &outcomes}, fixture_.clock(),
                        fixture_.ids(), "one");
  ASSERT_OK(worker.Run());
  EXPECT_EQ(outcomes.Active(), 2);
  ASSERT_OK(worker.Run());
  EXPECT_EQ(outcomes.Active(), 0);
  EXPECT_FALSE(Plan().schedules_pending());
}

}  // namespace
}  // namespace securebase::plans
