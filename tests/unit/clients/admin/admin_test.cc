#include "clients/cli/admin/admin.h"

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/cli.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::cli {
namespace {

using ::securebase::testing::ExpectGolden;
using ::securebase::testing::FakeClock;
using ::securebase::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

class AdminTest : public ::testing::Test {
 protected:
  Outcome Execute(const std::vector<std::string>& arguments, bool colour = false) {
    std::ostringstream out;
    std::ostringstream err;
    Console console{out, err, colour, absl::OkStatus()};
    const int code =
        RunCli(arguments, console,
               {[this](CLI::App& app, Console& to) { AddAdminCommand(app, to, clock_); }});
    return {code, out.str(), err.str()};
  }

  // What a person sees, with the temporary folder called DIR.
  std::string Ok(const std::vector<std::string>& arguments) {
    const Outcome outcome = Execute(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return absl::StrReplaceAll(outcome.out, {{folder_.path(), "DIR"}});
  }

  std::unique_ptr<storage::SqliteStore> Open(const std::string& name) {
    storage::SqliteOptions options;
    options.path = folder_.PathOf(name);
    auto store = storage::MakeSqliteStore(options, clock_);
    EXPECT_OK(store);
    return *std::move(store);
  }

  // Two practices, the same every time.
  void MakeStore(const std::string& name) {
    const auto store = Open(name);
    for (const std::string& practice : {std::string("harbour"), std::string("north-clinic")}) {
      for (int i = 0; i < 3; ++i) {
        storage::Batch batch;
        batch.practice = practice;
        batch.puts = {{{"goal", absl::StrCat(i)}, absl::StrCat(practice, i), {{"by", "x"}}}};
        batch.journal = {absl::StrCat("journal ", i)};
        batch.audit = {absl::StrCat("audit ", i), "more"};
        batch.idempotency =
            storage::IdempotencyKey{absl::StrCat("k", i), "f", "r", clock_.Now() + absl::Hours(99)};
        EXPECT_OK(store->Apply({}, batch));
      }
    }
    EXPECT_OK(store->AcquireLease({}, "harbour", "timed-work", "me", absl::Minutes(1)));
    EXPECT_OK(store->Close());
  }

  std::string Url(const std::string& name) { return absl::StrCat("sqlite:", folder_.PathOf(name)); }
  std::string Path(const std::string& name) { return folder_.PathOf(name); }

  TemporaryFolder folder_;
  FakeClock clock_;
};

google::protobuf::Struct Parse(const std::string& json) {
  google::protobuf::Struct parsed;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &parsed).ok()) << json;
  return parsed;
}

TEST_F(AdminTest, BackupVerifyRestoreAndCompareForPeople) {
  MakeStore("outcomes.db");
  ExpectGolden("cli/admin-backup.txt",
               Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")}));
  ExpectGolden("cli/admin-verify.txt", Ok({"admin", "verify", Path("b")}));
  ExpectGolden("cli/admin-restore.txt",
               Ok({"admin", "restore", "--from", Path("b"), "--store", Url("new.db")}));
  ExpectGolden("cli/admin-restore-again.txt",
               Ok({"admin", "restore", "--from", Path("b"), "--store", Url("new.db")}));
  ExpectGolden("cli/admin-compare.txt", Ok({"admin", "compare", Path("b"), Url("new.db")}));

  {
    const auto store = Open("new.db");
    storage::Batch batch;
    batch.practice = "harbour";
    batch.audit = {"since then"};
    ASSERT_OK(store->Apply({}, batch));
    batch.practice = "south";
    ASSERT_OK(store->Apply({}, batch));
  }
  const Outcome different = Execute({"admin", "compare", Url("outcomes.db"), Url("new.db")});
  EXPECT_EQ(different.code, 1);
  ExpectGolden("cli/admin-compare-different.txt", absl::StrCat(different.out, different.err));
}

TEST_F(AdminTest, HelpIsComplete) {
  ExpectGolden("cli/admin-help.txt", Ok({"admin", "--help"}));
  for (const std::string& command :
       {std::string("backup"), std::string("restore"), std::string("verify"),
        std::string("compare"), std::string("check")}) {
    EXPECT_THAT(Ok({"admin", command, "--help"}),
                AllOf(HasSubstr("Example"), HasSubstr(absl::StrCat("securebase admin ", command))));
  }
  for (const std::string& command : {std::string("show"), std::string("rotate")}) {
    EXPECT_THAT(Ok({"admin", "keyring", command, "--help"}), HasSubstr("Example"));
  }
}

TEST_F(AdminTest, OutputForPrograms) {
  MakeStore("outcomes.db");
  const std::string text =
      Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b"), "--output", "json"});
  EXPECT_EQ(Ok({"admin", "verify", Path("b"), "--output", "json"}), text);
  const auto backup = Parse(text);
  const auto& practices = backup.fields().at("practices").list_value();
  ASSERT_EQ(practices.values_size(), 2);
  const auto& first = practices.values(0).struct_value().fields();
  EXPECT_EQ(first.at("practice").string_value(), "harbour");
  EXPECT_EQ(first.at("records").number_value(), 3);
  EXPECT_EQ(first.at("audit_entries").number_value(), 6);
  EXPECT_EQ(first.at("leases").number_value(), 1);
  EXPECT_EQ(first.at("digest").string_value().size(), 64u);
  EXPECT_EQ(backup.fields().at("created").string_value(), "2026-01-01T09:00:00Z");
  EXPECT_EQ(backup.fields().at("bytes").number_value(),
            static_cast<double>(std::filesystem::file_size(Path("b"))));
  const auto restored = Parse(
      Ok({"admin", "restore", "--from", Path("b"), "--store", Url("new.db"), "--output", "json"}));
  EXPECT_EQ(restored.fields().at("restored").number_value(), 2);
  EXPECT_EQ(restored.fields().at("kept").number_value(), 0);
  const auto compared =
      Parse(Ok({"admin", "compare", Path("b"), Url("new.db"), "--output", "json"}));
  const auto& pair = compared.fields().at("practices").list_value().values(1).struct_value();
  EXPECT_TRUE(pair.fields().at("same").bool_value());
  EXPECT_EQ(pair.fields().at("left").struct_value().fields().at("digest").string_value(),
            pair.fields().at("right").struct_value().fields().at("digest").string_value());
}

TEST_F(AdminTest, EveryRefusalIsOneLineWithTheRemedy) {
  MakeStore("outcomes.db");
  Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")});
  const auto refused = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& text) {
    const Outcome outcome = Execute(arguments);
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, AllOf(StartsWith("securebase: "), HasSubstr(text)));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  };
  refused({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")}, 1,
          "exists already, and a backup overwrites nothing; choose another name");
  refused({"admin", "backup", "--store", Url("none.db"), "--to", Path("c")}, 2, "none.db");
  refused({"admin", "backup", "--store", "memory:", "--to", Path("c")}, 2, "memory:");
  refused({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("no/c")}, 2, "no");
  refused({"admin", "backup", "--to", Path("c")}, 2, "--store");
  refused({"admin", "verify", Path("outcomes.db")}, 2, "not a Securebase backup");
  refused({"admin", "verify", Path("none")}, 2, "none");
  refused({"admin", "restore", "--from", Path("none"), "--store", Url("x.db")}, 2, "none");
  refused({"admin", "restore", "--from", Path("b"), "--store", "memory:"}, 2, "memory:");
  refused({"admin", "restore", "--from", Path("b"), "--store", "redis://secret@10.0.0.1"}, 2, "");
  refused({"admin", "check", "--store", "other:secret"}, 2, "--store must be");
  EXPECT_THAT(Execute({"admin", "check", "--store", "other:secret"}).err, Not(HasSubstr("secret")));
  refused({"admin", "keyring", "show", Path("none")}, 2, "none");

  const std::string whole = [&] {
    std::ifstream in(Path("b"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }();
  folder_.Write("short", whole.substr(0, whole.size() - 1));
  refused({"admin", "restore", "--from", Path("short"), "--store", Url("x.db")}, 1, "ends early");
  EXPECT_FALSE(std::filesystem::exists(Path("x.db"))) << "a damaged backup made a store";

  {
    const auto other = Open("other.db");
    storage::Batch batch;
    batch.practice = "else";
    batch.audit = {"a"};
    ASSERT_OK(other->Apply({}, batch));
    refused({"admin", "restore", "--from", Path("b"), "--store", Url("other.db")}, 1,
            "stop that one first");
  }
  refused({"admin", "restore", "--from", Path("b"), "--store", Url("other.db")}, 1,
          "restore to an empty store");
}

// Stops the command that looks at it, as Ctrl-C would, at the beginning of its work.
class StoppingClock : public Clock {
 public:
  explicit StoppingClock(int signal) : signal_(signal) {}
  absl::Time Now() const override {
    if (Interrupted() == 0) {
      raise(signal_);
    }
    return absl::UnixEpoch() + absl::Hours(500'000);
  }

 private:
  const int signal_;
};

TEST_F(AdminTest, ACopyThatIsStoppedLeavesNothingBehind) {
  MakeStore("outcomes.db");
  const std::vector<std::string> backup = {"admin", "backup", "--store", Url("outcomes.db"),
                                           "--to",  Path("b")};
  Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("whole")});
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      found.insert(entry.path().filename());
    }
    return found;
  };
  const std::set<std::string> before = names();
  for (const auto& arguments : {backup, {"admin", "compare", Path("whole"), Url("outcomes.db")}}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      const StoppingClock clock(signal);
      std::ostringstream out;
      std::ostringstream err;
      Console console{out, err, false, absl::OkStatus()};
      EXPECT_EQ(RunCli(arguments, console,
                       {[&](CLI::App& app, Console& to) { AddAdminCommand(app, to, clock); }}),
                128 + signal);
      EXPECT_EQ(err.str(), "securebase: stopped by a signal; what was half made is removed\n");
      EXPECT_EQ(out.str(), "");
      EXPECT_EQ(names(), before);
    }
  }
  Ok(backup);  // what was noted is forgotten
}

