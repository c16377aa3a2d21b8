#include "services/plans/rules/compare.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "services/platform/base/json.h"

namespace securebase::plans::rules {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Json(const Message& message) {
  std::string json;
  // Only an Any, a time or a text out of range cannot be shown, and contents hold none.
  return google::protobuf::util::MessageToJsonString(message, &json).ok() ? json : "";
}

std::string EnumName(const google::protobuf::EnumValueDescriptor* value) {
  return std::string(value->name());
}

std::string RepeatedScalar(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& reflection = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return JsonString(reflection.GetRepeatedString(message, field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return JsonString(EnumName(reflection.GetRepeatedEnum(message, field, index)));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetRepeatedInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetRepeatedInt64(message, field, index));
    default:
      return absl::StrCat(reflection.GetRepeatedDouble(message, field, index));
  }
}

// The value as a reader sees it; "" when the field is not set.
std::string ValueOf(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  if (field->is_repeated()) {
    std::vector<std::string> values;
    const int size = reflection.FieldSize(message, field);
    values.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) {
      values.push_back(RepeatedScalar(message, field, i));
    }
    return values.empty() ? "" : absl::StrCat("[", absl::StrJoin(values, ", "), "]");
  }
  if (!reflection.HasField(message, field)) {
    return "";
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumName(reflection.GetEnum(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Json(reflection.GetMessage(message, field));
    default:
      return absl::StrCat(reflection.GetDouble(message, field));
  }
}

class Comparer {
 public:
  void Compare(const Message& before, const Message& after, const std::string& path) {
    const auto* descriptor = before.GetDescriptor();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      const std::string field_path = absl::StrCat(path, ".", field->name());
      if (field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CompareLists(before, after, field, field_path);
        continue;
      }
      const std::string old_value = ValueOf(before, field);
      const std::string new_value = ValueOf(after, field);
      if (old_value != new_value) {
        Add(field_path,
            old_value.empty()   ? v1::CHANGE_KIND_ADDED
            : new_value.empty() ? v1::CHANGE_KIND_REMOVED
                                : v1::CHANGE_KIND_CHANGED,
            old_value, new_value);
      }
    }
  }

  std::vector<v1::FieldChange> Take() { return std::move(changes_); }

 private:
  static std::vector<std::string> Keys(const Message& message, const FieldDescriptor* list) {
    std::vector<std::string> keys;
    const FieldDescriptor* key = list->message_type()->field(0);
    for (int i = 0; i < message.GetReflection()->FieldSize(message, list); ++i) {
      const Message& element = message.GetReflection()->GetRepeatedMessage(message, list, i);
      keys.push_back(element.GetReflection()->GetString(element, key));
    }
    return keys;
  }

  static int IndexOf(const std::vector<std::string>& keys, const std::string& key) {
    const auto found = std::find(keys.begin(), keys.end(), key);
    return found == keys.end() ? -1 : static_cast<int>(found - keys.begin());
  }

  // The keys that are in `others` too, in their order.
  static std::vector<std::string> Common(const std::vector<std::string>& keys,
                                         const std::vector<std::string>& others) {
    std::vector<std::string> common;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(common),
                 [&](const std::string& key) { return IndexOf(others, key) >= 0; });
    return common;
  }

  void CompareLists(const Message& before, const Message& after, const FieldDescriptor* list,
                    const std::string& path) {
    const std::vector<std::string> old_keys = Keys(before, list);
    const std::vector<std::string> new_keys = Keys(after, list);
    const std::vector<std::string> old_order = Common(old_keys, new_keys);
    const std::vector<std::string> new_order = Common(new_keys, old_keys);
    const auto element_path = [&](const std::string& key) {
      return absl::StrCat(path, "[", key, "]");
    };
    for (size_t i = 0; i < old_keys.size(); ++i) {
      if (IndexOf(new_keys, old_keys[i]) < 0) {
        Add(element_path(old_keys[i]), v1::CHANGE_KIND_REMOVED,
            Json(before.GetReflection()->GetRepeatedMessage(before, list, static_cast<int>(i))),
            "");
      }
    }
    for (size_t i = 0; i < new_keys.size(); ++i) {
      const Message& element =
          after.GetReflection()->GetRepeatedMessage(after, list, static_cast<int>(i));
      const int old_index = IndexOf(old_keys, new_keys[i]);
      if (old_index < 0) {
        Add(element_path(new_keys[i]), v1::CHANGE_KIND_ADDED, "", Json(element));
        continue;
      }
      // Places among the elements that both have: an insertion moves nothing.
      const int old_place = IndexOf(old_order, new_keys[i]);
      const int new_place = IndexOf(new_order, new_keys[i]);
      if (old_place != new_place) {
        Add(element_path(new_keys[i]), v1::CHANGE_KIND_MOVED, absl::StrCat(old_place + 1),
            absl::StrCat(new_place + 1));
      }
      Compare(before.GetReflection()->GetRepeatedMessage(before, list, old_index), element,
              element_path(new_keys[i]));
    }
  }

  void Add(const std::string& path, v1::ChangeKind kind, std::string before, std::string after) {
    v1::FieldChange change;
    change.set_path(path);
    change.set_kind(kind);
    change.set_before(std::move(before));
    change.set_after(std::move(after));
    changes_.push_back(std::move(change));
  }

  std::vector<v1::FieldChange> changes_;
};

}  // namespace

std::vector<v1::FieldChange> CompareMessages(const Message& before, const Message& after,
                                             const std::string& root) {
  Comparer comparer;
  comparer.Compare(before, after, root);
  return comparer.Take();
}

}  // namespace securebase::plans::rules
