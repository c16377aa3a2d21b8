#include "services/outcomes/rules/summary.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace securebase::outcomes {
namespace {

struct KeyedItem {
  std::string key;
  SummaryItem item;
};
using Items = std::vector<KeyedItem>;

// Persons whose numbers begin at `first`, an item each.
Items People(const std::string& key, int count, v1::Verdict verdict, uint32_t first = 1) {
  Items items;
  for (int i = 0; i < count; ++i) {
    SummaryItem item;
    item.person = first + static_cast<uint32_t>(i);
    item.verdict = verdict;
    item.values = {20 + i % 3, 10};
    items.push_back({key, item});
  }
  return items;
}

Items operator+(Items a, const Items& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<v1::SummaryRow> Summarize(const Items& items, v1::Direction direction,
                                      int smallest_group) {
  std::map<std::string, SummaryGroup> groups;
  SummaryGroup all;
  for (const KeyedItem& item : items) {
    groups[item.key].Add(item.item);
    all.Add(item.item);
  }
  return Summarize(groups, all, direction, smallest_group);
}

// The row of all.
v1::SummaryRow AllOf(Items items) {
  for (KeyedItem& item : items) {
    item.key = "";
  }
  return Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)[0];
}

std::vector<std::string> Suppressed(const std::vector<v1::SummaryRow>& rows) {
  std::vector<std::string> keys;
  for (const v1::SummaryRow& row : rows) {
    if (row.suppressed()) {
      keys.push_back(row.key());
    }
  }
  return keys;
}

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SummaryTest, CountsVerdictsCompletionAndEffect) {
  const Items items = People("", 6, v1::VERDICT_RECOVERED) +
                      People("", 3, v1::VERDICT_RELIABLY_DETERIORATED, 7) +
                      Items{{"", SummaryItem()}};
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 0);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].recovered(), 6);
  EXPECT_EQ(rows[0].reliably_deteriorated(), 3);
  EXPECT_EQ(rows[0].insufficient_data(), 1);
  EXPECT_EQ(rows[0].count(), 10);
  EXPECT_EQ(rows[0].completed(), 9);
  EXPECT_DOUBLE_EQ(rows[0].completion_rate(), 0.9);
  EXPECT_EQ(rows[0].effect_size().n(), 9);
  EXPECT_GT(rows[0].effect_size().d(), 0) << "lower is better";
}

TEST(SummaryTest, ASmallGroupIsSuppressedWithAnotherThatWouldGiveItAway) {
  const auto items = People("a", 5, v1::VERDICT_RECOVERED) +
                     People("b", 20, v1::VERDICT_RECOVERED, 100) +
                     People("c", 12, v1::VERDICT_RECOVERED, 200);
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_THAT(Suppressed(rows), ElementsAre("a", "c"));
  EXPECT_EQ(rows[0].count(), 0);
  EXPECT_FALSE(rows[0].has_effect_size());
  EXPECT_EQ(rows[1].count(), 20);
}

TEST(SummaryTest, TwoSmallGroupsThatAreEnoughTogetherNeedNoThird) {
  const auto items = People("a", 6, v1::VERDICT_RECOVERED) +
                     People("b", 7, v1::VERDICT_RECOVERED, 100) +
                     People("c", 12, v1::VERDICT_RECOVERED, 200);
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), ElementsAre("a", "b"));
}

TEST(SummaryTest, AGroupIsCountedInPersonsNotInSeries) {
  Items items = People("a", 11, v1::VERDICT_RECOVERED);
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), IsEmpty());
  items.back().item.person = items.front().item.person;
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), ElementsAre("a"));
}

TEST(SummaryTest, PersonsInTwoSmallGroupsAreHiddenOnce) {
  // Six and seven of the same people are seven people: too few, so the third has to go as well.
  const auto items = People("a", 6, v1::VERDICT_RECOVERED) + People("b", 7, v1::VERDICT_RECOVERED) +
                     People("c", 12, v1::VERDICT_RECOVERED, 200) +
                     People("d", 13, v1::VERDICT_RECOVERED, 300);
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)),
              ElementsAre("a", "b", "c"));
}

