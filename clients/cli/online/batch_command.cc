#include <openssl/sha.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "clients/cli/cli.h"
#include "clients/cli/online/batch.h"
#include "clients/cli/online/online.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
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

// The same line on the same day gives the same id, so that a repeat changes nothing.
std::string RequestId(const BatchLine& line, const std::vector<std::string>& arguments) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  const std::string text = absl::StrCat(line.as, "\n", absl::StrJoin(arguments, "\n"));
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return absl::StrCat(
      "batch-", absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(digest), 16)));
}

absl::StatusOr<std::string> FieldOfJson(const std::string& json, const std::string& field) {
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok()) {
    return absl::InternalError("the response cannot be read");
  }
  const auto found = object.fields().find(field);
  if (found == object.fields().end() || !found->second.has_string_value()) {
    return absl::InvalidArgumentError(absl::StrCat("the response has no text field ", field));
  }
  return found->second.string_value();
}

// Runs the lines of a file, and remembers what they set.
class Batch {
 public:
  explicit Batch(const BatchOptions& options) : options_(options), app_("", "securebase") {
    Console unused{ignored_, ignored_, false, absl::OkStatus()};
    AddOnlineCommands(app_, unused);
  }

  absl::Status Run(const BatchLine& line) {
    std::vector<std::string> arguments = line.arguments;
    for (std::string& argument : arguments) {
      argument = absl::StrReplaceAll(argument, variables_);
    }
    if (!CompletionsFor(app_, {arguments[0], arguments[1], "--request-id"}).empty()) {
      arguments.push_back("--request-id");
      arguments.push_back(RequestId(line, arguments));
    }
    if (!line.as.empty()) {
      arguments.push_back("--token-file");
      arguments.push_back(absl::StrCat(options_.tokens, "/", line.as, ".token"));
    }
    if (!line.set.empty()) {
      arguments.insert(arguments.end(), {"--output", "json"});
    }
    std::ostringstream out;
    std::ostringstream error;
    Console quiet{out, error, false, absl::OkStatus()};
    if (RunCli(arguments, quiet, {AddOnlineCommands}) != 0) {
      return absl::Status(
          quiet.status.ok() ? absl::StatusCode::kInvalidArgument : quiet.status.code(),
          absl::StripPrefix(absl::StripAsciiWhitespace(error.str()), "securebase: "));
    }
    if (!line.set.empty()) {
      SB_ASSIGN_OR_RETURN(variables_[absl::StrCat("{", line.set, "}")],
                          FieldOfJson(out.str(), line.field));
    }
    return absl::OkStatus();
  }

 private:
  const BatchOptions& options_;
  std::ostringstream ignored_;
  CLI::App app_;
  std::map<std::string, std::string> variables_;
};

absl::Status RunBatch(const BatchOptions& options, Console& console) {
  std::ifstream in(options.file);
  if (!in.good()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", options.file, "; check that it exists"));
  }
  std::stringstream text;
  text << in.rdbuf();
  SB_ASSIGN_OR_RETURN(const std::vector<BatchLine> lines, ParseBatch(text.str(), options.start));
  // One line that rewrites itself, where somebody looks on.
  const std::string clear = console.colour ? "\r\x1b[K" : "";
  Batch batch(options);
  size_t done = 0;
  std::vector<int> existed;
  for (const BatchLine& line : lines) {
    ++done;
    if (console.colour) {
      console.out << clear << "[" << done << "/" << lines.size() << "] " << line.arguments[0] << " "
                  << line.arguments[1] << std::flush;
    }
    const absl::Status status = batch.Run(line);
    if (absl::IsAlreadyExists(status)) {
      existed.push_back(line.number);
    } else if (!status.ok()) {
      console.out << clear;
      return absl::Status(status.code(), absl::StrCat(options.file, ":", line.number, ": ",
                                                      std::string(status.message())));
    }
  }
  console.out << clear << done << " commands done" << PassedOverText(existed) << "\n";
  return absl::OkStatus();
}

}  // namespace

std::string PassedOverText(const std::vector<int>& lines) {
  if (lines.empty()) {
    return "";
  }
  return absl::StrCat(", ", lines.size(),
                      " of them passed over, because what they create is there already (it was not "
                      "compared): ",
                      lines.size() == 1 ? "line " : "lines ", absl::StrJoin(lines, ", "));
}

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
    if (parsed.arguments.size() > 2 && parsed.arguments[0] == "set") {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(parsed.arguments[1], absl::MaxSplits('=', 1));
      parsed.set = parts.first;
      parsed.field = parts.second;
      if (parsed.set.empty() || parsed.field.empty()) {
        return at_line("set takes NAME=FIELD");
      }
      parsed.arguments.erase(parsed.arguments.begin(), parsed.arguments.begin() + 2);
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
