#include "services/platform/api/request_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "google/api/field_behavior.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/field_options.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/utf8.h"

namespace securebase::api {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

constexpr size_t kDefaultMaxLength = 200;
constexpr int kDefaultMaxItems = 100;
// Clocks of a practice's computers and ours may differ by so much.
constexpr absl::Duration kClockSkew = absl::Minutes(5);
// Enough to name the values of our enums; longer lists help nobody.
constexpr int kMaxListedValues = 25;

struct MessageRules;

struct FieldCheck {
  const FieldDescriptor* field = nullptr;
  bool required = false;
  bool output_only = false;
  size_t max_length = kDefaultMaxLength;
  int max_items = kDefaultMaxItems;
  int min_items = 0;
  std::optional<double> min;
  std::optional<double> max;
  std::vector<std::string> patterns;
  bool id = false;
  bool not_future = false;
  const MessageRules* message = nullptr;  // of a message field; of the values, if a map
};

enum class MessageKind { kPlain, kTimestamp, kDuration, kPartialDate };

struct MessageRules {
  const Descriptor* type = nullptr;
  MessageKind kind = MessageKind::kPlain;
  std::vector<FieldCheck> fields;
  bool reaches_names = false;  // it or something inside has a field with a `name` rule
  // Of an update request; null otherwise.
  const FieldDescriptor* update_mask = nullptr;
  const FieldDescriptor* updated = nullptr;
};

MessageKind KindOf(const Descriptor* type) {
  if (type == google::protobuf::Timestamp::descriptor()) {
    return MessageKind::kTimestamp;
  }
  if (type == google::protobuf::Duration::descriptor()) {
    return MessageKind::kDuration;
  }
  if (type == type::v1::PartialDate::descriptor()) {
    return MessageKind::kPartialDate;
  }
  return MessageKind::kPlain;
}

// The field whose type the rules speak of: of a map, its value.
const FieldDescriptor* ElementOf(const FieldDescriptor* field) {
  return field->is_map() ? field->message_type()->map_value() : field;
}

bool IsNumber(const FieldDescriptor* field) {
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return true;
    default:
      return false;
  }
}

absl::Status Misfit(const FieldDescriptor* field, absl::string_view rule, absl::string_view kind) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                   absl::StrCat("field ", field->full_name(), " has the rule ", rule,
                                ", which is for ", kind, "; correct the .proto"));
}

absl::Status CheckRulesFit(const FieldDescriptor* field, const options::v1::FieldRules& rules) {
  const FieldDescriptor* element = ElementOf(field);
  const bool string = element->type() == FieldDescriptor::TYPE_STRING;
  const bool bytes = element->type() == FieldDescriptor::TYPE_BYTES;
  if (!rules.name().empty() && !string) {
    return Misfit(field, "name", "strings");
  }
  if (rules.id() && !string) {
    return Misfit(field, "id", "strings");
  }
  if (rules.max_length() != 0 && !string && !bytes) {
    return Misfit(field, "max_length", "strings and bytes");
  }
  if ((rules.has_min() || rules.has_max()) && !IsNumber(element)) {
    return Misfit(field, "min or max", "numbers");
  }
  if ((rules.max_items() != 0 || rules.min_items() != 0) && !field->is_repeated()) {
    return Misfit(field, "max_items or min_items", "repeated fields and maps");
  }
  if (rules.not_future() && element->message_type() != google::protobuf::Timestamp::descriptor()) {
    return Misfit(field, "not_future", "timestamps");
  }
  return absl::OkStatus();
}

// Where the check stands in the request. Kept as a chain on the stack and only formatted for a
// violation: a good request allocates nothing.
struct Path {
  const Path* parent = nullptr;
  const FieldDescriptor* field = nullptr;  // null: the request itself
  int index = -1;                          // -1: not an element
  bool updated = false;                    // the resource of an update request
};

std::string FormatPath(const Path& path) {
  if (path.field == nullptr) {
    return "";
  }
  std::string text = path.parent == nullptr ? "" : FormatPath(*path.parent);
  if (!text.empty()) {
    text += '.';
  }
  text += path.field->name();
  if (path.index >= 0) {
    if (path.field->is_map()) {
      text += "[*]";
    } else {
      absl::StrAppend(&text, "[", path.index, "]");
    }
  }
  return text;
}

