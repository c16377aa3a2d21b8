#include "services/platform/obs/log.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <limits>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace securebase::obs {
namespace {

using ::securebase::testing::FakeClock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class MemorySink : public LogSink {
 public:
  void Write(absl::string_view line) override {
    MutexLock lock(mutex_);
    lines_.emplace_back(line);
  }
  std::vector<std::string> lines() const {
    MutexLock lock(mutex_);
    return lines_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

class LogTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  MemorySink sink_;
  Logger logger_{sink_, clock_, LogLevel::kInfo};
};

TEST_F(LogTest, ALineIsOneJsonObject) {
  logger_.Info("call", {{"method", "/x.Y/Z"},
                        {"count", 3},
                        {"big", int64_t{1} << 40},
                        {"ratio", 0.5},
                        {"ok", true},
                        {"duration_ms", absl::Microseconds(1500)}});
  EXPECT_THAT(sink_.lines(),
              ElementsAre("{\"ts\":\"2026-01-01T09:00:00.000Z\",\"level\":\"info\",\"msg\":"
                          "\"call\",\"method\":\"/x.Y/Z\",\"count\":3,\"big\":1099511627776,"
                          "\"ratio\":0.5,\"ok\":true,\"duration_ms\":1.5}\n"));
}

TEST_F(LogTest, AnyTextStaysOneValidLine) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  logger_.Error("a\nb\"c\\\xff", {{"k\n", std::string("\0\r\n\x1f", 4)}, {"nan", nan}});
  ASSERT_THAT(sink_.lines(), SizeIs(1));
  const std::string line = sink_.lines()[0];
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok()) << line;
}

TEST_F(LogTest, LowerLevelsAreDropped) {
  logger_.Log(LogLevel::kDebug, "no");
  logger_.Warning("yes");
  EXPECT_THAT(sink_.lines(), ElementsAre(HasSubstr("\"level\":\"warning\"")));
  EXPECT_FALSE(logger_.Enabled(LogLevel::kDebug));
}

TEST_F(LogTest, LevelsHaveNames) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)), level);
  }
}

TEST_F(LogTest, ALimitedLoggerCountsWhatItSuppresses) {
  RateLimitedLogger limited(logger_, 2, absl::Seconds(10));
  for (int i = 0; i < 5; ++i) {
    limited.Log(LogLevel::kInfo, "refused", {{"reason", "TOKEN_INVALID"}});
  }
  EXPECT_THAT(sink_.lines(), SizeIs(2));
  clock_.Advance(absl::Seconds(10));
  limited.Log(LogLevel::kInfo, "refused", {});
  limited.Log(LogLevel::kInfo, "refused", {});
  ASSERT_THAT(sink_.lines(), SizeIs(4));
  EXPECT_THAT(sink_.lines()[2], HasSubstr("\"suppressed\":3"));
  EXPECT_THAT(sink_.lines()[3], Not(HasSubstr("suppressed")));
}

TEST_F(LogTest, ThreadsLoseNothingUnderALimit) {
  RateLimitedLogger limited(logger_, 10, absl::Seconds(10));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        limited.Log(LogLevel::kInfo, "x", {});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(sink_.lines(), SizeIs(10));
  clock_.Advance(absl::Seconds(10));
  limited.Log(LogLevel::kInfo, "x", {});
  EXPECT_THAT(sink_.lines().back(), HasSubstr("\"suppressed\":390"));
}

TEST_F(LogTest, StderrGetsWholeLines) {
  ::testing::internal::CaptureStderr();
  StderrSink sink;
  Logger logger(sink, clock_, LogLevel::kInfo);
  logger.Info("hello");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "{\"ts\":\"2026-01-01T09:00:00.000Z\",\"level\":\"info\",\"msg\":\"hello\"}\n");
}

}  // namespace
}  // namespace securebase::obs
