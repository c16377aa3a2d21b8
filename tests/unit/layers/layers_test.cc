// Enforces docs/layers.txt: which folder may include what.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/golden.h"

namespace securebase {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What may be included by the files below a folder (the key).
using Layers = std::map<std::string, std::vector<std::string>>;

Layers ParseLayers(const std::string& text) {
  Layers layers;
  std::map<std::string, std::vector<std::string>> sets;
  const auto expand = [&sets](absl::string_view words) {
    std::vector<std::string> prefixes;
    for (const absl::string_view word : absl::StrSplit(words, ' ', absl::SkipEmpty())) {
      if (word[0] != '@') {
        prefixes.emplace_back(word);
        continue;
      }
      const auto set = sets.find(std::string(word));
      EXPECT_NE(set, sets.end()) << "no set " << word;
      if (set != sets.end()) {
        prefixes.insert(prefixes.end(), set->second.begin(), set->second.end());
      }
    }
    return prefixes;
  };
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const size_t separator = line.find_first_of(":=");
    EXPECT_NE(separator, absl::string_view::npos) << line;
    const std::string name(absl::StripAsciiWhitespace(line.substr(0, separator)));
    auto& target = name[0] == '@' ? sets : layers;
    EXPECT_EQ(target.count(name), 0u) << "two lines for " << name;
    target[name] = expand(line.substr(separator + 1));
  }
  return layers;
}

// The line that decides for a file; null without one.
const std::pair<const std::string, std::vector<std::string>>* LayerOf(const Layers& layers,
                                                                      const std::string& path) {
  const std::pair<const std::string, std::vector<std::string>>* best = nullptr;
  for (const auto& layer : layers) {
    if (absl::StartsWith(path, layer.first + "/") &&
        (best == nullptr || layer.first.size() > best->first.size())) {
      best = &layer;
    }
  }
  return best;
}

bool IsGrpc(const std::string& include) {
  return absl::StartsWith(include, "grpc") || absl::EndsWith(include, ".grpc.pb.h");
}

// The standard library, POSIX and Abseil; the other libraries without a folder are named.
bool IsAlwaysAllowed(const std::string& include) {
  for (const absl::string_view folder : {"absl/", "sys/", "arpa/", "netinet/", "net/", "linux/"}) {
    if (absl::StartsWith(include, folder)) {
      return true;
    }
  }
  return include.find('/') == std::string::npos && include != "sqlite3.h" &&
         include != "microhttpd.h";
}

// The includes of a file that its layer forbids, or a complaint that it has no layer.
std::vector<std::string> Violations(const Layers& layers, const std::string& path,
                                    const std::string& contents) {
  const auto* layer = LayerOf(layers, path);
  if (layer == nullptr) {
    return {absl::StrCat(path, ": no line in docs/layers.txt")};
  }
  std::vector<std::string> violations;
  for (absl::string_view line : absl::StrSplit(contents, '\n')) {
    line = absl::StripLeadingAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "#")) {
      continue;
    }
    line = absl::StripLeadingAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "include")) {
      continue;
    }
    line = absl::StripLeadingAsciiWhitespace(line);
    const size_t end = line.find_first_of("\">", 1);
    if (line.empty() || end == absl::string_view::npos) {
      violations.push_back(absl::StrCat(path, ": cannot read an #include"));
      continue;
    }
    const std::string include(line.substr(1, end - 1));
    bool allowed = IsAlwaysAllowed(include) || absl::StartsWith(include, layer->first + "/");
    for (const std::string& prefix : layer->second) {
      allowed =
          allowed || (prefix == "grpc" ? IsGrpc(include)
                                       : absl::StartsWith(include, prefix) && !IsGrpc(include));
    }
    if (!allowed) {
      violations.push_back(absl::StrCat(path, ": ", layer->first, " may not include ", include));
    }
  }
  return violations;
}

Layers RepositoryLayers() { return ParseLayers(testing::ReadRepositoryFile("docs/layers.txt")); }

TEST(Layers, EveryIncludeOfTheProductIsAllowed) {
  const Layers layers = RepositoryLayers();
  const std::filesystem::path root = SECUREBASE_SOURCE_DIR;
  std::vector<std::string> violations;
  int files = 0;
  for (const char* top : {"services", "clients"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
      const std::string path = std::filesystem::relative(entry.path(), root).string();
      if (absl::EndsWith(path, ".h") || absl::EndsWith(path, ".cc")) {
        ++files;
        const auto found = Violations(layers, path, testing::ReadRepositoryFile(path));
        violations.insert(violations.end(), found.begin(), found.end());
      }
    }
  }
  EXPECT_GT(files, 50);
  EXPECT_THAT(violations, IsEmpty()) << absl::StrJoin(violations, "\n");
}

TEST(Layers, EveryLineIsAboutAFolderThatExists) {
  for (const auto& [folder, allowed] : RepositoryLayers()) {
    EXPECT_TRUE(
        std::filesystem::is_directory(std::filesystem::path(SECUREBASE_SOURCE_DIR) / folder))
        << folder;
  }
}

// The check itself: that what is forbidden would be found.
TEST(LayersCheck, FindsWhatIsForbidden) {
  const Layers layers = RepositoryLayers();
  const auto check = [&](const std::string& path, const std::string& include) {
    return Violations(layers, path, absl::StrCat("#pragma once\n#include ", include, "\n"));
  };
  const char* forbidden[][2] = {
      {"services/episodes/rules/a.cc", "\"services/platform/storage/store.h\""},
      {"services/episodes/rules/a.cc", "\"services/platform/api/call.h\""},
      {"services/episodes/rules/a.cc", "\"securebase/goals/v1/goal.pb.h\""},
      {"services/episodes/rules/a.cc", "<grpcpp/server.h>"},
      {"services/goals/handlers/a.cc", "\"securebase/goals/v1/goals_service.grpc.pb.h\""},
      {"services/goals/handlers/a.cc", "\"services/outcomes/rules/change.h\""},
      {"services/goals/handlers/a.cc", "\"services/platform/storage/sqlite_store.h\""},
      {"services/goals/main.cc", "\"services/episodes/rules/members.h\""},
      {"services/platform/base/a.h", "\"google/protobuf/message.h\""},
      {"services/platform/rpc/a.cc", "\"services/platform/storage/store.h\""},
      {"services/platform/api/a.cc", "<sqlite3.h>"},
      {"services/platform/new_folder/a.cc", "<grpcpp/server.h>"},
      {"clients/cli/a.cc", "\"services/episodes/handlers/episode_handlers.h\""},
  };
  for (const auto& [path, include] : forbidden) {
    EXPECT_EQ(check(path, include).size(), 1u) << path << " " << include;
  }
  EXPECT_THAT(check("services/episodes/rules/a.cc", "\"services/platform/base/error.h\""),
              IsEmpty());
  EXPECT_THAT(check("services/outcomes/main.cc", "\"services/episodes/grpc_service.h\""),
              IsEmpty());
  EXPECT_THAT(check("services/goals/main.cc", "<grpcpp/server.h>"), IsEmpty());
  EXPECT_THAT(
      Violations(layers, "services/platform/base/a.cc", "  #  include <sqlite3.h>"),
      ElementsAre("services/platform/base/a.cc: services/platform/base may not include sqlite3.h"));
}

}  // namespace
}  // namespace securebase