// The path below the updated resource, as a mask would name it.
std::string FormatMaskPath(const Path& path) {
  if (path.field == nullptr || path.updated) {
    return "";
  }
  const std::string above = path.parent == nullptr ? "" : FormatMaskPath(*path.parent);
  return above.empty() ? path.field->name() : absl::StrCat(above, ".", path.field->name());
}

// What an update replaces; null stands for "everything counts".
struct Update {
  const google::protobuf::FieldMask* mask;
};

bool Covers(const Update& update, const Path& path) {
  const std::string wanted = FormatMaskPath(path);
  if (update.mask->paths().empty()) {
    // The mask is then what is set: whatever stands inside a set field is covered, and what is
    // missing at the top is not.
    return absl::StrContains(wanted, '.');
  }
  return std::any_of(update.mask->paths().begin(), update.mask->paths().end(),
                     [&](const std::string& given) {
                       return given == "*" || given == wanted ||
                              absl::StartsWith(wanted, absl::StrCat(given, "."));
                     });
}

class Checker {
 public:
  Checker(absl::string_view practice, absl::Time now) : practice_(practice), now_(now) {}

  void CheckMessage(const MessageRules& rules, const Message& message, const Path& path, int depth,
                    const Update* update) {
    if (depth > RequestRules::kMaxDepth) {
      Add(path, "is nested too deeply");
      return;
    }
    switch (rules.kind) {
      case MessageKind::kTimestamp:
        CheckTimestamp(static_cast<const google::protobuf::Timestamp&>(message), path);
        return;
      case MessageKind::kDuration:
        CheckDuration(static_cast<const google::protobuf::Duration&>(message), path);
        return;
      case MessageKind::kPartialDate:
        CheckDate(static_cast<const type::v1::PartialDate&>(message), path);
        return;
      case MessageKind::kPlain:
        break;
    }
    const Reflection& reflection = *message.GetReflection();
    std::optional<Update> own;
    if (rules.update_mask != nullptr) {
      own = Update{&static_cast<const google::protobuf::FieldMask&>(
          reflection.GetMessage(message, rules.update_mask))};
    }
    for (const FieldCheck& check : rules.fields) {
      if (full()) {
        return;
      }
      const bool resource_name = path.updated && check.field->name() == "name";
      if (check.output_only && !resource_name) {
        continue;
      }
      Path here{&path, check.field};
      here.updated = own.has_value() && check.field == rules.updated;
      CheckField(check, reflection, message, here, depth, here.updated ? &*own : update,
                 resource_name);
    }
  }

  absl::Status Result() && { return InvalidFields(violations_); }

 private:
  bool full() const { return violations_.size() >= RequestRules::kMaxViolations; }

  void Add(const Path& path, absl::string_view description) {
    if (!full()) {
      violations_.push_back({FormatPath(path), std::string(description)});
    }
  }

  void CheckField(const FieldCheck& check, const Reflection& reflection, const Message& message,
                  Path& path, int depth, const Update* update, bool always_required) {
    const FieldDescriptor* field = check.field;
    if (field->is_repeated()) {
      CheckRepeated(check, reflection, message, path, depth, update);
      return;
    }
    const bool set = reflection.HasField(message, field);
    if (!set && (check.required || always_required) &&
        (always_required || update == nullptr || path.updated || Covers(*update, path))) {
      Add(path, "is required");
      return;
    }
    // Without presence, 0 is a value like any other, unless an update leaves the field as it is.
    if (!set && (field->has_presence() || !IsNumber(field) ||
                 (update != nullptr && !Covers(*update, path)))) {
      return;
    }
    CheckValue(check, field, reflection, message, path, depth, update);
  }

