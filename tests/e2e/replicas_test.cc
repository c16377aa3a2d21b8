// Several replicas of a service on one Redis: each answers as if it were the only one.

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/balancer.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/eventually.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::Each;

namespace outcomes = securebase::outcomes::v1;
namespace plans = securebase::plans::v1;

constexpr char kSubmitPath[] = "/securebase.outcomes.v1.OutcomesService/SubmitAssessment";

class ReplicasTest : public ::testing::Test {
 protected:
  // Of the caseload of dr-wren, from one replica of outcomes.
  absl::StatusOr<outcomes::GetCaseloadResponse> Caseload(const std::string& replica,
                                                         const std::string& known_etag) {
    outcomes::GetCaseloadRequest request;
    request.set_parent("practices/p1");
    request.set_known_etag(known_etag);
    return deployment_.Client(replica).Call<outcomes::GetCaseloadResponse>(
        Deployment::MethodPath("outcomes", "GetCaseload"), deployment_.AsStaff("dr-wren"), request);
  }

  absl::Status Submit(const std::string& replica, const std::string& id, int week, int answer) {
    return deployment_.Client(replica)
        .Call<outcomes::SubmitAssessmentResponse>(kSubmitPath, deployment_.AsSystem(),
                                                  PhqNine(id, "ada", week, answer))
        .status();
  }

  Deployment deployment_{DeploymentStore::kRedis};
};

// A poll of either replica sees what the other has just acknowledged, and only then something new.
TEST_F(ReplicasTest, DashboardsAreNeverStaleWhicheverReplicaAnswers) {
  constexpr int kSubmissions = 12;
  const std::vector<std::string> replicas = {"outcomes", "outcomes-2"};
  for (const std::string& replica : replicas) {
    ASSERT_OK(deployment_.Start(replica));
  }
  ASSERT_OK(OpenEpisode(deployment_, "ada"));
  std::vector<std::string> etags(replicas.size());
  for (size_t r = 0; r < replicas.size(); ++r) {
    ASSERT_OK_AND_ASSIGN(const auto empty, Caseload(replicas[r], ""));
    etags[r] = empty.etag();
  }
  for (int i = 0; i < kSubmissions; ++i) {
    const int answer = i % 4;
    ASSERT_OK(Submit(replicas[i % 2], absl::StrCat("a", i), i, answer));
    for (size_t r = 0; r < replicas.size(); ++r) {
      ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(replicas[r], etags[r]));
      ASSERT_FALSE(caseload.not_modified()) << replicas[r] << " after submission " << i;
      ASSERT_EQ(caseload.entries_size(), 1);
      EXPECT_EQ(caseload.entries(0).series(0).count(), i + 1);
      EXPECT_EQ(caseload.entries(0).series(0).latest(), 8 * answer);
      etags[r] = caseload.etag();
      ASSERT_OK_AND_ASSIGN(const auto unchanged, Caseload(replicas[r], etags[r]));
      EXPECT_TRUE(unchanged.not_modified());
    }
    // Not only the numbers: an etag of one replica is as good for the other.
    EXPECT_EQ(etags[0], etags[1]);
  }
}

// A follower of the journal may be answered by another replica each time.
TEST_F(ReplicasTest, TheJournalIsOneWhicheverReplicaAnswers) {
  const std::vector<std::string> replicas = {"outcomes", "outcomes-2"};
  for (const std::string& replica : replicas) {
    ASSERT_OK(deployment_.Start(replica));
  }
  ASSERT_OK(OpenEpisode(deployment_, "ada"));
  std::string token;
  std::vector<std::string> followed;
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK(Submit(replicas[i % 2], absl::StrCat("a", i), i, 1));
    bool more = true;
    for (int page = 0; more; ++page) {
      outcomes::ListJournalRequest request;
      request.set_parent("practices/p1");
      request.set_token(token);
      request.set_page_size(2);
      ASSERT_OK_AND_ASSIGN(const auto journal,
                           deployment_.Client(replicas[(i + page + 1) % 2])
                               .Call<outcomes::ListJournalResponse>(
                                   Deployment::MethodPath("outcomes", "ListJournal"),
                                   deployment_.AsSystem(), request));
      for (const auto& entry : journal.entries()) {
        followed.push_back(entry.resource());
      }
      token = journal.next_token();
      more = journal.more();
    }
    EXPECT_EQ(
        std::count(followed.begin(), followed.end(), absl::StrCat("practices/p1/assessments/a", i)),
        1);
  }
}

