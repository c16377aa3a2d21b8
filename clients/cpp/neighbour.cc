#include "clients/cpp/neighbour.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/base/error.h"

namespace securebase::client {
namespace {

CallOptions Within(const api::Call& call, absl::Duration at_most) {
  CallOptions options;
  options.deadline = std::min(call.deadline, absl::Now() + at_most);
  options.traceparent = call.traceparent;
  return options;
}

}  // namespace

CallOptions OnBehalfOf(const api::Call& call, absl::Duration at_most) {
  CallOptions options = Within(call, at_most);
  options.acting_for = api::ToActingFor(call.principal);
  return options;
}

CallOptions AsService(const api::Call& call, const std::string& service,
                      const std::vector<std::string>& scopes, absl::Duration at_most) {
  CallOptions options = Within(call, at_most);
  options.acting_for.emplace();
  options.acting_for->set_practice(call.practice());
  options.acting_for->set_kind(type::v1::PRINCIPAL_KIND_SERVICE);
  options.acting_for->set_subject(service);
  options.acting_for->mutable_scopes()->Add(scopes.begin(), scopes.end());
  return options;
}

absl::Status NeighbourError(const absl::Status& status, absl::string_view neighbour) {
  if (status.ok() || absl::IsNotFound(status) || absl::IsInvalidArgument(status)) {
    return status;
  }
  return MakeError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable,
                   absl::StrCat("this call needs the ", neighbour, " service, which answered ",
                                absl::StatusCodeToString(status.code()), "; retry the call"),
                   {{"neighbour", std::string(neighbour)}});
}

}  // namespace securebase::client
