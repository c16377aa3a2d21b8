#include "services/outcomes/rules/language.h"

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace securebase::outcomes {

bool IsLanguageTag(absl::string_view tag) {
  const std::vector<absl::string_view> parts = absl::StrSplit(tag, '-');
  return parts[0].size() >= 2 && absl::c_all_of(parts[0], absl::ascii_isalpha) &&
         absl::c_all_of(parts, [](absl::string_view part) {
           return !part.empty() && part.size() <= 8 && absl::c_all_of(part, absl::ascii_isalnum);
         });
}

std::string CanonicalLanguage(absl::string_view tag) {
  std::vector<std::string> parts = absl::StrSplit(absl::AsciiStrToLower(tag), '-');
  // After a single letter or digit come extensions, which stay lower case.
  for (size_t i = 1; i < parts.size() && parts[i].size() > 1; ++i) {
    if (parts[i].size() == 2) {
      absl::AsciiStrToUpper(&parts[i]);  // a region
    } else if (parts[i].size() == 4) {
      parts[i][0] = absl::ascii_toupper(static_cast<unsigned char>(parts[i][0]));  // a script
    }
  }
  return absl::StrJoin(parts, "-");
}

}  // namespace securebase::outcomes
