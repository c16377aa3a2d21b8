#pragma once

#include "clients/cli/console.h"
#include "google/protobuf/message.h"

namespace securebase::cli {

// Prints a dashboard of outcomes for a person: the caseload by urgency, the attachment plane as a
// picture, measures side by side, a practice's figures as a table. False, with nothing printed, for
// every other message.
bool RenderDashboard(Console& console, const google::protobuf::Message& response);

}  // namespace securebase::cli
