// A second scorer, written from the published keys without the definitions: both must agree on
// random answers, complete and with gaps, for every instrument of the catalogue.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "gtest/gtest.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using testing::Form;
using Value = std::optional<double>;
using Scales = std::map<std::string, Value>;

// Items are numbered from 1, as on the forms.
struct Key {
  std::vector<int> items;
  std::set<int> reversed;
  int top_plus_bottom;  // a reversed answer is this minus the answer
};

std::vector<double> Keyed(const Form& form, const Key& key) {
  std::vector<double> values;
  for (const int item : key.items) {
    if (form[item - 1].has_value()) {
      values.push_back(key.reversed.count(item) > 0 ? key.top_plus_bottom - *form[item - 1]
                                                    : *form[item - 1]);
    }
  }
  return values;
}

double Average(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// The average, if no more than `allowed` items are missing.
Value MeanOf(const Form& form, const Key& key, size_t allowed) {
  const std::vector<double> values = Keyed(form, key);
  if (values.empty() || values.size() + allowed < key.items.size()) {
    return std::nullopt;
  }
  return Average(values);
}

Value Times(Value value, double factor) {
  return value.has_value() ? Value(*value * factor) : std::nullopt;
}

std::vector<int> Range(int first, int last) {
  std::vector<int> items;
  for (int i = first; i <= last; ++i) {
    items.push_back(i);
  }
  return items;
}

std::vector<int> Without(std::vector<int> items, const std::set<int>& left_out) {
  items.erase(std::remove_if(items.begin(), items.end(),
                             [&](int item) { return left_out.count(item) > 0; }),
              items.end());
  return items;
}

Scales Phq9(const Form& form) {
  return {{"total", Times(MeanOf(form, {Range(1, 9), {}, 3}, 2), 9)}};
}

Scales Core10(const Form& form) {
  return {{"total", Times(MeanOf(form, {Range(1, 10), {2, 3}, 4}, 1), 10)}};
}

Scales CoreOm(const Form& form) {
  const std::set<int> reversed = {3, 4, 7, 12, 19, 21, 31, 32};
  const std::set<int> risk = {6, 9, 16, 22, 24, 34};
  const auto clinical = [&](const std::vector<int>& items, size_t allowed) {
    return Times(MeanOf(form, {items, reversed, 4}, allowed), 10);
  };
  return {{"W", clinical({4, 14, 17, 31}, 0)},
          {"P", clinical({2, 5, 8, 11, 13, 15, 18, 20, 23, 27, 28, 30}, 1)},
          {"F", clinical({1, 3, 7, 10, 12, 19, 21, 25, 26, 29, 32, 33}, 1)},
          {"R", clinical({6, 9, 16, 22, 24, 34}, 0)},
          {"non_risk", clinical(Without(Range(1, 34), risk), 3)},
          {"total", clinical(Range(1, 34), 3)}};
}

Scales Sdq(const Form& form) {
  const std::set<int> reversed = {7, 11, 14, 21, 25};
  const auto scale = [&](const std::vector<int>& items) -> Value {
    const Value mean = MeanOf(form, {items, reversed, 2}, 2);
    return mean.has_value() ? Value(std::round(*mean * 5)) : std::nullopt;
  };
  Scales scales = {{"emotional", scale({3, 8, 13, 16, 24})},
                   {"conduct", scale({5, 7, 12, 18, 22})},
                   {"hyperactivity", scale({2, 10, 15, 21, 25})},
                   {"peer", scale({6, 11, 14, 19, 23})},
                   {"prosocial", scale({1, 4, 9, 17, 20})}};
  Value total = 0;
  for (const char* part : {"emotional", "conduct", "hyperactivity", "peer"}) {
    total = total.has_value() && scales[part].has_value() ? Value(*total + *scales[part])
                                                          : std::nullopt;
  }
  scales["total"] = total;
  return scales;
}

// Fonagy et al. 2016: strong disagreement scores for certainty, strong agreement for uncertainty;
// item 7 is keyed the other way.
Scales Rfq8(const Form& form) {
  const auto recoded = [&](const std::vector<int>& items,
                           const std::function<double(int, int)>& recode) -> Value {
    double sum = 0;
    for (const int item : items) {
      if (!form[item - 1].has_value()) {
        return std::nullopt;
      }
      sum += recode(item, *form[item - 1]);
    }
    return sum / 6;
  };
  const auto disagree = [](int answer) { return std::max(0, 4 - answer); };
  const auto agree = [](int answer) { return std::max(0, answer - 4); };
  return {{"rfq_c", recoded({1, 2, 3, 4, 5, 6}, [&](int, int answer) { return disagree(answer); })},
          {"rfq_u", recoded({2, 4, 5, 6, 7, 8}, [&](int item, int answer) {
             return item == 7 ? disagree(answer) : agree(answer);
           })}};
}

Scales Rq(const Form& form) {
  const auto& secure = form[0];
  const auto& fearful = form[1];
  const auto& preoccupied = form[2];
  const auto& dismissing = form[3];
  const auto single = [](const std::optional<int>& answer) {
    return answer.has_value() ? Value(*answer) : std::nullopt;
  };
  Scales scales = {{"secure", single(secure)},
                   {"fearful", single(fearful)},
                   {"preoccupied", single(preoccupied)},
                   {"dismissing", single(dismissing)},
                   {"model_of_self", std::nullopt},
                   {"model_of_other", std::nullopt},
                   {"anxiety", std::nullopt},
                   {"avoidance", std::nullopt}};
  if (secure && fearful && preoccupied && dismissing) {
    const double self = (*secure + *dismissing) - (*preoccupied + *fearful);
    const double other = (*secure + *preoccupied) - (*dismissing + *fearful);
    scales["model_of_self"] = self;
    scales["model_of_other"] = other;
    scales["anxiety"] = -self;
    scales["avoidance"] = -other;
  }
  return scales;
}

Scales EcrR(const Form& form) {
  return {{"anxiety", MeanOf(form, {Range(1, 18), {9, 11}, 8}, 0)},
          {"avoidance",
           MeanOf(form, {Range(19, 36), {20, 22, 26, 27, 28, 29, 30, 31, 33, 34, 35, 36}, 8}, 0)}};
}

Scales Brs(const Form& form) { return {{"total", MeanOf(form, {Range(1, 6), {2, 4, 6}, 6}, 1)}}; }

Scales Rses(const Form& form) {
  return {{"total", Times(MeanOf(form, {Range(1, 10), {2, 5, 6, 8, 9}, 3}, 0), 10)}};
}

Scales Ders36(const Form& form) {
  const std::set<int> reversed = {1, 2, 6, 7, 8, 10, 17, 20, 22, 24, 34};
  const auto sum = [&](const std::vector<int>& items) {
    return Times(MeanOf(form, {items, reversed, 6}, 0), static_cast<double>(items.size()));
  };
  return {{"nonacceptance", sum({11, 12, 21, 23, 25, 29})},
          {"goals", sum({13, 18, 20, 26, 33})},
          {"impulse", sum({3, 14, 19, 24, 27, 32})},
          {"awareness", sum({2, 6, 8, 10, 17, 34})},
          {"strategies", sum({15, 16, 22, 28, 30, 31, 35, 36})},
          {"clarity", sum({1, 4, 5, 7, 9})},
          {"total", sum(Range(1, 36))}};
}

// The other instruments add up or average their items, all of them answered.
struct PlainScale {
  std::string id;
  std::vector<int> items;
  bool is_mean = false;
  double factor = 1;
};
struct PlainKey {
  std::set<int> reversed;
  int top_plus_bottom;
  std::vector<PlainScale> scales;
};

std::function<Scales(const Form&)> Plain(const PlainKey& key) {
  return [key](const Form& form) {
    Scales scales;
    for (const PlainScale& scale : key.scales) {
      const double size = static_cast<double>(scale.items.size());
      scales[scale.id] = Times(MeanOf(form, {scale.items, key.reversed, key.top_plus_bottom}, 0),
                               scale.factor * (scale.is_mean ? 1 : size));
    }
    return scales;
  };
}

std::function<Scales(const Form&)> Sum(int items, const std::set<int>& reversed = {},
                                       int top_plus_bottom = 0, double factor = 1) {
  return Plain({reversed, top_plus_bottom, {{"total", Range(1, items), false, factor}}});
}

std::function<Scales(const Form&)> Mean(int items, const std::set<int>& reversed = {},
                                        int top_plus_bottom = 0) {
  return Plain({reversed, top_plus_bottom, {{"total", Range(1, items), true}}});
}

// From the keys as published; items as numbered on the form. The ITQ's are P1 to P9, then C1 to C9.
std::map<std::string, std::function<Scales(const Form&)>> PlainScorers() {
  return {
      {"ace-10", Sum(10)},
      {"bpses", Sum(5)},
      {"csi-16", Sum(16)},
      {"csi-4", Sum(4)},
      {"dar-5", Sum(5)},
      {"gad-2", Sum(2)},
      {"gad-7", Sum(7)},
      {"k10", Sum(10)},
      {"k6", Sum(6)},
      {"kpcs", Sum(15)},
      {"phq-2", Sum(2)},
      {"who-5", Sum(5, {}, 0, 4)},
      {"parental-stress", Sum(18, {1, 2, 5, 6, 7, 8, 17, 18}, 6)},
      {"maas", Mean(15)},
      {"ras", Mean(7, {4, 7}, 6)},
      {"ders-16", Plain({{},
                         0,
                         {{"clarity", {1, 2}},
                          {"goals", {3, 7, 15}},
                          {"impulse", {4, 8, 11}},
                          {"strategies", {5, 6, 12, 14, 16}},
                          {"nonacceptance", {9, 10, 13}},
                          {"total", Range(1, 16)}}})},
      {"ders-18", Plain({{1, 4, 6},
                         6,
                         {{"awareness", {1, 4, 6}},
                          {"clarity", {2, 3, 5}},
                          {"goals", {8, 12, 15}},
                          {"impulse", {9, 16, 18}},
                          {"nonacceptance", {7, 13, 14}},
                          {"strategies", {10, 11, 17}},
                          {"total", Range(1, 18)}}})},
      {"ecr-rs",
       Plain({{1, 2, 3, 4}, 8, {{"avoidance", Range(1, 6), true}, {"anxiety", {7, 8, 9}, true}}})},
      {"ecr-s", Plain({{1, 5, 8, 9},
                       8,
                       {{"anxiety", {2, 4, 6, 8, 10, 12}}, {"avoidance", {1, 3, 5, 7, 9, 11}}}})},
      {"ffmq-15", Plain({{3, 4, 7, 8, 9, 13, 14},
                         6,
                         {{"observing", {1, 6, 11}},
                          {"describing", {2, 7, 12}},
                          {"awareness", {3, 8, 13}},
                          {"nonjudging", {4, 9, 14}},
                          {"nonreactivity", {5, 10, 15}},
                          {"total", Range(1, 15)}}})},
      {"itq", Plain({{},
                     0,
                     {{"ptsd_sum", Range(1, 6)},
                      {"dso_sum", Range(10, 15)},
                      {"total", {1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15}}}})},
      {"pcl-5", Plain({{},
                       0,
                       {{"B", Range(1, 5)},
                        {"C", {6, 7}},
                        {"D", Range(8, 14)},
                        {"E", Range(15, 20)},
                        {"total", Range(1, 20)}}})},
      {"prfq", Plain({{11, 18},
                      8,
                      {{"pm", {1, 4, 7, 10, 13, 16}, true},
                       {"cms", {2, 5, 8, 11, 14, 17}, true},
                       {"ic", {3, 6, 9, 12, 15, 18}, true}}})},
      {"pss-10", Plain({{4, 5, 7, 8},
                        4,
                        {{"helplessness", {1, 2, 3, 6, 9, 10}},
                         {"self_efficacy", {4, 5, 7, 8}},
                         {"total", Range(1, 10)}}})},
      {"raas", Plain({{2, 7, 8, 13, 16, 17, 18},
                      6,
                      {{"close", {1, 6, 8, 12, 13, 17}, true},
                       {"depend", {2, 5, 7, 14, 16, 18}, true},
                       {"anxiety", {3, 4, 9, 10, 11, 15}, true}}})},
      {"rdas", Plain({{},
                      0,
                      {{"consensus", Range(1, 6)},
                       {"satisfaction", Range(7, 10)},
                       {"cohesion", Range(11, 14)},
                       {"total", Range(1, 14)}}})},
      {"wai-sr", Plain({{},
                        0,
                        {{"task", {1, 2, 10, 12}},
                         {"goal", {4, 6, 8, 11}},
                         {"bond", {3, 5, 7, 9}},
                         {"total", Range(1, 12)}}})}};
}

TEST(SecondScorerTest, BothAgreeOnRandomAnswers) {
  std::map<std::string, std::function<Scales(const Form&)>> scorers = {
      {"phq-9", Phq9}, {"core-10", Core10}, {"core-om", CoreOm}, {"sdq", Sdq},
      {"rfq-8", Rfq8}, {"rq", Rq},          {"ecr-r", EcrR},     {"brs", Brs},
      {"rses", Rses},  {"ders-36", Ders36}};
  scorers.merge(PlainScorers());
  for (const v1::InstrumentDefinition* definition : testing::BuiltIn().Newest()) {
    ASSERT_EQ(scorers.count(definition->id()), 1u) << definition->id() << " has one scorer only";
  }
  std::mt19937 random(20);
  int scored = 0;
  int unscored = 0;
  for (const auto& [id, scorer] : scorers) {
    const v1::InstrumentDefinition& definition = testing::Instrument(id);
    for (int round = 0; round < 400; ++round) {
      const Form form = testing::RandomForm(definition, round % 5 * 3, random);
      const Scales expected = scorer(form);
      const v1::ScoringResult result = testing::ScoreForm(id, form);
      ASSERT_EQ(expected.size(), static_cast<size_t>(result.scales_size())) << id;
      for (const v1::ScaleScore& score : result.scales()) {
        const Value value = expected.at(score.id());
        ASSERT_EQ(score.has_value(), value.has_value()) << id << " " << score.id();
        if (value.has_value()) {
          ++scored;
          ASSERT_NEAR(score.value(), *value, 1e-9) << id << " " << score.id();
        } else {
          ++unscored;
        }
      }
    }
  }
  // Both branches were exercised.
  EXPECT_GT(scored, 2000);
  EXPECT_GT(unscored, 2000);
}

}  // namespace
}  // namespace securebase::outcomes
