#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/cli.h"
#include "clients/cli/instruments.h"
#include "clients/cli/json_output.h"
#include "clients/cli/text_file.h"
#include "google/protobuf/util/json_util.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

namespace v1 = outcomes::v1;
using outcomes::FormatNumber;

struct Options {
  std::string instrument;
  std::string file;
  bool json = false;
};

std::string Lower(const google::protobuf::EnumDescriptor* type, int number) {
  return absl::AsciiStrToLower(EnumWord(type, number));
}

std::string ScaleIds(const v1::InstrumentDefinition& definition) {
  return absl::StrJoin(definition.scales(), ", ", [](std::string* out, const v1::Scale& scale) {
    absl::StrAppend(out, scale.id());
  });
}

absl::Status List(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const outcomes::Catalogue catalogue, outcomes::BuiltInCatalogue());
  if (options.json) {
    JsonOutput json;
    json.BeginObject();
    json.Key("instruments");
    json.BeginArray();
    for (const v1::InstrumentDefinition* definition : catalogue.Newest()) {
      json.BeginObject();
      json.Key("id");
      json.String(definition->id());
      json.Key("version");
      json.Number(definition->version());
      json.Key("title");
      json.String(definition->title());
      json.Key("abbreviation");
      json.String(definition->abbreviation());
      json.Key("domain");
      json.String(EnumWord(v1::Domain_descriptor(), definition->domain()));
      json.Key("items");
      json.Number(definition->items_size());
      json.Key("scales");
      json.BeginArray();
      for (const v1::Scale& scale : definition->scales()) {
        json.String(scale.id());
      }
      json.EndArray();
      json.Key("licence");
      json.String(EnumWord(v1::LicenceDecision_descriptor(), definition->licence().decision()));
      json.Key("confidence");
      json.String(EnumWord(type::v1::Confidence_descriptor(), definition->confidence()));
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
    console.out << json.Finish();
    return absl::OkStatus();
  }
  Table table({"ID", "INSTRUMENT", "DOMAIN", "ITEMS", "SCALES", "LICENCE", "CONFIDENCE"});
  for (const v1::InstrumentDefinition* definition : catalogue.Newest()) {
    table.Add({{definition->id()},
               {definition->abbreviation()},
               {Lower(v1::Domain_descriptor(), definition->domain())},
               {absl::StrCat(definition->items_size())},
               {ScaleIds(*definition)},
               {Lower(v1::LicenceDecision_descriptor(), definition->licence().decision())},
               {Lower(type::v1::Confidence_descriptor(), definition->confidence())}});
  }
  table.Print(console);
  return absl::OkStatus();
}

std::string PolicyText(const v1::ChangePolicy& policy) {
  std::string text = absl::StrCat(policy.id(), policy.is_default() ? " (default)" : "", ": ");
  if (policy.has_threshold()) {
    absl::StrAppend(&text, outcomes::ComparatorWords(policy.comparator()), " ",
                    FormatNumber(policy.threshold()));
  } else {
    absl::StrAppend(&text, "computed at ", policy.confidence_level(), " %");
  }
  if (policy.has_cut_off()) {
    absl::StrAppend(&text, ", clinical ", outcomes::ComparatorWords(policy.cut_off().clinical()),
                    " ", FormatNumber(policy.cut_off().value()));
  }
  return absl::StrCat(text, "; ", policy.source());
}

std::string MissingText(const v1::Scale& scale) {
  if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
    return "as its parts";
  }
  if (!scale.has_missing_rule()) {
    return "no published rule";
  }
  return scale.missing_rule().max_missing() == 0
             ? "every item needed"
             : absl::StrCat("up to ", scale.missing_rule().max_missing());
}

void ShowScales(const v1::InstrumentDefinition& definition, Console& console) {
  Table table({"SCALE", "NAME", "METHOD", "RANGE", "DIRECTION", "ITEMS", "MISSING", "CONFIDENCE"});
  for (const v1::Scale& scale : definition.scales()) {
    table.Add({{scale.id()},
               {scale.name()},
               {Lower(v1::ScoringMethod_descriptor(), scale.method())},
               {absl::StrCat(FormatNumber(scale.min()), " to ", FormatNumber(scale.max()))},
               {Lower(v1::Direction_descriptor(), scale.direction())},
               {absl::StrCat(scale.items_size())},
               {MissingText(scale)},
               {Lower(type::v1::Confidence_descriptor(), scale.confidence())}});
  }
  table.Print(console);
  for (const v1::Scale& scale : definition.scales()) {
    for (const v1::BandSet& set : scale.band_sets()) {
      console.out << "bands of " << scale.id() << " (" << set.id() << "): "
                  << absl::StrJoin(set.bands(), ", ",
                                   [](std::string* out, const v1::Band& band) {
                                     absl::StrAppend(out, "from ", FormatNumber(band.lower_bound()),
                                                     " ", band.label());
                                   })
                  << "\n";
    }
    for (const v1::ChangePolicy& policy : scale.change_policies()) {
      console.out << "change of " << scale.id() << ": " << PolicyText(policy) << "\n";
    }
  }
}

