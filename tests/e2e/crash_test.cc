// kill -9 under load: the promise that an acknowledged write is not lost, and that a repeated one
// happens once, seen from outside.

#include <atomic>
#include <map>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

constexpr char kSubmitPath[] = "/securebase.outcomes.v1.OutcomesService/SubmitAssessment";
constexpr int kCallers = 8;
constexpr int kRounds = 3;
constexpr int kCallsBeforeTheKill = 60;

// How often each assessment, by name, is listed.
absl::StatusOr<std::map<std::string, int>> CountStored(Deployment& deployment) {
  std::map<std::string, int> count;
  for (int caller = 0; caller < kCallers; ++caller) {
    SB_ASSIGN_OR_RETURN(const auto stored, ListAssessments(deployment, absl::StrCat("e", caller)));
    for (const auto& assessment : stored) {
      ++count[assessment.name()];
    }
  }
  return count;
}

TEST(CrashTest, AcknowledgedSubmissionsSurviveAKillAndRepeatedOnesHappenOnce) {
  Deployment deployment;
  ASSERT_OK(deployment.Start("outcomes"));
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_OK(OpenEpisode(deployment, absl::StrCat("e", caller)));
  }

  std::vector<std::string> acknowledged;
  std::vector<outcomes::v1::SubmitAssessmentRequest> unknown;
  for (int round = 0; round < kRounds; ++round) {
    client::Client& client = deployment.Client("outcomes");
    const client::CallOptions as = deployment.AsSystem();
    std::atomic<int> answered{0};
    std::vector<std::vector<std::string>> stored(kCallers);
    std::vector<outcomes::v1::SubmitAssessmentRequest> last(kCallers);
    std::vector<absl::Status> failure(kCallers);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < kCallers; ++caller) {
      callers.emplace_back([&, caller] {
        client::CallOptions options = as;
        for (int i = 0; failure[caller].ok(); ++i) {
          last[caller] = PhqNine(absl::StrCat("r", round, "-", caller, "-", i),
                                 absl::StrCat("e", caller), i % 40, i % 4);
          // So that a call which the kill left without an answer ends soon.
          options.deadline = absl::Now() + absl::Seconds(5);
          outcomes::v1::SubmitAssessmentResponse response;
          failure[caller] = client.CallMethod(kSubmitPath, options, last[caller], response);
          if (failure[caller].ok()) {
            stored[caller].push_back(last[caller].assessment_id());
            ++answered;
            answered.notify_one();
          }
        }
      });
    }
    for (int seen = 0; seen < kCallsBeforeTheKill; seen = answered.load()) {
      answered.wait(seen);
    }
    deployment.Kill("outcomes");
    for (std::thread& caller : callers) {
      caller.join();
    }
    for (int caller = 0; caller < kCallers; ++caller) {
      ASSERT_TRUE(absl::IsUnavailable(failure[caller]) || absl::IsDeadlineExceeded(failure[caller]))
          << failure[caller];
      acknowledged.insert(acknowledged.end(), stored[caller].begin(), stored[caller].end());
      unknown.push_back(last[caller]);
    }
    ASSERT_OK(deployment.Start("outcomes"));
  }

  ASSERT_OK_AND_ASSIGN(auto count, CountStored(deployment));
  EXPECT_GE(acknowledged.size(), static_cast<size_t>(kRounds * kCallsBeforeTheKill));
  for (const std::string& id : acknowledged) {
    EXPECT_EQ(count["practices/p1/assessments/" + id], 1) << id << " was acknowledged";
  }

  for (const auto& request : unknown) {
    ASSERT_OK_AND_ASSIGN(const auto first,
                         (deployment.Send<outcomes::v1::SubmitAssessmentResponse>(
                             deployment.AsSystem(), "outcomes", "SubmitAssessment", request)));
    ASSERT_OK_AND_ASSIGN(const auto again,
                         (deployment.Send<outcomes::v1::SubmitAssessmentResponse>(
                             deployment.AsSystem(), "outcomes", "SubmitAssessment", request)));
    EXPECT_EQ(first.assessment().uid(), again.assessment().uid());
  }
  ASSERT_OK_AND_ASSIGN(count, CountStored(deployment));
  EXPECT_EQ(count.size(), acknowledged.size() + unknown.size());
  for (const auto& request : unknown) {
    EXPECT_EQ(count["practices/p1/assessments/" + request.assessment_id()], 1);
  }
}

}  // namespace
}  // namespace securebase::testing