  void CheckRepeated(const FieldCheck& check, const Reflection& reflection, const Message& message,
                     Path& path, int depth, const Update* update) {
    const int size = reflection.FieldSize(message, check.field);
    const bool counts = update == nullptr || Covers(*update, path);
    if (size == 0 && check.required && counts) {
      Add(path, "is required");
    } else if (size < check.min_items && counts) {
      Add(path, absl::StrCat("must have at least ", check.min_items,
                             check.min_items == 1 ? " element" : " elements"));
    }
    if (size > check.max_items) {
      Add(path, absl::StrCat("must have at most ", check.max_items, " elements"));
    }
    for (int i = 0; i < std::min(size, check.max_items) && !full(); ++i) {
      path.index = i;
      if (check.field->is_map()) {
        const Message& entry = reflection.GetRepeatedMessage(message, check.field, i);
        CheckEntry(check, entry, path, depth, update);
      } else {
        CheckElement(check, reflection, message, i, path, depth, update);
      }
    }
    path.index = -1;
  }

  void CheckEntry(const FieldCheck& check, const Message& entry, const Path& path, int depth,
                  const Update* update) {
    const FieldDescriptor* key = check.field->message_type()->map_key();
    if (key->type() == FieldDescriptor::TYPE_STRING) {
      std::string scratch;
      CheckText(entry.GetReflection()->GetStringReference(entry, key, &scratch), kDefaultMaxLength,
                path);
    }
    const FieldDescriptor* value = check.field->message_type()->map_value();
    CheckValue(check, value, *entry.GetReflection(), entry, path, depth, update);
  }

