#include "services/platform/api/update.h"

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/platform/api/field_options.h"
#include "services/platform/base/error.h"

namespace securebase::api {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FieldMask;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::util::FieldMaskUtil;
using ::google::protobuf::util::MessageDifferencer;

bool IsSingularMessage(const FieldDescriptor* field) {
  return field->message_type() != nullptr && !field->is_repeated();
}

bool IsKept(const FieldDescriptor* field, bool top) {
  return HasBehavior(field, google::api::OUTPUT_ONLY) ||
         HasBehavior(field, google::api::IDENTIFIER) ||
         (top && (field->name() == "name" || field->name() == "etag"));
}

// Whether a message of `type` has a field that a wholesale replacement would wrongly overwrite.
bool HoldsProtected(const Descriptor* type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(type).second) {
    return false;
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (IsKept(field, false) || HasBehavior(field, google::api::IMMUTABLE) ||
        (IsSingularMessage(field) && HoldsProtected(field->message_type(), seen))) {
      return true;
    }
  }
  return false;
}

// Whether `a` and `b` agree in the field, set or not.
bool SameValue(const Message& a, const Message& b, const FieldDescriptor* field) {
  MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {field}, {field});
}

class Merge {
 public:
  Merge(const Message& changes, absl::string_view resource, Message& stored)
      : changes_(changes), resource_(resource), stored_(stored) {}

  absl::Status Run(const FieldMask& mask) {
    for (int i = 0; i < mask.paths_size(); ++i) {
      AddPath(mask.paths(i), i, mask.paths_size() == 1);
    }
    if (mask.paths().empty()) {
      AddFields(changes_, stored_, "", /*only_set=*/true);
    }
    if (!violations_.empty()) {
      return InvalidFields(violations_);
    }
    // protobuf reads an empty mask as "the whole message"; here nothing is left to be changed.
    if (!merged_.paths().empty()) {
      FieldMaskUtil::MergeOptions options;
      options.set_replace_message_fields(true);
      options.set_replace_repeated_fields(true);
      FieldMaskUtil::MergeMessageTo(changes_, merged_, options, &stored_);
    }
    return absl::OkStatus();
  }

 private:
  void AddPath(const std::string& path, int index, bool alone) {
    const auto refuse = [&](absl::string_view why) {
      violations_.push_back({absl::StrCat("update_mask.paths[", index, "]"), std::string(why)});
    };
    if (path == "*") {
      if (!alone) {
        refuse("must stand alone: * means every field");
      } else {
        AddFields(changes_, stored_, "", /*only_set=*/false);
      }
      return;
    }
    const Message* changes = &changes_;
    const Message* stored = &stored_;
    bool immutable = false;
    const std::vector<std::string> names = absl::StrSplit(path, '.');
    for (size_t i = 0; i < names.size(); ++i) {
      const FieldDescriptor* field = changes->GetDescriptor()->FindFieldByName(names[i]);
      if (field == nullptr) {
        refuse("must be the path of a field of the resource");
        return;
      }
      immutable |= HasBehavior(field, google::api::IMMUTABLE);
      if (i + 1 == names.size()) {
        AddField(*changes, *stored, field, path, /*top=*/i == 0, immutable);
        return;
      }
      if (!IsSingularMessage(field)) {
        refuse("must not lead into a repeated field, a map or a scalar; name that field itself");
        return;
      }
      if (IsKept(field, i == 0)) {
        return;
      }
      changes = &changes->GetReflection()->GetMessage(*changes, field);
      stored = &stored->GetReflection()->GetMessage(*stored, field);
    }
  }

  void AddFields(const Message& changes, const Message& stored, const std::string& prefix,
                 bool only_set) {
    const Descriptor* type = changes.GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      if (only_set && !IsSet(changes, field)) {
        continue;
      }
      const bool immutable = HasBehavior(field, google::api::IMMUTABLE);
      if (immutable && !IsSet(changes, field)) {
        continue;  // whoever replaces everything need not repeat what can never change
      }
      AddField(changes, stored, field,
               prefix.empty() ? field->name() : absl::StrCat(prefix, ".", field->name()),
               prefix.empty(), immutable);
    }
  }

  void AddField(const Message& changes, const Message& stored, const FieldDescriptor* field,
                const std::string& path, bool top, bool immutable) {
    if (IsKept(field, top)) {
      return;
    }
    if (immutable) {
      if (!SameValue(changes, stored, field)) {
        violations_.push_back({absl::StrCat(resource_, ".", path),
                               "cannot be changed once the resource exists; leave it out of the "
                               "update mask"});
      }
      return;
    }
    std::set<const Descriptor*> seen;
    if (IsSingularMessage(field) && IsSet(changes, field) &&
        HoldsProtected(field->message_type(), seen)) {
      AddFields(changes.GetReflection()->GetMessage(changes, field),
                stored.GetReflection()->GetMessage(stored, field), path, /*only_set=*/false);
      return;
    }
    merged_.add_paths(path);
  }

  static bool IsSet(const Message& message, const FieldDescriptor* field) {
    const Reflection* reflection = message.GetReflection();
    return field->is_repeated() ? reflection->FieldSize(message, field) > 0
                                : reflection->HasField(message, field);
  }

  const Message& changes_;
  const absl::string_view resource_;
  Message& stored_;
  FieldMask merged_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::Status MergeUpdate(const FieldMask& mask, const Message& changes, absl::string_view resource,
                         Message& stored) {
  return Merge(changes, resource, stored).Run(mask);
}

std::string MakeEtag(int64_t version) { return absl::StrCat("v", version); }

absl::Status CheckEtag(absl::string_view name, absl::string_view given, absl::string_view current) {
  if (given.empty() || given == "*" || given == current) {
    return absl::OkStatus();
  }
  return EtagMismatch(name);
}

}  // namespace securebase::api
