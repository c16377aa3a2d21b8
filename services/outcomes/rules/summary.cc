#include "services/outcomes/rules/summary.h"

#include <algorithm>
#include <set>

namespace securebase::outcomes {
namespace {

using Groups = std::map<std::string, SummaryGroup>;

// In the order of SummaryGroup::verdicts.
size_t PlaceOf(const SummaryItem& item) {
  switch (item.values.has_value() ? item.verdict : v1::VERDICT_INSUFFICIENT_DATA) {
    case v1::VERDICT_RECOVERED:
      return 0;
    case v1::VERDICT_RELIABLY_IMPROVED:
      return 1;
    case v1::VERDICT_NO_RELIABLE_CHANGE:
      return 2;
    case v1::VERDICT_RELIABLY_DETERIORATED:
      return 3;
    default:
      return 4;
  }
}

// One figure of a row.
struct Cell {
  int count = 0;
  int persons = 0;  // it stands for so many at least
  bool hidden = false;
};

// The figures of one row, each series in one of them: what is shown of verdicts and completion are
// sums of these. The four verdicts on change, then insufficient data of those who completed, then
// who did not.
constexpr size_t kVerdictsOnChange = SummaryGroup::kVerdicts - 1;
constexpr size_t kUnjudged = kVerdictsOnChange;
constexpr size_t kNotCompleted = kUnjudged + 1;
constexpr size_t kCells = kNotCompleted + 1;

struct Cells {
  std::array<Cell, kCells> cells;
  int repeats = 0;  // items beyond the first of a person
  bool suppressed = false;
};

Cell MakeCell(int count, int repeats) {
  return {count, count == 0 ? 0 : std::max(1, count - repeats), false};
}

Cells CellsOf(const SummaryGroup& group) {
  Cells row;
  row.repeats = group.count() - static_cast<int>(group.persons().size());
  int unjudged = group.completed();
  for (size_t i = 0; i < kVerdictsOnChange; ++i) {
    row.cells[i] = MakeCell(group.verdicts()[i], row.repeats);
    unjudged -= group.verdicts()[i];
  }
  row.cells[kUnjudged] = MakeCell(unjudged, row.repeats);
  row.cells[kNotCompleted] = MakeCell(group.count() - group.completed(), row.repeats);
  return row;
}

// What became of a line of figures.
enum class Line {
  kSafe,     // as it was
  kChanged,  // another figure is left out
  kStuck,    // there is none left to leave out, and those that are could be had by subtraction
};

// Leaves small figures of a line out. If its sum is known, none of them may be had from the others:
// there must be two at least, for `smallest` persons or more. Otherwise one must be left out, lest
// they add up to the sum. 0 is nobody's secret, and hides nobody either. `weight` of the figures
// that are left out, less `overlap`, is how many persons they stand for at least.
Line HideInLine(int smallest, bool sum_known, int Cell::*weight, int overlap,
                const std::vector<Cell*>& line) {
  Line result = Line::kSafe;
  std::vector<Cell*> by_size;
  for (Cell* cell : line) {
    if (cell->count == 0) {
      continue;
    }
    by_size.push_back(cell);
    if (!cell->hidden && cell->persons < smallest) {
      cell->hidden = true;
      result = Line::kChanged;
    }
  }
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const Cell* a, const Cell* b) { return a->persons < b->persons; });
  while (true) {
    int hidden = 0;
    int persons = -overlap;
    Cell* next = nullptr;
    for (Cell* cell : by_size) {
      if (cell->hidden) {
        ++hidden;
        persons += cell->*weight;
      } else if (next == nullptr) {
        next = cell;
      }
    }
    const bool safe = sum_known ? hidden == 0 || (hidden > 1 && persons >= smallest) : hidden > 0;
    if (safe) {
      return result;
    }
    if (next == nullptr) {
      return Line::kStuck;
    }
    next->hidden = true;
    result = Line::kChanged;
  }
}

// Hides what is not shown to be safe, line by line: rows, whose sums are shown, and across them
// what the row of all shows; `overlap`: how often persons are in a row more than once in the table.
// Returns false where no choice of figures is safe.
bool HideInLines(int smallest, int overlap, const Cells& all, std::vector<Cells>& rows) {
  Line worst = Line::kChanged;
  while (worst == Line::kChanged) {
    worst = Line::kSafe;
    for (Cells& row : rows) {
      if (row.suppressed) {
        continue;
      }
      std::vector<Cell*> line;
      for (Cell& cell : row.cells) {
        line.push_back(&cell);
      }
      worst = std::max(worst,
                       HideInLine(smallest, /*sum_known=*/true, &Cell::count, row.repeats, line));
    }
    for (size_t column = 0; column < kCells && rows.size() > 1; ++column) {
      std::vector<Cell*> line;
      line.reserve(rows.size());
      for (Cells& row : rows) {
        line.push_back(&row.cells[column]);
      }
      worst = std::max(
          worst, HideInLine(smallest, !all.cells[column].hidden, &Cell::persons, overlap, line));
    }
  }
  return worst == Line::kSafe;
}

