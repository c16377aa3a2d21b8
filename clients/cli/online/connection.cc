#include "clients/cli/online/connection.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "clients/cli/online/connection_error.h"
#include "services/platform/base/nearest.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

constexpr char kDefaultTimeout[] = "30s";

// A line of a profile, and where its value goes.
using Setting = std::pair<std::string, std::string*>;

std::vector<Setting> Settings(ConnectionOptions& options) {
  return {
      {"SECUREBASE_PRACTICE", &options.practice},
      {"SECUREBASE_TOKEN", &options.token},
      {"SECUREBASE_TOKEN_FILE", &options.token_file},
      {"SECUREBASE_CA_FILE", &options.ca_file},
      {"SECUREBASE_CERTIFICATE_FILE", &options.certificate_file},
      {"SECUREBASE_KEY_FILE", &options.key_file},
      {"SECUREBASE_OUTCOMES_ADDRESS", &options.outcomes_address},
      {"SECUREBASE_GOALS_ADDRESS", &options.goals_address},
      {"SECUREBASE_PLANS_ADDRESS", &options.plans_address},
      {"SECUREBASE_TIMEOUT", &options.timeout},
      {"SECUREBASE_PLAINTEXT", &options.plaintext_text},
  };
}

absl::Status Missing(absl::string_view what, absl::string_view flag, absl::string_view variable) {
  return absl::InvalidArgumentError(absl::StrCat("no ", what, ": give ", flag, ", set ", variable,
                                                 ", or name a --profile that has it"));
}

// Opening a folder succeeds, and so does reading nothing from it.
absl::StatusOr<std::ifstream> OpenFile(absl::string_view what, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", what, " ", path, " is a folder; name the file in it"));
  }
  std::ifstream in(path);
  if (!in.good()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot read the ", what, " ", path, "; check that it exists and that you may read it"));
  }
  return in;
}

absl::StatusOr<std::string> FirstLine(const std::string& path) {
  SB_ASSIGN_OR_RETURN(std::ifstream in, OpenFile("token file", path));
  std::string line;
  if (!std::getline(in, line) || line.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token file ", path, " is empty; write a token into its first line"));
  }
  return std::string(absl::StripAsciiWhitespace(line));
}

// Sets what flags and environment left empty.
absl::Status ReadProfile(const std::string& path, const std::vector<Setting>& settings) {
  SB_ASSIGN_OR_RETURN(std::ifstream in, OpenFile("profile", path));
  std::vector<std::string> known;
  known.reserve(settings.size());
  for (const Setting& setting : settings) {
    known.push_back(setting.first);
  }
  int number = 0;
  for (std::string raw; std::getline(in, raw);) {
    ++number;
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) {  // not shown: it may be a token
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": write NAME=value, or # before a comment"));
    }
    const absl::string_view name = absl::StripAsciiWhitespace(line.substr(0, equals));
    const auto setting = std::find_if(settings.begin(), settings.end(),
                                      [&](const Setting& s) { return s.first == name; });
    if (setting == settings.end()) {
      const std::string meant = DidYouMean(name, known);
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", number, ": a profile has no ", name,
          meant.empty() ? absl::StrCat("; it knows ", absl::StrJoin(known, ", ")) : meant));
    }
    if (setting->second->empty()) {
      *setting->second = std::string(absl::StripAsciiWhitespace(line.substr(equals + 1)));
    }
  }
  return absl::OkStatus();
}

// "goals", "plans" or, which serves episodes as well, "outcomes".
std::string ServiceOf(const std::string& method) {
  const std::vector<std::string> parts = absl::StrSplit(method, '.');
  const std::string package = parts.size() > 1 ? parts[1] : "";
  return package == "goals" || package == "plans" ? package : "outcomes";
}

}  // namespace

