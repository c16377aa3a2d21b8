#include "services/platform/obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>

#include "services/platform/base/mutex.h"

namespace securebase::obs {
namespace {

constexpr char kOther[] = "other";

// The series of one metric, made when they are first used: all combinations from the start would be
// a thousand lines of zeros.
template <typename Metric>
class Family {
 public:
  using Make = std::function<Metric&(const std::map<std::string, std::string>&)>;
  Family(std::vector<Label> labels, Make make)
      : labels_(std::move(labels)), make_(std::move(make)) {
    if (labels_.empty()) {
      Get({});  // shows as 0 from the start
    }
  }

  Metric& Get(const std::vector<absl::string_view>& values) {
    // The position of each value, so that a stranger's text is not even a key.
    std::vector<size_t> key(labels_.size());
    for (size_t i = 0; i < labels_.size(); ++i) {
      const std::vector<std::string>& allowed = labels_[i].values;
      const absl::string_view value = i < values.size() ? values[i] : absl::string_view();
      key[i] = static_cast<size_t>(
          std::find_if(allowed.begin(), allowed.end(),
                       [&](const std::string& candidate) { return value == candidate; }) -
          allowed.begin());
    }
    MutexLock lock(mutex_);
    Metric*& metric = series_[key];
    if (metric == nullptr) {
      std::map<std::string, std::string> labels;
      for (size_t i = 0; i < labels_.size(); ++i) {
        const std::vector<std::string>& allowed = labels_[i].values;
        labels[labels_[i].name] = key[i] < allowed.size() ? allowed[key[i]] : kOther;
      }
      metric = &make_(labels);
    }
    return *metric;
  }

 private:
  const std::vector<Label> labels_;
  const Make make_;
  Mutex mutex_;
  std::map<std::vector<size_t>, Metric*> series_ ABSL_GUARDED_BY(mutex_);
};

class PrometheusCounter : public Counter {
 public:
  PrometheusCounter(prometheus::Family<prometheus::Counter>& family, std::vector<Label> labels)
      : family_(
            std::move(labels),
            [&family](const std::map<std::string, std::string>& values) -> prometheus::Counter& {
              return family.Add(values);
            }) {}
  void Add(double amount, const std::vector<absl::string_view>& values) override {
    family_.Get(values).Increment(amount);
  }

 private:
  Family<prometheus::Counter> family_;
};

class PrometheusGauge : public Gauge {
 public:
  PrometheusGauge(prometheus::Family<prometheus::Gauge>& family, std::vector<Label> labels)
      : family_(std::move(labels),
                [&family](const std::map<std::string, std::string>& values) -> prometheus::Gauge& {
                  return family.Add(values);
                }) {}
  void Set(double value, const std::vector<absl::string_view>& values) override {
    family_.Get(values).Set(value);
  }
  void Add(double amount, const std::vector<absl::string_view>& values) override {
    family_.Get(values).Increment(amount);
  }

 private:
  Family<prometheus::Gauge> family_;
};

class PrometheusHistogram : public Histogram {
 public:
  PrometheusHistogram(prometheus::Family<prometheus::Histogram>& family, std::vector<Label> labels)
      : family_(
            std::move(labels),
            [&family](const std::map<std::string, std::string>& values) -> prometheus::Histogram& {
              return family.Add(values, prometheus::Histogram::BucketBoundaries{
                                            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25, 0.5, 1, 2.5, 5, 10, 30});
            }) {}
  void Observe(absl::Duration duration, const std::vector<absl::string_view>& values) override {
    family_.Get(values).Observe(absl::ToDoubleSeconds(duration));
  }

