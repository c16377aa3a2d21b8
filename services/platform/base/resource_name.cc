#include "services/platform/base/resource_name.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/error.h"

namespace securebase {
namespace {

constexpr size_t kMaxIdLength = 63;
// Four levels of collections with ids of the greatest length fit.
constexpr size_t kMaxNameLength = 512;

bool IsVariable(absl::string_view segment) { return !segment.empty() && segment[0] == '{'; }

}  // namespace

bool IsValidId(absl::string_view id) {
  if (id.empty() || id.size() > kMaxIdLength || id == "." || id == "..") {
    return false;
  }
  for (const char c : id) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

absl::StatusOr<std::vector<std::string>> ParseName(absl::string_view pattern,
                                                   absl::string_view name,
                                                   absl::string_view field) {
  const auto refuse = [&] {
    absl::Status status =
        InvalidFields({{std::string(field),
                        absl::StrCat("must be a name of the form ", pattern,
                                     " with ids of 1 to 63 characters of A-Z a-z 0-9 . _ -")}});
    return status;
  };
  if (name.size() > kMaxNameLength) {
    return refuse();
  }
  const std::vector<absl::string_view> wanted = absl::StrSplit(pattern, '/');
  const std::vector<absl::string_view> given = absl::StrSplit(name, '/');
  if (wanted.size() != given.size()) {
    return refuse();
  }
  std::vector<std::string> ids;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (IsVariable(wanted[i]) ? !IsValidId(given[i]) : wanted[i] != given[i]) {
      return refuse();
    }
    if (IsVariable(wanted[i])) {
      ids.emplace_back(given[i]);
    }
  }
  return ids;
}

std::string FormatName(absl::string_view pattern, const std::vector<std::string>& ids) {
  std::vector<std::string> segments;
  size_t next = 0;
  for (absl::string_view segment : absl::StrSplit(pattern, '/')) {
    const bool fill = IsVariable(segment) && next < ids.size();
    segments.emplace_back(fill ? ids[next++] : std::string(segment));
  }
  return absl::StrJoin(segments, "/");
}

std::string PracticeOf(absl::string_view name) {
  const std::vector<absl::string_view> segments = absl::StrSplit(name, '/');
  return segments.size() >= 2 && segments[0] == "practices" ? std::string(segments[1]) : "";
}

std::string LastId(absl::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == absl::string_view::npos ? name : name.substr(slash + 1));
}

}  // namespace securebase
