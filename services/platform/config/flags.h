#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace securebase::config {

// The flags of a program. Each, "--drain-time", is also the environment variable
// SECUREBASE_DRAIN_TIME and the line `drain-time = "20s"` of the file that --config names. The
// command line wins over the environment, the environment over the file, the file over the default;
// an empty environment variable counts as absent, `--jwks=` as empty. `--help` explains every flag.
//
// The variables that flags are bound to hold the defaults, and must outlive Parse.
class FlagSet {
 public:
  // What to do with the value of a flag in error messages and --help.
  enum class Display { kShow, kHide };

  FlagSet(std::string program, std::string description, std::string version);
  ~FlagSet();

  // Flags that follow appear under this heading in --help.
  void Group(std::string heading);
  void AddString(std::string name, std::string& value, std::string help,
                 Display display = Display::kShow);
  // One of `allowed`.
  void AddChoice(std::string name, std::string& value, std::vector<std::string> allowed,
                 std::string help);
  // "--reflection" or "--reflection=false".
  void AddBool(std::string name, bool& value, std::string help);
  void AddInteger(std::string name, int& value, int min, int max, std::string help);
  // As "90s", "5m", "1h30m".
  void AddDuration(std::string name, absl::Duration& value, absl::Duration min, absl::Duration max,
                   std::string help);
  // "key=value,key=value", split at the last "=" of each.
  void AddPairs(std::string name, std::map<std::string, std::string>& value, std::string help);

  // Reads an environment variable; none if it is not set.
  using Environment = std::function<std::optional<std::string>(const std::string&)>;

  // Sets the variables. `arguments` are those after the program's name. Returns a text when the
  // program should print it and exit successfully (--help, --version), else none. INVALID_ARGUMENT
  // in one line: which flag, from where, what is wrong, what would be right.
  absl::StatusOr<std::optional<std::string>> Parse(const std::vector<std::string>& arguments,
                                                   const Environment& environment);

 private:
  struct Flag;
  Flag& Add(std::string name, std::string type, std::string default_text, std::string help);
  std::string Help() const;
  // What to do about a flag that there is not; `dashes` stand before names where it was written.
  std::string WhichFlag(absl::string_view dashes, absl::string_view name) const;
  absl::StatusOr<std::vector<std::string>> FromFile(const std::string& path) const;

  const std::string program_;
  const std::string description_;
  const std::string version_;
  std::string group_ = "Flags";
  std::vector<std::unique_ptr<Flag>> flags_;
};

// The process's environment.
FlagSet::Environment ProcessEnvironment();

// "drain-time" -> "SECUREBASE_DRAIN_TIME".
std::string EnvironmentName(absl::string_view flag);

}  // namespace securebase::config
