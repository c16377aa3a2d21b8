// What the rules of plans cost: the guard on the longest summary, a draft from the library, and the
// comparison of two revisions.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "services/plans/rules/compare.h"
#include "services/plans/rules/draft.h"
#include "services/plans/rules/guard.h"
#include "services/plans/rules/library.h"

namespace securebase::plans::rules {
namespace {

template <typename T>
T Require(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

Episode Couple() {
  Episode episode;
  episode.name = "practices/p1/episodes/e1";
  episode.population = v1::POPULATION_COUPLE;
  episode.problems = {"couple"};
  episode.members = {{"ann", MemberRole::kPartner, false, false, {}},
                     {"bob", MemberRole::kPartner, false, false, {}}};
  return episode;
}

void GuardOnTheLongestSummary(benchmark::State& state) {
  const PlanLibrary library = Require(PlanLibrary::LoadBuiltIn());
  const std::string sentence = "They argue about money and withdraw, holding on to each other. ";
  std::string summary;
  while (summary.size() + sentence.size() <= 2000) {
    summary += sentence;
  }
  for (auto unused : state) {
    benchmark::DoNotOptimize(library.guard().Find(summary));
  }
}

void Draft(benchmark::State& state) {
  const PlanLibrary library = Require(PlanLibrary::LoadBuiltIn());
  const Episode episode = Couple();
  for (auto unused : state) {
    benchmark::DoNotOptimize(Require(DraftContent(library, episode, {}, "")));
  }
}

void Compare(benchmark::State& state) {
  const PlanLibrary library = Require(PlanLibrary::LoadBuiltIn());
  const v1::PlanContent before = Require(DraftContent(library, Couple(), {}, ""));
  v1::PlanContent after = before;
  after.set_summary("Another understanding.");
  after.mutable_measures()->RemoveLast();
  for (auto unused : state) {
    benchmark::DoNotOptimize(CompareMessages(before, after, "content"));
  }
}

BENCHMARK(GuardOnTheLongestSummary)->Unit(benchmark::kMicrosecond);
BENCHMARK(Draft)->Unit(benchmark::kMicrosecond);
BENCHMARK(Compare)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace securebase::plans::rules
