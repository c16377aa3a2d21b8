#include "clients/cli/text_file.h"

#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "services/platform/base/error.h"

namespace securebase::cli {
namespace {

class Errors : public google::protobuf::io::ErrorCollector {
 public:
  explicit Errors(absl::string_view file) : file_(file) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    violations_.push_back(
        {absl::StrCat(file_, ":", line + 1), absl::StrCat("column ", column + 1, ": ", message)});
  }
  const std::vector<FieldViolation>& violations() const { return violations_; }

 private:
  std::string file_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

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
  Errors errors(file);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  return parser.ParseFromString(std::string(text), &message) ? absl::OkStatus()
                                                             : InvalidFields(errors.violations());
}

}  // namespace securebase::cli
