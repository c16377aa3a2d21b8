#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace securebase::testing {

// A directory of this test's own, removed with it.
class TempDir {
 public:
  TempDir() {
    std::string path = ::testing::TempDir() + "securebase_XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      ADD_FAILURE() << "cannot make " << path;
    }
    path_ = path;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

  // Writes a file in place, with the umask's mode, and returns its path.
  std::string Write(absl::string_view name, absl::string_view contents) const {
    const std::string path = Path(name);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << std::string(contents);
    return path;
  }

 private:
  std::string path_;
};

}  // namespace securebase::testing