  void CheckValue(const FieldCheck& check, const FieldDescriptor* field,
                  const Reflection& reflection, const Message& message, const Path& path, int depth,
                  const Update* update) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        CheckString(check, field, reflection.GetStringReference(message, field, &scratch), path);
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        CheckNested(check, reflection.GetMessage(message, field), path, depth, update);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        CheckEnum(field, reflection.GetEnumValue(message, field), path);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        CheckNumber(check, reflection.GetInt32(message, field), path);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        CheckNumber(check, static_cast<double>(reflection.GetInt64(message, field)), path);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        CheckNumber(check, reflection.GetUInt32(message, field), path);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        CheckNumber(check, static_cast<double>(reflection.GetUInt64(message, field)), path);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        CheckNumber(check, reflection.GetDouble(message, field), path);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        CheckNumber(check, reflection.GetFloat(message, field), path);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        break;
    }
  }

  void CheckElement(const FieldCheck& check, const Reflection& reflection, const Message& message,
                    int i, const Path& path, int depth, const Update* update) {
    const FieldDescriptor* field = check.field;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string scratch;
        CheckString(check, field,
                    reflection.GetRepeatedStringReference(message, field, i, &scratch), path);
        break;
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        CheckNested(check, reflection.GetRepeatedMessage(message, field, i), path, depth, update);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        CheckEnum(field, reflection.GetRepeatedEnumValue(message, field, i), path);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        CheckNumber(check, reflection.GetRepeatedInt32(message, field, i), path);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        CheckNumber(check, static_cast<double>(reflection.GetRepeatedInt64(message, field, i)),
                    path);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        CheckNumber(check, reflection.GetRepeatedUInt32(message, field, i), path);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        CheckNumber(check, static_cast<double>(reflection.GetRepeatedUInt64(message, field, i)),
                    path);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        CheckNumber(check, reflection.GetRepeatedDouble(message, field, i), path);
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        CheckNumber(check, reflection.GetRepeatedFloat(message, field, i), path);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        break;
    }
  }

  void CheckNested(const FieldCheck& check, const Message& message, const Path& path, int depth,
                   const Update* update) {
    const size_t before = violations_.size();
    CheckMessage(*check.message, message, path, depth + 1, update);
    if (check.not_future && violations_.size() == before) {
      const auto& time = static_cast<const google::protobuf::Timestamp&>(message);
      if (absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()) >
          now_ + kClockSkew) {
        Add(path, "must not lie in the future");
      }
    }
  }

  void CheckString(const FieldCheck& check, const FieldDescriptor* field, const std::string& value,
                   const Path& path) {
    if (field->type() == FieldDescriptor::TYPE_BYTES) {
      if (value.size() > check.max_length) {
        Add(path, absl::StrCat("must be at most ", check.max_length, " bytes long"));
      }
      return;
    }
    if (value.empty() && path.index < 0) {
      return;  // unset, or set to nothing
    }
    if (check.id && !IsValidId(value)) {
      Add(path, "must be an id of 1 to 63 characters of A-Z a-z 0-9 . _ -");
    } else if (!check.patterns.empty()) {
      CheckName(check, value, path);
    } else {
      CheckText(value, check.max_length, path);
    }
  }

  void CheckName(const FieldCheck& check, const std::string& value, const Path& path) {
    for (const std::string& pattern : check.patterns) {
      if (ParseName(pattern, value).ok()) {
        const std::string practice = PracticeOf(value);
        if (!practice.empty() && practice != practice_) {
          Add(path, "must belong to the practice of the call's token");
        }
        return;
      }
    }
    Add(path, absl::StrCat("must be a name of the form ", absl::StrJoin(check.patterns, " or "),
                           " with ids of 1 to 63 characters of A-Z a-z 0-9 . _ -"));
  }

  void CheckText(const std::string& value, size_t max_length, const Path& path) {
    const std::optional<size_t> length = CountCodePoints(value);
    if (!length.has_value()) {
      Add(path, "must be valid UTF-8");
    } else if (*length > max_length) {
      Add(path, absl::StrCat("must be at most ", max_length, " characters long"));
    } else if (HasControlCharacter(value)) {
      Add(path, "must hold no control characters but tabs and line breaks");
    }
  }

  void CheckEnum(const FieldDescriptor* field, int value, const Path& path) {
    const google::protobuf::EnumDescriptor* type = field->enum_type();
    if (type->FindValueByNumber(value) != nullptr) {
      return;
    }
    std::vector<std::string> names;
    for (int i = 0; i < type->value_count() && i < kMaxListedValues; ++i) {
      if (type->value(i)->number() != 0) {
        names.push_back(type->value(i)->name());
      }
    }
    Add(path, absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
  }

  void CheckNumber(const FieldCheck& check, double value, const Path& path) {
    if (!std::isfinite(value)) {
      Add(path, "must be a finite number");
    } else if (check.min.has_value() && check.max.has_value() &&
               (value < *check.min || value > *check.max)) {
      Add(path, absl::StrCat("must be between ", *check.min, " and ", *check.max));
    } else if (check.min.has_value() && value < *check.min) {
      Add(path, absl::StrCat("must be at least ", *check.min));
    } else if (check.max.has_value() && value > *check.max) {
      Add(path, absl::StrCat("must be at most ", *check.max));
    }
  }

  // The ranges are those of google/protobuf/timestamp.proto and duration.proto.
  void CheckTimestamp(const google::protobuf::Timestamp& time, const Path& path) {
    constexpr int64_t kFirst = -62135596800;  // 0001-01-01T00:00:00Z
    constexpr int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z
    if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 ||
        time.nanos() > 999999999) {
      Add(path, "must be a time in the years 1 to 9999 with nanos of 0 to 999999999");
    }
  }

  void CheckDuration(const google::protobuf::Duration& duration, const Path& path) {
    constexpr int64_t kMost = 315576000000;  // 10,000 years
    const int64_t seconds = duration.seconds();
    const int nanos = duration.nanos();
    if (seconds < -kMost || seconds > kMost || nanos < -999999999 || nanos > 999999999 ||
        (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
      Add(path,
          "must be a duration of at most 10000 years with nanos below one second and of the same "
          "sign");
    }
  }

  void CheckDate(const type::v1::PartialDate& date, const Path& path) {
    const bool month_fits = date.month() >= 0 && date.month() <= 12;
    const bool day_fits = date.day() == 0 || date.month() != 0;
    bool real = month_fits && day_fits && date.year() >= 1800 && date.year() <= 2200 &&
                date.day() >= 0 && date.day() <= 31;
    if (real && date.day() != 0) {
      // CivilDay carries a day that the month does not have into the next one.
      real = absl::CivilDay(date.year(), date.month(), date.day()).day() == date.day();
    }
    if (!real) {
      Add(path,
          "must be a real date: a year from 1800 to 2200, with a month if the day is given, with "
          "a day that the month has");
    }
  }

  const absl::string_view practice_;
  const absl::Time now_;
  std::vector<FieldViolation> violations_;
};

// Whether a field of `message` names a record of another practice.
bool NamesAnotherPractice(const MessageRules& rules, const Message& message,
                          absl::string_view practice, int depth);

