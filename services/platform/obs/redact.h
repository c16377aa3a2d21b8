#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace securebase::obs {

// Clears every field that holds patient data (option patient_data), at any depth, in lists, map
// values and google.protobuf.Any. What cannot be judged is cleared as well: unknown fields, and an
// Any whose type is not compiled in or does not parse. Whatever is logged of a message goes through
// here.
void ClearPatientData(google::protobuf::Message& message);

// The rest of a message as one line of JSON, for the log. Enums by name, proto field names.
std::string RedactedJson(const google::protobuf::Message& message);

}  // namespace securebase::obs