// What was added and removed leaves no trace, whatever the order.
TEST(SummaryTest, AGroupIsWhatIsInIt) {
  std::mt19937 random(3);
  const auto pick = [&](int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random);
  };
  const std::vector<v1::Verdict> verdicts = {
      v1::VERDICT_RECOVERED, v1::VERDICT_RELIABLY_IMPROVED, v1::VERDICT_NO_RELIABLE_CHANGE,
      v1::VERDICT_RELIABLY_DETERIORATED, v1::VERDICT_INSUFFICIENT_DATA};
  std::map<std::string, SummaryGroup> groups;
  std::vector<SummaryItem> items;
  for (int step = 0; step < 2000; ++step) {
    if (items.empty() || pick(3) > 0) {
      SummaryItem& item = items.emplace_back();
      item.person = static_cast<uint32_t>(pick(20));
      item.verdict = verdicts[static_cast<size_t>(pick(5))];
      if (pick(4) > 0) {
        item.values = {pick(270) / 7.0, pick(27)};
      }
      groups[""].Add(item);
    } else {
      std::swap(items[static_cast<size_t>(pick(static_cast<int>(items.size())))], items.back());
      groups[""].Remove(items.back());
      items.pop_back();
    }
    std::map<std::string, SummaryGroup> afresh;
    afresh[""];
    for (const SummaryItem& item : items) {
      afresh[""].Add(item);
    }
    ASSERT_EQ(groups[""].persons(), afresh[""].persons()) << step;
    if (!items.empty()) {
      ASSERT_EQ(Summarize(groups, groups[""], v1::DIRECTION_HIGHER_WORSE, 0)[0].SerializeAsString(),
                Summarize(afresh, afresh[""], v1::DIRECTION_HIGHER_WORSE, 0)[0].SerializeAsString())
          << step;
    }
  }
}

// Whether the figures that are shown give a count away that is left out: in a row, all others are
// shown; or of a verdict, those of all other rows and of the row of all are.
void ExpectNothingCanBeSubtracted(const std::vector<v1::SummaryRow>& rows,
                                  const v1::SummaryRow& all) {
  const auto shown = [](const v1::SummaryRow& row) {
    return std::vector<bool>{row.has_recovered(), row.has_reliably_improved(),
                             row.has_no_reliable_change(), row.has_reliably_deteriorated(),
                             row.has_insufficient_data()};
  };
  std::vector<int> hidden_in_column(5, 0);
  for (const v1::SummaryRow& row : rows) {
    int hidden = 0;
    for (size_t i = 0; i < 5; ++i) {
      const bool is_hidden = row.suppressed() || !shown(row)[i];
      hidden += is_hidden ? 1 : 0;
      hidden_in_column[i] += is_hidden ? 1 : 0;
    }
    if (!row.suppressed()) {
      EXPECT_NE(hidden, 1) << row.DebugString();
    }
  }
  for (size_t i = 0; i < 5; ++i) {
    if (shown(all)[i]) {
      EXPECT_NE(hidden_in_column[i], 1) << "verdict " << i;
    } else {
      EXPECT_GT(hidden_in_column[i], 0) << "the rows would add up to what is left out";
    }
  }
}

TEST(SummaryTest, ASmallCountIsLeftOutWithOthersThatWouldGiveItAway) {
  const auto items = People("a", 20, v1::VERDICT_RECOVERED) +
                     People("a", 15, v1::VERDICT_NO_RELIABLE_CHANGE, 100) +
                     People("a", 2, v1::VERDICT_RELIABLY_DETERIORATED, 200);
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_EQ(rows[0].count(), 37);
  EXPECT_EQ(rows[0].recovered(), 20);
  EXPECT_FALSE(rows[0].has_reliably_deteriorated());
  EXPECT_FALSE(rows[0].has_no_reliable_change()) << "37 - 20 - 15 = 2";
  EXPECT_TRUE(rows[0].has_reliably_improved()) << "nobody is nobody's secret";
  EXPECT_EQ(rows[0].reliably_improved(), 0);
}

