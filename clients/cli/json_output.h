#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace securebase::cli {

// Builds indented JSON: snake_case keys, plain numbers, null where there is nothing. Calls must be
// balanced; Finish() adds the last newline.
class JsonOutput {
 public:
  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(absl::string_view key);

  // Empty text is null.
  void String(absl::string_view text);
  // At most 12 significant digits, so that 20.1 − 14.1 is 6.
  void Number(double value);
  void Number(std::optional<double> value);
  void Bool(bool value);
  void Null();

  // A message as an object: fields in the order of their numbers, unset ones and enum values of
  // number 0 as null, enum values without their prefix.
  void Message(const google::protobuf::Message& message);
  // The same fields, inside of the object that is open.
  void Fields(const google::protobuf::Message& message);

  std::string Finish();

 private:
  void Begin(char bracket);
  void End(char bracket);
  void BeforeValue();
  void Raw(absl::string_view text);
  void Element(const google::protobuf::Message& message,
               const google::protobuf::FieldDescriptor* field, int index);

  std::string text_;
  std::vector<bool> has_elements_;
  bool after_key_ = false;
};

// "SCALE_STATUS_SCORED" of enum ScaleStatus as "SCORED"; "" for number 0.
std::string EnumText(const google::protobuf::EnumValueDescriptor* value);

// EnumText of a value of a generated enum: EnumWord(v1::Verdict_descriptor(), verdict).
std::string EnumWord(const google::protobuf::EnumDescriptor* type, int number);

}  // namespace securebase::cli
