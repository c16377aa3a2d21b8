#pragma once

#include "absl/strings/string_view.h"

namespace securebase {

// A data file compiled into the program (cmake: securebase_embed).
struct EmbeddedFile {
  absl::string_view name;      // without its folder: "phq-9.textproto"
  absl::string_view contents;  // lives as long as the program
};

}  // namespace securebase
