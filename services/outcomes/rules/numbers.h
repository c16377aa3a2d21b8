#pragma once

#include <string>

#include "securebase/outcomes/v1/instrument.pb.h"

namespace securebase::outcomes {

// Whether `value` compares so with `bound`. Figures that differ by less than 1e-9 are equal, so
// that a change of 60 − 48.42 does not exceed 11.58. False for COMPARATOR_UNSPECIFIED.
bool Holds(double value, v1::Comparator comparator, double bound);

// As people write it: at most four decimals, none that are zero: "14.625", "6".
std::string FormatNumber(double value);

// "more than", "at least", "below", "at most".
std::string ComparatorWords(v1::Comparator comparator);

}  // namespace securebase::outcomes
