#include "services/platform/obs/readiness.h"

#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/capture.h"
#include "tests/testing/fake_clock.h"

namespace securebase::obs {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadinessTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  testing::CapturedLog log_;
  Logger logger_{log_, clock_, LogLevel::kInfo};
  Readiness::Time now_;
  absl::Status result_;
  int checks_ = 0;
  Readiness readiness_{[this] {
                         ++checks_;
                         return result_;
                       },
                       logger_, [this] { return now_; }};
};

TEST_F(ReadinessTest, ChecksOnceASecondHoweverOftenItIsAsked) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(readiness_.IsReady());
  }
  EXPECT_EQ(checks_, 1);
  result_ = absl::UnavailableError("redis at 10.0.0.7 does not answer");
  now_ += std::chrono::milliseconds(999);
  EXPECT_TRUE(readiness_.IsReady());
  now_ += std::chrono::milliseconds(1);
  EXPECT_FALSE(readiness_.IsReady());
  EXPECT_FALSE(readiness_.IsReady());
  EXPECT_EQ(checks_, 2);
}

TEST_F(ReadinessTest, EachChangeIsOneLogLine) {
  EXPECT_TRUE(readiness_.IsReady());
  EXPECT_THAT(log_.text(), IsEmpty());
  for (const absl::Status& result :
       {absl::UnavailableError("first"), absl::UnavailableError("second"), absl::OkStatus()}) {
    result_ = result;
    now_ += std::chrono::seconds(1);
    readiness_.IsReady();
  }
  const std::string text = log_.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_THAT(text, HasSubstr("\"not ready\",\"error\":\"first\""));
  EXPECT_THAT(text, HasSubstr("ready again"));
}

TEST_F(ReadinessTest, WhileItChecksTheOthersAreNotKeptWaiting) {
  absl::Notification checking;
  absl::Notification go_on;
  Readiness readiness(
      [&] {
        checking.Notify();
        go_on.WaitForNotification();
        return absl::OkStatus();
      },
      logger_, [this] { return now_; });
  std::thread first([&] { EXPECT_TRUE(readiness.IsReady()); });
  checking.WaitForNotification();
  EXPECT_FALSE(readiness.IsReady()) << "nothing is known yet";
  go_on.Notify();
  first.join();
  EXPECT_TRUE(readiness.IsReady());
}

}  // namespace
}  // namespace securebase::obs