absl::Status Show(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const v1::InstrumentDefinition definition, FindBuiltIn(options.instrument));
  if (options.json) {
    JsonOutput json;
    json.Message(definition);
    console.out << json.Finish();
    return absl::OkStatus();
  }
  console.out << Paint(console, Colour::kBold,
                       absl::StrCat(definition.abbreviation(), " - ", definition.title()))
              << "\n"
              << definition.authors_year() << "\n"
              << definition.construct() << "; scoring version " << definition.version()
              << "; confidence "
              << Lower(type::v1::Confidence_descriptor(), definition.confidence()) << "\n"
              << "answers: " << definition.answer_key() << "\n"
              << "licence: " << definition.licence().status() << "\n\n";
  ShowScales(definition, console);
  for (const v1::AnswerCoding& coding : definition.codings()) {
    console.out << "coding " << coding.id() << ": " << coding.description() << "\n";
  }
  for (const v1::RiskItem& risk : definition.risk_items()) {
    console.out << "risk item " << risk.item() << ": " << risk.kind() << ", from "
                << risk.steps(0).at_least() << (risk.house_rule() ? " (house rule)" : "") << "\n";
  }
  for (const std::string& note : definition.notes()) {
    console.out << "note: " << note << "\n";
  }
  return absl::OkStatus();
}

// What a server would say of it: lengths and counts first, then what contradicts what.
std::vector<FieldViolation> CheckForUpload(const outcomes::Catalogue& built_in,
                                           const v1::InstrumentDefinition& definition) {
  // No field of a definition depends on the practice or the time.
  std::vector<FieldViolation> violations =
      ViolationsOf(api::ValidateRequest(definition, "practice", absl::UnixEpoch()));
  for (FieldViolation& violation : outcomes::CheckOwnDefinition(definition, built_in)) {
    violations.push_back(std::move(violation));
  }
  return violations;
}

absl::Status Check(const Options& options, Console& console) {
  SB_ASSIGN_OR_RETURN(const outcomes::Catalogue built_in, outcomes::BuiltInCatalogue());
  SB_ASSIGN_OR_RETURN(const std::string contents, ReadFile(options.file));
  v1::InstrumentDefinition definition;
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(contents), "{")) {
    const auto status = google::protobuf::util::JsonStringToMessage(contents, &definition);
    if (!status.ok()) {
      return InvalidFields({{options.file, JsonProblem(std::string(status.message()))}},
                           Reason::kDefinitionInvalid);
    }
    SB_RETURN_IF_ERROR(
        InvalidFields(CheckForUpload(built_in, definition), Reason::kDefinitionInvalid));
  } else {
    SB_ASSIGN_OR_RETURN(definition,
                        outcomes::ParseDefinition(options.file, contents,
                                                  [&](const v1::InstrumentDefinition& parsed) {
                                                    return CheckForUpload(built_in, parsed);
                                                  }));
  }
  console.out << options.file << ": " << definition.id() << " version " << definition.version()
              << " can be used: " << definition.items_size()
              << (definition.items_size() == 1 ? " item, " : " items, ") << definition.scales_size()
              << (definition.scales_size() == 1 ? " scale\n" : " scales\n");
  return absl::OkStatus();
}

}  // namespace

void AddCatalogueCommand(CLI::App& app, Console& console) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("catalogue", "The built-in instruments, and definitions of your own");
  command->require_subcommand(1);
  CLI::App* list = command->add_subcommand("list", "All of them, one a line");
  AddOutputOption(*list, options->json);
  list->callback([options, &console] { console.status = List(*options, console); });
  CLI::App* show = command->add_subcommand("show", "How one of them is scored");
  show->add_option("instrument", options->instrument, "Its id: phq-9")
      ->required()
      ->type_name("INSTRUMENT");
  AddOutputOption(*show, options->json);
  show->callback([options, &console] { console.status = Show(*options, console); });
  CLI::App* check =
      command->add_subcommand("check", "Check a definition of your own before it is sent");
  check
      ->add_option("file", options->file,
                   "An InstrumentDefinition as JSON or in Protocol Buffers' text format")
      ->required()
      ->type_name("FILE");
  check->callback([options, &console] { console.status = Check(*options, console); });
}

}  // namespace securebase::cli
