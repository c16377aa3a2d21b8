#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "services/platform/api/request_rules.h"

namespace securebase::api {

// What the adapter knows of a method, all of it from its proto.
struct MethodPolicy {
  std::string method;  // "/securebase.goals.v1.GoalsService/CreateGoal"
  std::string name;    // "CreateGoal"
  bool writes = false;
  std::vector<std::string> scopes;      // any one suffices: "Goal.r"
  bool discloses_patient_data = false;  // a read that is audited before it is answered
  bool participants = false;            // participants may call it
  bool practice_wide = false;           // only callers with a `system/` scope
  std::shared_ptr<const RequestRules> rules;
  // The response's bool `not_modified`, null without one.
  const google::protobuf::FieldDescriptor* not_modified = nullptr;
};

// The policies of all methods of a service, in the order of its proto. FAILED_PRECONDITION naming
// the method when the policy is missing or incomplete, so that the server does not start: no
// access, no scopes, a scope that is not "Resource.p" with p one of c r u d s, participants on a
// practice-wide method, disclosure on a write (its audit entry is in its batch anyway), a write
// without a string field `request_id`, a streaming method, or a field rule that does not fit.
absl::StatusOr<std::vector<MethodPolicy>> ReadMethodPolicies(
    const google::protobuf::ServiceDescriptor& service);

}  // namespace securebase::api
