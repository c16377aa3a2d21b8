#include "services/platform/obs/redact.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <vector>

#include "securebase/options/v1/options.pb.h"

namespace securebase::obs {
namespace {

using ::google::protobuf::Any;
using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MessageFactory;
using ::google::protobuf::Reflection;

// protobuf itself reads messages 100 deep; an Any restarts that count, so a chain of them is cut.
constexpr int kMaxDepth = 100;

void Clear(Message& message, int depth);

void ClearAny(Any& any, int depth) {
  const std::string& url = any.type_url();
  const Descriptor* type =
      DescriptorPool::generated_pool()->FindMessageTypeByName(url.substr(url.rfind('/') + 1));
  const Message* prototype =
      type == nullptr ? nullptr : MessageFactory::generated_factory()->GetPrototype(type);
  const std::unique_ptr<Message> content(prototype == nullptr ? nullptr : prototype->New());
  if (content == nullptr || !any.UnpackTo(content.get())) {
    any.clear_value();
    return;
  }
  Clear(*content, depth);
  any.set_value(content->SerializePartialAsString());
}

void ClearNested(Message& message, const FieldDescriptor* field, int depth) {
  const Reflection* reflection = message.GetReflection();
  if (!field->is_repeated()) {
    Clear(*reflection->MutableMessage(&message, field), depth);
    return;
  }
  for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
    Clear(*reflection->MutableRepeatedMessage(&message, field, i), depth);
  }
}

void Clear(Message& message, int depth) {
  const Reflection* reflection = message.GetReflection();
  if (depth >= kMaxDepth) {
    message.Clear();
    return;
  }
  reflection->MutableUnknownFields(&message)->Clear();
  if (message.GetDescriptor() == Any::descriptor()) {
    Any copy;
    copy.CopyFrom(message);
    ClearAny(copy, depth + 1);
    message.CopyFrom(copy);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->options().GetExtension(options::v1::patient_data)) {
      reflection->ClearField(&message, field);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ClearNested(message, field, depth + 1);
    }
  }
}

}  // namespace

void ClearPatientData(Message& message) { Clear(message, 0); }

std::string RedactedJson(const Message& message) {
  const std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  ClearPatientData(*copy);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // An Any of a type that is not compiled in has no JSON form; its message is then left out whole.
  if (!google::protobuf::util::MessageToJsonString(*copy, &json, options).ok()) {
    return "{}";
  }
  return json;
}

}  // namespace securebase::obs