TEST_F(AdminTest, ProgressIsForPeopleWhoLook) {
  MakeStore("outcomes.db");
  const Outcome shown =
      Execute({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")}, true);
  EXPECT_THAT(shown.out, HasSubstr("\r\x1b[Kbacking up harbour: 17 items"));
  EXPECT_THAT(shown.out, HasSubstr("\r\x1b[KBacked up 2 practices"));
  const Outcome json = Execute({"admin", "verify", Path("b"), "--output", "json"}, true);
  EXPECT_THAT(json.out, StartsWith("{"));
}

TEST_F(AdminTest, ABackupIsItsOwnersAlone) {
  MakeStore("outcomes.db");
  Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")});
  struct stat info = {};
  ASSERT_EQ(stat(Path("b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// The row of a setting, with its blanks squeezed.
std::string Row(const std::string& table, const std::string& setting) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (absl::StrContains(line, setting)) {
      std::string squeezed;
      for (const char c : line) {
        if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) {
          squeezed.push_back(c);
        }
      }
      return squeezed;
    }
  }
  return "";
}

TEST_F(AdminTest, CheckTellsWhatIsRight) {
  MakeStore("outcomes.db");
  const Outcome outcome =
      Execute({"admin", "check", "--store", Url("outcomes.db"), "--skip-integrity"});
  EXPECT_THAT(Row(outcome.out, "file modes"), StartsWith("ok file modes 0600 0600"));
  EXPECT_THAT(Row(outcome.out, "journal_mode"), StartsWith("ok journal_mode wal wal"));
  EXPECT_THAT(Row(outcome.out, "folder mode"), StartsWith("ok folder mode 0700"));
  EXPECT_THAT(Row(outcome.out, "in use"), StartsWith("ok in use no"));
  EXPECT_THAT(Row(outcome.out, "schema"), StartsWith("ok schema"));
  EXPECT_THAT(Row(outcome.out, "write-ahead log"), StartsWith("ok write-ahead log 0 MiB"));
  EXPECT_THAT(Row(outcome.out, "unfinished restore"), StartsWith("ok unfinished restore none"));
  EXPECT_NE(Row(outcome.out, "filesystem"), "");
  EXPECT_NE(Row(outcome.out, "free disk space"), "");
  EXPECT_EQ(Row(outcome.out, "integrity_check"), "");
  EXPECT_THAT(
      Row(Execute({"admin", "check", "--store", Url("outcomes.db")}).out, "integrity_check"),
      StartsWith("ok integrity_check ok ok"));
}

TEST_F(AdminTest, CheckOfAServedStoreNamesItsProcess) {
  const auto store = Open("outcomes.db");
  const Outcome outcome = Execute({"admin", "check", "--store", Url("outcomes.db")});
  EXPECT_THAT(Row(outcome.out, "in use"),
              StartsWith(absl::StrCat("ok in use by process ", getpid())));
  EXPECT_OK(store->Ping({}));
}

TEST_F(AdminTest, CheckFailsWhenThePromiseIsNotKept) {
  MakeStore("outcomes.db");
  const std::vector<std::string> check = {"admin", "check", "--store", Url("outcomes.db")};
  ASSERT_EQ(chmod(Path("outcomes.db").c_str(), 0644), 0);
  const Outcome modes = Execute(check);
  EXPECT_EQ(modes.code, 1);
  EXPECT_EQ(Row(modes.out, "file modes"),
            "error file modes 0644 0600 others can read patient data");
  EXPECT_THAT(modes.err, HasSubstr("does not keep its promise"));
  ASSERT_EQ(chmod(Path("outcomes.db").c_str(), 0600), 0);

  ASSERT_EQ(chmod(folder_.path().c_str(), 0770), 0);
  EXPECT_THAT(Row(Execute(check).out, "folder mode"), StartsWith("error folder mode 0770"));
  ASSERT_EQ(chmod(folder_.path().c_str(), 0700), 0);

  {
    const auto store = Open("outcomes.db");
    ASSERT_OK(store->Import({}, "half", {}));
  }
  EXPECT_THAT(Row(Execute(check).out, "unfinished restore"),
              StartsWith("error unfinished restore 1 practice none"));

  {
    // A page in the middle, which no PRAGMA but the integrity check reads.
    std::fstream file(Path("outcomes.db"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5 * 4096 + 100);
    file << std::string(2000, '\xff');
  }
  const Outcome damaged = Execute(check);
  EXPECT_EQ(damaged.code, 1) << damaged.out;

  folder_.Write("foreign.db", std::string(8192, 'x'));
  EXPECT_NE(Execute({"admin", "check", "--store", Url("foreign.db")}).code, 0);
}

TEST_F(AdminTest, CheckKnowsTheAgeOfABackup) {
  MakeStore("outcomes.db");
  Ok({"admin", "backup", "--store", Url("outcomes.db"), "--to", Path("b")});
  const std::vector<std::string> check = {
      "admin", "check", "--store", Url("outcomes.db"), "--skip-integrity", "--backup", Path("b")};
  clock_.Advance(absl::Hours(20));
  EXPECT_THAT(Row(Execute(check).out, "age of the backup"), StartsWith("ok age of the backup 20h"));
  clock_.Advance(absl::Hours(76));
  const Outcome outdated = Execute(check);
  EXPECT_EQ(outdated.code, 1);
  EXPECT_THAT(Row(outdated.out, "age of the backup"),
              StartsWith("error age of the backup 4 days at most 25h"));
}

TEST_F(AdminTest, KeyringRotationShowsIdsAndAgesAndNeverAKey) {
  const std::string path = Path("keyring.json");
  ASSERT_OK(auth::WritePrivateFile(path, auth::GenerateKeyring(clock_.Now())));
  const auto contents = [&] { return auth::ReadFile(path, auth::Secrecy::kPrivate)->bytes; };
  const auto first = *auth::Keyring::Parse(contents());
  const std::string sealed = *first.Seal("text", "");
  clock_.Advance(absl::Hours(24 * 30));
  ExpectGolden("cli/admin-keyring-show.txt", Ok({"admin", "keyring", "show", path}));
  ExpectGolden("cli/admin-keyring-rotate.txt", Ok({"admin", "keyring", "rotate", path}));
  const auto second = *auth::Keyring::Parse(contents());
  EXPECT_EQ(second.active_id(), 2u);
  EXPECT_EQ(*second.Open(sealed, ""), "text");
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  const auto json = Parse(Ok({"admin", "keyring", "show", path, "--output", "json"}));
  const auto& keys = json.fields().at("keys").list_value();
  ASSERT_EQ(keys.values_size(), 2);
  EXPECT_TRUE(keys.values(0).struct_value().fields().at("active").bool_value());
  for (const auto& key : keys.values()) {
    EXPECT_EQ(key.struct_value().fields_size(), 3);
  }

  // Key 1 is old but was in use until a moment ago: what it sealed is still good.
  const std::string before = contents();
  const Outcome too_soon = Execute({"admin", "keyring", "rotate", path, "--keep", "1"});
  EXPECT_EQ(too_soon.code, 2);
  EXPECT_THAT(too_soon.err, AllOf(HasSubstr("key 1 "), HasSubstr("greater --keep")));
  EXPECT_EQ(contents(), before);
  clock_.Advance(absl::Hours(73));
  // So is the one in use, however long it has been.
  const Outcome in_use = Execute({"admin", "keyring", "rotate", path, "--keep", "0"});
  EXPECT_EQ(in_use.code, 2);
  EXPECT_THAT(in_use.err, HasSubstr("key 2 "));
  EXPECT_EQ(Execute({"admin", "keyring", "rotate", path, "--keep", "1"}).code, 0);
  const auto third = *auth::Keyring::Parse(contents());
  EXPECT_EQ(third.active_id(), 3u);
  EXPECT_TRUE(third.Has(2));
  EXPECT_FALSE(third.Has(1));
}

TEST_F(AdminTest, AKeyringThatOthersMayReadOrThatIsNoneIsRefused) {
  const std::string path = Path("keyring.json");
  ASSERT_OK(auth::WritePrivateFile(path, auth::GenerateKeyring(clock_.Now())));
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Execute({"admin", "keyring", "rotate", path}).code, 2);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_OK(auth::WritePrivateFile(path, "{}"));
  const Outcome none = Execute({"admin", "keyring", "show", path});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("is not a keyring"));
}

}  // namespace
}  // namespace securebase::cli
