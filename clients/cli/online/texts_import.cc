#include "clients/cli/online/texts_import.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/console.h"
#include "google/protobuf/util/json_util.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

using outcomes::v1::ImportInstrumentTextsRequest;
using outcomes::v1::InstrumentTexts;
using Row = std::vector<std::string>;

const Row& Header() {
  static const auto* header = new Row{"language", "part", "id", "text"};
  return *header;
}

// What is wrong with a row; empty: nothing.
std::string AddRow(const Row& row, InstrumentTexts& texts) {
  const std::string& part = row[1];
  const std::string& id = row[2];
  const std::string& text = row[3];
  if (part == "item") {
    outcomes::v1::ItemText& item = *texts.add_items();
    item.set_item(id);
    item.set_text(text);
    return "";
  }
  if (part == "answer") {
    int32_t value = 0;
    if (!absl::SimpleAtoi(id, &value)) {
      return "the id of an answer is its value, a whole number";
    }
    outcomes::v1::AnswerText& answer = *texts.add_answers();
    answer.set_value(value);
    answer.set_text(text);
    return "";
  }
  if (part == "title") {
    texts.set_title(text);
    return "";
  }
  if (part == "instructions") {
    texts.set_instructions(text);
    return "";
  }
  return "part must be item, answer, title or instructions";
}

absl::Status ReadCsv(std::istream& in, absl::string_view file,
                     ImportInstrumentTextsRequest& request) {
  std::vector<FieldViolation> violations;
  std::map<std::string, int> languages;  // index in the request
  bool header = true;
  int line = 0;
  while (true) {
    const std::string place = absl::StrCat(file, ":", line + 1);
    auto row = ReadCsvRecord(in, line);
    if (!row.ok()) {
      violations.push_back({place, std::string(row.status().message())});
      break;
    }
    if (!row->has_value()) {
      break;
    }
    for (std::string& cell : **row) {
      // Spreadsheets begin a UTF-8 file with a byte order mark.
      cell = std::string(absl::StripAsciiWhitespace(absl::StripPrefix(cell, "\xEF\xBB\xBF")));
    }
    if (header) {
      header = false;
      if (**row != Header()) {
        return InvalidFields({{place, "the first row must be language,part,id,text"}});
      }
    } else if ((*row)->size() != Header().size()) {
      if ((*row)->size() != 1 || !(*row)->front().empty()) {
        violations.push_back({place, "has not four cells; put texts in quotation marks"});
      }
    } else {
      const auto [found, is_new] = languages.emplace((**row)[0], request.texts_size());
      if (is_new) {
        request.add_texts()->set_language((**row)[0]);
      }
      const std::string wrong = AddRow(**row, *request.mutable_texts(found->second));
      if (!wrong.empty()) {
        violations.push_back({place, wrong});
      }
    }
  }
  return InvalidFields(violations);
}

absl::Status ReadNdjson(std::istream& in, absl::string_view file,
                        ImportInstrumentTextsRequest& request) {
  std::vector<FieldViolation> violations;
  std::string json;
  for (int line = 1; std::getline(in, json); ++line) {
    if (absl::StripAsciiWhitespace(json).empty()) {
      continue;
    }
    const auto status = google::protobuf::util::JsonStringToMessage(json, request.add_texts());
    if (!status.ok()) {
      violations.push_back({absl::StrCat(file, ":", line),
                            absl::StrCat("the line is no InstrumentTexts: ",
                                         JsonProblem(std::string(status.message())))});
    }
  }
  return InvalidFields(violations);
}

}  // namespace

absl::StatusOr<ImportInstrumentTextsRequest> ReadTexts(std::istream& in, ImportFormat format,
                                                       absl::string_view file,
                                                       const std::string& licence_statement) {
  ImportInstrumentTextsRequest request;
  SB_RETURN_IF_ERROR(format == ImportFormat::kCsv ? ReadCsv(in, file, request)
                                                  : ReadNdjson(in, file, request));
  if (request.texts().empty()) {
    return InvalidFields({{std::string(file), "holds no texts"}});
  }
  for (InstrumentTexts& texts : *request.mutable_texts()) {
    if (texts.licence_statement().empty()) {
      texts.set_licence_statement(licence_statement);
    }
  }
  return request;
}

}  // namespace securebase::cli
