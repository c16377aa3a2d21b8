#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace securebase::testing {

// A folder of its own, removed with everything in it when the object goes. Under TMPDIR, or /tmp.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    std::string pattern =
        (std::filesystem::temp_directory_path(error) / "securebase-test-XXXXXX").string();
    if (error || mkdtemp(pattern.data()) == nullptr) {
      perror("mkdtemp");
      abort();
    }
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // what cannot be removed is left behind
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& name) const { return path_ + "/" + name; }

  // Writes a file in place, with the umask's mode, and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const {
    std::ofstream(PathOf(name), std::ios::binary | std::ios::trunc) << contents;
    return PathOf(name);
  }

 private:
  std::string path_;
};

}  // namespace securebase::testing