bool IsOfAnotherPractice(const std::string& name, absl::string_view practice) {
  return absl::StartsWith(name, "practices/") && PracticeOf(name) != practice;
}

bool FieldNamesAnotherPractice(const FieldCheck& check, const Message& message,
                               absl::string_view practice, int depth) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* field = check.field;
  std::string scratch;
  if (!field->is_repeated()) {
    if (check.message == nullptr) {
      return IsOfAnotherPractice(reflection.GetStringReference(message, field, &scratch), practice);
    }
    return reflection.HasField(message, field) &&
           NamesAnotherPractice(*check.message, reflection.GetMessage(message, field), practice,
                                depth + 1);
  }
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    bool other = false;
    if (field->is_map()) {
      const Message& entry = reflection.GetRepeatedMessage(message, field, i);
      const FieldDescriptor* value = field->message_type()->map_value();
      const Reflection& inner = *entry.GetReflection();
      other = check.message == nullptr
                  ? IsOfAnotherPractice(inner.GetStringReference(entry, value, &scratch), practice)
                  : NamesAnotherPractice(*check.message, inner.GetMessage(entry, value), practice,
                                         depth + 1);
    } else if (check.message == nullptr) {
      other = IsOfAnotherPractice(
          reflection.GetRepeatedStringReference(message, field, i, &scratch), practice);
    } else {
      other = NamesAnotherPractice(*check.message, reflection.GetRepeatedMessage(message, field, i),
                                   practice, depth + 1);
    }
    if (other) {
      return true;
    }
  }
  return false;
}

bool NamesAnotherPractice(const MessageRules& rules, const Message& message,
                          absl::string_view practice, int depth) {
  if (depth > RequestRules::kMaxDepth) {
    return false;  // Validate refuses it
  }
  for (const FieldCheck& check : rules.fields) {
    const bool may_name =
        !check.patterns.empty() || (check.message != nullptr && check.message->reaches_names);
    if (may_name && FieldNamesAnotherPractice(check, message, practice, depth)) {
      return true;
    }
  }
  return false;
}

// A field of the request, or of the resource inside it, that may tell what the request is about.
struct NameField {
  const FieldDescriptor* outer = nullptr;  // null: `field` is the request's own
  const FieldDescriptor* field = nullptr;
  std::vector<std::string> patterns;
};

void AppendNameField(const MessageRules& rules, const FieldDescriptor* outer,
                     absl::string_view wanted, std::vector<NameField>& out) {
  for (const FieldCheck& check : rules.fields) {
    if (!check.field->is_repeated() && !check.patterns.empty() && !IsPatientData(check.field) &&
        (wanted.empty() || check.field->name() == wanted)) {
      out.push_back({outer, check.field, check.patterns});
      return;
    }
  }
}

std::vector<NameField> NameFieldsOf(const MessageRules& rules) {
  std::vector<NameField> fields;
  AppendNameField(rules, nullptr, "name", fields);
  if (rules.update_mask == nullptr) {
    AppendNameField(rules, nullptr, "parent", fields);
  }
  for (const FieldCheck& check : rules.fields) {
    if (check.message != nullptr && !check.field->is_repeated()) {
      AppendNameField(*check.message, check.field, "name", fields);
    }
  }
  AppendNameField(rules, nullptr, "", fields);
  return fields;
}

}  // namespace

struct RequestRules::Impl {
  std::map<const Descriptor*, std::unique_ptr<MessageRules>> messages;
  const MessageRules* root = nullptr;
  std::vector<NameField> name_fields;

  absl::StatusOr<const MessageRules*> Compile(const Descriptor* type) {
    if (const auto found = messages.find(type); found != messages.end()) {
      return found->second.get();  // perhaps unfinished: types may contain each other
    }
    MessageRules& rules = *(messages[type] = std::make_unique<MessageRules>());
    rules.type = type;
    rules.kind = KindOf(type);
    for (int i = 0; i < type->field_count(); ++i) {
      SB_ASSIGN_OR_RETURN(FieldCheck check, CompileField(type->field(i)));
      rules.fields.push_back(std::move(check));
    }
    FindUpdate(rules);
    return &rules;
  }

