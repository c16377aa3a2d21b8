#include "services/platform/api/field_options.h"

#include "securebase/options/v1/options.pb.h"

namespace securebase::api {

bool HasBehavior(const google::protobuf::FieldDescriptor* field,
                 google::api::FieldBehavior behavior) {
  const google::protobuf::FieldOptions& options = field->options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == behavior) {
      return true;
    }
  }
  return false;
}

bool IsPatientData(const google::protobuf::FieldDescriptor* field) {
  return field->options().GetExtension(options::v1::patient_data);
}

}  // namespace securebase::api
