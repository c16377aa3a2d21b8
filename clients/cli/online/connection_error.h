#pragma once

#include <string>

#include "absl/status/status.h"
#include "clients/cli/online/connection.h"

namespace securebase::cli {

// What `status`, of a call to `address` with these options, means for whoever typed the command:
// one line that says what is wrong with the connection and what to do, under the same code. What
// the service itself answered, and what is not known here, comes back as it is.
absl::Status ExplainConnectionError(const absl::Status& status, const std::string& address,
                                    const ConnectionOptions& options);

}  // namespace securebase::cli
