#include "services/outcomes/rules/summary.h"

#include <random>
#include <string>
#include <utility>

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
  for (const KeyedItem& item : items) {
    groups[item.key].Add(item.item);
  }
  return Summarize(groups, direction, smallest_group);
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
      ASSERT_EQ(Summarize(groups, v1::DIRECTION_HIGHER_WORSE, 0)[0].SerializeAsString(),
                Summarize(afresh, v1::DIRECTION_HIGHER_WORSE, 0)[0].SerializeAsString())
          << step;
    }
  }
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
