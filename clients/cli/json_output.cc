#include "clients/cli/json_output.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "services/platform/base/json.h"

namespace securebase::cli {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

void JsonOutput::BeforeValue() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_elements_.empty()) {
    return;
  }
  absl::StrAppend(&text_, has_elements_.back() ? ",\n" : "\n",
                  std::string(2 * has_elements_.size(), ' '));
  has_elements_.back() = true;
}

void JsonOutput::Raw(absl::string_view text) {
  BeforeValue();
  absl::StrAppend(&text_, text);
}

void JsonOutput::Begin(char bracket) {
  Raw(std::string(1, bracket));
  has_elements_.push_back(false);
}

void JsonOutput::End(char bracket) {
  const bool had_elements = has_elements_.back();
  has_elements_.pop_back();
  if (had_elements) {
    absl::StrAppend(&text_, "\n", std::string(2 * has_elements_.size(), ' '));
  }
  text_.push_back(bracket);
}

void JsonOutput::Key(absl::string_view key) {
  BeforeValue();
  absl::StrAppend(&text_, JsonString(key), ": ");
  after_key_ = true;
}

void JsonOutput::String(absl::string_view text) {
  Raw(text.empty() ? std::string("null") : JsonString(text));
}

void JsonOutput::Number(double value) {
  Raw(std::isfinite(value) ? absl::StrFormat("%.12g", value) : std::string("null"));
}

void JsonOutput::Number(std::optional<double> value) {
  if (value.has_value()) {
    Number(*value);
  } else {
    Null();
  }
}

void JsonOutput::Bool(bool value) { Raw(value ? "true" : "false"); }

void JsonOutput::Null() { Raw("null"); }

void JsonOutput::Element(const google::protobuf::Message& message, const FieldDescriptor* field,
                         int index) {
  const Reflection* reflection = message.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      Message(repeated ? reflection->GetRepeatedMessage(message, field, index)
                       : reflection->GetMessage(message, field));
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      String(repeated ? reflection->GetRepeatedString(message, field, index)
                      : reflection->GetString(message, field));
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      String(EnumText(repeated ? reflection->GetRepeatedEnum(message, field, index)
                               : reflection->GetEnum(message, field)));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      Bool(repeated ? reflection->GetRepeatedBool(message, field, index)
                    : reflection->GetBool(message, field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      Number(repeated ? reflection->GetRepeatedDouble(message, field, index)
                      : reflection->GetDouble(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      Number(repeated ? reflection->GetRepeatedInt32(message, field, index)
                      : reflection->GetInt32(message, field));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      // 12 digits are enough for counts; a sequence number must not lose any.
      Raw(absl::StrCat(repeated ? reflection->GetRepeatedInt64(message, field, index)
                                : reflection->GetInt64(message, field)));
      return;
    default:
      Null();
  }
}

void JsonOutput::Fields(const google::protobuf::Message& message) {
  const Reflection* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    Key(field->name());
    if (field->is_repeated()) {
      BeginArray();
      for (int element = 0; element < reflection->FieldSize(message, field); ++element) {
        Element(message, field, element);
      }
      EndArray();
    } else if (field->has_presence() && !reflection->HasField(message, field)) {
      Null();
    } else {
      Element(message, field, -1);
    }
  }
}

void JsonOutput::Message(const google::protobuf::Message& message) {
  BeginObject();
  Fields(message);
  EndObject();
}

std::string JsonOutput::Finish() { return absl::StrCat(text_, "\n"); }

std::string EnumText(const google::protobuf::EnumValueDescriptor* value) {
  if (value->number() == 0) {
    return "";
  }
  // ScaleStatus has the prefix SCALE_STATUS_.
  std::string prefix;
  for (const char c : value->type()->name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) {
      prefix.push_back('_');
    }
    prefix.push_back(absl::ascii_toupper(c));
  }
  return std::string(absl::StripPrefix(value->name(), prefix + "_"));
}

std::string EnumWord(const google::protobuf::EnumDescriptor* type, int number) {
  const google::protobuf::EnumValueDescriptor* value = type->FindValueByNumber(number);
  return value == nullptr ? "" : EnumText(value);
}

}  // namespace securebase::cli
