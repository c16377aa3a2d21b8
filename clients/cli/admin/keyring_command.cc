#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/admin/admin.h"
#include "clients/cli/admin/text.h"
#include "clients/cli/cli.h"
#include "clients/cli/json_output.h"
#include "services/platform/api/page_token.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

struct Options {
  std::string file;
  int keep = 2;
  bool json = false;
};

absl::StatusOr<std::string> ReadKeyring(const std::string& path) {
  SB_ASSIGN_OR_RETURN(auth::FileContents contents, auth::ReadFile(path, auth::Secrecy::kPrivate));
  return std::move(contents.bytes);
}

// Parse's messages are about the file without naming it.
absl::Status About(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, " ", std::string(status.message())));
}

absl::StatusOr<std::vector<auth::KeyDescription>> Describe(const std::string& path,
                                                           const std::string& keyring) {
  auto keys = auth::DescribeKeyring(keyring);
  return keys.ok() ? std::move(keys) : About(path, keys.status());
}

std::string CreatedText(const auth::KeyDescription& key) {
  return key.created.has_value() ? TimeText(*key.created) : "";
}

std::string AgeText(const auth::KeyDescription& key, absl::Time now) {
  if (!key.created.has_value()) {
    return "unknown";
  }
  const int64_t days = (now - *key.created) / absl::Hours(24);
  return absl::StrCat(days, days == 1 ? " day" : " days");
}

void PrintKeys(const std::vector<auth::KeyDescription>& keys, bool json, Console& console,
               absl::Time now) {
  if (json) {
    JsonOutput out;
    out.BeginObject();
    out.Key("keys");
    out.BeginArray();
    for (const auth::KeyDescription& key : keys) {
      out.BeginObject();
      out.Key("id");
      out.Number(key.id);
      out.Key("active");
      out.Bool(key.active);
      out.Key("created");
      out.String(CreatedText(key));
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
    console.out << out.Finish();
    return;
  }
  Table table({"KEY", "USE", "CREATED", "AGE"});
  for (const auth::KeyDescription& key : keys) {
    table.Add({{absl::StrCat(key.id)},
               {key.active ? "seals and opens" : "opens"},
               {key.created.has_value() ? CreatedText(key) : "unknown"},
               {AgeText(key, now)}});
  }
  table.Print(console);
}

absl::Status Show(const Options& options, Console& console, const Clock& clock) {
  SB_ASSIGN_OR_RETURN(const std::string keyring, ReadKeyring(options.file));
  SB_ASSIGN_OR_RETURN(const std::vector<auth::KeyDescription> keys,
                      Describe(options.file, keyring));
  PrintKeys(keys, options.json, console, clock.Now());
  return absl::OkStatus();
}

// When a key sealed for the last time, at the latest: the active one does so now, and each other
// one until the next was made. A time that is not known is now.
absl::Time LastUse(const std::vector<auth::KeyDescription>& keys, const auth::KeyDescription& key,
                   absl::Time now) {
  const auth::KeyDescription* next = nullptr;
  for (const auth::KeyDescription& other : keys) {
    if (other.id > key.id && (next == nullptr || other.id < next->id)) {
      next = &other;
    }
  }
  return key.active || next == nullptr ? now : next->created.value_or(now);
}

// A key that goes while page tokens of its are good would break lists that are being read.
absl::Status CheckDropped(const std::vector<auth::KeyDescription>& before,
                          const std::vector<auth::KeyDescription>& after, absl::Time now) {
  for (const auth::KeyDescription& key : before) {
    const bool stays =
        std::any_of(after.begin(), after.end(),
                    [&](const auth::KeyDescription& other) { return other.id == key.id; });
    if (!stays && now - LastUse(before, key, now) < api::PageTokens::kLifetime) {
      return absl::FailedPreconditionError(
          absl::StrCat("key ", key.id,
                       " would go, and page tokens that it sealed may still be good "
                       "(three days); nothing was changed, use a greater --keep"));
    }
  }
  return absl::OkStatus();
}

absl::Status Rotate(const Options& options, Console& console, const Clock& clock) {
  const absl::Time now = clock.Now();
  SB_ASSIGN_OR_RETURN(const std::string keyring, ReadKeyring(options.file));
  SB_ASSIGN_OR_RETURN(const std::vector<auth::KeyDescription> before,
                      Describe(options.file, keyring));
  const auto rotated = auth::RotateKeyring(keyring, options.keep, now);
  if (!rotated.ok()) {
    return About(options.file, rotated.status());
  }
  SB_ASSIGN_OR_RETURN(const std::vector<auth::KeyDescription> after,
                      Describe(options.file, *rotated));
  SB_RETURN_IF_ERROR(CheckDropped(before, after, now));
  SB_RETURN_IF_ERROR(auth::WritePrivateFile(options.file, *rotated));
  PrintKeys(after, options.json, console, now);
  if (!options.json) {
    console.out << "Services that use " << options.file << " notice within seconds.\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddKeyringCommand(CLI::App& admin, Console& console, const Clock& clock) {
  auto options = std::make_shared<Options>();
  CLI::App* keyring = admin.add_subcommand("keyring", "show, rotate");
  keyring->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& help) {
    CLI::App* command = keyring->add_subcommand(name, help);
    command->add_option("file", options->file, "the file of --keyring, mode 0600")
        ->required()
        ->type_name("FILE");
    AddOutputOption(*command, options->json);
    return command;
  };
  CLI::App* show = add("show", "Which keys there are and how old they are, never the keys");
  show->footer("Example:\n  securebase admin keyring show keyring.json");
  show->callback([options, &console, &clock] { console.status = Show(*options, console, clock); });
  CLI::App* rotate = add("rotate", "Put a new key in use; earlier ones stay to open");
  rotate->add_option("--keep", options->keep, "how many of the earlier keys stay (2)")
      ->check(CLI::Range(0, 100))
      ->type_name("NUMBER");
  rotate->footer("Example:\n  securebase admin keyring rotate keyring.json --keep 2");
  rotate->callback(
      [options, &console, &clock] { console.status = Rotate(*options, console, clock); });
}

}  // namespace securebase::cli