TEST(SummaryTest, AFigureIsCountedInPersonsToo) {
  // Twelve series of eleven persons, who are twelve in the row: which one of them has two series of
  // the verdict cannot be known from the sums.
  Items items =
      People("a", 12, v1::VERDICT_RECOVERED) + People("a", 20, v1::VERDICT_NO_RELIABLE_CHANGE, 100);
  EXPECT_TRUE(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)[0].has_recovered());
  items[0].item.person = items[1].item.person;
  EXPECT_TRUE(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)[0].has_recovered());
  items[2].item.person = items[1].item.person;
  EXPECT_FALSE(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)[0].has_recovered()) << "ten";
}

TEST(SummaryTest, OtherRowsAndTheRowOfAllGiveNothingAway) {
  // Of all 36 recovered are shown; of a alone they would leave the 3 of b.
  const auto items = People("a", 33, v1::VERDICT_RECOVERED) +
                     People("b", 3, v1::VERDICT_RECOVERED, 100) +
                     People("b", 20, v1::VERDICT_NO_RELIABLE_CHANGE, 200) +
                     People("c", 25, v1::VERDICT_NO_RELIABLE_CHANGE, 300);
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_FALSE(rows[1].has_recovered());
  EXPECT_FALSE(rows[0].has_recovered());
  ExpectNothingCanBeSubtracted(rows, AllOf(items));
}

TEST(SummaryTest, NoRandomTableCanBeSubtracted) {
  std::mt19937 random(5);
  const auto pick = [&](int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random);
  };
  int left_out = 0;
  int shown = 0;
  for (int round = 0; round < 300; ++round) {
    Items items;
    const int keys = 1 + pick(5);
    for (int key = 0; key < keys; ++key) {
      for (int verdict = v1::VERDICT_RECOVERED; verdict <= v1::VERDICT_INSUFFICIENT_DATA;
           ++verdict) {
        if (pick(3) > 0) {
          items = items + People(absl::StrCat(key), pick(30), static_cast<v1::Verdict>(verdict),
                                 static_cast<uint32_t>(1000 * key + 100 * verdict));
        }
      }
    }
    if (items.empty()) {
      continue;
    }
    const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
    const v1::SummaryRow all = AllOf(items);
    for (const v1::SummaryRow& row : rows) {
      for (const int count : {row.recovered(), row.reliably_improved(), row.no_reliable_change(),
                              row.reliably_deteriorated(), row.insufficient_data()}) {
        EXPECT_TRUE(count == 0 || count >= 11) << row.DebugString();
        shown += count > 0 ? 1 : 0;
      }
      left_out += !row.suppressed() && !row.has_recovered() ? 1 : 0;
    }
    if (rows.size() > 1 && !all.suppressed()) {
      ExpectNothingCanBeSubtracted(rows, all);
    }
  }
  EXPECT_GT(left_out, 20) << "the rule was at work";
  EXPECT_GT(shown, 100) << "and left something";
}

// People without a second value: they dropped out.
Items DropOuts(const std::string& key, int count, uint32_t first) {
  Items items = People(key, count, v1::VERDICT_INSUFFICIENT_DATA, first);
  for (KeyedItem& item : items) {
    item.item.values.reset();
  }
  return items;
}

// What a reader knows of a table, in unknowns: each row's four verdicts on change, insufficient
// data of those who completed, and who did not.
class Reader {
 public:
  static constexpr size_t kUnknowns = 6;

  explicit Reader(size_t rows) : size_(rows * kUnknowns) {}

