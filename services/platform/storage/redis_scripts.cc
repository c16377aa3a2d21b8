#include "services/platform/storage/redis_scripts.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "platform_storage_data.h"

namespace securebase::storage {
namespace {

constexpr absl::string_view kPrelude = "prelude";

std::map<std::string, RedisScript, std::less<>> LoadScripts() {
  std::map<std::string, absl::string_view, std::less<>> sources;
  for (const EmbeddedFile& file : RedisScriptFiles()) {
    sources.emplace(absl::StripSuffix(file.name, ".lua"), file.contents);
  }
  const absl::string_view prelude = sources.find(kPrelude)->second;
  std::map<std::string, RedisScript, std::less<>> scripts;
  for (const auto& [name, source] : sources) {
    if (name != kPrelude) {
      // Redis reads the flags from the first line.
      const size_t body = source.find('\n') + 1;
      scripts.emplace(name, MakeRedisScript(name, absl::StrCat(source.substr(0, body), prelude,
                                                               source.substr(body))));
    }
  }
  return scripts;
}

std::vector<std::string> KeysOfTag(absl::string_view prefix, absl::string_view tag) {
  const std::string base = absl::StrCat(prefix, ":{", tag, "}");
  return {base + "m", base + "!"};
}

}  // namespace

const std::map<std::string, RedisScript, std::less<>>& RedisScripts() {
  static const auto* scripts = new std::map<std::string, RedisScript, std::less<>>(LoadScripts());
  return *scripts;
}

std::vector<std::string> RedisKeysOfPractice(absl::string_view prefix, absl::string_view practice) {
  // The slot is that of the bytes up to the first '}'.
  return KeysOfTag(prefix, absl::StrReplaceAll(practice, {{"%", "%25"}, {"}", "%7D"}}));
}

std::vector<std::string> RedisKeysOfStore(absl::string_view prefix) {
  return KeysOfTag(prefix, "%");  // no practice's: there two digits follow
}

}  // namespace securebase::storage