// Sums of hidden figures that a reader can work out, and all that follow from them by adding and
// subtracting: Gaussian elimination, each sum under its first figure. Every figure is in one row
// and one column, so all coefficients stay -1, 0 or 1 and nothing is rounded.
class KnownSums {
 public:
  using Sum = std::map<size_t, int>;  // the coefficient of each figure

  void Add(Sum sum) {
    Reduce(sum);
    if (!sum.empty()) {
      const size_t first = sum.begin()->first;
      sums_[first] = std::move(sum);
    }
  }
  bool Give(Sum sum) const {
    Reduce(sum);
    return sum.empty();
  }

 private:
  // Takes known sums off until nothing is left, or the first figure left is not known to be in any.
  void Reduce(Sum& sum) const {
    while (!sum.empty()) {
      const auto known = sums_.find(sum.begin()->first);
      if (known == sums_.end()) {
        return;
      }
      const int times = sum.begin()->second * known->second.begin()->second;
      for (const auto& [figure, coefficient] : known->second) {
        const auto left = sum.try_emplace(figure, 0).first;
        left->second -= times * coefficient;
        if (left->second == 0) {
          sum.erase(left);
        }
      }
    }
  }

  std::map<size_t, Sum> sums_;  // by the first figure
};

// Counts that a row shows or that follow from what it shows: each of its figures, insufficient
// data, completed.
const std::vector<std::vector<size_t>>& Counts() {
  static const auto* const kCounts =
      new std::vector<std::vector<size_t>>{{0},
                                           {1},
                                           {2},
                                           {3},
                                           {kUnjudged},
                                           {kNotCompleted},
                                           {kUnjudged, kNotCompleted},
                                           {0, 1, 2, 3, kUnjudged}};
  return *kCounts;
}

// The rows as a reader meets them: those that are shown, then all that are suppressed as one, since
// nothing tells them apart.
std::vector<Cells> AsRead(const std::vector<Cells>& rows) {
  std::vector<Cells> read;
  Cells suppressed;
  suppressed.suppressed = true;
  for (const Cells& row : rows) {
    if (!row.suppressed) {
      read.push_back(row);
      continue;
    }
    suppressed.repeats += row.repeats;
    for (size_t column = 0; column < kCells; ++column) {
      suppressed.cells[column].count += row.cells[column].count;
      suppressed.cells[column].hidden = true;
    }
  }
  if (read.size() < rows.size()) {
    read.push_back(suppressed);
  }
  return read;
}

// Whether a count above 0 of fewer persons than `smallest` follows from what the rows show, their
// sums, and what the row of all shows.
bool Discloses(int smallest, const Cells& all, const std::vector<Cells>& rows) {
  const std::vector<Cells> read = AsRead(rows);
  const auto hidden_in = [&](size_t row, size_t column) {
    // Where there is nobody at all, there is nobody in any row.
    const Cell& sum = all.cells[column];
    return read[row].cells[column].hidden && (sum.hidden || sum.count > 0);
  };
  KnownSums known;
  for (size_t row = 0; row < read.size(); ++row) {
    KnownSums::Sum sum;
    for (size_t column = 0; column < kCells; ++column) {
      if (hidden_in(row, column)) {
        sum[row * kCells + column] = 1;
      }
    }
    known.Add(std::move(sum));
  }
  for (size_t column = 0; column < kCells; ++column) {
    KnownSums::Sum sum;
    for (size_t row = 0; row < read.size(); ++row) {
      if (hidden_in(row, column)) {
        sum[row * kCells + column] = 1;
      }
    }
    if (rows.size() > 1 && !all.cells[column].hidden) {
      known.Add(std::move(sum));
    }
  }
  for (size_t row = 0; row < read.size(); ++row) {
    for (const std::vector<size_t>& columns : Counts()) {
      int count = 0;
      KnownSums::Sum left_out;
      for (const size_t column : columns) {
        count += read[row].cells[column].count;
        if (hidden_in(row, column)) {
          left_out[row * kCells + column] = 1;
        }
      }
      const int persons = MakeCell(count, read[row].repeats).persons;
      if (persons > 0 && persons < smallest && known.Give(std::move(left_out))) {
        return true;
      }
    }
  }
  return false;
}

// Hides figures of the rows until none that stands for fewer than `smallest` can be had from the
// rest; where no choice of figures will do, all of them, and at last the rows.
void HideFigures(int smallest, int overlap, const Cells& all, std::vector<Cells>& rows) {
  for (Cells& row : rows) {
    for (Cell& cell : row.cells) {
      cell.hidden = row.suppressed;
    }
  }
  if (HideInLines(smallest, overlap, all, rows) && !Discloses(smallest, all, rows)) {
    return;
  }
  for (Cells& row : rows) {
    for (Cell& cell : row.cells) {
      cell.hidden = true;
    }
  }
  if (Discloses(smallest, all, rows)) {
    for (Cells& row : rows) {
      row.suppressed = true;
    }
  }
}

