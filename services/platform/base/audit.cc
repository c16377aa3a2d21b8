#include "services/platform/base/audit.h"

#include "absl/strings/str_cat.h"
#include "services/platform/base/json.h"

namespace securebase {

std::string FormatAuditRecord(const AuditRecord& record) {
  return absl::StrCat(
      "{\"time\":",
      JsonString(absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", record.time, absl::UTCTimeZone())),
      ",\"practice\":", JsonString(record.practice),
      ",\"principal\":", JsonString(record.principal), ",\"method\":", JsonString(record.method),
      ",\"resource\":", JsonString(record.resource), ",\"outcome\":", JsonString(record.outcome),
      ",\"call_id\":", JsonString(record.call_id), "}");
}

}  // namespace securebase
