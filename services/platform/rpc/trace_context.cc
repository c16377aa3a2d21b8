#include "services/platform/rpc/trace_context.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace securebase::rpc {
namespace {

constexpr size_t kTraceAt = 3;
constexpr size_t kTraceLength = 32;
constexpr size_t kParentAt = 36;
constexpr size_t kParentLength = 16;
constexpr size_t kFlagsAt = 53;
constexpr size_t kLength = 55;

bool IsHex(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

bool IsId(absl::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != absl::string_view::npos;
}

bool IsTraceparent(absl::string_view text) {
  return text.size() == kLength && text.substr(0, kTraceAt) == "00-" && text[35] == '-' &&
         text[52] == '-' && IsId(text.substr(kTraceAt, kTraceLength)) &&
         IsId(text.substr(kParentAt, kParentLength)) && IsHex(text.substr(kFlagsAt));
}

}  // namespace

std::string ContinueTrace(absl::string_view incoming, absl::string_view call_id) {
  const std::string id = absl::StrReplaceAll(call_id, {{"-", ""}});
  // The last half of a UUIDv7 is random; its first is mostly the time.
  const absl::string_view span = absl::string_view(id).substr(id.size() - kParentLength);
  if (!IsTraceparent(incoming)) {
    return absl::StrCat("00-", id, "-", span, "-00");
  }
  return absl::StrCat("00-", incoming.substr(kTraceAt, kTraceLength), "-", span, "-",
                      incoming.substr(kFlagsAt));
}

absl::string_view TraceId(absl::string_view traceparent) {
  return traceparent.size() == kLength ? traceparent.substr(kTraceAt, kTraceLength) : "";
}

}  // namespace securebase::rpc
