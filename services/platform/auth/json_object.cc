#include "services/platform/auth/json_object.h"

#include <google/protobuf/util/json_util.h>

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
  std::string bytes;
  // Abseil skips white space, takes padding and ignores the bits that the last character has too
  // many. Only one text stands for the same bytes (RFC 4648 section 3.5), so that a changed one is
  // noticed.
  if (!absl::WebSafeBase64Unescape(text, &bytes) || absl::WebSafeBase64Escape(bytes) != text) {
    return std::nullopt;
  }
  return bytes;
}

std::string EncodeBase64Url(absl::string_view bytes) { return absl::WebSafeBase64Escape(bytes); }

}  // namespace securebase::auth
