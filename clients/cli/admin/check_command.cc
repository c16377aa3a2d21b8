#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cli/admin/admin.h"
#include "clients/cli/cli.h"
#include "clients/cli/json_output.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/backup_file.h"
#include "services/platform/storage/finding.h"
#include "services/platform/storage/redis_check.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/sqlite_check.h"

namespace securebase::cli {
namespace {

using storage::StoreFinding;
using Severity = StoreFinding::Severity;

constexpr absl::Duration kRedisTime = absl::Seconds(30);

struct Options {
  std::string store;
  std::string backup;
  std::string max_age = "25h";
  bool skip_integrity = false;
  bool json = false;
};

std::string ResultOf(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return "ok";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

Colour ColourOf(Severity severity) {
  switch (severity) {
    case Severity::kOk:
      return Colour::kGreen;
    case Severity::kWarning:
      return Colour::kYellow;
    case Severity::kError:
      return Colour::kRed;
  }
  return Colour::kPlain;
}

std::string AgeText(absl::Duration age) {
  return age >= absl::Hours(48) ? absl::StrCat(age / absl::Hours(24), " days")
                                : absl::FormatDuration(absl::Trunc(age, absl::Minutes(1)));
}

absl::StatusOr<std::vector<StoreFinding>> CheckStore(const Options& options) {
  absl::string_view path = options.store;
  if (absl::ConsumePrefix(&path, "sqlite:") && !path.empty()) {
    return storage::CheckSqlite({std::string(path), !options.skip_integrity});
  }
  if (absl::StartsWith(options.store, "redis")) {
    SB_ASSIGN_OR_RETURN(const storage::RedisOptions redis, storage::ParseRedisUrl(options.store));
    storage::Context context;
    context.deadline = absl::Now() + kRedisTime;
    return storage::CheckRedis(redis, context);
  }
  // The value may hold a password: it is not repeated.
  return absl::InvalidArgumentError("--store must be sqlite:<path> or a redis:// URL");
}

absl::StatusOr<StoreFinding> CheckBackup(const Options& options, const Clock& clock) {
  absl::Duration max_age;
  if (!absl::ParseDuration(options.max_age, &max_age) || max_age <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--max-age must be a duration like 25h");
  }
  SB_ASSIGN_OR_RETURN(const storage::BackupContents contents,
                      storage::ReadBackup(options.backup, absl::InfinitePast(), nullptr));
  const absl::Duration age = clock.Now() - contents.info.created;
  return StoreFinding{age <= max_age ? Severity::kOk : Severity::kError,
                      "",
                      "age of the backup",
                      AgeText(age),
                      absl::StrCat("at most ", AgeText(max_age)),
                      "what was written since is lost with the store"};
}

void PrintFindings(const std::vector<StoreFinding>& findings, bool json, Console& console) {
  if (json) {
    JsonOutput out;
    out.BeginObject();
    out.Key("findings");
    out.BeginArray();
    for (const StoreFinding& finding : findings) {
      out.BeginObject();
      out.Key("result");
      out.String(ResultOf(finding.severity));
      out.Key("server");
      out.String(finding.server);
      out.Key("setting");
      out.String(finding.setting);
      out.Key("is");
      out.String(finding.is);
      out.Key("should");
      out.String(finding.should);
      out.Key("why");
      out.String(finding.severity == Severity::kOk ? "" : finding.why);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
    console.out << out.Finish();
    return;
  }
  const bool servers =
      std::any_of(findings.begin(), findings.end(),
                  [](const StoreFinding& finding) { return !finding.server.empty(); });
  std::vector<std::string> header = {"RESULT", "SETTING", "IS", "SHOULD BE", "OTHERWISE"};
  if (servers) {
    header.insert(header.begin() + 1, "SERVER");
  }
  Table table(header);
  for (const StoreFinding& finding : findings) {
    std::vector<Table::Cell> row = {
        {ResultOf(finding.severity), ColourOf(finding.severity)},
        {finding.setting},
        {finding.is},
        {finding.should},
        {finding.severity == Severity::kOk ? std::string() : finding.why}};
    if (servers) {
      row.insert(row.begin() + 1, {finding.server});
    }
    table.Add(std::move(row));
  }
  table.Print(console);
}

absl::Status Check(const Options& options, Console& console, const Clock& clock) {
  SB_ASSIGN_OR_RETURN(std::vector<StoreFinding> findings, CheckStore(options));
  if (!options.backup.empty()) {
    SB_ASSIGN_OR_RETURN(findings.emplace_back(), CheckBackup(options, clock));
  }
  PrintFindings(findings, options.json, console);
  const auto errors = std::count_if(
      findings.begin(), findings.end(),
      [](const StoreFinding& finding) { return finding.severity == Severity::kError; });
  return errors == 0
             ? absl::OkStatus()
             : absl::UnknownError(absl::StrCat("the store does not keep its promise: ", errors,
                                               errors == 1 ? " setting is" : " settings are",
                                               " not as they should be"));
}

}  // namespace

void AddCheckCommand(CLI::App& admin, Console& console, const Clock& clock) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      admin.add_subcommand("check", "Whether a store is set up to keep what it is given");
  command->add_option("--store", options->store, "the store; its service may go on")
      ->required()
      ->envname("SECUREBASE_STORE")
      ->type_name("URL");
  command->add_flag("--skip-integrity", options->skip_integrity,
                    "SQLite: do not read and check every page, which takes long");
  command->add_option("--backup", options->backup, "check this backup and its age as well")
      ->type_name("FILE");
  command->add_option("--max-age", options->max_age, "how old the backup may be (25h)")
      ->type_name("DURATION");
  AddOutputOption(*command, options->json);
  command->footer(
      "The exit code is 1 when something is an error: then what is acknowledged may be lost.\n"
      "\n"
      "Examples:\n"
      "  securebase admin check --store sqlite:outcomes.db\n"
      "  securebase admin check --store sqlite:outcomes.db --backup outcomes.backup");
  command->callback(
      [options, &console, &clock] { console.status = Check(*options, console, clock); });
}

}  // namespace securebase::cli
