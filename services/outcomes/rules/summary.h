#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "securebase/outcomes/v1/change.pb.h"
#include "securebase/outcomes/v1/dashboard.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"

namespace securebase::outcomes {

// One series that counts in a practice summary.
struct SummaryItem {
  std::vector<std::string> keys;  // the rows it counts in, each once; at least one
  std::string person;             // whose it is
  v1::Verdict verdict = v1::VERDICT_INSUFFICIENT_DATA;
  std::optional<std::pair<double, double>> values;  // before and after; nothing: not completed
};

// The rows of a summary, by key. `smallest_group` (0: none) is the number of persons below which a
// row is suppressed, as CMS does with fewer than 11 (Cell Size Suppression Policy, 2020). While the
// suppressed rows together are that small, they could be had by subtraction from a total that is
// known elsewhere; so the next smallest row is suppressed as well until they are not.
std::vector<v1::SummaryRow> Summarize(const std::vector<SummaryItem>& items,
                                      v1::Direction direction, int smallest_group);

}  // namespace securebase::outcomes
