#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace securebase::outcomes {

// Whether `tag` is formed as a BCP 47 language tag (RFC 5646): a language of 2 to 8 letters, then
// subtags of 1 to 8 letters or digits. Whether there is such a language only a registry knows.
bool IsLanguageTag(absl::string_view tag);

// The tag as RFC 5646, section 2.1.1, recommends to write it, so that equal tags are equal texts:
// "EN-us" -> "en-US", "zh-hant" -> "zh-Hant".
std::string CanonicalLanguage(absl::string_view tag);

}  // namespace securebase::outcomes