  absl::StatusOr<FieldCheck> CompileField(const FieldDescriptor* field) {
    const options::v1::FieldRules& rules = field->options().GetExtension(options::v1::rules);
    SB_RETURN_IF_ERROR(CheckRulesFit(field, rules));
    FieldCheck check;
    check.field = field;
    check.required = HasBehavior(field, google::api::REQUIRED);
    check.output_only = HasBehavior(field, google::api::OUTPUT_ONLY);
    if (rules.max_length() > 0) {
      check.max_length = static_cast<size_t>(rules.max_length());
    }
    if (rules.max_items() > 0) {
      check.max_items = rules.max_items();
    }
    check.min_items = rules.min_items();
    if (rules.has_min()) {
      check.min = rules.min();
    }
    if (rules.has_max()) {
      check.max = rules.max();
    }
    if (!rules.name().empty()) {
      check.patterns = absl::StrSplit(rules.name(), '|');
    }
    check.id = rules.id();
    check.not_future = rules.not_future();
    if (ElementOf(field)->message_type() != nullptr) {
      SB_ASSIGN_OR_RETURN(check.message, Compile(ElementOf(field)->message_type()));
    }
    return check;
  }

  static void FindUpdate(MessageRules& rules) {
    for (const FieldCheck& check : rules.fields) {
      const FieldDescriptor* field = check.field;
      if (field->is_repeated() || field->message_type() == nullptr) {
        continue;
      }
      if (field->message_type() == google::protobuf::FieldMask::descriptor() &&
          field->name() == "update_mask") {
        rules.update_mask = field;
      } else if (rules.updated == nullptr &&
                 field->message_type()->file()->package() != "google.protobuf") {
        rules.updated = field;
      }
    }
  }

  void MarkNames() {
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [type, rules] : messages) {
        const bool reaches =
            std::any_of(rules->fields.begin(), rules->fields.end(), [](const FieldCheck& check) {
              return !check.patterns.empty() ||
                     (check.message != nullptr && check.message->reaches_names);
            });
        changed |= reaches != rules->reaches_names;
        rules->reaches_names = reaches;
      }
    }
  }
};

RequestRules::RequestRules(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
RequestRules::~RequestRules() = default;

absl::StatusOr<std::unique_ptr<const RequestRules>> RequestRules::Make(const Descriptor* type) {
  auto impl = std::make_unique<Impl>();
  SB_ASSIGN_OR_RETURN(impl->root, impl->Compile(type));
  impl->MarkNames();
  impl->name_fields = NameFieldsOf(*impl->root);
  return std::unique_ptr<const RequestRules>(new RequestRules(std::move(impl)));
}

absl::Status RequestRules::Validate(const Message& request, absl::string_view practice,
                                    absl::Time now) const {
  Checker checker(practice, now);
  checker.CheckMessage(*impl_->root, request, Path{}, 0, nullptr);
  return std::move(checker).Result();
}

absl::Status RequestRules::CheckPractice(const Message& request, absl::string_view practice) const {
  if (impl_->root->reaches_names && NamesAnotherPractice(*impl_->root, request, practice, 0)) {
    return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch,
                     "a name in the request belongs to another practice than the token; use a "
                     "token of that practice");
  }
  return absl::OkStatus();
}

std::string RequestRules::ResourceOf(const Message& request) const {
  for (const NameField& name : impl_->name_fields) {
    const Message* holder = &request;
    if (name.outer != nullptr) {
      holder = &request.GetReflection()->GetMessage(request, name.outer);
    }
    std::string scratch;
    const std::string& value =
        holder->GetReflection()->GetStringReference(*holder, name.field, &scratch);
    for (const std::string& pattern : name.patterns) {
      if (!value.empty() && ParseName(pattern, value).ok()) {
        return value;
      }
    }
  }
  return "";
}

absl::Status ValidateRequest(const Message& request, absl::string_view practice, absl::Time now) {
  SB_ASSIGN_OR_RETURN(const auto rules, RequestRules::Make(request.GetDescriptor()));
  return rules->Validate(request, practice, now);
}

absl::Status CheckPractice(const Message& request, absl::string_view practice) {
  SB_ASSIGN_OR_RETURN(const auto rules, RequestRules::Make(request.GetDescriptor()));
  return rules->CheckPractice(request, practice);
}

}  // namespace securebase::api
