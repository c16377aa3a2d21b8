#pragma once

#include <vector>

#include "google/protobuf/message.h"
#include "securebase/plans/v1/plans_service.pb.h"

namespace securebase::plans::rules {

// The differences between two messages of one type, in the order of their fields. Elements of
// repeated messages are told apart by their first field, which must be a string and unique in the
// list; an element that only moved is MOVED. Repeated strings and numbers are compared as a whole.
// Paths begin with `root`: "content.goals[g1].theme".
std::vector<v1::FieldChange> CompareMessages(const google::protobuf::Message& before,
                                             const google::protobuf::Message& after,
                                             const std::string& root);

}  // namespace securebase::plans::rules
