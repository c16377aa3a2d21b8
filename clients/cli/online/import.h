#pragma once

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "clients/cli/online/fields.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"

// History: files of assessments that a practice brings along.
namespace securebase::cli {

enum class ImportFormat { kCsv, kNdjson };

// By the end of a file's name: .csv, .ndjson or .jsonl. INVALID_ARGUMENT asks for --format.
absl::StatusOr<ImportFormat> ImportFormatOf(absl::string_view path);

// A file to import, open for reading, or standard input.
struct ImportFile {
  ImportFormat format = ImportFormat::kNdjson;
  std::ifstream file;  // not open: standard input
  std::istream& in() { return file.is_open() ? file : std::cin; }
};

// Opens `path` ("-": standard input). `format` is "csv", "ndjson" or, where the file's name says
// it, empty. INVALID_ARGUMENT when it cannot be read, and as ImportFormatOf.
absl::StatusOr<ImportFile> OpenImportFile(const std::string& path, absl::string_view format);

// One record of a file of comma-separated values (RFC 4180: quotation marks keep commas and line
// breaks, a doubled one stands for itself). Adds the lines it takes to `line`. nullopt at the end
// of the file; INVALID_ARGUMENT when a quotation mark is never closed.
absl::StatusOr<std::optional<std::vector<std::string>>> ReadCsvRecord(std::istream& in, int& line);

// One assessment to submit, or what is wrong with its row.
struct ImportRow {
  int line = 0;  // where it begins, from 1
  absl::StatusOr<outcomes::v1::SubmitAssessmentRequest> request;
};

// Reads rows one after the other, so that a file may be larger than memory.
//
//   NDJSON  a line is a SubmitAssessmentRequest in proto3 JSON without parent
//   CSV     a header row names the columns in any order: assessment_id, and fields of Assessment
//           ("episode", "answered_time"); answers are a quoted list as `securebase score` takes it
//
// Names may be ids ("e1" for practices/P/episodes/e1). Whatever a row leaves out is derived from
// what it says: its assessment_id and its request_id, so that the same row is the same assessment
// however often, and in whichever file, it is imported. Empty lines are skipped.
class ImportReader {
 public:
  // The definition behind an instrument's name and version (0: the active one).
  using FindInstrument =
      std::function<absl::StatusOr<outcomes::v1::InstrumentDefinition>(const std::string&, int)>;

  // `find` is asked once for each instrument and version of a CSV file. INVALID_ARGUMENT when the
  // header has a column that is no field, or lacks a needed one.
  static absl::StatusOr<ImportReader> Open(std::istream& in, ImportFormat format,
                                           std::string practice, FindInstrument find);

  // nullopt at the end of the file.
  std::optional<ImportRow> Next();

 private:
  using Request = outcomes::v1::SubmitAssessmentRequest;

  ImportReader(std::istream& in, ImportFormat format, std::string practice, FindInstrument find)
      : in_(&in), format_(format), practice_(std::move(practice)), find_(std::move(find)) {}
  absl::Status ReadHeader();
  absl::StatusOr<Request> FromCsv(const std::vector<std::string>& cells);
  absl::StatusOr<Request> FromJson(const std::string& json) const;
  absl::Status SetAnswers(const std::string& text, Request& request);

  std::istream* in_;
  ImportFormat format_;
  std::string practice_;
  FindInstrument find_;
  int line_ = 0;
  std::vector<FieldPath> columns_;
  // By name and version.
  std::map<std::pair<std::string, int>, outcomes::v1::InstrumentDefinition> instruments_;
};

// What became of a run.
struct ImportSummary {
  int rows = 0;
  int stored = 0;   // by this run, or an earlier one within the 14 days of a request_id
  int existed = 0;  // stored earlier, with the same content
  int failed = 0;
};

struct ImportOptions {
  int in_flight = 16;  // calls at a time
  // Sends one row and returns the server's answer; called by many threads.
  std::function<absl::Status(const outcomes::v1::SubmitAssessmentRequest&)> submit;
  // Reads an assessment by name; called by many threads.
  std::function<absl::StatusOr<outcomes::v1::Assessment>(const std::string& name)> get;
  // Hears of each row that fails, and of every row that is done; one call at a time.
  std::function<void(int line, const absl::Status& status)> on_failure;
  std::function<void(const ImportSummary& so_far)> on_progress;
};

// Submits all rows. The rows of an episode are sent one after the other in the file's order, those
// of different episodes side by side. A row that the server refuses is a failure and the run goes
// on; what would refuse all the others as well (UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE,
// DEADLINE_EXCEEDED) ends it and is returned, naming the line.
absl::StatusOr<ImportSummary> RunImport(ImportReader& reader, const ImportOptions& options);

}  // namespace securebase::cli
