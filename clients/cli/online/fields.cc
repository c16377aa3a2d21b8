#include "clients/cli/online/fields.h"

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "clients/cli/console.h"
#include "google/protobuf/util/json_util.h"
#include "securebase/options/v1/options.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status Refuse(const FieldDescriptor& field, absl::string_view wanted) {
  return InvalidFields({{std::string(field.name()), absl::StrCat("must be ", wanted)}});
}

absl::Status FromJson(absl::string_view json, Message& message, const FieldDescriptor& field) {
  const auto status = google::protobuf::util::JsonStringToMessage(std::string(json), &message);
  return status.ok() ? absl::OkStatus()
                     : Refuse(field, absl::StrCat("JSON of ", message.GetDescriptor()->name(), ": ",
                                                  JsonProblem(std::string(status.message()))));
}

absl::Status SetTimestamp(absl::string_view text, Message& message, const FieldDescriptor& field) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    // Noon is the same day in every zone from -12 to +11.
    if (!absl::ParseTime("%Y-%m-%d %H", absl::StrCat(text, " 12"), absl::UTCTimeZone(), &time,
                         &error)) {
      return Refuse(field, "a time like 2026-03-01T09:30:00+01:00, or a day like 2026-03-01");
    }
  }
  return FromJson(
      absl::StrCat("\"", absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()), "\""),
      message, field);
}

absl::Status SetDuration(absl::string_view text, Message& message, const FieldDescriptor& field) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration)) {
    return Refuse(field, "a duration like 90s, 15m or 36h");
  }
  return FromJson(absl::StrCat("\"", absl::ToInt64Seconds(duration), "s\""), message, field);
}

absl::Status SetPartialDate(absl::string_view text, Message& message,
                            const FieldDescriptor& field) {
  const std::vector<std::string> parts = absl::StrSplit(text, '-');
  static constexpr const char* kNames[] = {"year", "month", "day"};
  if (parts.size() > 3) {
    return Refuse(field, "a date like 2026, 2026-03 or 2026-03-01");
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    int32_t number = 0;
    if (!absl::SimpleAtoi(parts[i], &number)) {
      return Refuse(field, "a date like 2026, 2026-03 or 2026-03-01");
    }
    message.GetReflection()->SetInt32(&message, message.GetDescriptor()->FindFieldByName(kNames[i]),
                                      number);
  }
  return absl::OkStatus();
}

absl::Status SetMessage(absl::string_view text, Message& message, const FieldDescriptor& field) {
  const std::string& type = message.GetDescriptor()->full_name();
  if (absl::StartsWith(text, "{")) {
    return FromJson(text, message, field);
  }
  if (type == "google.protobuf.Timestamp") {
    return SetTimestamp(text, message, field);
  }
  if (type == "google.protobuf.Duration") {
    return SetDuration(text, message, field);
  }
  if (type == "google.protobuf.FieldMask") {
    for (absl::string_view path : absl::StrSplit(text, ',', absl::SkipEmpty())) {
      message.GetReflection()->AddString(
          &message, message.GetDescriptor()->FindFieldByName("paths"), std::string(path));
    }
    return absl::OkStatus();
  }
  if (type == "securebase.type.v1.PartialDate") {
    return SetPartialDate(text, message, field);
  }
  if (type == "securebase.type.v1.ExternalIdentifier") {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('|', 1));
    const auto* reflection = message.GetReflection();
    reflection->SetString(&message, message.GetDescriptor()->FindFieldByName("system"),
                          parts.first);
    reflection->SetString(&message, message.GetDescriptor()->FindFieldByName("value"),
                          parts.second);
    return absl::OkStatus();
  }
  return FromJson(text, message, field);
}

absl::StatusOr<const EnumValueDescriptor*> ParseEnum(absl::string_view text,
                                                     const FieldDescriptor& field) {
  const auto* type = field.enum_type();
  const std::string wanted =
      absl::AsciiStrToUpper(absl::StrReplaceAll(std::string(text), {{"-", "_"}}));
  for (int i = 0; i < type->value_count(); ++i) {
    const auto* value = type->value(i);
    if (value->name() == wanted || ShortEnumName(*value) == wanted) {
      return value;
    }
  }
  return Refuse(field, absl::StrCat("one of: ", EnumChoices(*type)));
}

