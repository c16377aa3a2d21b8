#include "services/platform/auth/json_object.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

namespace securebase::auth {

absl::StatusOr<google::protobuf::Struct> ParseJsonObject(absl::string_view json) {
  google::protobuf::Struct object;
  // protobuf's message quotes the input, which may be secret.
  if (!google::protobuf::util::JsonStringToMessage({json.data(), json.size()}, &object).ok()) {
    return absl::InvalidArgumentError("is not a JSON object with distinct member names");
  }
  return object;
}

const google::protobuf::Value* FindMember(const google::protobuf::Struct& object,
                                          absl::string_view name) {
  const auto member = object.fields().find(std::string(name));
  return member == object.fields().end() ? nullptr : &member->second;
}

std::optional<std::string> StringMember(const google::protobuf::Struct& object,
                                        absl::string_view name) {
  const google::protobuf::Value* value = FindMember(object, name);
  if (value == nullptr || !value->has_string_value()) {
    return std::nullopt;
  }
  return value->string_value();
}

std::optional<double> NumberMember(const google::protobuf::Struct& object, absl::string_view name) {
  const google::protobuf::Value* value = FindMember(object, name);
  if (value == nullptr || !value->has_number_value()) {
    return std::nullopt;
  }
  return value->number_value();
}

std::optional<std::vector<std::string>> StringsMember(const google::protobuf::Struct& object,
                                                      absl::string_view name) {
  const google::protobuf::Value* value = FindMember(object, name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->has_string_value()) {
    return std::vector<std::string>{value->string_value()};
  }
  if (!value->has_list_value()) {
    return std::nullopt;
  }
  std::vector<std::string> strings;
  for (const google::protobuf::Value& element : value->list_value().values()) {
    if (!element.has_string_value()) {
      return std::nullopt;
    }
    strings.push_back(element.string_value());
  }
  return strings;
}

std::optional<std::string> DecodeBase64Url(absl::string_view text) {
  // Abseil skips white space and takes padding; a token has neither.
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') {
      return std::nullopt;
    }
  }
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(text, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

std::string EncodeBase64Url(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

}  // namespace securebase::auth
