#pragma once

#include "google/api/field_behavior.pb.h"
#include "google/protobuf/descriptor.h"

namespace securebase::api {

// Whether the field carries this google.api.field_behavior.
bool HasBehavior(const google::protobuf::FieldDescriptor* field,
                 google::api::FieldBehavior behavior);

// Whether the field carries securebase.options.v1.patient_data.
bool IsPatientData(const google::protobuf::FieldDescriptor* field);

}  // namespace securebase::api
