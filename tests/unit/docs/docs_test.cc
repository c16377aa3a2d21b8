// What the documentation points at exists: links, headings, files and commands.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/golden.h"

namespace securebase {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

fs::path Repository() { return SECUREBASE_SOURCE_DIR; }

// The pages of the repository, by their path in it.
const std::map<std::string, std::string>& Pages() {
  static const auto* pages = [] {
    auto* found = new std::map<std::string, std::string>;
    const auto add = [found](const fs::path& path) {
      if (path.extension() == ".md") {
        const std::string name = fs::relative(path, Repository()).string();
        (*found)[name] = testing::ReadRepositoryFile(name);
      }
    };
    for (const auto& entry : fs::directory_iterator(Repository())) {
      add(entry.path());
    }
    for (const char* folder : {"docs", "proto", "tests"}) {
      for (const auto& entry : fs::recursive_directory_iterator(Repository() / folder)) {
        add(entry.path());
      }
    }
    return found;
  }();
  return *pages;
}

// They point into the text.
std::vector<std::smatch> Matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  return {std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()};
}
std::vector<std::smatch> Matches(std::string&&, const char*) = delete;

// The names that a page's headings can be linked by, as GitHub makes them.
std::set<std::string> Anchors(const std::string& page) {
  std::set<std::string> anchors;
  bool code = false;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, "```")) {
      code = !code;
    }
    if (code || !absl::StartsWith(line, "#")) {
      continue;
    }
    const absl::string_view title =
        absl::StripAsciiWhitespace(line.substr(line.find_first_not_of('#')));
    std::string anchor;
    for (const char c : title) {
      if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
          static_cast<unsigned char>(c) >= 0x80) {
        anchor += absl::ascii_tolower(static_cast<unsigned char>(c));
      } else if (c == ' ') {
        anchor += '-';
      }
    }
    anchors.insert(anchor);
  }
  return anchors;
}

// The links of a page that lead nowhere in the repository; those to elsewhere are not followed.
std::vector<std::string> BrokenLinks(const std::string& name, const std::string& page) {
  std::vector<std::string> broken;
  for (const std::smatch& match : Matches(page, R"(\]\(([^)\s]+)\))")) {
    const std::string link = match[1];
    if (absl::StartsWith(link, "http://") || absl::StartsWith(link, "https://")) {
      continue;
    }
    const size_t hash = link.find('#');
    const std::string path = link.substr(0, hash);
    const fs::path target =
        path.empty() ? fs::path(name) : (fs::path(name).parent_path() / path).lexically_normal();
    bool good = path.empty() || fs::exists(Repository() / target);
    if (good && hash != std::string::npos) {
      const auto linked =
          target == fs::path(name) ? page : testing::ReadRepositoryFile(target.string());
      good = Anchors(linked).count(link.substr(hash + 1)) == 1;
    }
    if (!good) {
      broken.push_back(link);
    }
  }
  return broken;
}

// Whether a file or folder is there; the name may hold {a,b} and * as in a shell, or lack its
// ending
// ("services/platform/rpc/adapter").
bool Exists(const std::string& path) {
  const size_t open = path.find('{');
  const size_t close = path.find('}');
  if (open != std::string::npos && close != std::string::npos) {
    for (const absl::string_view choice :
         absl::StrSplit(path.substr(open + 1, close - open - 1), ',')) {
      if (!Exists(absl::StrCat(path.substr(0, open), choice, path.substr(close + 1)))) {
        return false;
      }
    }
    return true;
  }
  // A placeholder stands for every folder: one that fits is enough.
  std::string pattern;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '<') {
      i = path.find('>', i);
      pattern += "[^/]*";
    } else if (path[i] == '*') {
      pattern += "[^/]*";
    } else {
      if (absl::StrContains(".+()[]^$|?", path.substr(i, 1))) {
        pattern += '\\';
      }
      pattern += path[i];
    }
  }
  static const auto* names = [] {
    auto* all = new std::vector<std::string>;
    for (const char* folder :
         {"cmake", "clients", "docs", "proto", "scripts", "services", "tests"}) {
      all->emplace_back(folder);
      for (const auto& entry : fs::recursive_directory_iterator(Repository() / folder)) {
        all->push_back(fs::relative(entry.path(), Repository()).string());
      }
    }
    return all;
  }();
  const std::regex regex(std::string(absl::StripSuffix(pattern, "/")) + R"((\.\w+)?)");
  return std::any_of(names->begin(), names->end(),
                     [&](const std::string& name) { return std::regex_match(name, regex); });
}

