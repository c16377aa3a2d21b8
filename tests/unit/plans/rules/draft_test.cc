#include "services/plans/rules/draft.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/plans/rules/content.h"
#include "services/platform/base/resource_name.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans::rules {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::HasViolation;
using ::testing::IsEmpty;
using ::testing::Not;

class DraftTest : public ::testing::Test {
 protected:
  DraftTest() : library_(*PlanLibrary::LoadBuiltIn()) {
    adult_.name = "practices/p1/episodes/e1";
    adult_.population = v1::POPULATION_ADULT;
    adult_.problems = {"depression"};
    adult_.members = {{"a", MemberRole::kClient, false, false, {}}};
    couple_.name = "practices/p1/episodes/e2";
    couple_.population = v1::POPULATION_COUPLE;
    couple_.problems = {"couple"};
    couple_.members = {{"a", MemberRole::kPartner, false, false, {}},
                       {"b", MemberRole::kPartner, false, false, {}},
                       {"teacher", MemberRole::kObserver, false, false, {}}};
    dyad_.name = "practices/p1/episodes/e3";
    dyad_.population = v1::POPULATION_CAREGIVER_CHILD;
    dyad_.problems = {"parenting"};
    dyad_.members = {{"mother", MemberRole::kCaregiver, false, false, {}},
                     {"father", MemberRole::kCaregiver, false, false, {}},
                     {"child", MemberRole::kChild, true, false, {"mother"}}};
  }

  v1::PlanContent Draft(const Episode& episode, const v1::DraftBasis& basis = {}) const {
    const auto content = DraftContent(library_, episode, basis, "basis");
    EXPECT_OK(content);
    return content.value_or(v1::PlanContent());
  }

  // instrument/subject -> measure
  static std::map<std::string, v1::PlannedMeasure> MeasuresOf(const v1::PlanContent& content) {
    std::map<std::string, v1::PlannedMeasure> measures;
    for (const v1::PlannedMeasure& measure : content.measures()) {
      measures[absl::StrCat(LastId(measure.instrument()), "/", measure.subject())] = measure;
    }
    return measures;
  }
  static std::vector<std::string> TechniquesOf(const v1::PlanContent& content) {
    std::vector<std::string> codes;
    for (const v1::PlannedTechnique& technique : content.techniques()) {
      codes.push_back(LastId(technique.technique()));
    }
    return codes;
  }
  static v1::DraftBasis WithScore(const std::string& instrument, const std::string& scale,
                                  double value) {
    v1::DraftBasis basis;
    v1::Score& score = *basis.add_scores();
    score.set_participant("a");
    score.set_instrument(instrument);
    score.set_scale(scale);
    score.set_value(value);
    return basis;
  }

  const PlanLibrary library_;
  Episode adult_;
  Episode couple_;
  Episode dyad_;
};

TEST_F(DraftTest, EveryElementSaysWhyItIsThere) {
  const v1::PlanContent content = Draft(adult_);
  ASSERT_GT(content.goals_size(), 0);
  for (const v1::PlannedGoal& goal : content.goals()) {
    EXPECT_EQ(goal.rule(), "depression/adult");
    EXPECT_THAT(goal.rationale(), HasSubstr("House rule"));
  }
  for (const v1::PlannedTechnique& technique : content.techniques()) {
    EXPECT_THAT(technique.rationale(), Not(IsEmpty()));
  }
  for (const v1::PlannedMeasure& measure : content.measures()) {
    EXPECT_THAT(measure.rationale(), Not(IsEmpty()));
  }
}

TEST_F(DraftTest, ReadsAsWritten) {
  v1::DraftBasis basis = WithScore("phq-9", "total", 14);
  std::string text;
  for (const Episode* episode : {&adult_, &couple_, &dyad_}) {
    const v1::PlanContent content = Draft(*episode, episode == &adult_ ? basis : v1::DraftBasis());
    absl::StrAppend(&text, "# ", episode->problems[0], "\n", content.DebugString(), "\n");
  }
  testing::ExpectGolden("plan_drafts.txt", text);
}

TEST_F(DraftTest, IsContentThatAPlanMayHave) {
  for (const Episode* episode : {&adult_, &couple_, &dyad_}) {
    EXPECT_THAT(
        CheckContent(
            Draft(*episode), *episode,
            [&](absl::string_view name) { return library_.FindTechnique(LastId(name)) != nullptr; },
            ""),
        IsEmpty());
  }
}

// Whatever the library proposes must fit the fields it is put into.
TEST_F(DraftTest, RationalesFitTheirField) {
  for (const v1::LibraryEntry& entry : library_.data().entries()) {
    EXPECT_LE(entry.title().size() + entry.source().size() + 80, 500U) << entry.id();
  }
  for (const v1::SuggestionRule& rule : library_.data().rules()) {
    EXPECT_LE(rule.reason().size() + rule.source().size() + 10, 500U) << rule.id();
  }
}

TEST_F(DraftTest, PartnersAnswerAboutThemselvesAndObserversDoNot) {
  const auto measures = MeasuresOf(Draft(couple_));
  EXPECT_EQ(measures.at("csi-16/a").informants(0), "a");
  EXPECT_EQ(measures.at("csi-16/b").informants(0), "b");
  EXPECT_EQ(measures.at("ecr-rs/a").relationship_target(), "partner");
  EXPECT_EQ(measures.count("csi-16/teacher"), 0U);
}

