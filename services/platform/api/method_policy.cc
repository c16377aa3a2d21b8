#include "services/platform/api/method_policy.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "securebase/options/v1/options.pb.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::api {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::MethodDescriptor;

absl::Status Incomplete(const MethodDescriptor& method, absl::string_view what) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, Reason::kInternal,
      absl::StrCat("method ", method.full_name(), " ", what, "; correct its policy in the .proto"));
}

bool IsScope(absl::string_view scope) {
  const std::vector<absl::string_view> parts = absl::StrSplit(scope, '.');
  return parts.size() == 2 && !parts[0].empty() &&
         absl::ascii_isupper(static_cast<unsigned char>(parts[0][0])) && parts[1].size() == 1 &&
         absl::string_view("cruds").find(parts[1][0]) != absl::string_view::npos;
}

absl::Status CheckPolicy(const MethodDescriptor& method, const options::v1::MethodPolicy& policy) {
  if (method.client_streaming() || method.server_streaming()) {
    return Incomplete(method, "is streaming, which is not served");
  }
  if (policy.access() == options::v1::ACCESS_UNSPECIFIED) {
    return Incomplete(method, "does not say whether it reads or writes");
  }
  if (policy.scopes().empty()) {
    return Incomplete(method, "names no scope");
  }
  for (const std::string& scope : policy.scopes()) {
    if (!IsScope(scope)) {
      return Incomplete(method, absl::StrCat("names the scope ", scope,
                                             ", which has not the form Resource.p with p one of "
                                             "c r u d s"));
    }
  }
  if (policy.participants() && policy.practice_wide()) {
    return Incomplete(method, "is practice-wide, so participants cannot be allowed");
  }
  const bool writes = policy.access() == options::v1::ACCESS_WRITE;
  if (writes && policy.discloses_patient_data()) {
    return Incomplete(method, "writes, so discloses_patient_data does not apply");
  }
  const FieldDescriptor* request_id = method.input_type()->FindFieldByName("request_id");
  if (writes && (request_id == nullptr || request_id->type() != FieldDescriptor::TYPE_STRING)) {
    return Incomplete(method, "writes, but its request has no string request_id");
  }
  return absl::OkStatus();
}

absl::StatusOr<MethodPolicy> ReadMethodPolicy(const MethodDescriptor& method) {
  if (!method.options().HasExtension(options::v1::policy)) {
    return Incomplete(method, "has no policy");
  }
  const options::v1::MethodPolicy& options = method.options().GetExtension(options::v1::policy);
  SB_RETURN_IF_ERROR(CheckPolicy(method, options));
  MethodPolicy policy;
  policy.method = absl::StrCat("/", method.service()->full_name(), "/", method.name());
  policy.name = method.name();
  policy.writes = options.access() == options::v1::ACCESS_WRITE;
  policy.scopes = {options.scopes().begin(), options.scopes().end()};
  policy.discloses_patient_data = options.discloses_patient_data();
  policy.participants = options.participants();
  policy.practice_wide = options.practice_wide();
  SB_ASSIGN_OR_RETURN(policy.rules, RequestRules::Make(method.input_type()));
  const FieldDescriptor* not_modified = method.output_type()->FindFieldByName("not_modified");
  if (not_modified != nullptr && !not_modified->is_repeated() &&
      not_modified->type() == FieldDescriptor::TYPE_BOOL) {
    policy.not_modified = not_modified;
  }
  return policy;
}

}  // namespace

absl::StatusOr<std::vector<MethodPolicy>> ReadMethodPolicies(
    const google::protobuf::ServiceDescriptor& service) {
  std::vector<MethodPolicy> policies;
  for (int i = 0; i < service.method_count(); ++i) {
    SB_ASSIGN_OR_RETURN(MethodPolicy policy, ReadMethodPolicy(*service.method(i)));
    policies.push_back(std::move(policy));
  }
  return policies;
}

}  // namespace securebase::api
