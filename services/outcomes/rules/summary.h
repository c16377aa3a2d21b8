#pragma once

#include <array>
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
  // Before and after; nothing: not completed, and insufficient data whatever `verdict` says.
  std::optional<std::pair<double, double>> values;
};

// The series of one row, added up. It depends on the items that are in it alone, not on the order
// in which they came and went.
class SummaryGroup {
 public:
  void Add(const SummaryItem& item);
  // An item that was added.
  void Remove(const SummaryItem& item);

  // How many there are of each verdict: recovered, reliably improved, no reliable change, reliably
  // deteriorated, insufficient data.
  static constexpr size_t kVerdicts = 5;
  const std::array<int, kVerdicts>& verdicts() const { return verdicts_; }
  int count() const { return count_; }
  // With a value before and one after.
  int completed() const { return completed_; }
  const PairSums& values() const { return values_; }
  // Each once.
  const absl::flat_hash_set<uint32_t>& persons() const { return persons_; }

 private:
  std::array<int, kVerdicts> verdicts_ = {};
  int count_ = 0;
  int completed_ = 0;
  PairSums values_;
  absl::flat_hash_set<uint32_t> persons_;
  absl::flat_hash_map<uint32_t, uint32_t> more_;  // of a person's items beyond the first
};

// The least that a practice may make the smallest group, the preset of the NHS (house rule: below
// it next to nothing would be suppressed).
inline constexpr int kLeastSmallestGroup = 5;

// The rows of a summary, by key; `all` is the row of all, which has every item once. With a
// `smallest_group` (0: none) no figure stands for fewer persons than that, as CMS does with fewer
// than 11 (Cell Size Suppression Policy, 2020), but 0:
//   - A row of fewer persons is suppressed as a whole. While the suppressed rows together are that
//     small, they could be had by subtraction from the row of all; so the next smallest one is
//     suppressed as well until they are not.
//   - In the other rows the series are told apart once, by verdict and by completion together. Each
//     of these figures is left out likewise, and with it the next smallest ones of the row and of
//     the column, until none that is left out can be had by subtraction from its row, from the
//     other rows, or from what the row of all shows.
//   - Nor must a count of fewer persons follow from any sums of rows and columns together (Cox
//   1995,
//     J Am Stat Assoc 90:1453-1462). If one does, all figures of the table are left out, and if
//     need be its rows.
//   - insufficient_data, completed, completion_rate and effect_size are shown where the figures are
//     from which they could be had.
// Persons with several items may all have them in one figure: what is left out is then more than
// need be, never less. The cost is that of the rows, not of what is in them.
std::vector<v1::SummaryRow> Summarize(const std::map<std::string, SummaryGroup>& groups,
                                      const SummaryGroup& all, v1::Direction direction,
                                      int smallest_group);

}  // namespace securebase::outcomes