// The files that a page names in `code` and that are not there.
std::vector<std::string> MissingFiles(const std::string& page) {
  std::vector<std::string> missing;
  for (const std::smatch& match : Matches(
           page,
           R"(`((?:cmake|clients|docs|proto|scripts|services|tests)/[^\s`:]*)(?::\d+)?[^`]*`)")) {
    if (!Exists(match[1])) {
      missing.push_back(match[1]);
    }
  }
  return missing;
}

TEST(Documentation, LinksLeadSomewhere) {
  EXPECT_THAT(Pages(), Contains(::testing::Key("docs/architecture.md")));
  for (const auto& [name, page] : Pages()) {
    EXPECT_THAT(BrokenLinks(name, page), IsEmpty()) << name;
  }
}

TEST(Documentation, FilesThatItNamesExist) {
  for (const auto& [name, page] : Pages()) {
    // What was decided then may name what is gone by now.
    if (!absl::StartsWith(name, "docs/adr/")) {
      EXPECT_THAT(MissingFiles(page), IsEmpty()) << name;
    }
  }
}

TEST(DocumentationCheck, FindsWhatIsMissing) {
  EXPECT_THAT(BrokenLinks("docs/x.md",
                          "[a](storage.md) [b](none.md) [c](../README.md#two-commands) "
                          "[d](../README.md#none) [e](https://example.org)\n# F g\n[f](#f-g)"),
              UnorderedElementsAre("none.md", "../README.md#none"));
  EXPECT_THAT(
      MissingFiles("`services/platform/rpc/adapter.cc` `services/none` `services/<service>/rules` "
                   "`services/*/main.cc` `services/{goals,none}/main.cc` `scripts/run --keep`"),
      UnorderedElementsAre("services/none", "services/{goals,none}/main.cc"));
}

// Title, status, context, decision, consequences; short enough to be read.
TEST(Documentation, EveryDecisionHasItsParts) {
  int decisions = 0;
  for (const auto& [name, text] : Pages()) {
    if (!absl::StartsWith(name, "docs/adr/")) {
      continue;
    }
    ++decisions;
    EXPECT_TRUE(std::regex_search(name, std::regex(R"(/\d{4}-\d\d-\d\d-[a-z-]+\.md$)"))) << name;
    EXPECT_TRUE(absl::StartsWith(text, "# ")) << name;
    for (const char* part :
         {"\n**Status**: ", "\n**Context.**", "\n**Decision.**", "\n**Consequences.**"}) {
      EXPECT_THAT(text, HasSubstr(part)) << name;
    }
  }
  EXPECT_GT(decisions, 30);
}

#ifdef SECUREBASE_HAS_CLI

// What `securebase <words> --help` prints.
std::string Help(const std::string& words) {
  const std::string command =
      absl::StrCat(SECUREBASE_BIN_DIR, "/securebase ", words, " --help 2>&1");
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) {
    out += buffer;
  }
  pclose(pipe);
  return out;
}

// "goals rate" and the like: what follows `securebase` in code, up to the first argument.
std::set<std::string> Commands(const std::string& page) {
  std::set<std::string> commands;
  for (const std::smatch& match : Matches(
           page,
           R"((?:^|[\n`/(|"]) *(?:\$ )?securebase ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?(?=[\s`]))")) {
    commands.insert(match[2].length() > 0 ? absl::StrCat(match[1].str(), " ", match[2].str())
                                          : match[1].str());
  }
  return commands;
}

TEST(Documentation, CommandsThatItNamesExist) {
  std::set<std::string> commands;
  for (const auto& [name, page] : Pages()) {
    commands.merge(Commands(page));
  }
  EXPECT_THAT(commands, Contains("caseload"));
  for (const std::string& command : commands) {
    const std::vector<std::string> words = absl::StrSplit(command, ' ');
    const std::string first = absl::StrCat("Usage: securebase ", words[0], " ");
    const std::string help = Help(words[0]);
    EXPECT_THAT(help, HasSubstr(first));
    // A second word is a verb only where the first one has verbs: `score phq-9`.
    if (words.size() == 2 && absl::StrContains(help, "SUBCOMMAND")) {
      EXPECT_THAT(Help(command), HasSubstr(absl::StrCat("Usage: securebase ", command))) << command;
    }
  }
}

TEST(Documentation, TheReadmesCommandsWithoutAServerRun) {
  int tried = 0;
  const std::string readme = testing::ReadRepositoryFile("README.md");
  for (const std::smatch& match : Matches(readme, R"(\nbuild/release/bin/(securebase [^\n#]*))")) {
    const std::string command =
        absl::StrCat(SECUREBASE_BIN_DIR, "/", match[1].str(), " >/dev/null");
    EXPECT_EQ(std::system(command.c_str()), 0) << match[1];
    ++tried;
  }
  EXPECT_GE(tried, 3);
}

#endif

}  // namespace
}  // namespace securebase
