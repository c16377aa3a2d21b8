#include "services/platform/config/flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/nearest.h"
#include "services/platform/base/status_macros.h"

namespace securebase::config {

struct FlagSet::Flag {
  std::string name;
  std::string type;          // "DURATION"; empty: a switch
  std::string default_text;  // empty: none is shown
  std::string help;
  std::string range;  // "1 to 256"; empty: none
  std::string group;
  Display display = Display::kShow;
  // Empty if the value was taken, else what would be right: "is not a duration; write ...".
  std::function<std::string(const std::string&)> set;
};

namespace {

constexpr size_t kHelpColumns = 90;
constexpr absl::string_view kDurationHelp = "write for example 90s, 5m or 1h30m";

std::string FormatPairs(const std::map<std::string, std::string>& pairs) {
  return absl::StrJoin(pairs, ",", absl::PairFormatter("="));
}

absl::Status FlagError(absl::string_view name, absl::string_view source, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", name, source, ": ", what));
}

// "--store=x" given on behalf of another source. CLI11 takes the last of several.
std::string AsArgument(absl::string_view name, absl::string_view value) {
  return absl::StrCat("--", name, "=", value);
}

// Appends `text` in lines of at most kHelpColumns, each indented.
void AppendWrapped(std::string& out, absl::string_view indent, absl::string_view text) {
  std::string line(indent);
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kHelpColumns) {
      absl::StrAppend(&out, line, "\n");
      line = std::string(indent);
    }
    absl::StrAppend(&line, line.size() > indent.size() ? " " : "", word);
  }
  absl::StrAppend(&out, line, "\n");
}

std::string NameOf(absl::string_view argument) {
  return std::string(absl::StripPrefix(argument.substr(0, argument.find('=')), "--"));
}

}  // namespace

std::string EnvironmentName(absl::string_view flag) {
  return absl::StrCat("SECUREBASE_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(flag, {{"-", "_"}})));
}

FlagSet::Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

FlagSet::FlagSet(std::string program, std::string description, std::string version)
    : program_(std::move(program)),
      description_(std::move(description)),
      version_(std::move(version)) {}

FlagSet::~FlagSet() = default;

void FlagSet::Group(std::string heading) { group_ = std::move(heading); }

FlagSet::Flag& FlagSet::Add(std::string name, std::string type, std::string default_text,
                            std::string help) {
  flags_.push_back(std::make_unique<Flag>());
  Flag& flag = *flags_.back();
  flag.name = std::move(name);
  flag.type = std::move(type);
  flag.default_text = std::move(default_text);
  flag.help = std::move(help);
  flag.group = group_;
  return flag;
}

void FlagSet::AddString(std::string name, std::string& value, std::string help, Display display) {
  Flag& flag = Add(std::move(name), "TEXT", value, std::move(help));
  flag.display = display;
  flag.set = [&value](const std::string& text) {
    value = text;
    return std::string();
  };
}

void FlagSet::AddChoice(std::string name, std::string& value, std::vector<std::string> allowed,
                        std::string help) {
  Flag& flag = Add(std::move(name), absl::StrJoin(allowed, "|"), value, std::move(help));
  flag.set = [&value, allowed = std::move(allowed)](const std::string& text) -> std::string {
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
      return absl::StrCat("is unknown; choose ", absl::StrJoin(allowed, ", "));
    }
    value = text;
    return "";
  };
}

void FlagSet::AddBool(std::string name, bool& value, std::string help) {
  Flag& flag = Add(std::move(name), "", value ? "true" : "false", std::move(help));
  flag.set = [&value](const std::string& text) -> std::string {
    return absl::SimpleAtob(text, &value) ? "" : "is not true or false";
  };
}

void FlagSet::AddInteger(std::string name, int& value, int min, int max, std::string help) {
  Flag& flag = Add(std::move(name), "NUMBER", absl::StrCat(value), std::move(help));
  flag.range = absl::StrCat(min, " to ", max);
  flag.set = [&value, min, max](const std::string& text) -> std::string {
    int number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < min || number > max) {
      return absl::StrCat("is not a number from ", min, " to ", max);
    }
    value = number;
    return "";
  };
}

