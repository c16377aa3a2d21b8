#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "services/platform/api/call.h"

// How one of our services calls another while it serves a call. Its client certificate says who it
// is; the options say for whom.
namespace securebase::client {

// On behalf of the call's principal, with the rights they have: for whatever is shown to them.
// Waits `at_most`, and never longer than the call's own deadline.
CallOptions OnBehalfOf(const api::Call& call, absl::Duration at_most);

// As the service itself, in the call's practice, with these scopes ("system/EpisodeOfCare.r"): for
// what the service must know and does not show. Otherwise as OnBehalfOf.
CallOptions AsService(const api::Call& call, const std::string& service,
                      const std::vector<std::string>& scopes, absl::Duration at_most);

// What a failed call of a neighbour means for our caller. NOT_FOUND and INVALID_ARGUMENT are the
// neighbour's answer and stay; everything else, a refusal of our identity included, becomes
// UNAVAILABLE (NEIGHBOUR_UNAVAILABLE) naming `neighbour`. OK stays OK.
absl::Status NeighbourError(const absl::Status& status, absl::string_view neighbour);

}  // namespace securebase::client
