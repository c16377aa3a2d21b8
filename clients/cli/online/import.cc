#include "clients/cli/online/import.h"

#include <openssl/sha.h>

#include <algorithm>
#include <deque>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cli/console.h"
#include "clients/cli/instruments.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"
#include "securebase/options/v1/options.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

using google::protobuf::FieldDescriptor;
using outcomes::v1::Assessment;
using outcomes::v1::SubmitAssessmentRequest;

constexpr const char* kNeededColumns[] = {"episode",   "instrument",    "subject",
                                          "informant", "answered_time", "answers"};
// Rows read ahead of those being sent, so that one long episode does not keep the others waiting.
constexpr size_t kReadAhead = 4096;
constexpr int kAttempts = 8;
constexpr absl::Duration kLeastDelay = absl::Milliseconds(50);

bool IsOutputOnly(const FieldDescriptor& field) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == google::api::OUTPUT_ONLY) {
      return true;
    }
  }
  return false;
}

// Where a column's text goes; empty: there is no such field.
FieldPath ColumnPath(const std::string& column) {
  const auto* request = SubmitAssessmentRequest::descriptor();
  if (column == "assessment_id") {
    return {request->FindFieldByName(column)};
  }
  const FieldDescriptor* field = Assessment::descriptor()->FindFieldByName(column);
  if (field == nullptr || column == "name" || column == "etag" || IsOutputOnly(*field)) {
    return {};
  }
  return {request->FindFieldByName("assessment"), field};
}

std::string Digest(const SubmitAssessmentRequest& request) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(digest), 16));
}

// Derives what the row leaves out.
absl::StatusOr<SubmitAssessmentRequest> Identified(SubmitAssessmentRequest request,
                                                   const std::string& practice) {
  request.set_parent(absl::StrCat("practices/", practice));
  if (request.assessment_id().empty()) {
    request.set_assessment_id(absl::StrCat("import-", Digest(request)));
  }
  if (request.request_id().empty()) {
    request.set_request_id(absl::StrCat("import-", Digest(request)));
  }
  return request;
}

using AnswerKey = std::pair<std::string, std::string>;

// What was answered, in any order; what was left out counts as not answered.
std::set<AnswerKey> Answered(const google::protobuf::RepeatedPtrField<outcomes::v1::Answer>& all) {
  std::set<AnswerKey> answered;
  for (const outcomes::v1::Answer& answer : all) {
    if (answer.has_value()) {
      answered.insert({answer.item(), absl::StrCat(answer.value())});
    } else if (answer.not_applicable()) {
      answered.insert({answer.item(), "na"});
    }
  }
  return answered;
}

// Whether `stored` is what this row made of it, whatever happened to it later.
bool IsSame(const Assessment& row, const Assessment& stored) {
  const bool amended = stored.revisions_size() > 0;
  const auto& answers = amended ? stored.revisions(0).answers() : stored.answers();
  const auto& time = amended ? stored.revisions(0).answered_time() : stored.answered_time();
  return row.episode() == stored.episode() && row.instrument() == stored.instrument() &&
         row.subject() == stored.subject() && row.informant() == stored.informant() &&
         row.relationship_target() == stored.relationship_target() && row.answered_time() == time &&
         Answered(row.answers()) == Answered(answers);
}

