#include "services/goals/rules/attainment.h"

#include <map>
#include <string>
#include <utility>

#include "services/goals/rules/lifecycle.h"
#include "services/goals/rules/progress.h"
#include "services/goals/rules/scores.h"

namespace securebase::goals {
namespace {

// Owner and informant: whose goals, in whose eyes.
using View = std::pair<std::string, std::string>;

void AddGas(const std::vector<const v1::Goal*>& goals, v1::Attainment& attainment) {
  std::map<View, v1::GasScore> scores;
  for (const v1::Goal* goal : goals) {
    for (const v1::InformantProgress& line : goal->progress()) {
      v1::GasScore& score = scores[{goal->owner(), InformantKey(line.informant())}];
      score.set_owner(goal->owner());
      *score.mutable_informant() = line.informant();
      v1::GasContribution& contribution = *score.add_contributions();
      contribution.set_goal(goal->name());
      contribution.set_level(line.latest().value());
      contribution.set_baseline_level(StartLevel(goal->gas()));
      contribution.set_weight(Weight(goal->gas()));
      *contribution.mutable_rating() = line.latest();
    }
  }
  for (auto& [view, score] : scores) {
    std::vector<WeightedLevel> levels;
    std::vector<WeightedLevel> start;
    for (const v1::GasContribution& contribution : score.contributions()) {
      levels.push_back({contribution.weight(), contribution.level()});
      start.push_back({contribution.weight(), contribution.baseline_level()});
    }
    const auto t = GasTScore(levels);
    const auto baseline = GasTScore(start);
    if (!t.ok() || !baseline.ok()) {
      continue;  // a stored weight or level was checked when it was written
    }
    score.set_t_score(*t);
    score.set_baseline_t_score(*baseline);
    score.set_change(*t - *baseline);
    for (const v1::Goal* goal : goals) {
      bool rated = goal->owner() != view.first;
      for (const v1::InformantProgress& line : goal->progress()) {
        rated = rated || InformantKey(line.informant()) == view.second;
      }
      if (!rated) {
        score.add_unrated_goals(goal->name());
      }
    }
    *attainment.add_gas_scores() = std::move(score);
  }
}

void AddGbo(const std::vector<const v1::Goal*>& goals, v1::Attainment& attainment) {
  std::map<View, std::vector<const v1::GboChange*>> views;
  for (const v1::Goal* goal : goals) {
    for (const v1::InformantProgress& line : goal->progress()) {
      v1::GboChange& change = *attainment.add_gbo_changes();
      change.set_goal(goal->name());
      change.set_owner(goal->owner());
      *change.mutable_informant() = line.informant();
      *change.mutable_baseline() = line.baseline();
      *change.mutable_latest() = line.latest();
      *change.mutable_change() = line.change();
    }
  }
  for (const v1::GboChange& change : attainment.gbo_changes()) {
    if (change.change().judgement() != v1::CHANGE_JUDGEMENT_INSUFFICIENT_DATA) {
      views[{change.owner(), InformantKey(change.informant())}].push_back(&change);
    }
  }
  for (const auto& [view, changes] : views) {
    double sum = 0;
    for (const v1::GboChange* change : changes) {
      sum += change->change().difference();
    }
    v1::GboMeanChange& mean = *attainment.add_gbo_mean_changes();
    mean.set_owner(view.first);
    *mean.mutable_informant() = changes.front()->informant();
    mean.set_goals(static_cast<int>(changes.size()));
    *mean.mutable_change() = JudgeGboChange(sum / static_cast<double>(changes.size()));
  }
}

}  // namespace

v1::Attainment SumUp(const std::vector<v1::Goal>& goals) {
  v1::Attainment attainment;
  std::vector<const v1::Goal*> gas;
  std::vector<const v1::Goal*> gbo;
  for (const v1::Goal& goal : goals) {
    if (!CountsInAttainment(goal.lifecycle_status())) {
      continue;
    }
    v1::GoalAttainment& summary = *attainment.add_goals();
    summary.set_goal(goal.name());
    summary.set_owner(goal.owner());
    summary.set_domain(goal.domain());
    summary.set_lifecycle_status(goal.lifecycle_status());
    if (goal.has_achievement()) {
      *summary.mutable_achievement() = goal.achievement();
    }
    if (goal.has_gas()) {
      gas.push_back(&goal);
    } else if (goal.has_gbo()) {
      gbo.push_back(&goal);
    }
  }
  AddGas(gas, attainment);
  AddGbo(gbo, attainment);
  return attainment;
}

}  // namespace securebase::goals
