#include "services/platform/rpc/library_log.h"

#include <grpc/support/log.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/stubs/logging.h"
#include "services/platform/base/mutex.h"

namespace securebase::rpc {
namespace {

constexpr int kLines = 20;
constexpr absl::Duration kWindow = absl::Seconds(10);

// The hooks take no context: this pointer is what it would be. Threads of gRPC outlive servers, so
// the redirection may end while one of them is logging.
struct Target {
  Mutex mutex;
  obs::RateLimitedLogger* logger ABSL_GUARDED_BY(mutex) = nullptr;
};
Target& CurrentTarget() {
  static auto* target = new Target;
  return *target;
}

obs::LogLevel LevelOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_ERROR:
      return obs::LogLevel::kWarning;  // of a connection; what fails a call is logged with it
    case GPR_LOG_SEVERITY_INFO:
      return obs::LogLevel::kInfo;
    case GPR_LOG_SEVERITY_DEBUG:
      break;
  }
  return obs::LogLevel::kDebug;
}

void Write(obs::LogLevel level, absl::string_view library, absl::string_view text, const char* file,
           int line) {
  Target& target = CurrentTarget();
  MutexLock lock(target.mutex);
  if (target.logger != nullptr) {
    target.logger->Log(level, library,
                       {{"detail", text}, {"source", absl::StrCat(file, ":", line)}});
  }
}

void WriteGrpc(gpr_log_func_args* line) {
  Write(LevelOf(line->severity), "grpc", line->message, line->file, line->line);
}

// Of protobuf, above all requests that do not parse: names of fields and never their contents.
void WriteProtobuf(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& text) {
  Write(level == google::protobuf::LOGLEVEL_INFO ? obs::LogLevel::kDebug : obs::LogLevel::kWarning,
        "protobuf", text, file, line);
}

}  // namespace

LibraryLog::LibraryLog(obs::Logger& logger) : limited_(logger, kLines, kWindow) {
  {
    Target& target = CurrentTarget();
    MutexLock lock(target.mutex);
    target.logger = &limited_;
  }
  gpr_set_log_function(WriteGrpc);
  google::protobuf::SetLogHandler(WriteProtobuf);
}

LibraryLog::~LibraryLog() {
  Target& target = CurrentTarget();
  MutexLock lock(target.mutex);
  if (target.logger == &limited_) {
    target.logger = nullptr;
  }
}

}  // namespace securebase::rpc
