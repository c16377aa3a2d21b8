#include <memory>

#include "clients/cli/cli.h"
#include "clients/cli/online/connection.h"
#include "clients/cli/online/fields.h"
#include "clients/cli/online/online.h"
#include "clients/cli/online/render.h"
#include "clients/cli/online/texts_import.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

constexpr char kImport[] = "securebase.outcomes.v1.OutcomesService.ImportInstrumentTexts";
constexpr char kVersion[] = "practices/{practice}/instruments/{instrument}/versions/{version}";

struct TextsArguments {
  ConnectionOptions connection;
  std::string version;
  std::string file;
  std::string format;
  std::string licence;
  bool validate_only = false;
};

absl::Status Import(TextsArguments& arguments, Console& console) {
  SB_RETURN_IF_ERROR(Complete(arguments.connection));
  SB_ASSIGN_OR_RETURN(ImportFile file, OpenImportFile(arguments.file, arguments.format));
  SB_ASSIGN_OR_RETURN(outcomes::v1::ImportInstrumentTextsRequest request,
                      ReadTexts(file.in(), file.format, arguments.file, arguments.licence));
  SB_ASSIGN_OR_RETURN(*request.mutable_parent(),
                      CompleteName(kVersion, arguments.version, arguments.connection.practice));
  request.set_validate_only(arguments.validate_only);
  client::FillRequestId(request);
  Connections connections(arguments.connection);
  outcomes::v1::ImportInstrumentTextsResponse response;
  SB_RETURN_IF_ERROR(connections.Call(kImport, request, response));
  Render(console, response);
  return absl::OkStatus();
}

}  // namespace

void AddTextsImportVerb(CLI::App& texts, Console& console) {
  auto arguments = std::make_shared<TextsArguments>();
  CLI::App* command = texts.add_subcommand(
      "import", "Import the wording of a version of an instrument from a file");
  command
      ->add_option("version", arguments->version,
                   "the version's name, or its ids: own-closeness/1, phq-9/1")
      ->required()
      ->type_name("VERSION");
  command
      ->add_option(
          "file", arguments->file,
          "CSV with the columns language,part,id,text (part: item, answer, title, "
          "instructions), or an InstrumentTexts as JSON on each line; - for standard input")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--licence-statement", arguments->licence,
                   "by what right the practice uses the wording, where the file does not say it")
      ->type_name("TEXT");
  TakesOneOf(command->add_option("--format", arguments->format, "by the file's name if unset"),
             {"csv", "ndjson"});
  command->add_flag("--validate-only", arguments->validate_only, "only check, and store nothing");
  AddConnectionOptions(*command, arguments->connection);
  command->callback([arguments, &console] { console.status = Import(*arguments, console); });
}

}  // namespace securebase::cli