  // The unknowns of a row add up to something that is shown.
  void Learn(std::vector<std::pair<size_t, size_t>> row_and_unknown) {
    std::vector<double> sum(size_, 0);
    for (const auto& [row, unknown] : row_and_unknown) {
      sum[row * kUnknowns + unknown] = 1;
    }
    equations_.push_back(std::move(sum));
  }
  // Whether a figure follows, each equation having been freed of the others' pivots.
  void Solve() {
    size_t done = 0;
    for (size_t column = 0; column < size_ && done < equations_.size(); ++column) {
      const auto pivot =
          std::find_if(equations_.begin() + static_cast<std::ptrdiff_t>(done), equations_.end(),
                       [&](const auto& equation) { return std::abs(equation[column]) > 1e-9; });
      if (pivot == equations_.end()) {
        continue;
      }
      std::swap(equations_[done], *pivot);
      const double by = equations_[done][column];
      for (double& coefficient : equations_[done]) {
        coefficient /= by;
      }
      for (size_t i = 0; i < equations_.size(); ++i) {
        const double times = equations_[i][column];
        for (size_t j = 0; i != done && std::abs(times) > 1e-9 && j < size_; ++j) {
          equations_[i][j] -= times * equations_[done][j];
        }
      }
      pivots_.push_back(column);
      ++done;
    }
  }
  bool Knows(size_t row, const std::vector<size_t>& unknowns) const {
    std::vector<double> wanted(size_, 0);
    for (const size_t unknown : unknowns) {
      wanted[row * kUnknowns + unknown] = 1;
    }
    for (size_t i = 0; i < pivots_.size(); ++i) {
      const double times = wanted[pivots_[i]];
      for (size_t j = 0; std::abs(times) > 1e-9 && j < size_; ++j) {
        wanted[j] -= times * equations_[i][j];
      }
    }
    return std::all_of(wanted.begin(), wanted.end(),
                       [](double left) { return std::abs(left) < 1e-9; });
  }

 private:
  size_t size_;
  std::vector<std::vector<double>> equations_;
  std::vector<size_t> pivots_;
};

using Table = std::vector<std::array<int, Reader::kUnknowns>>;

Items ItemsOf(const Table& table) {
  Items items;
  uint32_t first = 1;
  for (size_t row = 0; row < table.size(); ++row) {
    for (size_t i = 0; i < Reader::kUnknowns; ++i) {
      const std::string key = absl::StrCat(row);
      const int count = table[row][i];
      items = items + (i == 5 ? DropOuts(key, count, first)
                              : People(key, count, static_cast<v1::Verdict>(i + 1), first));
      first += static_cast<uint32_t>(count);
    }
  }
  return items;
}

// What both answers show, on the whole and by row; `judged`: everybody knows that the instrument
// has a threshold, so that who completed has a verdict on change.
Reader Read(const std::vector<v1::SummaryRow>& rows, const v1::SummaryRow& all, bool judged) {
  Reader reader(rows.size());
  const auto learn = [&](const v1::SummaryRow& row, const std::vector<size_t>& places) {
    const auto sum = [&](const std::vector<size_t>& unknowns) {
      std::vector<std::pair<size_t, size_t>> figures;
      for (const size_t place : places) {
        for (const size_t unknown : unknowns) {
          figures.emplace_back(place, unknown);
        }
      }
      reader.Learn(figures);
    };
    if (row.suppressed()) {
      return;
    }
    sum({0, 1, 2, 3, 4, 5});
    const std::vector<bool> shown = {row.has_recovered(), row.has_reliably_improved(),
                                     row.has_no_reliable_change(), row.has_reliably_deteriorated()};
    for (size_t i = 0; i < shown.size(); ++i) {
      if (shown[i]) {
        sum({i});
      }
    }
    if (row.has_insufficient_data()) {
      sum({4, 5});
    }
    if (row.has_completed() || row.has_effect_size()) {
      sum({5});
    }
  };
  std::vector<size_t> everywhere;
  for (size_t row = 0; row < rows.size(); ++row) {
    learn(rows[row], {row});
    everywhere.push_back(row);
    if (judged) {
      reader.Learn({{row, 4}});
    }
  }
  learn(all, everywhere);
  reader.Solve();
  return reader;
}