// Whether every other row would meet the same.
bool EndsTheRun(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

bool WorthRepeating(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

enum class Fate { kStored, kExisted };

absl::StatusOr<Fate> Send(const SubmitAssessmentRequest& request, const ImportOptions& options) {
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    status = options.submit(request);
    if (!WorthRepeating(status)) {
      break;
    }
    absl::SleepFor(std::max(RetryAfterOf(status), kLeastDelay));
  }
  if (status.ok()) {
    return Fate::kStored;
  }
  if (!absl::IsAlreadyExists(status)) {
    return status;
  }
  const std::string name = absl::StrCat(request.parent(), "/assessments/", request.assessment_id());
  const absl::StatusOr<Assessment> stored = options.get(name);
  if (!stored.ok()) {
    return status;
  }
  if (!IsSame(request.assessment(), *stored)) {
    return AlreadyExists(absl::StrCat(name, " with other content"));
  }
  return Fate::kExisted;
}

// Hands the rows of one episode to one worker, in their order.
class Dispatcher {
 public:
  explicit Dispatcher(const ImportOptions& options)
      : options_(options),
        workers_(static_cast<size_t>(std::max(1, options.in_flight))),
        queues_(workers_) {}

  absl::StatusOr<ImportSummary> Run(ImportReader& reader) {
    std::vector<std::thread> workers;
    for (size_t i = 0; i < workers_; ++i) {
      workers.emplace_back([this, i] { Work(i); });
    }
    while (!Stopped()) {
      std::optional<ImportRow> row = reader.Next();
      if (!row.has_value()) {
        break;
      }
      Take(*std::move(row));
    }
    Close();
    for (std::thread& worker : workers) {
      worker.join();
    }
    MutexLock lock(mutex_);
    SB_RETURN_IF_ERROR(stop_);
    return summary_;
  }

 private:
  struct Row {
    int line = 0;
    SubmitAssessmentRequest request;
  };

  bool Stopped() {
    MutexLock lock(mutex_);
    return !stop_.ok();
  }

  void Take(ImportRow row) {
    MutexLock lock(mutex_);
    ++summary_.rows;
    if (!row.request.ok()) {
      Fail(row.line, row.request.status());
      return;
    }
    const size_t queue =
        std::hash<std::string>()(row.request->assessment().episode()) % queues_.size();
    while (waiting_ >= kReadAhead && stop_.ok()) {
      changed_.Wait(mutex_);
    }
    ++waiting_;
    queues_[queue].push_back({row.line, *std::move(row.request)});
    changed_.NotifyAll();
  }

  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }

  // The next row of this queue; nullopt: there is none and will be none.
  std::optional<Row> Pop(size_t queue) {
    MutexLock lock(mutex_);
    while (queues_[queue].empty() && !closed_ && stop_.ok()) {
      changed_.Wait(mutex_);
    }
    if (queues_[queue].empty() || !stop_.ok()) {
      return std::nullopt;
    }
    Row row = std::move(queues_[queue].front());
    queues_[queue].pop_front();
    --waiting_;
    changed_.NotifyAll();
    return row;
  }

  void Work(size_t queue) {
    while (std::optional<Row> row = Pop(queue)) {
      const absl::StatusOr<Fate> fate = Send(row->request, options_);
      MutexLock lock(mutex_);
      if (fate.ok()) {
        ++(*fate == Fate::kStored ? summary_.stored : summary_.existed);
        options_.on_progress(summary_);
      } else if (EndsTheRun(fate.status())) {
        if (stop_.ok()) {
          stop_ = absl::Status(fate.status().code(),
                               absl::StrCat("stopped at line ", row->line, ": ",
                                            std::string(fate.status().message())));
        }
        changed_.NotifyAll();
      } else {
        Fail(row->line, fate.status());
      }
    }
  }

  void Fail(int line, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++summary_.failed;
    options_.on_failure(line, status);
    options_.on_progress(summary_);
  }

  const ImportOptions& options_;
  const size_t workers_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::deque<Row>> queues_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status stop_ ABSL_GUARDED_BY(mutex_);
  ImportSummary summary_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<ImportFormat> ImportFormatOf(absl::string_view path) {
  const std::string lower = absl::AsciiStrToLower(path);
  if (absl::EndsWith(lower, ".csv")) {
    return ImportFormat::kCsv;
  }
  if (absl::EndsWith(lower, ".ndjson") || absl::EndsWith(lower, ".jsonl")) {
    return ImportFormat::kNdjson;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the name ", path, " does not say what it holds; give --format csv or ndjson"));
}

absl::StatusOr<ImportFile> OpenImportFile(const std::string& path, absl::string_view format) {
  ImportFile import;
  if (format.empty()) {
    SB_ASSIGN_OR_RETURN(import.format, ImportFormatOf(path));
  } else if (format == "csv") {
    import.format = ImportFormat::kCsv;
  }
  if (path != "-") {
    import.file.open(path, std::ios::binary);
    if (!import.file.is_open()) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot read ", path, "; check that it exists"));
    }
  }
  return import;
}

absl::StatusOr<std::optional<std::vector<std::string>>> ReadCsvRecord(std::istream& in, int& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  bool any = false;
  for (char c = 0; in.get(c);) {
    any = true;
    if (quoted) {
      if (c == '"' && in.peek() == '"') {
        in.get();
        cells.back() += '"';
      } else if (c == '"') {
        quoted = false;
      } else {
        line += c == '\n' ? 1 : 0;
        cells.back() += c;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++line;
      return cells;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  if (quoted) {
    return absl::InvalidArgumentError("a quotation mark is opened and never closed");
  }
  if (!any) {
    return std::nullopt;
  }
  ++line;
  return cells;
}

absl::StatusOr<ImportReader> ImportReader::Open(std::istream& in, ImportFormat format,
                                                std::string practice, FindInstrument find) {
  ImportReader reader(in, format, std::move(practice), std::move(find));
  if (format == ImportFormat::kCsv) {
    SB_RETURN_IF_ERROR(reader.ReadHeader());
  }
  return reader;
}

absl::Status ImportReader::ReadHeader() {
  SB_ASSIGN_OR_RETURN(auto header, ReadCsvRecord(*in_, line_));
  if (!header.has_value()) {
    return absl::InvalidArgumentError("the file is empty; its first row names the columns");
  }
  // Spreadsheets begin a UTF-8 file with a byte order mark.
  header->front() = std::string(absl::StripPrefix(header->front(), "\xEF\xBB\xBF"));
  std::set<std::string> given;
  for (const std::string& cell : *header) {
    const std::string column(absl::StripAsciiWhitespace(cell));
    const FieldPath path = ColumnPath(column);
    if (path.empty() || !given.insert(column).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the column \"", column, "\" ",
                       path.empty() ? "is no field of an assessment" : "stands there twice"));
    }
    columns_.push_back(path);
  }
  for (const char* needed : kNeededColumns) {
    if (given.count(needed) == 0) {
      return absl::InvalidArgumentError(absl::StrCat("the column \"", needed, "\" is missing"));
    }
  }
  return absl::OkStatus();
}

std::optional<ImportRow> ImportReader::Next() {
  while (in_->good()) {
    ImportRow row{line_ + 1, absl::InternalError("")};
    if (format_ == ImportFormat::kNdjson) {
      std::string json;
      if (!std::getline(*in_, json)) {
        return std::nullopt;
      }
      ++line_;
      if (absl::StripAsciiWhitespace(json).empty()) {
        continue;
      }
      row.request = FromJson(json);
      return row;
    }
    const auto cells = ReadCsvRecord(*in_, line_);
    if (!cells.ok()) {
      row.request = cells.status();
      return row;
    }
    if (!cells->has_value()) {
      return std::nullopt;
    }
    if ((*cells)->size() == 1 && absl::StripAsciiWhitespace((*cells)->front()).empty()) {
      continue;
    }
    row.request = FromCsv(**cells);
    return row;
  }
  return std::nullopt;
}

absl::StatusOr<SubmitAssessmentRequest> ImportReader::FromCsv(
    const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the row has ", cells.size(),
                                                   " cells, the header ", columns_.size(),
                                                   "; put answers in quotation marks"));
  }
  Request request;
  std::string answers;
  for (size_t i = 0; i < cells.size(); ++i) {
    const absl::string_view cell = absl::StripAsciiWhitespace(cells[i]);
    if (columns_[i].back()->name() == "answers") {
      answers = std::string(cell);
    } else if (!cell.empty()) {
      SB_RETURN_IF_ERROR(SetFromText(request, columns_[i], cell, practice_));
    }
  }
  SB_RETURN_IF_ERROR(SetAnswers(answers, request));
  return Identified(std::move(request), practice_);
}

