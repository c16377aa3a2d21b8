#include "services/outcomes/rules/numbers.h"

#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace securebase::outcomes {

bool Holds(double value, v1::Comparator comparator, double bound) {
  // Sums of decimal fractions are off by some 1e-14; no scale has a step below 1e-4.
  constexpr double kTolerance = 1e-9;
  switch (comparator) {
    case v1::COMPARATOR_EXCEEDS:
      return value > bound + kTolerance;
    case v1::COMPARATOR_AT_LEAST:
      return value >= bound - kTolerance;
    case v1::COMPARATOR_BELOW:
      return value < bound - kTolerance;
    case v1::COMPARATOR_AT_MOST:
      return value <= bound + kTolerance;
    default:
      return false;
  }
}

std::string FormatNumber(double value) {
  std::string text = absl::StrFormat("%.4f", value);
  while (text.back() == '0') {
    text.pop_back();
  }
  if (text.back() == '.') {
    text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

std::string ComparatorWords(v1::Comparator comparator) {
  switch (comparator) {
    case v1::COMPARATOR_EXCEEDS:
      return "more than";
    case v1::COMPARATOR_AT_LEAST:
      return "at least";
    case v1::COMPARATOR_BELOW:
      return "below";
    case v1::COMPARATOR_AT_MOST:
      return "at most";
    default:
      return "";
  }
}

}  // namespace securebase::outcomes
