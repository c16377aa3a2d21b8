#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/cli.h"

namespace securebase::cli {
namespace {

// Asks the program itself, so that the script never grows old.
constexpr char kBash[] = R"(_securebase() {
  local IFS=$'\n'
  COMPREPLY=($(securebase completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _securebase securebase
)";

// The words that an option takes, "table" and "json"; empty when it takes anything else.
// Placeholders show them in small letters, and several with ",..." behind.
std::vector<std::string> ChoicesOf(const CLI::Option& option, bool& list) {
  std::string placeholder = option.get_type_name();
  absl::string_view rest = placeholder;
  list = absl::ConsumeSuffix(&rest, ",...");
  const bool literal = !rest.empty() && std::none_of(rest.begin(), rest.end(), [](char c) {
    return absl::ascii_isupper(static_cast<unsigned char>(c));
  });
  return literal ? std::vector<std::string>(absl::StrSplit(rest, '|')) : std::vector<std::string>();
}

// What may stand behind an option's name.
std::vector<std::string> ValuesFor(const CLI::Option& option, const std::string& typed) {
  std::vector<std::string> values;
  bool list = false;
  const std::vector<std::string> choices = ChoicesOf(option, list);
  // Of "couple,fam" the last is being typed.
  const size_t begin = list ? typed.rfind(',') + 1 : 0;  // npos + 1 is 0
  for (const std::string& choice : choices) {
    if (absl::StartsWith(choice, typed.substr(begin))) {
      values.push_back(absl::StrCat(typed.substr(0, begin), choice));
    }
  }
  return values;
}

}  // namespace

std::vector<std::string> CompletionsFor(const CLI::App& app,
                                        const std::vector<std::string>& words) {
  // The command that the words before the last lead to; the last one is what is being typed.
  const CLI::App* command = &app;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    for (const CLI::App* sub : SubcommandsOf(*command)) {
      if (sub->get_name() == words[i]) {
        command = sub;
        break;
      }
    }
  }
  const std::string typed = words.empty() ? "" : words.back();
  // bash makes a word of its own of the "=" in --kind=couple.
  const size_t count = words.size();
  const bool behind_equals = count >= 3 && words[count - 2] == "=";
  if (count >= 2) {
    const CLI::Option* option =
        command->get_option_no_throw(words[count - (behind_equals ? 3 : 2)]);
    if (option != nullptr && option->get_items_expected_max() > 0) {
      return ValuesFor(*option, typed == "=" ? "" : typed);
    }
  }
  std::vector<std::string> completions;
  const auto offer = [&](const std::string& word) {
    if (absl::StartsWith(word, typed)) {
      completions.push_back(word);
    }
  };
  for (const CLI::App* sub : SubcommandsOf(*command)) {
    offer(sub->get_name());
  }
  if (absl::StartsWith(typed, "-")) {
    for (const std::string& flag : FlagsOf(*command)) {
      offer(flag);
    }
  }
  return completions;
}

void AddCompletionCommand(CLI::App& app, Console& console) {
  CLI::App* completion =
      app.add_subcommand("completion", "Shell completion: eval \"$(securebase completion bash)\"");
  completion->require_subcommand(1);
  completion->add_subcommand("bash", "Print the script for bash")->callback([&console] {
    console.out << kBash;
  });
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* list = completion->add_subcommand("words", "Print what may follow some words");
  list->add_option("words", *words, "the words typed so far, the last one unfinished");
  list->positionals_at_end();
  list->callback([words, &app, &console] {
    for (const std::string& word : CompletionsFor(app, *words)) {
      console.out << word << "\n";
    }
  });
}

}  // namespace securebase::cli
