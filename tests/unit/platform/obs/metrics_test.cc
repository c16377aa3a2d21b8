#include "services/platform/obs/metrics.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/token_verifier.h"

namespace securebase::obs {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, CountersGaugesAndHistogramsAreShown) {
  const auto registry = MakeMetricsRegistry();
  Counter& counter = registry->AddCounter("a_total", "Counts.", {{"kind", {"x", "y"}}});
  Gauge& gauge = registry->AddGauge("b", "Gauges.", {});
  Histogram& histogram = registry->AddHistogram("c_seconds", "Takes.", {});
  counter.Increment({"x"});
  counter.Add(2, {"x"});
  gauge.Set(4);
  gauge.Add(-1);
  histogram.Observe(absl::Milliseconds(3));
  const std::string text = registry->Text();
  EXPECT_THAT(text, HasSubstr("# HELP a_total Counts.\n# TYPE a_total counter\n"));
  EXPECT_THAT(text, HasSubstr("a_total{kind=\"x\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("kind=\"y\""))) << "not used yet";
  EXPECT_THAT(text, HasSubstr("b 3\n"));
  EXPECT_THAT(text, HasSubstr("c_seconds_bucket{le=\"0.0025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("c_seconds_bucket{le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("c_seconds_count 1\n"));
}

TEST(MetricsTest, AMetricWithoutLabelsShowsFromTheStart) {
  const auto registry = MakeMetricsRegistry();
  registry->AddCounter("a_total", "Counts.", {});
  EXPECT_THAT(registry->Text(), HasSubstr("a_total 0\n"));
}

TEST(MetricsTest, UnknownLabelValuesBecomeOther) {
  const auto registry = MakeMetricsRegistry();
  Counter& counter = registry->AddCounter("a_total", "Counts.", {{"kind", {"x"}}});
  counter.Increment({"practices/p1/patients/SECRET"});
  counter.Increment({"SECRET-2"});
  counter.Increment();
  const std::string text = registry->Text();
  EXPECT_THAT(text, HasSubstr("a_total{kind=\"other\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("SECRET")));
}

TEST(MetricsTest, AComputedGaugeIsAskedEachTime) {
  const auto registry = MakeMetricsRegistry();
  double age = 1;
  registry->AddComputedGauge("age_seconds", "Age.", [&] { return age; });
  EXPECT_THAT(registry->Text(), HasSubstr("age_seconds 1\n"));
  age = 2;
  EXPECT_THAT(registry->Text(), HasSubstr("age_seconds 2\n"));
}

TEST(MetricsTest, ThreadsLoseNoCount) {
  const auto registry = MakeMetricsRegistry();
  CallMetrics calls(*registry, {"/x.Y/Z"});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        calls.Started();
        calls.Finished("/x.Y/Z", j % 2 == 0 ? "OK" : "NOT_FOUND", absl::Milliseconds(1));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::string text = registry->Text();
  EXPECT_THAT(text, HasSubstr("securebase_calls_total{code=\"OK\",method=\"/x.Y/Z\"} 2000\n"));
  EXPECT_THAT(text, HasSubstr("securebase_calls_in_flight 0\n"));
  EXPECT_THAT(text, HasSubstr("securebase_call_duration_seconds_count{method=\"/x.Y/Z\"} 4000\n"));
}

TEST(MetricsTest, EveryTokenRefusalHasItsOwnSeries) {
  const auto registry = MakeMetricsRegistry();
  CallMetrics calls(*registry, {});
  for (int i = static_cast<int>(auth::TokenRefusal::kMissing);
       i <= static_cast<int>(auth::TokenRefusal::kClaims); ++i) {
    calls.AuthRefused(auth::TokenRefusalName(static_cast<auth::TokenRefusal>(i)));
  }
  for (const char* reason : {"SCOPE_MISSING", "PRINCIPAL_NOT_ALLOWED", "PRACTICE_MISMATCH"}) {
    calls.AuthRefused(reason);
  }
  EXPECT_THAT(registry->Text(), Not(HasSubstr("other")));
  EXPECT_THAT(registry->Text(),
              HasSubstr("securebase_auth_refused_total{reason=\"unknown_key\"} 1\n"));
}

TEST(MetricsTest, StoreAndAdmissionAreCounted) {
  const auto registry = MakeMetricsRegistry();
  CallMetrics calls(*registry, {});
  StoreMetrics store(*registry);
  calls.AdmissionRefused("writes");
  store.Done("apply", "OK", absl::Milliseconds(2));
  const std::string text = registry->Text();
  EXPECT_THAT(text, HasSubstr("securebase_admission_refused_total{pool=\"writes\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("securebase_store_operations_total{code=\"OK\",operation=\"apply\"} 1\n"));
}

}  // namespace
}  // namespace securebase::obs