void AddConnectionOptions(CLI::App& command, ConnectionOptions& options) {
  const auto add = [&](const char* flag, std::string& value, const char* help, const char* type,
                       const char* variable) {
    command.add_option(flag, value, help)->type_name(type)->envname(variable)->group("Connection");
  };
  add("--profile", options.profile, "file of NAME=value lines with what the options below say",
      "FILE", "SECUREBASE_PROFILE");
  add("--practice", options.practice, "the practice's id", "ID", "SECUREBASE_PRACTICE");
  add("--token", options.token, "bearer token; better in a file", "TOKEN", "SECUREBASE_TOKEN");
  add("--token-file", options.token_file, "file with the bearer token", "FILE",
      "SECUREBASE_TOKEN_FILE");
  add("--ca", options.ca_file, "PEM file of the authorities that signed the servers' certificates",
      "FILE", "SECUREBASE_CA_FILE");
  add("--certificate", options.certificate_file,
      "PEM file with this program's certificate, for servers that ask for one", "FILE",
      "SECUREBASE_CERTIFICATE_FILE");
  add("--key", options.key_file, "PEM file with the certificate's key", "FILE",
      "SECUREBASE_KEY_FILE");
  add("--outcomes-address", options.outcomes_address, "where episodes and outcomes are served",
      "HOST:PORT", "SECUREBASE_OUTCOMES_ADDRESS");
  add("--goals-address", options.goals_address, "where goals are served", "HOST:PORT",
      "SECUREBASE_GOALS_ADDRESS");
  add("--plans-address", options.plans_address, "where plans are served", "HOST:PORT",
      "SECUREBASE_PLANS_ADDRESS");
  add("--timeout", options.timeout, "how long a call may take (30s)", "DURATION",
      "SECUREBASE_TIMEOUT");
  command.add_flag("--plaintext", options.plaintext_text, "without TLS; loopback addresses only")
      ->envname("SECUREBASE_PLAINTEXT")
      ->group("Connection");
}

absl::Status Complete(ConnectionOptions& options) {
  if (!options.profile.empty()) {
    SB_RETURN_IF_ERROR(ReadProfile(options.profile, Settings(options)));
  }
  if (options.practice.empty()) {
    return Missing("practice", "--practice", "SECUREBASE_PRACTICE");
  }
  if (options.token.empty() && !options.token_file.empty()) {
    SB_ASSIGN_OR_RETURN(options.token, FirstLine(options.token_file));
  }
  if (options.token.empty()) {
    return Missing("token", "--token-file", "SECUREBASE_TOKEN_FILE");
  }
  if (!options.plaintext_text.empty() &&
      !absl::SimpleAtob(options.plaintext_text, &options.plaintext)) {
    return absl::InvalidArgumentError(
        "--plaintext (or SECUREBASE_PLAINTEXT) must be true or false");
  }
  if (options.timeout.empty()) {
    options.timeout = kDefaultTimeout;
  }
  absl::Duration timeout;
  if (!absl::ParseDuration(options.timeout, &timeout) || timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "--timeout (or SECUREBASE_TIMEOUT) must be a duration like 30s or 2m");
  }
  return absl::OkStatus();
}

const std::string& Connections::AddressOf(const std::string& method) const {
  const std::string service = ServiceOf(method);
  return service == "goals"   ? options_.goals_address
         : service == "plans" ? options_.plans_address
                              : options_.outcomes_address;
}

absl::StatusOr<client::Client*> Connections::For(const std::string& method) {
  const std::string& address = AddressOf(method);
  if (address.empty()) {
    const std::string name = ServiceOf(method);
    return Missing(absl::StrCat("address of ", name), absl::StrCat("--", name, "-address"),
                   absl::StrCat("SECUREBASE_", absl::AsciiStrToUpper(name), "_ADDRESS"));
  }
  // Only looked up, so that many threads may once it is there.
  const auto found = clients_.find(address);
  if (found != clients_.end()) {
    return found->second.get();
  }
  client::ChannelOptions channel;
  channel.address = address;
  channel.plaintext = options_.plaintext;
  channel.ca_file = options_.ca_file;
  channel.certificate_file = options_.certificate_file;
  channel.key_file = options_.key_file;
  SB_ASSIGN_OR_RETURN(std::unique_ptr<client::Client> client, client::MakeClient(channel));
  return clients_.emplace(address, std::move(client)).first->second.get();
}

absl::Status Connections::Call(const std::string& method, const google::protobuf::Message& request,
                               google::protobuf::Message& response) {
  SB_ASSIGN_OR_RETURN(client::Client * client, For(method));
  client::CallOptions options;
  absl::Duration timeout;
  absl::ParseDuration(options_.timeout, &timeout);
  options.deadline = absl::Now() + timeout;
  options.token = options_.token;
  const size_t dot = method.rfind('.');
  return ExplainConnectionError(
      client->CallMethod(absl::StrCat("/", method.substr(0, dot), "/", method.substr(dot + 1)),
                         options, request, response),
      AddressOf(method), options_);
}

}  // namespace securebase::cli
