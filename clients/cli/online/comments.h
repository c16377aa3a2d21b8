#pragma once

#include <string>

#include "google/protobuf/descriptor.h"

namespace securebase::cli {

// The comment that stands above a message, field, enum, value, service or method in its .proto, as
// one text without line breaks inside a paragraph; empty: none. `full_name` as descriptors give it:
// "securebase.goals.v1.Goal.statement".
std::string CommentOf(const std::string& full_name);

}  // namespace securebase::cli
