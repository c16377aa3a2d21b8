#include "clients/cli/cli.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "services/platform/base/error.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/base/nearest.h"

namespace securebase::cli {
namespace {

constexpr int kExitOfSignal = 128;  // plus its number, as shells count

std::vector<std::string> NamesOf(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* command : commands) {
    names.push_back(command->get_name());
  }
  return names;
}

// How far the words of a command line lead.
struct Reached {
  const CLI::App* command;
  std::string path;     // "securebase episodes"
  std::string unknown;  // the first word that should be a command and is none
};

Reached Follow(const CLI::App& app, const std::vector<std::string>& arguments) {
  Reached reached = {&app, app.get_name(), ""};
  for (const std::string& word : arguments) {
    const std::vector<const CLI::App*> commands = SubcommandsOf(*reached.command);
    if (commands.empty() || absl::StartsWith(word, "-")) {
      break;
    }
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* command) {
      return command->get_name() == word;
    });
    if (found == commands.end()) {
      reached.unknown = word;
      break;
    }
    reached.command = *found;
    absl::StrAppend(&reached.path, " ", word);
  }
  return reached;
}

// CLI11 would only say that a subcommand is required, or that words were not expected. What is
// wrong with the command line, of which CLI11 left `remaining`; its own `message` where that says
// more.
std::string Problem(const Reached& reached, const std::vector<std::string>& remaining,
                    absl::string_view message) {
  const std::vector<const CLI::App*> commands = SubcommandsOf(*reached.command);
  if (!reached.unknown.empty()) {
    return absl::StrCat("there is no command \"", reached.path, " ", reached.unknown, "\"",
                        DidYouMean(reached.unknown, NamesOf(commands)));
  }
  for (const std::string& word : remaining) {
    if (absl::StartsWith(word, "--") && word.size() > 2) {
      // Without its value, which may be somebody's data.
      const std::string flag = word.substr(0, word.find('='));
      return absl::StrCat("\"", reached.path, "\" has no flag ", flag,
                          DidYouMean(flag, FlagsOf(*reached.command)));
    }
  }
  if (commands.empty()) {
    return absl::StrReplaceAll(message, {{"\n", " "}});
  }
  return absl::StrCat("\"", reached.path, "\" needs a command",
                      reached.command->get_parent() == nullptr
                          ? ""
                          : absl::StrCat(": ", absl::StrJoin(NamesOf(commands), ", ")));
}

}  // namespace

std::vector<const CLI::App*> SubcommandsOf(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> FlagsOf(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      flags.push_back(absl::StrCat("--", name));
    }
  }
  return flags;
}

int RunCli(const std::vector<std::string>& arguments, Console& console,
           const std::vector<AddCommands>& more) {
  CLI::App app("Outcome measures, goals and treatment plans for attachment-based psychotherapy.",
               "securebase");
  app.require_subcommand(1);
  app.set_version_flag("--version", "securebase " SECUREBASE_VERSION);
  AddScoreCommand(app, console);
  AddChangeCommand(app, console);
  AddCatalogueCommand(app, console);
  AddCompletionCommand(app, console);
  for (const AddCommands& add : more) {
    add(app, console);
  }
  // CLI11 takes them from the back, and reports with exceptions.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForVersion& version) {
    console.out << version.what() << "\n";
    return 0;
  } catch (const CLI::CallForHelp&) {
    const CLI::App* command = &app;
    std::string parents;
    while (!command->get_subcommands().empty()) {
      absl::StrAppend(&parents, command->get_name(), " ");
      command = command->get_subcommands().front();
    }
    console.out << command->help(std::string(absl::StripSuffix(parents, " ")));
    return 0;
  } catch (const CLI::ParseError& error) {
    const Reached reached = Follow(app, arguments);
    console.err << "securebase: " << Problem(reached, app.remaining(true), error.what()) << " ("
                << reached.path << " --help explains)\n";
    return 2;
  }
  if (console.status.ok()) {
    return 0;
  }
  if (Interrupted() != 0) {
    console.err << "securebase: stopped by a signal; what was half made is removed\n";
    return kExitOfSignal + Interrupted();
  }
  console.err << "securebase: " << Printable(console.status.message(), true);
  // The message names the first three and counts the rest; all of it stays one line.
  const std::vector<FieldViolation> violations = ViolationsOf(console.status);
  for (size_t i = 3; i < violations.size(); ++i) {
    console.err << (i == 3 ? ": " : "; ") << violations[i].field << ": "
                << violations[i].description;
  }
  console.err << "\n";
  switch (console.status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 2;
    default:
      return 1;
  }
}

int FinishOutput(std::ostream& out, int descriptor, std::ostream& err, int code) {
  errno = 0;
  out.flush();
  if (out.good()) {
    return code;
  }
  const int error = errno;
  pollfd output = {descriptor, POLLOUT, 0};
  if (error == EPIPE || (poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0)) {
    return code;
  }
  err << "securebase: the output could not be written"
      << (error == 0 ? std::string() : absl::StrCat(" (", strerror(error), ")"))
      << "; it is incomplete\n";
  return 1;
}

CLI::Option* TakesOneOf(CLI::Option* option, const std::vector<std::string>& choices) {
  // The placeholder shows them already.
  return option->check(CLI::IsMember(choices).description(""))
      ->type_name(absl::StrJoin(choices, "|"));
}

void AddOutputOption(CLI::App& command, bool& json) {
  TakesOneOf(command.add_option_function<std::string>(
                 "--output", [&json](const std::string& value) { json = value == "json"; },
                 "table for people (default), or json"),
             {"table", "json"});
}

}  // namespace securebase::cli
