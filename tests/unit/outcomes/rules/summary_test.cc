#include "services/outcomes/rules/summary.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

namespace securebase::outcomes {
namespace {

std::vector<SummaryItem> People(const std::string& key, int count, v1::Verdict verdict) {
  std::vector<SummaryItem> items;
  for (int i = 0; i < count; ++i) {
    SummaryItem item;
    item.keys = {key};
    item.person = absl::StrCat(key, i);
    item.verdict = verdict;
    item.values = {20 + i % 3, 10};
    items.push_back(item);
  }
  return items;
}

std::vector<SummaryItem> operator+(std::vector<SummaryItem> a, const std::vector<SummaryItem>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
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
  std::vector<SummaryItem> items =
      People("", 6, v1::VERDICT_RECOVERED) + People("", 3, v1::VERDICT_RELIABLY_DETERIORATED);
  items.emplace_back().keys = {""};
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
                     People("b", 20, v1::VERDICT_RECOVERED) +
                     People("c", 12, v1::VERDICT_RECOVERED);
  const auto rows = Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11);
  EXPECT_THAT(Suppressed(rows), ElementsAre("a", "c"));
  EXPECT_EQ(rows[0].count(), 0);
  EXPECT_FALSE(rows[0].has_effect_size());
  EXPECT_EQ(rows[1].count(), 20);
}

TEST(SummaryTest, TwoSmallGroupsThatAreEnoughTogetherNeedNoThird) {
  const auto items = People("a", 6, v1::VERDICT_RECOVERED) + People("b", 7, v1::VERDICT_RECOVERED) +
                     People("c", 12, v1::VERDICT_RECOVERED);
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), ElementsAre("a", "b"));
}

TEST(SummaryTest, AGroupIsCountedInPersonsNotInSeries) {
  std::vector<SummaryItem> items = People("a", 11, v1::VERDICT_RECOVERED);
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), IsEmpty());
  items.back().person = items.front().person;
  EXPECT_THAT(Suppressed(Summarize(items, v1::DIRECTION_HIGHER_WORSE, 11)), ElementsAre("a"));
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
