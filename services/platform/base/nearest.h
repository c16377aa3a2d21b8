#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace securebase {

// The candidate that whoever typed `word` most likely meant: the beginning of one, or one with a
// letter or two missing, added, changed or swapped with the next. Upper and lower case are alike.
// "" when nothing is near.
std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates);

// "; did you mean \"list\"?" with the nearest candidate, or "".
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace securebase