 private:
  Family<prometheus::Histogram> family_;
};

class PrometheusRegistry : public MetricsRegistry {
 public:
  Counter& AddCounter(const std::string& name, const std::string& help,
                      std::vector<Label> labels) override {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
    return Keep(std::make_shared<PrometheusCounter>(family, std::move(labels)));
  }
  Gauge& AddGauge(const std::string& name, const std::string& help,
                  std::vector<Label> labels) override {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
    return Keep(std::make_shared<PrometheusGauge>(family, std::move(labels)));
  }
  void BeforeRead(std::function<void()> update) override {
    MutexLock lock(mutex_);
    updates_.push_back(std::move(update));
  }
  Histogram& AddHistogram(const std::string& name, const std::string& help,
                          std::vector<Label> labels) override {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
    return Keep(std::make_shared<PrometheusHistogram>(family, std::move(labels)));
  }
  std::string Text() override {
    std::vector<std::function<void()>> updates;
    {
      MutexLock lock(mutex_);
      updates = updates_;
    }
    for (const std::function<void()>& update : updates) {
      update();
    }
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

 private:
  template <typename T>
  T& Keep(std::shared_ptr<T> metric) {
    MutexLock lock(mutex_);
    metrics_.push_back(metric);
    return *metric;
  }

  prometheus::Registry registry_;
  Mutex mutex_;
  std::vector<std::shared_ptr<void>> metrics_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> updates_ ABSL_GUARDED_BY(mutex_);
};

std::vector<std::string> AuthRefusals() {
  return {
      "missing",          "malformed",     "too_large", "type",          "critical",
      "unknown_key",      "algorithm",     "signature", "issuer",        "audience",
      "expired",          "not_yet_valid", "claims",    "SCOPE_MISSING", "PRINCIPAL_NOT_ALLOWED",
      "PRACTICE_MISMATCH"};
}

}  // namespace

void MetricsRegistry::AddComputedGauge(const std::string& name, const std::string& help,
                                       std::function<double()> value) {
  Gauge& gauge = AddGauge(name, help, {});
  BeforeRead([&gauge, value = std::move(value)] { gauge.Set(value()); });
}

std::unique_ptr<MetricsRegistry> MakeMetricsRegistry() {
  return std::make_unique<PrometheusRegistry>();
}

const std::vector<std::string>& StatusCodeNames() {
  static const auto& names = *new std::vector<std::string>{"OK",
                                                           "CANCELLED",
                                                           "UNKNOWN",
                                                           "INVALID_ARGUMENT",
                                                           "DEADLINE_EXCEEDED",
                                                           "NOT_FOUND",
                                                           "ALREADY_EXISTS",
                                                           "PERMISSION_DENIED",
                                                           "RESOURCE_EXHAUSTED",
                                                           "FAILED_PRECONDITION",
                                                           "ABORTED",
                                                           "OUT_OF_RANGE",
                                                           "UNIMPLEMENTED",
                                                           "INTERNAL",
                                                           "UNAVAILABLE",
                                                           "DATA_LOSS",
                                                           "UNAUTHENTICATED"};
  return names;
}

CallMetrics::CallMetrics(MetricsRegistry& registry, std::vector<std::string> methods)
    : calls_(registry.AddCounter("securebase_calls_total", "Calls that were answered.",
                                 {{"method", methods}, {"code", StatusCodeNames()}})),
      duration_(registry.AddHistogram("securebase_call_duration_seconds",
                                      "From a call's arrival to its answer.",
                                      {{"method", std::move(methods)}})),
      in_flight_(registry.AddGauge("securebase_calls_in_flight", "Calls not answered yet.", {})),
      admission_refused_(registry.AddCounter("securebase_admission_refused_total",
                                             "Calls refused because too many were waiting.",
                                             {{"pool", {"reads", "writes"}}})),
      auth_refused_(registry.AddCounter("securebase_auth_refused_total",
                                        "Calls refused for who made them.",
                                        {{"reason", AuthRefusals()}})) {}

void CallMetrics::Finished(absl::string_view method, absl::string_view code,
                           absl::Duration duration) {
  in_flight_.Add(-1);
  calls_.Increment({method, code});
  duration_.Observe(duration, {method});
}

namespace {

std::vector<std::string> StoreOperations() {
  return {"get",       "get_many", "apply", "find_result", "scan", "journal", "position",
          "practices", "lease",    "audit", "trim",        "copy", "ping"};
}

}  // namespace

StoreMetrics::StoreMetrics(MetricsRegistry& registry)
    : operations_(
          registry.AddCounter("securebase_store_operations_total", "Operations on the store.",
                              {{"operation", StoreOperations()}, {"code", StatusCodeNames()}})),
      duration_(registry.AddHistogram("securebase_store_duration_seconds",
                                      "How long the store took.",
                                      {{"operation", StoreOperations()}})) {}

void StoreMetrics::Done(absl::string_view operation, absl::string_view code,
                        absl::Duration duration) {
  operations_.Increment({operation, code});
  duration_.Observe(duration, {operation});
}

}  // namespace securebase::obs
