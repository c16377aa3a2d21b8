#pragma once

#include <functional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "clients/cli/console.h"

namespace securebase::cli {

// Adds subcommands to the program.
using AddCommands = std::function<void(CLI::App& app, Console& console)>;

// Runs `securebase` with the arguments behind its name; `more` are commands beside those that work
// without a server. Returns the exit code: 0 on success and for
// help, 2 on bad input with one line on console.err, 1 when something else is wrong, 128 and the
// signal's number when a command noticed that it is to stop.
int RunCli(const std::vector<std::string>& arguments, Console& console,
           const std::vector<AddCommands>& more = {});

// Writes out what is still in `out`, which goes to `descriptor`. The exit code: `code`, or 1 with a
// line on `err` when some of the output was lost. Nothing is said, and `code` stays, when its
// reader has gone away, as in "securebase ... | head".
int FinishOutput(std::ostream& out, int descriptor, std::ostream& err, int code);

// Each verb is one file with one of these. It adds a subcommand whose callback does the work,
// writes to the console, and sets console.status when it fails; it throws nothing. The console and
// the app outlive the callback. A new verb is declared here and called in cli.cc.
void AddScoreCommand(CLI::App& app, Console& console);
void AddChangeCommand(CLI::App& app, Console& console);
void AddCatalogueCommand(CLI::App& app, Console& console);
void AddCompletionCommand(CLI::App& app, Console& console);

// The commands of a command, and its flags, "--output".
std::vector<const CLI::App*> SubcommandsOf(const CLI::App& command);
std::vector<std::string> FlagsOf(const CLI::App& command);

// What may stand for the last of `words` on the command line; empty: nothing.
std::vector<std::string> CompletionsFor(const CLI::App& app, const std::vector<std::string>& words);

// Makes the option take one of these words, which help and completion show.
CLI::Option* TakesOneOf(CLI::Option* option, const std::vector<std::string>& choices);

// --output json|table, the same for every verb.
void AddOutputOption(CLI::App& command, bool& json);

}  // namespace securebase::cli
