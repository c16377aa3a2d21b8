#include "services/outcomes/rules/summary.h"

#include <algorithm>
#include <set>

namespace securebase::outcomes {
namespace {

using Groups = std::map<std::string, SummaryGroup>;

// In the order of SummaryGroup::verdicts.
size_t PlaceOf(v1::Verdict verdict) {
  switch (verdict) {
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

// The figures of one row: its verdicts; then what was completed, and what was not.
struct Cells {
  std::array<Cell, SummaryGroup::kVerdicts> verdicts;
  std::array<Cell, 2> completion;
  int repeats = 0;  // items beyond the first of a person
  bool suppressed = false;
};

Cell MakeCell(int count, int repeats) {
  return {count, count == 0 ? 0 : std::max(1, count - repeats), false};
}

Cells CellsOf(const SummaryGroup& group) {
  Cells cells;
  cells.repeats = group.count() - static_cast<int>(group.persons().size());
  for (size_t i = 0; i < cells.verdicts.size(); ++i) {
    cells.verdicts[i] = MakeCell(group.verdicts()[i], cells.repeats);
  }
  cells.completion = {MakeCell(group.completed(), cells.repeats),
                      MakeCell(group.count() - group.completed(), cells.repeats)};
  return cells;
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

// The lines of one table: its rows, whose sums are shown, and across them what the row of all
// counts; `overlap`: how often persons are in a row more than once in the table. Where no choice of
// figures is safe, the table has none of them.
template <size_t kColumns>
void HideInTable(int smallest, std::array<Cell, kColumns> Cells::*figures, int overlap, Cells all,
                 std::vector<Cells>& rows) {
  const auto hide_in_row = [&](Cells& row) {
    std::vector<Cell*> line;
    for (Cell& cell : row.*figures) {
      line.push_back(&cell);
    }
    return HideInLine(smallest, /*sum_known=*/true, &Cell::count, row.repeats, line);
  };
  hide_in_row(all);
  for (Cells& row : rows) {
    for (Cell& cell : row.*figures) {
      cell.hidden = row.suppressed;
    }
  }
  Line worst = Line::kChanged;
  while (worst == Line::kChanged) {
    worst = Line::kSafe;
    for (Cells& row : rows) {
      if (!row.suppressed) {
        worst = std::max(worst, hide_in_row(row));
      }
    }
    for (size_t column = 0; column < kColumns && rows.size() > 1; ++column) {
      std::vector<Cell*> line;
      for (Cells& row : rows) {
        line.push_back(&(row.*figures)[column]);
      }
      worst = std::max(worst, HideInLine(smallest, !(all.*figures)[column].hidden, &Cell::persons,
                                         overlap, line));
    }
  }
  if (worst == Line::kStuck) {
    for (Cells& row : rows) {
      for (Cell& cell : row.*figures) {
        cell.hidden = true;
      }
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
  constexpr void (v1::SummaryRow::*kSetters[SummaryGroup::kVerdicts])(int32_t) = {
      &v1::SummaryRow::set_recovered, &v1::SummaryRow::set_reliably_improved,
      &v1::SummaryRow::set_no_reliable_change, &v1::SummaryRow::set_reliably_deteriorated,
      &v1::SummaryRow::set_insufficient_data};
  for (size_t i = 0; i < cells.verdicts.size(); ++i) {
    if (!cells.verdicts[i].hidden) {
      (row.*kSetters[i])(cells.verdicts[i].count);
    }
  }
  // With the number of either one the other is known.
  if (cells.completion[0].hidden || cells.completion[1].hidden) {
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
  ++verdicts_[PlaceOf(item.verdict)];
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
  --verdicts_[PlaceOf(item.verdict)];
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
    HideInTable(smallest_group, &Cells::verdicts, overlap, CellsOf(all), cells);
    HideInTable(smallest_group, &Cells::completion, overlap, CellsOf(all), cells);
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
