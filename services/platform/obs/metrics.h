#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace securebase::obs {

// A label of a metric, with every value it may take. Values from anywhere else are counted as
// "other": so no patient data, and no stranger's text, can become a label, and the number of series
// is known beforehand.
struct Label {
  std::string name;
  std::vector<std::string> values;
};

// The handles below stay valid as long as the registry, and may be used by any thread.

class Counter {
 public:
  virtual ~Counter() = default;
  // `values` are the labels' values, in the order of the labels.
  virtual void Add(double amount, const std::vector<absl::string_view>& values = {}) = 0;
  void Increment(const std::vector<absl::string_view>& values = {}) { Add(1, values); }
};

class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value, const std::vector<absl::string_view>& values = {}) = 0;
  virtual void Add(double amount, const std::vector<absl::string_view>& values = {}) = 0;
};

class Histogram {
 public:
  virtual ~Histogram() = default;
  // In seconds, as Prometheus has it.
  virtual void Observe(absl::Duration duration,
                       const std::vector<absl::string_view>& values = {}) = 0;
};

// The metrics of a process. Thread-safe. Names and help texts follow Prometheus' conventions:
// "securebase_calls_total", "securebase_call_duration_seconds"; a name is added once.
class MetricsRegistry {
 public:
  virtual ~MetricsRegistry() = default;
  virtual Counter& AddCounter(const std::string& name, const std::string& help,
                              std::vector<Label> labels) = 0;
  virtual Gauge& AddGauge(const std::string& name, const std::string& help,
                          std::vector<Label> labels) = 0;
  // Calls `update` whenever the metrics are read, before they are: for gauges that change by
  // themselves, such as ages. Without a lock held, by the thread that reads.
  virtual void BeforeRead(std::function<void()> update) = 0;
  // Such a gauge without labels.
  void AddComputedGauge(const std::string& name, const std::string& help,
                        std::function<double()> value);
  // Buckets from 0.5 ms to 30 s.
  virtual Histogram& AddHistogram(const std::string& name, const std::string& help,
                                  std::vector<Label> labels) = 0;
  // Everything in Prometheus' text format, version 0.0.4.
  virtual std::string Text() = 0;
};

std::unique_ptr<MetricsRegistry> MakeMetricsRegistry();

// What every server counts about its calls. Thread-safe.
class CallMetrics {
 public:
  // `methods`: full names, "/securebase.goals.v1.GoalsService/GetGoal". `registry` must outlive it.
  CallMetrics(MetricsRegistry& registry, std::vector<std::string> methods);

  void Started() { in_flight_.Add(1); }
  // `code` is a gRPC status code's name, "OK".
  void Finished(absl::string_view method, absl::string_view code, absl::Duration duration);
  // `pool`: "reads" or "writes".
  void AdmissionRefused(absl::string_view pool) { admission_refused_.Increment({pool}); }
  // `reason`: auth::TokenRefusalName, or the name of a Reason such as "SCOPE_MISSING".
  void AuthRefused(absl::string_view reason) { auth_refused_.Increment({reason}); }

 private:
  Counter& calls_;
  Histogram& duration_;
  Gauge& in_flight_;
  Counter& admission_refused_;
  Counter& auth_refused_;
};

// What every service counts about its store. Thread-safe.
class StoreMetrics {
 public:
  explicit StoreMetrics(MetricsRegistry& registry);
  // `operation` as storage/observed_store.h names them; `code`: the status code's name.
  void Done(absl::string_view operation, absl::string_view code, absl::Duration duration);

 private:
  Counter& operations_;
  Histogram& duration_;
};

// "OK", "NOT_FOUND", ...: the names of gRPC's 17 codes.
const std::vector<std::string>& StatusCodeNames();

}  // namespace securebase::obs
