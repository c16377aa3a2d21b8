#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "clients/cli/cli.h"
#include "clients/cli/online/connection.h"
#include "clients/cli/online/definitions.h"
#include "clients/cli/online/import.h"
#include "clients/cli/online/online.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

constexpr char kSubmit[] = "securebase.outcomes.v1.OutcomesService.SubmitAssessment";
constexpr char kGet[] = "securebase.outcomes.v1.OutcomesService.GetAssessment";
// A terminal is not rewritten for every row.
constexpr int kRowsPerProgress = 25;

struct ImportArguments {
  ConnectionOptions connection;
  std::string file;
  std::string format;
  std::string report;
  int in_flight = 16;
};

int Done(const ImportSummary& summary) { return summary.stored + summary.existed + summary.failed; }

std::string Describe(const ImportSummary& summary) {
  std::string text = absl::StrCat(
      summary.rows, summary.rows == 1 ? " row: " : " rows: ", summary.stored, " stored");
  if (summary.existed > 0) {
    absl::StrAppend(&text, ", ", summary.existed, " there already");
  }
  return absl::StrCat(text, ", ", summary.failed, " failed");
}

absl::Status Import(ImportArguments& arguments, Console& console) {
  SB_RETURN_IF_ERROR(Complete(arguments.connection));
  SB_ASSIGN_OR_RETURN(ImportFile file, OpenImportFile(arguments.file, arguments.format));
  std::ofstream report;
  if (!arguments.report.empty()) {
    report.open(arguments.report, std::ios::trunc);
    if (!report.good()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot write ", arguments.report, "; check its folder"));
    }
  }
  Connections connections(arguments.connection);
  // The map of clients is filled here, before threads share it.
  SB_RETURN_IF_ERROR(connections.For(kSubmit).status());
  SB_ASSIGN_OR_RETURN(ImportReader reader,
                      ImportReader::Open(file.in(), file.format, arguments.connection.practice,
                                         [&](const std::string& instrument, int version) {
                                           return FindDefinition(connections, instrument, version);
                                         }));
  ImportOptions options;
  options.in_flight = arguments.in_flight;
  options.submit = [&](const outcomes::v1::SubmitAssessmentRequest& request) {
    outcomes::v1::SubmitAssessmentResponse response;
    return connections.Call(kSubmit, request, response);
  };
  options.get = [&](const std::string& name) -> absl::StatusOr<outcomes::v1::Assessment> {
    outcomes::v1::GetAssessmentRequest request;
    request.set_name(name);
    outcomes::v1::Assessment assessment;
    SB_RETURN_IF_ERROR(connections.Call(kGet, request, assessment));
    return assessment;
  };
  const std::string clear = console.colour ? "\r\x1b[K" : "";
  std::ostream& failures = arguments.report.empty() ? console.err : report;
  options.on_failure = [&](int line, const absl::Status& status) {
    if (arguments.report.empty()) {
      console.out << clear << std::flush;
    }
    failures << arguments.file << ":" << line << ": " << std::string(status.message()) << "\n";
  };
  options.on_progress = [&](const ImportSummary& summary) {
    if (console.colour && Done(summary) % kRowsPerProgress == 0) {
      console.out << clear << Done(summary) << " rows done, " << summary.failed << " failed"
                  << std::flush;
    }
  };

  const absl::StatusOr<ImportSummary> summary = RunImport(reader, options);
  console.out << clear;
  if (!summary.ok()) {
    return absl::Status(summary.status().code(),
                        absl::StrCat(std::string(summary.status().message()),
                                     "; run it again to go on, what is stored stays as it is"));
  }
  console.out << Describe(*summary) << "\n";
  if (summary->failed == 0) {
    return absl::OkStatus();
  }
  return absl::UnknownError(
      absl::StrCat(summary->failed, summary->failed == 1 ? " row" : " rows", " failed: ",
                   arguments.report.empty() ? "the lines above say why"
                                            : absl::StrCat(arguments.report, " says why"),
                   "; correct them and run it again"));
}

}  // namespace

void AddImportVerb(CLI::App& assessments, Console& console) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = assessments.add_subcommand(
      "import", "Submit a file of assessments; a repeat changes nothing");
  command
      ->add_option("file", arguments->file,
                   "CSV with a header row (episode, instrument, subject, informant, answered_time, "
                   "answers, ...), or a SubmitAssessmentRequest as JSON on each line; - for "
                   "standard input")
      ->required()
      ->type_name("FILE");
  TakesOneOf(command->add_option("--format", arguments->format, "by the file's name if unset"),
             {"csv", "ndjson"});
  command
      ->add_option("--report", arguments->report,
                   "write what failed to this file, not to standard error")
      ->type_name("FILE");
  command->add_option("--in-flight", arguments->in_flight, "calls at a time, 1 to 64 (16)")
      ->check(CLI::Range(1, 64))
      ->type_name("NUMBER");
  AddConnectionOptions(*command, arguments->connection);
  command->callback([arguments, &console] { console.status = Import(*arguments, console); });
}

}  // namespace securebase::cli
