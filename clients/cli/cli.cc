#include "clients/cli/cli.h"

#include <poll.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "services/platform/base/error.h"

namespace securebase::cli {

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
  // CLI11 would only say that a subcommand is required.
  if (!arguments.empty() && !absl::StartsWith(arguments[0], "-") &&
      app.get_subcommands(
             [&](const CLI::App* command) { return command->get_name() == arguments[0]; })
          .empty()) {
    console.err << "securebase: there is no command \"" << arguments[0] << "\" (--help explains)\n";
    return 2;
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
    console.err << "securebase: " << absl::StrReplaceAll(error.what(), {{"\n", " "}})
                << " (--help explains)\n";
    return 2;
  }
  if (console.status.ok()) {
    return 0;
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

void AddOutputOption(CLI::App& command, bool& json) {
  command
      .add_option_function<std::string>(
          "--output", [&json](const std::string& value) { json = value == "json"; },
          "table for people (default), or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("FORMAT");
}

}  // namespace securebase::cli
