#include "clients/cli/text_file.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/outcomes/rules/text_errors.h"
#include "services/platform/base/error.h"

namespace securebase::cli {
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream contents;
  if (!in.good() || !(contents << in.rdbuf())) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", path, "; check that it exists and is not empty"));
  }
  return contents.str();
}

absl::Status ParseTextFile(absl::string_view file, absl::string_view text,
                           google::protobuf::Message& message) {
  outcomes::TextErrors errors(file);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  return parser.ParseFromString(std::string(text), &message) ? absl::OkStatus()
                                                             : InvalidFields(errors.violations());
}

}  // namespace securebase::cli