TEST_F(DraftTest, CaregiversAnswerAboutThemselvesAndTheChild) {
  const auto measures = MeasuresOf(Draft(dyad_));
  EXPECT_EQ(measures.at("parental-stress/mother").informants(0), "mother");
  EXPECT_EQ(measures.count("parental-stress/child"), 0U);
  // Their age limits are the child's.
  for (const char* about_the_child : {"sdq", "prfq", "kpcs"}) {
    EXPECT_EQ(measures.at(absl::StrCat(about_the_child, "/child")).informants_size(), 2);
    EXPECT_EQ(measures.count(absl::StrCat(about_the_child, "/mother")), 0U);
  }
  EXPECT_EQ(measures.count("bpses/mother"), 0U);
  v1::DraftBasis basis;
  basis.add_preferred_instruments("bpses");
  EXPECT_EQ(MeasuresOf(Draft(dyad_, basis)).at("bpses/mother").informants(0), "mother");
}

// The other partner has no such score, and need not learn of it.
TEST_F(DraftTest, AScoreProposesMeasuresForItsParticipantAlone) {
  v1::DraftBasis basis = WithScore("who-5", "total", 40);
  const auto measures = MeasuresOf(Draft(couple_, basis));
  EXPECT_EQ(measures.at("phq-9/a").rule(), "who-5-low");
  EXPECT_EQ(measures.count("phq-9/b"), 0U);
  v1::Score& other = *basis.add_scores();
  other = basis.scores(0);
  other.set_participant("b");
  EXPECT_EQ(MeasuresOf(Draft(couple_, basis)).count("phq-9/b"), 1U);
}

TEST_F(DraftTest, ThePracticeChoosesAmongInstrumentsAndPermitsTheAlliance) {
  v1::DraftBasis basis;
  basis.add_problems("trauma-abuse");
  auto measures = MeasuresOf(Draft(adult_, basis));
  EXPECT_EQ(measures.count("pcl-5/a"), 1U);
  EXPECT_EQ(measures.count("itq/a"), 0U);
  EXPECT_EQ(measures.count("wai-sr/a"), 0U);
  basis.add_preferred_instruments("itq");
  basis.add_preferred_instruments("wai-sr");
  measures = MeasuresOf(Draft(adult_, basis));
  EXPECT_EQ(measures.count("pcl-5/a"), 0U);
  EXPECT_EQ(measures.count("itq/a"), 1U);
  EXPECT_EQ(measures.at("wai-sr/a").rule(), "alliance");
}

TEST_F(DraftTest, ScoresProposeFromTheirThresholdOn) {
  adult_.problems = {"personal-growth"};
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("phq-9", "total", 9.9))).count("phq-9/a"), 0U);
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("phq-9", "total", 10))).at("phq-9/a").rule(),
            "phq-9-caseness");
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("who-5", "total", 50))).count("phq-9/a"), 1U);
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("who-5", "total", 51))).count("phq-9/a"), 0U);
  EXPECT_THAT(TechniquesOf(Draft(couple_, WithScore("ecr-r", "anxiety", 4.5))),
              Contains("emotion-regulation"));
  EXPECT_THAT(TechniquesOf(Draft(couple_, WithScore("ecr-r", "anxiety", 4.4))),
              Not(Contains("emotion-regulation")));
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("csi-16", "total", 51.5))).count("csi-16/a"), 0U);
  EXPECT_EQ(MeasuresOf(Draft(adult_, WithScore("csi-16", "total", 51))).count("csi-16/a"), 1U);
}

TEST_F(DraftTest, WhatSeveralProposeIsThereOnceWithTheShortestCadence) {
  v1::DraftBasis basis = WithScore("phq-9", "total", 20);
  basis.add_problems("loss");  // phq-9 every 2 weeks
  const v1::PlanContent content = Draft(adult_, basis);
  const auto measures = MeasuresOf(content);
  EXPECT_EQ(measures.at("phq-9/a").cadence_weeks(), 1);
  EXPECT_EQ(measures.at("phq-9/a").rule(), "loss/adult");
  EXPECT_EQ(static_cast<size_t>(content.measures_size()), measures.size());
}

TEST_F(DraftTest, SaysWhatItCannotDraftFrom) {
  Episode family = dyad_;
  family.population = v1::POPULATION_UNSPECIFIED;
  EXPECT_THAT(DraftContent(library_, family, {}, "basis"), HasViolation("basis.population"));
  adult_.problems.clear();
  EXPECT_THAT(DraftContent(library_, adult_, {}, ""), HasViolation("problems"));
  v1::DraftBasis basis = WithScore("phq-9", "total", 1);
  basis.mutable_scores(0)->set_participant("nobody");
  basis.add_problems("depression");
  basis.add_problems("unheard-of");
  const auto content = DraftContent(library_, adult_, basis, "basis");
  EXPECT_THAT(content, HasViolation("basis.problems[1]"));
  EXPECT_THAT(content, HasViolation("basis.scores[0].participant"));
}

}  // namespace
}  // namespace securebase::plans::rules