// What a replica promised to do is done by another when it dies, and done once.
TEST_F(ReplicasTest, AnotherReplicaDoesTheWorkOfOneThatDied) {
  ASSERT_OK(deployment_.StartAll());
  ASSERT_OK(deployment_.Start("plans-2"));
  ASSERT_OK(OpenEpisode(deployment_, "ada"));
  ASSERT_OK(ActivatePlan(deployment_, "ada"));
  deployment_.Kill("plans");
  const auto schedules_are_done = [&]() -> absl::Status {
    plans::GetPlanRequest request;
    request.set_name("practices/p1/plans/ada");
    SB_ASSIGN_OR_RETURN(const auto plan, deployment_.Client("plans-2").Call<plans::Plan>(
                                             Deployment::MethodPath("plans", "GetPlan"),
                                             deployment_.AsSystem(), request));
    return plan.schedules_pending() ? absl::UnavailableError(plan.ShortDebugString())
                                    : absl::OkStatus();
  };
  // The one that was killed may have held the lease of the work, of 45 s.
  ASSERT_OK(Eventually(schedules_are_done, absl::Minutes(2)));
  ASSERT_OK_AND_ASSIGN(
      const auto schedules,
      (deployment_.Call<outcomes::ListSchedulesResponse, outcomes::ListSchedulesRequest>(
          deployment_.AsSystem(), "outcomes", "ListSchedules",
          "parent: 'practices/p1' episode: 'practices/p1/episodes/ada' include_ended: true")));
  std::vector<outcomes::ScheduleStatus> states;
  std::set<std::string> instruments;
  for (const outcomes::Schedule& schedule : schedules.schedules()) {
    states.push_back(schedule.status());
    instruments.insert(schedule.instrument());
  }
  EXPECT_EQ(states.size(), 3u);
  EXPECT_EQ(instruments.size(), 3u);
  EXPECT_THAT(states, Each(outcomes::SCHEDULE_STATUS_ACTIVE));
}

// What an upgrade does: one replica after the other ends and starts again, under load. The client's
// own retry is all that callers need.
TEST_F(ReplicasTest, ARollingRestartLosesNoCall) {
  constexpr int kCallers = 8;
  constexpr int kRounds = 2;
  constexpr int kNoMoreNeeded = 1'000'000;  // the test has failed: nobody shall wait
  const std::vector<std::string> replicas = {"outcomes", "outcomes-2"};
  std::vector<int> ports;
  for (const std::string& replica : replicas) {
    ASSERT_OK(deployment_.Start(replica));
    ports.push_back(
        std::stoi(deployment_.address(replica).substr(deployment_.address(replica).find(':') + 1)));
  }
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_OK(OpenEpisode(deployment_, absl::StrCat("e", caller)));
  }
  const auto balancer = Balancer::Start(ports);
  ASSERT_NE(balancer, nullptr);
  const client::CallOptions as = deployment_.AsSystem();
  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::vector<std::set<std::string>> acknowledged(kCallers);
  std::vector<absl::Status> failure(kCallers);
  std::vector<std::unique_ptr<client::Client>> clients;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    clients.push_back(deployment_.ClientOf(absl::StrCat("127.0.0.1:", balancer->port())));
    callers.emplace_back([&, caller] {
      for (int i = 0; !done && failure[caller].ok(); ++i) {
        const std::string id = absl::StrCat("c", caller, "-", i);
        outcomes::SubmitAssessmentResponse response;
        failure[caller] = clients[caller]->CallMethod(
            kSubmitPath, as, PhqNine(id, absl::StrCat("e", caller), i % 40, i % 4), response);
        if (failure[caller].ok()) {
          acknowledged[caller].insert(absl::StrCat("practices/p1/assessments/", id));
          ++answered;
        } else {
          answered += kNoMoreNeeded;
        }
        answered.notify_one();
      }
    });
  }
  const auto wait_for_more = [&](int more) {
    const int enough = answered + more;
    for (int seen = answered; seen < enough; seen = answered.load()) {
      answered.wait(seen);
    }
  };
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& replica : replicas) {
      wait_for_more(40);
      ASSERT_OK_AND_ASSIGN(const int exit_code, deployment_.Stop(replica));
      EXPECT_EQ(exit_code, 0);
      wait_for_more(20);  // the other one serves meanwhile
      ASSERT_OK(deployment_.Start(replica));
    }
  }
  wait_for_more(40);
  done = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  for (int caller = 0; caller < kCallers; ++caller) {
    EXPECT_OK(failure[caller]);
    ASSERT_OK_AND_ASSIGN(const auto stored,
                         ListAssessments(deployment_, absl::StrCat("e", caller)));
    std::set<std::string> found;
    for (const auto& assessment : stored) {
      found.insert(assessment.name());
    }
    EXPECT_EQ(found.size(), stored.size());
    EXPECT_EQ(found, acknowledged[caller]);
  }
}

}  // namespace
}  // namespace securebase::testing
