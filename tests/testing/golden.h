#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace securebase::testing {

// Compares `actual` with tests/golden/<name>, and fails the test with the first line that differs.
// With SECUREBASE_UPDATE_GOLDEN=1 in the environment it writes the file instead.
void ExpectGolden(absl::string_view name, absl::string_view actual);

// The same for a generated file of the repository: "docs/errors.md".
void ExpectRepositoryFile(absl::string_view path, absl::string_view actual);

// The contents of a file; fails the test when it cannot be read. `path` is relative to the
// repository.
std::string ReadRepositoryFile(absl::string_view path);

}  // namespace securebase::testing
