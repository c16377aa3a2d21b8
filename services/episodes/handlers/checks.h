#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/platform/records/database.h"

// What handlers check beyond what the proto's options and the pure rules say.
namespace securebase::episodes {

// PERMISSION_DENIED (PRINCIPAL_NOT_ALLOWED) when the caller is staff and sees a part of the episode
// (its name) only: whom an alert was escalated to, for as long as it lasts. Who takes part, who
// treats and who sees whose data is for the care team to say.
absl::Status CheckSeesAll(const records::Reader& reader, absl::string_view episode);

}  // namespace securebase::episodes
