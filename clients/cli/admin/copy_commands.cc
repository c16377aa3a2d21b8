#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/admin/admin.h"
#include "clients/cli/admin/text.h"
#include "clients/cli/cli.h"
#include "clients/cli/json_output.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/backup_file.h"
#include "services/platform/storage/backup_source.h"
#include "services/platform/storage/open_store.h"
#include "services/platform/storage/store_copy.h"

namespace securebase::cli {
namespace {

using storage::BackupContents;
using storage::ExportPart;
using storage::PracticeSummary;
using storage::SummaryPair;

constexpr int kDigestCharacters = 12;  // of those that people compare by eye
constexpr int64_t kMebibyte = 1 << 20;

struct Options {
  std::string store;
  std::string file;
  std::string right;
  bool json = false;
};

std::string Counted(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string SizeText(int64_t bytes) {
  return bytes < kMebibyte ? Counted(bytes, "byte") : absl::StrCat(bytes / kMebibyte, " MiB");
}

std::string ShortDigest(const PracticeSummary& summary) {
  return absl::BytesToHexString(summary.digest).substr(0, kDigestCharacters);
}

// In the place of a service's folder where the file will be: that disk has to have room anyway.
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A line that is written over again while the work goes on; nothing unless a person looks.
class Progress {
 public:
  Progress(Console& console, bool json) : console_(console), shown_(console.colour && !json) {}
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Say(absl::string_view text) {
    if (shown_) {
      console_.out << "\r\x1b[K" << std::string(text) << std::flush;
    }
  }
  void Clear() { Say(""); }
  storage::OnCopyProgress Of(absl::string_view doing) {
    return [this, doing = std::string(doing)](const std::string& practice, int64_t items) {
      Say(absl::StrCat(doing, " ", practice, ": ", items, " items"));
    };
  }

 private:
  Console& console_;
  const bool shown_;
};

void AddSummary(JsonOutput& json, const PracticeSummary& summary) {
  json.Key("records");
  json.Number(static_cast<double>(summary.Count(ExportPart::kRecords)));
  json.Key("journal_entries");
  json.Number(static_cast<double>(summary.Count(ExportPart::kJournal)));
  json.Key("audit_entries");
  json.Number(static_cast<double>(summary.Count(ExportPart::kAudit)));
  json.Key("idempotency_keys");
  json.Number(static_cast<double>(summary.Count(ExportPart::kResults)));
  json.Key("leases");
  json.Number(static_cast<double>(summary.Count(ExportPart::kLeases)));
  json.Key("digest");
  json.String(absl::BytesToHexString(summary.digest));
}

void AddContents(JsonOutput& json, const std::string& file, const BackupContents& contents) {
  json.Key("file");
  json.String(file);
  json.Key("created");
  json.String(TimeText(contents.info.created));
  json.Key("store");
  json.String(contents.info.store);
  json.Key("bytes");
  json.Number(static_cast<double>(contents.bytes));
  json.Key("practices");
  json.BeginArray();
  for (const PracticeSummary& summary : contents.practices) {
    json.BeginObject();
    json.Key("practice");
    json.String(summary.practice);
    AddSummary(json, summary);
    json.EndObject();
  }
  json.EndArray();
}

void PrintPractices(const std::vector<PracticeSummary>& practices, Console& console) {
  if (practices.empty()) {
    return;
  }
  Table table({"PRACTICE", "RECORDS", "JOURNAL", "AUDIT", "KEYS", "LEASES", "DIGEST"});
  for (const PracticeSummary& summary : practices) {
    const auto count = [&](ExportPart part) { return absl::StrCat(summary.Count(part)); };
    table.Add({{summary.practice},
               {count(ExportPart::kRecords)},
               {count(ExportPart::kJournal)},
               {count(ExportPart::kAudit)},
               {count(ExportPart::kResults)},
               {count(ExportPart::kLeases)},
               {ShortDigest(summary)}});
  }
  table.Print(console);
}

void PrintContents(const std::string& file, const BackupContents& contents, bool json,
                   absl::string_view line, Console& console) {
  if (json) {
    JsonOutput out;
    out.BeginObject();
    AddContents(out, file, contents);
    out.EndObject();
    console.out << out.Finish();
    return;
  }
  console.out << std::string(line) << "\n";
  PrintPractices(contents.practices, console);
}

absl::Status BackUp(const Options& options, Console& console, const Clock& clock) {
  BackupContents contents;
  {
    const NoteInterrupts interrupts;  // so that neither snapshot nor half a backup is left
    Progress progress(console, options.json);
    progress.Say("taking a snapshot");
    const absl::Time now = clock.Now();
    SB_ASSIGN_OR_RETURN(const std::unique_ptr<storage::BackupSource> source,
                        storage::OpenBackupSource(options.store, FolderOf(options.file), clock));
    SB_ASSIGN_OR_RETURN(contents, storage::BackUpStore(source->store(), options.file,
                                                       {now, storage::StoreKind(options.store)},
                                                       progress.Of("backing up")));
  }
  PrintContents(options.file, contents, options.json,
                absl::StrCat("Backed up ",
                             Counted(static_cast<int64_t>(contents.practices.size()), "practice"),
                             " to ", options.file, ", ", SizeText(contents.bytes), "."),
                console);
  return absl::OkStatus();
}

absl::Status Verify(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const BackupContents contents,
                      storage::ReadBackup(options.file, absl::InfinitePast(), nullptr));
  PrintContents(
      options.file, contents, options.json,
      absl::StrCat(options.file, " is whole: a backup of a ", contents.info.store, " store at ",
                   TimeText(contents.info.created), ", ", SizeText(contents.bytes), "."),
      console);
  return absl::OkStatus();
}

absl::Status Restore(const Options& options, Console& console, const Clock& clock) {
  if (storage::StoreKind(options.store) == "memory") {
    return absl::InvalidArgumentError("a memory: store would be gone with this command");
  }
  storage::RestoreResult result;
  std::unique_ptr<storage::Store> store;
  {
    Progress progress(console, options.json);
    progress.Say(absl::StrCat("checking ", options.file));
    SB_ASSIGN_OR_RETURN(result, storage::RestoreBackup(
                                    options.file,
                                    [&]() -> absl::StatusOr<storage::Store*> {
                                      SB_ASSIGN_OR_RETURN(store,
                                                          storage::OpenStore(options.store, clock));
                                      return store.get();
                                    },
                                    clock, progress.Of("restoring")));
    SB_RETURN_IF_ERROR(store->Close());
  }
  if (options.json) {
    JsonOutput json;
    json.BeginObject();
    AddContents(json, options.file, result.backup);
    json.Key("restored");
    json.Number(static_cast<double>(result.restored));
    json.Key("kept");
    json.Number(static_cast<double>(result.kept));
    json.EndObject();
    console.out << json.Finish();
    return absl::OkStatus();
  }
  console.out << "Restored " << Counted(result.restored, "practice") << " from " << options.file
              << ", as they were at " << TimeText(result.backup.info.created) << ".\n";
  if (result.kept > 0) {
    console.out << Counted(result.kept, "practice") << (result.kept == 1 ? " was" : " were")
                << " there already, with the same contents.\n";
  }
  PrintPractices(result.backup.practices, console);
  if (result.restored > 0) {
    console.out
        << "Followers of the journal are told to read everything again (RESYNC_REQUIRED).\n";
  }
  return absl::OkStatus();
}

bool IsStore(const std::string& side) {
  return absl::StartsWith(side, "sqlite:") || absl::StartsWith(side, "redis") ||
         absl::StartsWith(side, "memory:");
}

absl::StatusOr<std::vector<PracticeSummary>> Summarize(const std::string& side, absl::Time after,
                                                       Progress& progress, const Clock& clock) {
  if (!IsStore(side)) {
    progress.Say(absl::StrCat("reading ", side));
    SB_ASSIGN_OR_RETURN(BackupContents contents, storage::ReadBackup(side, after, nullptr));
    return std::move(contents.practices);
  }
  progress.Say("taking a snapshot");
  // A snapshot of SQLite goes beside its database.
  const std::string scratch = FolderOf(side.substr(side.find(':') + 1));
  SB_ASSIGN_OR_RETURN(const std::unique_ptr<storage::BackupSource> source,
                      storage::OpenBackupSource(side, scratch, clock));
  return storage::SummarizeStore(source->store(), after, progress.Of("reading"));
}

std::string ResultOf(const SummaryPair& pair) {
  if (pair.Same()) {
    return "same";
  }
  if (!pair.right.has_value()) {
    return "only left";
  }
  return pair.left.has_value() ? "differs" : "only right";
}

void PrintPairs(const std::vector<SummaryPair>& pairs, bool json, Console& console) {
  if (json) {
    JsonOutput out;
    out.BeginObject();
    out.Key("practices");
    out.BeginArray();
    for (const SummaryPair& pair : pairs) {
      out.BeginObject();
      out.Key("practice");
      out.String(pair.practice());
      out.Key("same");
      out.Bool(pair.Same());
      for (const bool left : {true, false}) {
        const auto& side = left ? pair.left : pair.right;
        out.Key(left ? "left" : "right");
        if (side.has_value()) {
          out.BeginObject();
          AddSummary(out, *side);
          out.EndObject();
        } else {
          out.Null();
        }
      }
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
    console.out << out.Finish();
    return;
  }
  if (pairs.empty()) {
    console.out << "Both are empty.\n";
    return;
  }
  Table table({"PRACTICE", "RESULT", "LEFT", "RIGHT"});
  for (const SummaryPair& pair : pairs) {
    const auto text = [](const std::optional<PracticeSummary>& side) {
      return side.has_value()
                 ? absl::StrCat(Counted(side->items(), "item"), " ", ShortDigest(*side))
                 : std::string("-");
    };
    table.Add({{pair.practice()},
               {ResultOf(pair), pair.Same() ? Colour::kGreen : Colour::kRed},
               {text(pair.left)},
               {text(pair.right)}});
  }
  table.Print(console);
}

absl::Status Compare(const Options& options, Console& console, const Clock& clock) {
  const absl::Time after = clock.Now() + storage::kComparedKeysLife;
  std::vector<SummaryPair> pairs;
  {
    const NoteInterrupts interrupts;  // so that no snapshot is left
    Progress progress(console, options.json);
    SB_ASSIGN_OR_RETURN(const std::vector<PracticeSummary> left,
                        Summarize(options.file, after, progress, clock));
    SB_ASSIGN_OR_RETURN(const std::vector<PracticeSummary> right,
                        Summarize(options.right, after, progress, clock));
    pairs = storage::PairSummaries(left, right);
  }
  PrintPairs(pairs, options.json, console);
  int64_t different = 0;
  for (const SummaryPair& pair : pairs) {
    different += pair.Same() ? 0 : 1;
  }
  return different == 0 ? absl::OkStatus()
                        : absl::UnknownError(absl::StrCat(
                              Counted(different, "practice"), " of ", pairs.size(),
                              different == 1 ? " is" : " are", " not the same on both sides"));
}

void AddStoreOption(CLI::App& command, Options& options, const std::string& what) {
  command.add_option("--store", options.store, what)
      ->required()
      ->envname("SECUREBASE_STORE")
      ->type_name("URL");
}

// Adds a command whose callback runs `run` and keeps its options.
template <typename Run>
CLI::App* AddCommand(CLI::App& admin, const std::string& name, const std::string& help,
                     const std::shared_ptr<Options>& options, Console& console, Run run) {
  CLI::App* command = admin.add_subcommand(name, help);
  AddOutputOption(*command, options->json);
  command->callback([options, &console, run] { console.status = run(*options, console); });
  return command;
}

}  // namespace

void AddBackupCommand(CLI::App& admin, Console& console, const Clock& clock) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(admin, "backup", "Write everything a store holds to one file", options, console,
                 [&clock](const Options& o, Console& c) { return BackUp(o, c, clock); });
  AddStoreOption(*command, *options, "the store; its service may go on");
  command->add_option("--to", options->file, "the file; nothing is overwritten")
      ->required()
      ->type_name("FILE");
  command->footer(
      "Of SQLite a snapshot is made first, beside FILE: that disk needs room for both. Every\n"
      "practice is as it was at one moment; back up the three services one after the other.\n"
      "\n"
      "Example:\n"
      "  securebase admin backup --store sqlite:outcomes.db --to outcomes.backup");
}

void AddRestoreCommand(CLI::App& admin, Console& console, const Clock& clock) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(admin, "restore", "Make an empty store hold what a backup holds", options, console,
                 [&clock](const Options& o, Console& c) { return Restore(o, c, clock); });
  command->add_option("--from", options->file, "the backup")->required()->type_name("FILE");
  AddStoreOption(*command, *options, "the store: empty, and of any kind; no service has it open");
  command->footer(
      "The whole file is checked first, and each practice is compared with it before anything "
      "is\n"
      "served. If it breaks off, run it again with the same file: it goes on.\n"
      "\n"
      "Examples:\n"
      "  securebase admin restore --from outcomes.backup --store sqlite:new.db\n"
      "  securebase admin restore --from outcomes.backup --store "
      "'redis://127.0.0.1:6379/?prefix=outcomes'");
}

void AddVerifyCommand(CLI::App& admin, Console& console, const Clock&) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(admin, "verify", "Check a backup in every byte and say what is in it", options,
                 console, [](const Options& o, Console& c) { return Verify(o, c); });
  command->add_option("file", options->file, "the backup")->required()->type_name("FILE");
  command->footer("Example:\n  securebase admin verify outcomes.backup");
}

void AddCompareCommand(CLI::App& admin, Console& console, const Clock& clock) {
  auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      admin, "compare", "Whether two stores, or a store and a backup, hold the same", options,
      console, [&clock](const Options& o, Console& c) { return Compare(o, c, clock); });
  command->add_option("left", options->file, "a backup, or a store's URL")
      ->required()
      ->type_name("FILE|URL");
  command->add_option("right", options->right, "the other")->required()->type_name("FILE|URL");
  command->footer(
      "By count and digest of each practice; the digest is the same whatever the kind of store.\n"
      "Idempotency keys that expire within a day do not count: they go by themselves.\n"
      "\n"
      "Example:\n"
      "  securebase admin compare outcomes.backup 'redis://127.0.0.1:6379/?prefix=outcomes'");
}

}  // namespace securebase::cli
