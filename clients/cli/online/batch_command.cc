#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "clients/cli/cli.h"
#include "clients/cli/online/batch.h"
#include "clients/cli/online/online.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

struct BatchOptions {
  std::string file;
  std::string start;
  std::string tokens;
};

absl::StatusOr<std::string> ReplaceDays(absl::string_view line, const std::string& start) {
  std::string out;
  while (true) {
    const size_t open = line.find("{day");
    const size_t close = open == absl::string_view::npos ? open : line.find('}', open);
    if (close == absl::string_view::npos) {
      return absl::StrCat(out, line);
    }
    int days = 0;
    const absl::string_view offset = line.substr(open + 4, close - open - 4);
    absl::CivilDay day;
    if (!absl::ParseCivilTime(start, &day)) {
      return absl::InvalidArgumentError(
          "the file counts days: give --start, a day like 2026-03-02");
    }
    if (!offset.empty() && !absl::SimpleAtoi(offset, &days)) {
      return absl::InvalidArgumentError("a day is written {day}, {day+7} or {day-1}");
    }
    absl::StrAppend(&out, line.substr(0, open), absl::FormatCivilTime(day + days));
    line.remove_prefix(close + 1);
  }
}

absl::Status RunBatch(const BatchOptions& options, Console& console) {
  std::ifstream in(options.file);
  if (!in.good()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", options.file, "; check that it exists"));
  }
  std::stringstream text;
  text << in.rdbuf();
  SB_ASSIGN_OR_RETURN(const std::vector<BatchLine> lines, ParseBatch(text.str(), options.start));
  int done = 0;
  int existed = 0;
  for (const BatchLine& line : lines) {
    if (console.colour) {
      console.out << absl::StrFormat("\r\x1b[K[%d/%d] %s %s", done + 1, lines.size(),
                                     line.arguments[0], line.arguments[1])
                  << std::flush;
    }
    std::vector<std::string> arguments = line.arguments;
    if (!line.as.empty()) {
      arguments.push_back("--token-file");
      arguments.push_back(absl::StrCat(options.tokens, "/", line.as, ".token"));
    }
    std::ostringstream ignored;
    std::ostringstream error;
    Console quiet{ignored, error, false, absl::OkStatus()};
    const int code = RunCli(arguments, quiet, {AddOnlineCommands});
    if (code != 0 && quiet.status.code() == absl::StatusCode::kAlreadyExists) {
      ++existed;
    } else if (code != 0) {
      console.out << (console.colour ? "\r\x1b[K" : "");
      return absl::Status(
          quiet.status.ok() ? absl::StatusCode::kInvalidArgument : quiet.status.code(),
          absl::StrCat(options.file, ":", line.number, ": ",
                       absl::StripAsciiWhitespace(error.str())));
    }
    ++done;
  }
  console.out << (console.colour ? "\r\x1b[K" : "") << done << " commands done";
  if (existed > 0) {
    console.out << ", " << existed << " of them had been done before";
  }
  console.out << "\n";
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<BatchLine>> ParseBatch(absl::string_view text,
                                                  const std::string& start) {
  std::vector<BatchLine> lines;
  int number = 0;
  std::string joined;
  int first = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (joined.empty()) {
      first = number;
    }
    if (absl::ConsumeSuffix(&line, "\\")) {
      absl::StrAppend(&joined, line, " ");
      continue;
    }
    absl::StrAppend(&joined, line);
    const std::string command = std::move(joined);
    joined.clear();
    if (command.empty() || command[0] == '#') {
      continue;
    }
    const auto at_line = [&](const std::string& what) {
      return absl::InvalidArgumentError(absl::StrCat("line ", first, ": ", what));
    };
    const auto dated = ReplaceDays(command, start);
    if (!dated.ok()) {
      return at_line(std::string(dated.status().message()));
    }
    BatchLine parsed;
    parsed.number = first;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (const char c : *dated) {
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word += c;
        }
      } else if (c == '\'' || c == '"') {
        quote = c;
        in_word = true;
      } else if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
        if (in_word) {
          parsed.arguments.push_back(std::move(word));
        }
        word.clear();
        in_word = false;
      } else {
        word += c;
        in_word = true;
      }
    }
    if (quote != 0) {
      return at_line("a quotation mark is not closed");
    }
    if (in_word) {
      parsed.arguments.push_back(std::move(word));
    }
    if (!parsed.arguments.empty() && absl::StartsWith(parsed.arguments[0], "as=")) {
      parsed.as = parsed.arguments[0].substr(3);
      parsed.arguments.erase(parsed.arguments.begin());
    }
    if (parsed.arguments.size() < 2) {
      return at_line("a command has a resource and a verb");
    }
    lines.push_back(std::move(parsed));
  }
  return lines;
}

void AddBatchCommand(CLI::App& app, Console& console) {
  auto options = std::make_shared<BatchOptions>();
  CLI::App* command = app.add_subcommand(
      "batch", "Run a file of commands, in order; what exists already is passed over");
  command->add_option("file", options->file, "one command a line; # begins a comment")
      ->required()
      ->type_name("FILE");
  command->add_option("--start", options->start, "what {day} and {day+7} in the file count from")
      ->type_name("DAY");
  command
      ->add_option("--tokens", options->tokens,
                   "folder of NAME.token files, for lines that begin with as=NAME")
      ->type_name("FOLDER");
  command->callback([options, &console] { console.status = RunBatch(*options, console); });
}

}  // namespace securebase::cli
