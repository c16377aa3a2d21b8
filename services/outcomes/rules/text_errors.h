#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/tokenizer.h"
#include "services/platform/base/error.h"

namespace securebase::outcomes {

// Collects what Protocol Buffers' text format finds wrong with a file, as violations whose field is
// "file:line", counted from 1.
class TextErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit TextErrors(absl::string_view file) : file_(file) {}

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

}  // namespace securebase::outcomes
