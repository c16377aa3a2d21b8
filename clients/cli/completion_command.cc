#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
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