// How many counts are shown of a table that nobody may work a small one out of.
int ExpectNothingSmallIsKnown(const Table& table, bool judged) {
  const Items items = ItemsOf(table);
  if (items.empty()) {
    return 0;
  }
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  std::vector<size_t> places;  // of rows with anybody in them
  for (size_t row = 0; row < table.size(); ++row) {
    if (std::any_of(table[row].begin(), table[row].end(), [](int count) { return count > 0; })) {
      places.push_back(row);
    }
  }
  const Reader reader = Read(rows, AllOf(items), judged);
  int shown = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    const std::vector<std::vector<size_t>> counts = {
        {0}, {1}, {2}, {3}, {4}, {5}, {4, 5}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4, 5}};
    for (const std::vector<size_t>& unknowns : counts) {
      int count = 0;
      for (const size_t unknown : unknowns) {
        count += table[places[row]][unknown];
      }
      const bool known = reader.Knows(row, unknowns);
      EXPECT_FALSE(known && count > 0 && count < 11)
          << count << " in row " << row << ": " << rows[row].DebugString();
      shown += known && count > 0 ? 1 : 0;
    }
  }
  return shown;
}

// Insufficient data is what was not completed: either one gives the other away.
TEST(SummaryTest, VerdictsAndCompletionGiveNothingAwayTogether) {
  const Table table = {{3, 12, 12, 12, 0, 11}};
  ExpectNothingSmallIsKnown(table, /*judged=*/true);
  const auto rows = Summarize(ItemsOf(table), v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_FALSE(rows[0].has_recovered());
  EXPECT_TRUE(rows[0].has_reliably_improved());
  EXPECT_FALSE(rows[0].has_completed()) << "39 - 36 = 3";
  EXPECT_FALSE(rows[0].has_effect_size()) << "its n is what was completed";
}

TEST(SummaryTest, NoSumOfRowsAndColumnsGivesASmallCountAway) {
  std::mt19937 random(7);
  const auto pick = [&](int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random);
  };
  int shown = 0;
  for (int round = 0; round < 4000 && !::testing::Test::HasFailure(); ++round) {
    Table table(static_cast<size_t>(1 + pick(5)));
    const bool judged = pick(3) > 0;
    const int most = 2 + pick(40);
    for (auto& row : table) {
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = pick(5) < 3 && !(judged && i == 4) ? pick(most) : 0;
      }
    }
    shown += ExpectNothingSmallIsKnown(table, judged);
  }
  EXPECT_GT(shown, 4000) << "and something is left";
}

TEST(SummaryTest, WhoDroppedOutIsNotCountedWhenTheyAreFew) {
  Items items = People("a", 30, v1::VERDICT_RECOVERED);
  items[0].item.values.reset();
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_FALSE(rows[0].has_completed());
  EXPECT_FALSE(rows[0].has_completion_rate());
  EXPECT_FALSE(rows[0].has_effect_size()) << "its n would tell";
  EXPECT_EQ(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 0)[0].completed(), 29);
}

TEST(SummaryTest, WhoSeesEverybodySeesSmallGroups) {
  EXPECT_THAT(
      Suppressed(Summarize(People("a", 1, v1::VERDICT_RECOVERED), v1::DIRECTION_HIGHER_WORSE, 0)),
      IsEmpty());
}

TEST(SummaryTest, NeitherWayIsBetterWithoutADirection) {
  const auto rows =
      Summarize(People("a", 12, v1::VERDICT_INSUFFICIENT_DATA), v1::DIRECTION_NON_MONOTONE, 0);
  EXPECT_FALSE(rows[0].has_effect_size());
}

}  // namespace
}  // namespace securebase::outcomes