void FlagSet::AddDuration(std::string name, absl::Duration& value, absl::Duration min,
                          absl::Duration max, std::string help) {
  Flag& flag = Add(std::move(name), "DURATION", absl::FormatDuration(value), std::move(help));
  flag.range = absl::StrCat(absl::FormatDuration(min), " to ", absl::FormatDuration(max));
  flag.set = [&value, min, max](const std::string& text) -> std::string {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration)) {
      return absl::StrCat("is not a duration; ", kDurationHelp);
    }
    if (duration < min || duration > max) {
      return absl::StrCat("is not within ", absl::FormatDuration(min), " to ",
                          absl::FormatDuration(max));
    }
    value = duration;
    return "";
  };
}

void FlagSet::AddPairs(std::string name, std::map<std::string, std::string>& value,
                       std::string help) {
  Flag& flag = Add(std::move(name), "KEY=VALUE,...", FormatPairs(value), std::move(help));
  flag.set = [&value](const std::string& text) -> std::string {
    std::map<std::string, std::string> pairs;
    for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
      const absl::string_view trimmed = absl::StripAsciiWhitespace(pair);
      const size_t equals = trimmed.rfind('=');
      if (equals == absl::string_view::npos || equals == 0 || equals + 1 == trimmed.size()) {
        return "is not a list of key=value, separated by commas";
      }
      if (!pairs.emplace(trimmed.substr(0, equals), trimmed.substr(equals + 1)).second) {
        return "names a key twice";
      }
    }
    value = std::move(pairs);
    return "";
  };
}

std::string FlagSet::Help() const {
  std::string help = absl::StrCat(description_, "\n\nUsage: ", program_, " [--flag=value]...\n\n");
  AppendWrapped(
      help, "",
      "Every flag is also an environment variable, --drain-time SECUREBASE_DRAIN_TIME, and a "
      "line of the file that --config names, drain-time = \"20s\". The command line wins "
      "over the environment, and the environment over the file.");
  help += "\n  --help\n  --version\n  --config PATH\n";
  absl::string_view group;
  for (const auto& flag : flags_) {
    if (group != flag->group) {
      group = flag->group;
      absl::StrAppend(&help, "\n", group, ":\n");
    }
    absl::StrAppend(&help, "  --", flag->name, flag->type.empty() ? "" : " ", flag->type, "\n");
    const bool shown = !flag->default_text.empty() && flag->display == Display::kShow;
    AppendWrapped(help, "      ",
                  absl::StrCat(flag->help,
                               flag->range.empty() ? "" : absl::StrCat(" From ", flag->range, "."),
                               shown ? absl::StrCat(" Default: ", flag->default_text, ".") : ""));
  }
  return help;
}

std::string FlagSet::WhichFlag(absl::string_view dashes, absl::string_view name) const {
  std::vector<std::string> names = {absl::StrCat(dashes, "config")};
  for (const auto& flag : flags_) {
    names.push_back(absl::StrCat(dashes, flag->name));
  }
  const std::string meant = DidYouMean(absl::StrCat(dashes, name), names);
  return absl::StrCat(meant, meant.empty() ? ";" : "", " --help lists them");
}

absl::StatusOr<std::vector<std::string>> FlagSet::FromFile(const std::string& path) const {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {  // which opens, and reads as if empty
    return FlagError("config", "", absl::StrCat(path, " is a folder; name the file in it"));
  }
  std::ifstream file(path);
  if (!file) {
    return FlagError("config", "", absl::StrCat(path, " cannot be read; check path and mode"));
  }
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigBase().from_config(file);
  } catch (const std::exception&) {
    return FlagError("config", "", absl::StrCat(path, " is not a list of `name = value` lines"));
  }
  std::vector<std::string> arguments;
  for (const CLI::ConfigItem& item : items) {
    const bool known = item.parents.empty() &&
                       std::any_of(flags_.begin(), flags_.end(),
                                   [&](const auto& flag) { return flag->name == item.name; });
    if (!known) {
      return FlagError("config", "",
                       absl::StrCat(path, " sets \"", item.fullname(), "\", which is no flag",
                                    WhichFlag("", item.fullname())));
    }
    arguments.push_back(AsArgument(item.name, absl::StrJoin(item.inputs, ",")));
  }
  return arguments;
}

