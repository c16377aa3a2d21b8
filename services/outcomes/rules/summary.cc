#include "services/outcomes/rules/summary.h"

#include <algorithm>
#include <map>
#include <set>

#include "services/outcomes/rules/change.h"

namespace securebase::outcomes {
namespace {

struct Group {
  v1::SummaryRow row;
  std::set<std::string> persons;
  std::vector<double> before;
  std::vector<double> after;
  bool suppressed = false;
};

void Count(const SummaryItem& item, Group& group) {
  v1::SummaryRow& row = group.row;
  switch (item.verdict) {
    case v1::VERDICT_RECOVERED:
      row.set_recovered(row.recovered() + 1);
      break;
    case v1::VERDICT_RELIABLY_IMPROVED:
      row.set_reliably_improved(row.reliably_improved() + 1);
      break;
    case v1::VERDICT_NO_RELIABLE_CHANGE:
      row.set_no_reliable_change(row.no_reliable_change() + 1);
      break;
    case v1::VERDICT_RELIABLY_DETERIORATED:
      row.set_reliably_deteriorated(row.reliably_deteriorated() + 1);
      break;
    default:
      row.set_insufficient_data(row.insufficient_data() + 1);
  }
  row.set_count(row.count() + 1);
  group.persons.insert(item.person);
  if (item.values.has_value()) {
    row.set_completed(row.completed() + 1);
    group.before.push_back(item.values->first);
    group.after.push_back(item.values->second);
  }
}

void Finish(v1::Direction direction, Group& group) {
  v1::SummaryRow& row = group.row;
  row.set_completion_rate(static_cast<double>(row.completed()) / row.count());
  if (direction == v1::DIRECTION_NON_MONOTONE) {
    return;  // neither way is better
  }
  auto effect = ComputeEffectSize(group.before, group.after, direction);
  if (effect.ok()) {  // otherwise there are too few, or they are all the same
    *row.mutable_effect_size() = *std::move(effect);
  }
}

void Suppress(size_t smallest_group, std::vector<Group*>& groups) {
  std::vector<Group*> by_size = groups;
  std::stable_sort(by_size.begin(), by_size.end(), [](const Group* a, const Group* b) {
    return a->persons.size() < b->persons.size();
  });
  std::set<std::string> hidden;
  for (Group* group : by_size) {
    const bool complement = !hidden.empty() && hidden.size() < smallest_group;
    if (group->persons.size() < smallest_group || complement) {
      group->suppressed = true;
      hidden.insert(group->persons.begin(), group->persons.end());
    }
  }
}

}  // namespace

std::vector<v1::SummaryRow> Summarize(const std::vector<SummaryItem>& items,
                                      v1::Direction direction, int smallest_group) {
  std::map<std::string, Group> groups;
  for (const SummaryItem& item : items) {
    for (const std::string& key : item.keys) {
      groups[key].row.set_key(key);
      Count(item, groups[key]);
    }
  }
  std::vector<Group*> all;
  all.reserve(groups.size());
  for (auto& [key, group] : groups) {
    all.push_back(&group);
  }
  Suppress(static_cast<size_t>(std::max(0, smallest_group)), all);
  std::vector<v1::SummaryRow> rows;
  for (Group* group : all) {
    if (group->suppressed) {
      v1::SummaryRow& row = rows.emplace_back();
      row.set_key(group->row.key());
      row.set_suppressed(true);
      continue;
    }
    Finish(direction, *group);
    rows.push_back(std::move(group->row));
  }
  return rows;
}

}  // namespace securebase::outcomes
