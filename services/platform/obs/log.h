#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/mutex.h"

namespace securebase::obs {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error".
absl::string_view LogLevelName(LogLevel level);
// The level of that name; kInfo for any other.
LogLevel ParseLogLevel(absl::string_view name);

// Where log lines go. Thread-safe.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // One whole line with its newline.
  virtual void Write(absl::string_view line) = 0;
};

// Standard error; each line is one write(2), so lines of several threads never mix.
class StderrSink : public LogSink {
 public:
  void Write(absl::string_view line) override;
};

// One member of a log line. Keys are lower case with underscores; a value must hold no patient
// data: names, codes, states, numbers.
struct LogField {
  using Value = std::variant<std::string, int64_t, double, bool>;

  LogField(absl::string_view field_key, absl::string_view text)
      : key(field_key), value(std::string(text)) {}
  LogField(absl::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(absl::string_view field_key, const char* text)
      : key(field_key), value(std::string(text)) {}
  LogField(absl::string_view field_key, int64_t number) : key(field_key), value(number) {}
  LogField(absl::string_view field_key, int number) : key(field_key), value(int64_t{number}) {}
  LogField(absl::string_view field_key, double number) : key(field_key), value(number) {}
  LogField(absl::string_view field_key, bool flag) : key(field_key), value(flag) {}
  // In milliseconds.
  LogField(absl::string_view field_key, absl::Duration duration)
      : key(field_key), value(absl::ToDoubleMilliseconds(duration)) {}

  std::string key;
  Value value;
};

// Writes one JSON object per line:
//   {"ts":"2026-01-01T09:00:00.000Z","level":"info","msg":"call","method":"/x.Y/Z","code":"OK"}
// Thread-safe.
class Logger {
 public:
  // `sink` and `clock` must outlive the logger.
  Logger(LogSink& sink, const Clock& clock, LogLevel least);

  bool Enabled(LogLevel level) const { return level >= least_; }
  void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});
  void Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields);

  void Info(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warning(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kWarning, message, fields);
  }
  void Error(absl::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kError, message, fields);
  }

  const Clock& clock() const { return clock_; }

 private:
  LogSink& sink_;
  const Clock& clock_;
  const LogLevel least_;
};

// Lets at most `burst` lines through in each `window`; the first line of a later window says in
// "suppressed" how many were not. For what strangers can cause as often as they like. Thread-safe.
class RateLimitedLogger {
 public:
  // `logger` must outlive the object.
  RateLimitedLogger(Logger& logger, int burst, absl::Duration window);

  void Log(LogLevel level, absl::string_view message, std::vector<LogField> fields);

 private:
  Logger& logger_;
  const int burst_;
  const absl::Duration window_;
  Mutex mutex_;
  absl::Time window_start_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int written_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t suppressed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace securebase::obs