v1::SummaryRow MakeRow(const SummaryGroup& group, const Cells& cells, v1::Direction direction) {
  v1::SummaryRow row;
  if (cells.suppressed) {
    row.set_suppressed(true);
    return row;
  }
  row.set_count(group.count());
  constexpr void (v1::SummaryRow::*kSetters[kVerdictsOnChange])(int32_t) = {
      &v1::SummaryRow::set_recovered, &v1::SummaryRow::set_reliably_improved,
      &v1::SummaryRow::set_no_reliable_change, &v1::SummaryRow::set_reliably_deteriorated};
  const auto shown = [&](size_t cell) { return !cells.cells[cell].hidden; };
  size_t change_shown = 0;
  for (size_t i = 0; i < kVerdictsOnChange; ++i) {
    if (shown(i)) {
      (row.*kSetters[i])(group.verdicts()[i]);
      ++change_shown;
    }
  }
  // With all others it is what is left of the row.
  if (change_shown == kVerdictsOnChange || (shown(kUnjudged) && shown(kNotCompleted))) {
    row.set_insufficient_data(group.verdicts()[kVerdictsOnChange]);
  }
  // With the number of either one the other is known.
  if (!shown(kNotCompleted)) {
    return row;
  }
  row.set_completed(group.completed());
  row.set_completion_rate(static_cast<double>(group.completed()) / group.count());
  if (direction == v1::DIRECTION_NON_MONOTONE) {
    return row;  // neither way is better
  }
  auto effect = ComputeEffectSize(group.values(), direction);
  if (effect.ok()) {  // otherwise there are too few, or they are all the same
    *row.mutable_effect_size() = *std::move(effect);
  }
  return row;
}

std::set<std::string> FindSuppressed(const Groups& groups, size_t smallest_group) {
  std::vector<const Groups::value_type*> by_size;
  by_size.reserve(groups.size());
  for (const auto& entry : groups) {
    by_size.push_back(&entry);
  }
  std::stable_sort(by_size.begin(), by_size.end(), [](const auto* a, const auto* b) {
    return a->second.persons().size() < b->second.persons().size();
  });
  std::set<std::string> suppressed;
  std::set<uint32_t> hidden;  // persons of the suppressed groups, as long as they are too few
  bool enough = true;
  for (const auto* entry : by_size) {
    const auto& persons = entry->second.persons();
    const bool small = persons.size() < smallest_group;
    if (!small && enough) {
      break;  // so are all that follow
    }
    suppressed.insert(entry->first);
    if (small) {
      hidden.insert(persons.begin(), persons.end());
    }
    enough = !small || hidden.size() >= smallest_group;
  }
  return suppressed;
}

}  // namespace

void SummaryGroup::Add(const SummaryItem& item) {
  ++verdicts_[PlaceOf(item)];
  ++count_;
  if (item.person.has_value() && !persons_.insert(*item.person).second) {
    ++more_[*item.person];
  }
  if (item.values.has_value()) {
    ++completed_;
    values_.Add(item.values->first, item.values->second);
  }
}

void SummaryGroup::Remove(const SummaryItem& item) {
  --verdicts_[PlaceOf(item)];
  --count_;
  if (item.person.has_value()) {
    const auto more = more_.find(*item.person);
    if (more == more_.end()) {
      persons_.erase(*item.person);
    } else if (--more->second == 0) {
      more_.erase(more);
    }
  }
  if (item.values.has_value()) {
    --completed_;
    values_.Remove(item.values->first, item.values->second);
  }
}

std::vector<v1::SummaryRow> Summarize(const Groups& groups, const SummaryGroup& all,
                                      v1::Direction direction, int smallest_group) {
  std::vector<Cells> cells;
  cells.reserve(groups.size());
  for (const auto& [key, group] : groups) {
    cells.push_back(CellsOf(group));
  }
  if (smallest_group > 0) {
    const std::set<std::string> suppressed =
        FindSuppressed(groups, static_cast<size_t>(smallest_group));
    int overlap = -static_cast<int>(all.persons().size());
    size_t place = 0;
    for (const auto& [key, group] : groups) {
      cells[place++].suppressed = suppressed.count(key) > 0;
      overlap += static_cast<int>(group.persons().size());
    }
    std::vector<Cells> row_of_all = {CellsOf(all)};
    HideFigures(smallest_group, /*overlap=*/0, row_of_all[0], row_of_all);
    HideFigures(smallest_group, overlap, row_of_all[0], cells);
  }
  std::vector<v1::SummaryRow> rows;
  rows.reserve(groups.size());
  for (const auto& [key, group] : groups) {
    rows.push_back(MakeRow(group, cells[rows.size()], direction));
    rows.back().set_key(key);
  }
  return rows;
}

}  // namespace securebase::outcomes