template <typename Number>
absl::StatusOr<Number> ParseNumber(absl::string_view text, const FieldDescriptor& field) {
  Number number = 0;
  bool ok = false;
  if constexpr (std::is_floating_point_v<Number>) {
    ok = absl::SimpleAtod(text, &number);
  } else {
    ok = absl::SimpleAtoi(text, &number);
  }
  if (!ok) {
    return Refuse(field, std::is_floating_point_v<Number> ? "a number" : "a whole number");
  }
  return number;
}

// Sets a singular field, or adds one element.
absl::Status SetOne(Message& message, const FieldDescriptor& field, absl::string_view text,
                    absl::string_view practice) {
  const Reflection* reflection = message.GetReflection();
  const bool add = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value(text);
      const std::string& pattern = field.options().GetExtension(options::v1::rules).name();
      if (!pattern.empty()) {
        const auto name = CompleteName(pattern, text, practice);
        if (!name.ok()) {
          return Refuse(field, name.status().message());
        }
        value = *name;
      }
      add ? reflection->AddString(&message, &field, value)
          : reflection->SetString(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      SB_ASSIGN_OR_RETURN(const auto* value, ParseEnum(text, field));
      add ? reflection->AddEnum(&message, &field, value)
          : reflection->SetEnum(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(text, &value)) {
        return Refuse(field, "true or false");
      }
      add ? reflection->AddBool(&message, &field, value)
          : reflection->SetBool(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      SB_ASSIGN_OR_RETURN(const auto value, ParseNumber<int32_t>(text, field));
      add ? reflection->AddInt32(&message, &field, value)
          : reflection->SetInt32(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      SB_ASSIGN_OR_RETURN(const auto value, ParseNumber<int64_t>(text, field));
      add ? reflection->AddInt64(&message, &field, value)
          : reflection->SetInt64(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      SB_ASSIGN_OR_RETURN(const auto value, ParseNumber<double>(text, field));
      add ? reflection->AddDouble(&message, &field, value)
          : reflection->SetDouble(&message, &field, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(text,
                        add ? *reflection->AddMessage(&message, &field)
                            : *reflection->MutableMessage(&message, &field),
                        field);
    default:
      return Refuse(field, "given as --json: this type has no short form");
  }
}

}  // namespace

absl::Status SetFromText(Message& request, const FieldPath& path, absl::string_view text,
                         absl::string_view practice) {
  Message* message = &request;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    message = message->GetReflection()->MutableMessage(message, path[i]);
  }
  const FieldDescriptor& field = *path.back();
  if (!field.is_repeated() || field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return SetOne(*message, field, text, practice);
  }
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    SB_RETURN_IF_ERROR(SetOne(*message, field, part, practice));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CompleteName(absl::string_view pattern, absl::string_view text,
                                         absl::string_view practice) {
  if (absl::StartsWith(text, "practices/")) {
    return std::string(text);
  }
  std::vector<std::string> ids;
  if (!text.empty()) {
    ids = absl::StrSplit(text, '/');
  }
  ids.insert(ids.begin(), std::string(practice));
  std::vector<std::string> forms;
  for (absl::string_view form : absl::StrSplit(pattern, '|')) {
    const auto variables = static_cast<size_t>(std::count(form.begin(), form.end(), '{'));
    if (variables == ids.size()) {
      return FormatName(form, ids);
    }
    forms.emplace_back(form);
  }
  return absl::InvalidArgumentError(absl::StrCat("a name like ", absl::StrJoin(forms, " or "),
                                                 ", or its ids after the practice separated by /"));
}

std::string ShortEnumName(const EnumValueDescriptor& value) {
  const std::string prefix = absl::StrCat(
      absl::AsciiStrToUpper(absl::StrReplaceAll(Kebab(value.type()->name()), {{"-", "_"}})), "_");
  return std::string(absl::StripPrefix(value.name(), prefix));
}

std::string EnumChoices(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) {
      names.push_back(
          absl::AsciiStrToLower(absl::StrReplaceAll(ShortEnumName(*type.value(i)), {{"_", "-"}})));
    }
  }
  return absl::StrJoin(names, ", ");
}

std::string Kebab(absl::string_view name) {
  std::string kebab;
  for (const char c : name) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c))) {
      absl::StrAppend(&kebab, kebab.empty() ? "" : "-",
                      std::string(1, absl::ascii_tolower(static_cast<unsigned char>(c))));
    } else {
      kebab += c == '_' ? '-' : c;
    }
  }
  return kebab;
}

}  // namespace securebase::cli
