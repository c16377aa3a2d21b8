#include "tests/testing/golden.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace securebase::testing {

std::string ReadRepositoryFile(absl::string_view path) {
  std::ifstream in(absl::StrCat(SECUREBASE_SOURCE_DIR, "/", path), std::ios::binary);
  EXPECT_TRUE(in.good()) << "cannot read " << std::string(path);
  std::stringstream contents;
  contents << in.rdbuf();
  return contents.str();
}

void ExpectGolden(absl::string_view name, absl::string_view actual) {
  ExpectRepositoryFile(absl::StrCat("tests/golden/", name), actual);
}

void ExpectRepositoryFile(absl::string_view path, absl::string_view actual) {
  if (const char* update = std::getenv("SECUREBASE_UPDATE_GOLDEN");
      update != nullptr && std::string(update) == "1") {
    const std::filesystem::path full = absl::StrCat(SECUREBASE_SOURCE_DIR, "/", path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << std::string(actual);
    return;
  }
  const std::string expected = ReadRepositoryFile(path);
  if (expected == actual) {
    return;
  }
  const std::vector<std::string> want = absl::StrSplit(expected, '\n');
  const std::vector<std::string> got = absl::StrSplit(actual, '\n');
  for (size_t i = 0; i < std::max(want.size(), got.size()); ++i) {
    const std::string a = i < want.size() ? want[i] : "<end of file>";
    const std::string b = i < got.size() ? got[i] : "<end of text>";
    if (a != b) {
      ADD_FAILURE() << std::string(path) << " line " << i + 1 << "\n  expected: " << a
                    << "\n  actual:   " << b << "\nSECUREBASE_UPDATE_GOLDEN=1 rewrites it.";
      return;
    }
  }
}

}  // namespace securebase::testing
