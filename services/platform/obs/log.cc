#include "services/platform/obs/log.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/platform/base/json.h"

namespace securebase::obs {
namespace {

std::string FormatValue(const LogField::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return JsonString(*text);
  }
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return absl::StrCat(*number);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return std::isfinite(*number) ? absl::StrCat(*number) : "null";  // JSON has no NaN
  }
  return std::get<bool>(value) ? "true" : "false";
}

template <typename Fields>
std::string FormatLine(absl::Time now, LogLevel level, absl::string_view message,
                       const Fields& fields) {
  std::string line =
      absl::StrCat("{\"ts\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()),
                   "\",\"level\":\"", LogLevelName(level), "\",\"msg\":", JsonString(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, ",", JsonString(field.key), ":", FormatValue(field.value));
  }
  line += "}\n";
  return line;
}

}  // namespace

absl::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

LogLevel ParseLogLevel(absl::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kWarning, LogLevel::kError}) {
    if (name == LogLevelName(level)) {
      return level;
    }
  }
  return LogLevel::kInfo;
}

void StderrSink::Write(absl::string_view line) {
  while (!line.empty()) {
    const ssize_t count = write(STDERR_FILENO, line.data(), line.size());
    if (count < 0 && errno != EINTR) {
      return;  // nowhere is left to say it
    }
    if (count > 0) {
      line.remove_prefix(static_cast<size_t>(count));
    }
  }
}

Logger::Logger(LogSink& sink, const Clock& clock, LogLevel least)
    : sink_(sink), clock_(clock), least_(least) {}

void Logger::Log(LogLevel level, absl::string_view message,
                 std::initializer_list<LogField> fields) {
  if (Enabled(level)) {
    sink_.Write(FormatLine(clock_.Now(), level, message, fields));
  }
}

void Logger::Log(LogLevel level, absl::string_view message, const std::vector<LogField>& fields) {
  if (Enabled(level)) {
    sink_.Write(FormatLine(clock_.Now(), level, message, fields));
  }
}

RateLimitedLogger::RateLimitedLogger(Logger& logger, int burst, absl::Duration window)
    : logger_(logger), burst_(burst), window_(window) {}

void RateLimitedLogger::Log(LogLevel level, absl::string_view message,
                            std::vector<LogField> fields) {
  if (!logger_.Enabled(level)) {
    return;
  }
  int64_t suppressed = 0;
  {
    MutexLock lock(mutex_);
    const absl::Time now = logger_.clock().Now();
    if (now >= window_start_ + window_ || now < window_start_) {
      window_start_ = now;
      written_ = 0;
    }
    if (written_ >= burst_) {
      ++suppressed_;
      return;
    }
    ++written_;
    suppressed = std::exchange(suppressed_, 0);
  }
  if (suppressed > 0) {
    fields.emplace_back("suppressed", suppressed);
  }
  logger_.Log(level, message, fields);
}

}  // namespace securebase::obs
