#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace securebase {

// The length in bytes (1 to 4) of the valid UTF-8 sequence at the start of `text`; 0 when it starts
// with none: overlong forms, surrogates and values beyond U+10FFFF are not valid. `text` is not
// empty.
size_t Utf8SequenceLength(absl::string_view text);

// How many code points `text` holds; nothing when it is not valid UTF-8.
std::optional<size_t> CountCodePoints(absl::string_view text);

// Whether valid UTF-8 holds what a terminal would obey: C0, DEL and C1, but for tabs, line feeds
// and carriage returns.
bool HasControlCharacter(absl::string_view text);

}  // namespace securebase
