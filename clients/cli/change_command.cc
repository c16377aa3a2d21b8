#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/cli.h"
#include "clients/cli/instruments.h"
#include "clients/cli/json_output.h"
#include "services/outcomes/rules/change.h"
#include "services/outcomes/rules/numbers.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

namespace v1 = outcomes::v1;
using outcomes::FormatNumber;

struct Options {
  std::string instrument;
  std::string scale;
  double from = 0;
  double to = 0;
  std::string policy;
  bool json = false;
};

std::optional<double> CutOffOf(const v1::ChangeVerdict& verdict) {
  return verdict.has_cut_off() ? std::optional<double>(verdict.cut_off().value()) : std::nullopt;
}

void PrintJson(const v1::ChangeVerdict& verdict, Console& console) {
  const auto word = [](v1::Comparator comparator) {
    return EnumWord(v1::Comparator_descriptor(), comparator);
  };
  JsonOutput json;
  json.BeginObject();
  json.Key("instrument");
  json.String(verdict.instrument());
  json.Key("version");
  json.Number(verdict.version());
  json.Key("scale");
  json.String(verdict.scale());
  json.Key("from");
  json.Number(verdict.from());
  json.Key("to");
  json.Number(verdict.to());
  json.Key("difference");
  json.Number(verdict.difference());
  json.Key("verdict");
  json.String(EnumWord(v1::Verdict_descriptor(), verdict.verdict()));
  json.Key("threshold");
  json.Number(verdict.has_threshold() ? std::optional<double>(verdict.threshold()) : std::nullopt);
  json.Key("comparator");
  json.String(word(verdict.comparator()));
  json.Key("cutoff");
  json.Number(CutOffOf(verdict));
  json.Key("cutoff_comparator");
  json.String(word(verdict.cut_off().clinical()));
  json.Key("policy");
  json.String(verdict.policy());
  json.Key("policy_named");
  json.Bool(verdict.policy_named());
  json.Key("confidence_level");
  json.Number(verdict.confidence_level() == 0 ? std::nullopt
                                              : std::optional<double>(verdict.confidence_level()));
  json.Key("standard_error");
  json.Number(verdict.has_standard_error() ? std::optional<double>(verdict.standard_error())
                                           : std::nullopt);
  json.Key("rule");
  json.String(verdict.rule());
  json.Key("reason_code");
  json.String(EnumWord(v1::ChangeReason_descriptor(), verdict.reason_code()));
  json.Key("reason");
  json.String(verdict.reason());
  json.Key("provisional");
  json.Bool(verdict.provisional());
  json.Key("arrow_allowed");
  json.Bool(verdict.arrow_allowed());
  json.Key("source");
  json.String(verdict.source());
  json.EndObject();
  console.out << json.Finish();
}

Colour ColourOf(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_RECOVERED:
    case v1::VERDICT_RELIABLY_IMPROVED:
      return Colour::kGreen;
    case v1::VERDICT_RELIABLY_DETERIORATED:
      return Colour::kRed;
    case v1::VERDICT_INSUFFICIENT_DATA:
      return Colour::kYellow;
    default:
      return Colour::kPlain;
  }
}

void PrintTable(const v1::ChangeVerdict& verdict, Console& console) {
  console.out << verdict.instrument() << " " << verdict.scale() << ": "
              << FormatNumber(verdict.from()) << " -> " << FormatNumber(verdict.to())
              << " (difference " << FormatNumber(verdict.difference()) << ")\n"
              << Paint(console, ColourOf(verdict.verdict()),
                       EnumWord(v1::Verdict_descriptor(), verdict.verdict()))
              << (verdict.provisional() ? " (provisional)" : "") << "\n";
  if (!verdict.rule().empty()) {
    console.out << verdict.rule() << "\n";
  }
  if (!verdict.reason().empty()) {
    console.out << verdict.reason() << "\n";
  }
  if (verdict.has_threshold()) {
    console.out << "threshold: " << outcomes::ComparatorWords(verdict.comparator()) << " "
                << FormatNumber(verdict.threshold());
    if (verdict.confidence_level() != 0) {
      console.out << " (" << verdict.confidence_level() << " % confidence)";
    }
    console.out << "\n";
  }
  if (verdict.has_cut_off()) {
    console.out << "clinical: " << outcomes::ComparatorWords(verdict.cut_off().clinical()) << " "
                << FormatNumber(verdict.cut_off().value()) << "\n";
  }
  if (!verdict.policy().empty()) {
    console.out << "policy: " << verdict.policy()
                << (verdict.policy_named() ? "" : " (the default)") << "; " << verdict.source()
                << "\n";
  }
}

absl::Status Run(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const v1::InstrumentDefinition definition, FindBuiltIn(options.instrument));
  SB_ASSIGN_OR_RETURN(const v1::ChangeVerdict verdict,
                      outcomes::ClassifyChange(definition, options.scale, options.from, options.to,
                                               {.policy = options.policy}));
  options.json ? PrintJson(verdict, console) : PrintTable(verdict, console);
  return absl::OkStatus();
}

}  // namespace

void AddChangeCommand(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("change", "Judge a change between two scores, without a server");
  command->add_option("instrument", options->instrument, "Its id: phq-9")
      ->required()
      ->type_name("INSTRUMENT");
  command->add_option("--scale", options->scale, "The scale's id; \"total\" for a total")
      ->required()
      ->type_name("ID");
  command->add_option("--from", options->from, "The earlier score")->required()->type_name("X");
  command->add_option("--to", options->to, "The later score")->required()->type_name("Y");
  command
      ->add_option("--policy", options->policy,
                   "Which policy judges, if not the default; catalogue show lists them")
      ->type_name("ID");
  AddOutputOption(*command, options->json);
  command->callback([options, &console] { console.status = Run(*options, console); });
}

}  // namespace securebase::cli
