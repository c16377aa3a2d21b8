#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase::cli {

// A line of a file of commands.
struct BatchLine {
  int number = 0;     // where it begins, from 1
  std::string as;     // "as=dr-a" at its beginning: whose token; empty: the default
  std::string set;    // "set digest=path" at its beginning: the variable …
  std::string field;  // … and the field of the response that it gets
  std::vector<std::string> arguments;  // without "securebase"; at least two
};

// Commands are one a line; a backslash at the end continues on the next, quotation marks (single or
// double, no escapes inside) keep spaces together, "#" begins a comment line, and {day}, {day+7},
// {day-1} are days counted from `start` ("2026-03-02"). "set digest=digest revisions show p/1"
// keeps a field of the response, which later lines write {digest}. INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<BatchLine>> ParseBatch(absl::string_view text, const std::string& start);

// Says of the lines that were passed over which they are; "" for none.
std::string PassedOverText(const std::vector<int>& lines);

}  // namespace securebase::cli
