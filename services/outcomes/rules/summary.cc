#include "services/outcomes/rules/summary.h"

#include <algorithm>
#include <set>

namespace securebase::outcomes {
namespace {

using Groups = std::map<std::string, SummaryGroup>;

void CountVerdict(v1::Verdict verdict, int sign, v1::SummaryRow& row) {
  switch (verdict) {
    case v1::VERDICT_RECOVERED:
      row.set_recovered(row.recovered() + sign);
      break;
    case v1::VERDICT_RELIABLY_IMPROVED:
      row.set_reliably_improved(row.reliably_improved() + sign);
      break;
    case v1::VERDICT_NO_RELIABLE_CHANGE:
      row.set_no_reliable_change(row.no_reliable_change() + sign);
      break;
    case v1::VERDICT_RELIABLY_DETERIORATED:
      row.set_reliably_deteriorated(row.reliably_deteriorated() + sign);
      break;
    default:
      row.set_insufficient_data(row.insufficient_data() + sign);
  }
  row.set_count(row.count() + sign);
}

void Finish(v1::Direction direction, const PairSums& values, v1::SummaryRow& row) {
  row.set_completion_rate(static_cast<double>(row.completed()) / row.count());
  if (direction == v1::DIRECTION_NON_MONOTONE) {
    return;  // neither way is better
  }
  auto effect = ComputeEffectSize(values, direction);
  if (effect.ok()) {  // otherwise there are too few, or they are all the same
    *row.mutable_effect_size() = *std::move(effect);
  }
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
  CountVerdict(item.verdict, 1, counts_);
  if (item.person.has_value() && !persons_.insert(*item.person).second) {
    ++more_[*item.person];
  }
  if (item.values.has_value()) {
    counts_.set_completed(counts_.completed() + 1);
    values_.Add(item.values->first, item.values->second);
  }
}

void SummaryGroup::Remove(const SummaryItem& item) {
  CountVerdict(item.verdict, -1, counts_);
  if (item.person.has_value()) {
    const auto more = more_.find(*item.person);
    if (more == more_.end()) {
      persons_.erase(*item.person);
    } else if (--more->second == 0) {
      more_.erase(more);
    }
  }
  if (item.values.has_value()) {
    counts_.set_completed(counts_.completed() - 1);
    values_.Remove(item.values->first, item.values->second);
  }
}

std::vector<v1::SummaryRow> Summarize(const Groups& groups, v1::Direction direction,
                                      int smallest_group) {
  const std::set<std::string> suppressed =
      FindSuppressed(groups, static_cast<size_t>(std::max(0, smallest_group)));
  std::vector<v1::SummaryRow> rows;
  rows.reserve(groups.size());
  for (const auto& [key, group] : groups) {
    v1::SummaryRow& row = rows.emplace_back();
    if (suppressed.count(key) > 0) {
      row.set_suppressed(true);
    } else {
      row = group.counts();
      Finish(direction, group.values(), row);
    }
    row.set_key(key);
  }
  return rows;
}

}  // namespace securebase::outcomes
