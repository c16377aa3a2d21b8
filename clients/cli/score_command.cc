#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/cli.h"
#include "clients/cli/instruments.h"
#include "clients/cli/json_output.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/score.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

namespace v1 = outcomes::v1;

struct Options {
  std::string instrument;
  std::string answers;
  std::string informant;
  std::string coding;
  int age_months = -1;
  bool json = false;
};

absl::StatusOr<v1::Informant> ParseInformant(const v1::InstrumentDefinition& definition,
                                             const std::string& text) {
  if (text.empty()) {
    return v1::INFORMANT_UNSPECIFIED;
  }
  std::vector<std::string> known;
  for (const int informant : definition.informants()) {
    const std::string word = EnumWord(v1::Informant_descriptor(), informant);
    if (word == absl::AsciiStrToUpper(text)) {
      return static_cast<v1::Informant>(informant);
    }
    known.push_back(absl::AsciiStrToLower(word));
  }
  return InvalidFields(
      {{"--informant", absl::StrCat("must be one of: ", absl::StrJoin(known, ", "))}});
}

void PrintJson(const v1::InstrumentDefinition& definition, const v1::ScoringResult& result,
               Console& console) {
  JsonOutput json;
  json.BeginObject();
  json.Key("instrument");
  json.String(definition.id());
  json.Key("version");
  json.Number(definition.version());
  json.Fields(result);
  json.EndObject();
  console.out << json.Finish();
}

Colour ColourOf(v1::ScaleStatus status) {
  switch (status) {
    case v1::SCALE_STATUS_SCORED:
      return Colour::kGreen;
    case v1::SCALE_STATUS_PRORATED:
      return Colour::kYellow;
    default:
      return Colour::kRed;
  }
}

void PrintScales(const v1::InstrumentDefinition& definition, const v1::ScoringResult& result,
                 Console& console) {
  Table table({"SCALE", "VALUE", "RANGE", "STATUS", "BAND", "REASON"});
  for (int i = 0; i < result.scales_size(); ++i) {
    const v1::ScaleScore& score = result.scales(i);
    const v1::Scale& scale = definition.scales(i);
    const std::string mark = score.provisional() ? "*" : "";
    table.Add({{score.id()},
               {score.has_value() ? outcomes::FormatNumber(score.value()) + mark : "-"},
               {absl::StrCat(outcomes::FormatNumber(scale.min()), " to ",
                             outcomes::FormatNumber(scale.max()))},
               {EnumWord(v1::ScaleStatus_descriptor(), score.status()), ColourOf(score.status())},
               {score.band()},
               {score.reason(), Colour::kDim}});
  }
  table.Print(console);
}

void PrintRest(const v1::ScoringResult& result, Console& console) {
  for (const v1::ScaleScore& score : result.scales()) {
    if (!score.derivation().reversed_items().empty()) {
      console.out << Paint(console, Colour::kDim,
                           absl::StrCat("reversed in ", score.id(), ": ",
                                        absl::StrJoin(score.derivation().reversed_items(), ", ")))
                  << "\n";
    }
  }
  for (const v1::ScaleScore& score : result.scales()) {
    if (score.provisional()) {
      console.out << Paint(
                         console, Colour::kDim,
                         absl::StrCat("* provisional in ", score.id(), ": ",
                                      absl::StrJoin(score.derivation().provisional_facts(), ", ")))
                  << "\n";
    }
  }
  if (!result.diagnostics().empty()) {
    console.out << "\n";
    Table table({"ALGORITHM (NOT A DIAGNOSIS)", "STATE"});
    for (const v1::DiagnosticResult& diagnostic : result.diagnostics()) {
      table.Add(
          {{diagnostic.name()}, {EnumWord(v1::DiagnosticState_descriptor(), diagnostic.state())}});
    }
    table.Print(console);
  }
  if (!result.risk_answers().empty()) {
    console.out << "\n";
    Table table({"RISK ITEM", "ABOUT", "STATE", "LEVEL", "NOTE"});
    for (const v1::RiskAnswer& risk : result.risk_answers()) {
      std::vector<std::string> notes;
      if (risk.house_rule()) {
        notes.push_back("house rule");
      }
      if (risk.provisional()) {
        notes.push_back("provisional");
      }
      table.Add({{risk.item()},
                 {risk.kind()},
                 {EnumWord(v1::RiskState_descriptor(), risk.state()),
                  risk.state() == v1::RISK_STATE_PRESENT        ? Colour::kRed
                  : risk.state() == v1::RISK_STATE_NOT_ANSWERED ? Colour::kYellow
                                                                : Colour::kPlain},
                 {EnumWord(v1::RiskLevel_descriptor(), risk.level()), Colour::kRed},
                 {absl::StrJoin(notes, ", "), Colour::kDim}});
    }
    table.Print(console);
  }
  for (const std::string& note : result.notes()) {
    console.out << Paint(console, Colour::kYellow, absl::StrCat("note: ", note)) << "\n";
  }
}

absl::Status Run(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const v1::InstrumentDefinition definition, FindBuiltIn(options.instrument));
  outcomes::ScoringContext context;
  SB_ASSIGN_OR_RETURN(context.informant, ParseInformant(definition, options.informant));
  if (options.age_months >= 0) {
    context.age_months = options.age_months;
  }
  context.coding = options.coding;
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Answer> answers,
                      ParseAnswers(definition, options.answers));
  SB_ASSIGN_OR_RETURN(const v1::ScoringResult result,
                      outcomes::Score(definition, answers, context));
  if (options.json) {
    PrintJson(definition, result, console);
    return absl::OkStatus();
  }
  console.out << Paint(console, Colour::kBold,
                       absl::StrCat(definition.abbreviation(), " - ", definition.title()))
              << Paint(console, Colour::kDim,
                       absl::StrCat(" (scoring version ", definition.version(), ")"))
              << "\n\n";
  PrintScales(definition, result, console);
  PrintRest(result, console);
  return absl::OkStatus();
}

}  // namespace

void AddScoreCommand(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("score", "Score one questionnaire, without a server");
  command->add_option("instrument", options->instrument, "Its id: phq-9")
      ->required()
      ->type_name("INSTRUMENT");
  command
      ->add_option(
          "--answers", options->answers,
          "The answers in the order of the items: 1,0,2,,3. An empty place is an item that "
          "is not answered, na one that is not applicable")
      ->required()
      ->type_name("LIST");
  command->add_option("--informant", options->informant, "Who answered, where more than one may")
      ->type_name("self|parent|teacher|partner|clinician");
  command->add_option("--age-months", options->age_months, "The subject's age in completed months")
      ->check(CLI::Range(0, 1500))
      ->type_name("N");
  command
      ->add_option("--coding", options->coding,
                   "How the answers are coded, if not as the items say; catalogue show lists them")
      ->type_name("ID");
  AddOutputOption(*command, options->json);
  command->callback([options, &console] { console.status = Run(*options, console); });
}

}  // namespace securebase::cli