absl::StatusOr<std::optional<std::string>> FlagSet::Parse(const std::vector<std::string>& arguments,
                                                          const Environment& environment) {
  std::string config_path;
  CLI::App app(description_, program_);
  std::map<std::string, CLI::Option*> options;
  app.set_help_flag("--help");
  app.set_version_flag("--version", absl::StrCat(program_, " ", version_));
  app.add_option("--config");
  for (const auto& flag : flags_) {
    CLI::Option* option =
        flag->type.empty() ? app.add_flag("--" + flag->name) : app.add_option("--" + flag->name);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (!flag->type.empty()) {
      option->expected(1)->type_size(1);
    }
    options[flag->name] = option;
  }

  // Whose value counts is decided by order, so the weaker sources come first.
  std::set<std::string> in_environment;
  std::vector<std::string> from_environment;
  for (const auto& flag : flags_) {
    const std::optional<std::string> value = environment(EnvironmentName(flag->name));
    if (value.has_value() && !value->empty()) {
      in_environment.insert(flag->name);
      from_environment.push_back(AsArgument(flag->name, *value));
    }
  }
  config_path = environment("SECUREBASE_CONFIG").value_or("");
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config" && i + 1 < arguments.size()) {
      config_path = arguments[i + 1];
    } else if (absl::StartsWith(arguments[i], "--config=")) {
      config_path = arguments[i].substr(sizeof("--config=") - 1);
    }
  }
  std::vector<std::string> from_file;
  if (!config_path.empty()) {
    SB_ASSIGN_OR_RETURN(from_file, FromFile(config_path));
  }
  std::set<std::string> with_value = {"config"};
  for (const auto& flag : flags_) {
    if (!flag->type.empty()) {
      with_value.insert(flag->name);
    }
  }
  std::vector<std::string> all;
  for (const std::vector<std::string>* source :
       {&std::as_const(from_file), &std::as_const(from_environment), &arguments}) {
    for (const std::string& argument : *source) {
      // For "--store=" CLI11 would take the next argument as the value, whatever it is.
      if (absl::StartsWith(argument, "--") && argument.find('=') + 1 == argument.size() &&
          with_value.count(NameOf(argument)) == 1) {
        all.push_back(argument.substr(0, argument.size() - 1));
        all.emplace_back();
      } else {
        all.push_back(argument);
      }
    }
  }
  std::reverse(all.begin(), all.end());  // CLI11 pops them from the back

  try {
    app.parse(all);
  } catch (const CLI::CallForHelp&) {
    return Help();
  } catch (const CLI::CallForVersion& version) {
    return absl::StrCat(version.what(), "\n");
  } catch (const CLI::ExtrasError&) {
    for (const std::string& argument : arguments) {
      const std::string name = NameOf(argument);
      if (absl::StartsWith(argument, "--") && options.count(name) == 0 && name != "config") {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, ": there is no such flag", WhichFlag("--", name)));
      }
    }
    return absl::InvalidArgumentError(
        "there is an argument that is no flag; write --name=value, --help lists the flags");
  } catch (const CLI::Error& error) {
    // CLI11's other messages name the flag and quote no value, but may span lines.
    return absl::InvalidArgumentError(
        absl::StrReplaceAll(absl::StripAsciiWhitespace(error.what()), {{"\n", " "}}));
  }

  std::set<std::string> on_command_line;
  for (const std::string& argument : arguments) {
    if (absl::StartsWith(argument, "--")) {
      on_command_line.insert(NameOf(argument));
    }
  }
  for (const auto& flag : flags_) {
    const CLI::Option* option = options[flag->name];
    if (option->count() == 0) {
      continue;
    }
    const std::vector<std::string>& values = option->results();
    const std::string value = values.back();
    const std::string problem = flag->set(value);
    if (problem.empty()) {
      continue;
    }
    const std::string source =
        on_command_line.count(flag->name) != 0 ? ""
        : in_environment.count(flag->name) != 0
            ? absl::StrCat(" (environment ", EnvironmentName(flag->name), ")")
            : absl::StrCat(" (file ", config_path, ")");
    return FlagError(flag->name, source,
                     flag->display == Display::kHide ? absl::StrCat("the value ", problem)
                                                     : absl::StrCat("\"", value, "\" ", problem));
  }
  return std::nullopt;
}

}  // namespace securebase::config