absl::Status ImportReader::SetAnswers(const std::string& text, Request& request) {
  const Assessment& assessment = request.assessment();
  const std::pair<std::string, int> key(assessment.instrument(), assessment.instrument_version());
  auto found = instruments_.find(key);
  if (found == instruments_.end()) {
    SB_ASSIGN_OR_RETURN(auto definition, find_(key.first, key.second));
    found = instruments_.emplace(key, std::move(definition)).first;
  }
  SB_ASSIGN_OR_RETURN(const auto answers, ParseAnswers(found->second, text));
  for (const outcomes::v1::Answer& answer : answers) {
    *request.mutable_assessment()->add_answers() = answer;
  }
  return absl::OkStatus();
}

absl::StatusOr<SubmitAssessmentRequest> ImportReader::FromJson(const std::string& json) const {
  Request request;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("the line is no SubmitAssessmentRequest: ",
                                                   JsonProblem(std::string(status.message()))));
  }
  Assessment& assessment = *request.mutable_assessment();
  const auto* reflection = assessment.GetReflection();
  for (int i = 0; i < Assessment::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = Assessment::descriptor()->field(i);
    const std::string& pattern = field->options().GetExtension(options::v1::rules).name();
    if (pattern.empty() || !reflection->HasField(assessment, field)) {
      continue;
    }
    SB_ASSIGN_OR_RETURN(std::string name,
                        CompleteName(pattern, reflection->GetString(assessment, field), practice_));
    reflection->SetString(&assessment, field, std::move(name));
  }
  return Identified(std::move(request), practice_);
}

absl::StatusOr<ImportSummary> RunImport(ImportReader& reader, const ImportOptions& options) {
  return Dispatcher(options).Run(reader);
}

}  // namespace securebase::cli
