#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "securebase/outcomes/v1/change.pb.h"
#include "securebase/outcomes/v1/dashboard.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "services/outcomes/rules/change.h"

namespace securebase::outcomes {

// One series that counts in a practice summary.
struct SummaryItem {
  std::optional<uint32_t> person;  // whose it is; nothing: persons are not counted
  v1::Verdict verdict = v1::VERDICT_INSUFFICIENT_DATA;
  std::optional<std::pair<double, double>> values;  // before and after; nothing: not completed
};

// The series of one row, added up. It depends on the items that are in it alone, not on the order
// in which they came and went.
class SummaryGroup {
 public:
  void Add(const SummaryItem& item);
  // An item that was added.
  void Remove(const SummaryItem& item);

  // Without key, completion_rate, effect_size.
  const v1::SummaryRow& counts() const { return counts_; }
  const PairSums& values() const { return values_; }
  // Each once.
  const absl::flat_hash_set<uint32_t>& persons() const { return persons_; }

 private:
  v1::SummaryRow counts_;
  PairSums values_;
  absl::flat_hash_set<uint32_t> persons_;
  absl::flat_hash_map<uint32_t, uint32_t> more_;  // of a person's items beyond the first
};

// The rows of a summary, by key. `smallest_group` (0: none) is the number of persons below which a
// row is suppressed, as CMS does with fewer than 11 (Cell Size Suppression Policy, 2020). While the
// suppressed rows together are that small, they could be had by subtraction from a total that is
// known elsewhere; so the next smallest row is suppressed as well until they are not. The cost is
// that of the rows, not of what is in them.
std::vector<v1::SummaryRow> Summarize(const std::map<std::string, SummaryGroup>& groups,
                                      v1::Direction direction, int smallest_group);

}  // namespace securebase::outcomes
