#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase {

// Resource names after AIP-122: "practices/p1/goals/g7". A pattern names the collections and has
// "{x}" where an id stands: "practices/{practice}/goals/{goal}".
//
// An id is 1 to 63 characters of [A-Za-z0-9._-], not "." or "..", so that it needs no escaping in a
// path, a key or a log line.

bool IsValidId(absl::string_view id);

// The ids of `name` in the pattern's order. INVALID_ARGUMENT (INVALID_FIELDS) naming `field` and
// the pattern when it does not fit; the message never repeats the name.
absl::StatusOr<std::vector<std::string>> ParseName(absl::string_view pattern,
                                                   absl::string_view name,
                                                   absl::string_view field = "name");

// The name for `ids`, one for each "{x}" of the pattern.
std::string FormatName(absl::string_view pattern, const std::vector<std::string>& ids);

// The practice of a name that begins "practices/{practice}", or "" where there is none.
std::string PracticeOf(absl::string_view name);

// What follows the last "/": "practices/p1/goals/g7" -> "g7".
std::string LastId(absl::string_view name);

}  // namespace securebase
