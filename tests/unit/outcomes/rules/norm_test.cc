#include "services/outcomes/rules/norm.h"

#include <functional>

#include "gmock/gmock.h"
#include "services/outcomes/rules/publication.h"
#include "services/platform/base/resource_name.h"
#include "tests/unit/episodes/builders.h"
#include "tests/unit/outcomes/own_definition.h"
#include "tests/unit/outcomes/rules/rules_testing.h"

namespace securebase::outcomes {
namespace {

using episodes::testing::FromText;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Instrument;
using ::testing::IsEmpty;
using ::testing::Pointee;
using ::testing::Property;
using ::testing::SizeIs;

v1::Norm OwnFigures() {
  return FromText<v1::Norm>(R"pb(
    name: "practices/p1/norms/our-clinic"
    instrument: "practices/p1/instruments/own-closeness"
    instrument_version: 1
    scale: "total"
    confidence_level: 95
    cut_off_method: CUT_OFF_METHOD_A
    inputs { sd: 3 reliability: 0.9 mean_clinical: 10 sd_clinical: 2 source: "report 3" }
    sample_size: 120
    population: "adults at intake"
    source: "report 3"
    confidence: CONFIDENCE_MEDIUM)pb");
}

std::vector<FieldViolation> With(const std::function<void(v1::Norm&)>& change) {
  v1::Norm norm = OwnFigures();
  change(norm);
  return CheckNorm(testing::OwnDefinition(), LastId(norm.name()), norm);
}

TEST(CheckNormTest, TakesWhatIsWellFounded) {
  EXPECT_THAT(With([](auto&) {}), IsEmpty());
  EXPECT_THAT(With([](auto& norm) {
                norm.clear_inputs();
                norm.clear_cut_off_method();
                norm.set_confidence_level(0);
                norm.set_threshold(4);
                norm.set_comparator(v1::COMPARATOR_AT_LEAST);
                norm.mutable_cut_off()->set_value(8);
                norm.mutable_cut_off()->set_clinical(v1::COMPARATOR_AT_LEAST);
              }),
              IsEmpty());
}

TEST(CheckNormTest, EveryWrongFigureIsRefusedWithItsPlace) {
  using N = v1::Norm;
  const std::vector<std::pair<std::function<void(N&)>, std::string>> mutations = {
      {[](N& n) { n.set_scale("other"); }, "scale"},
      {[](N& n) { n.clear_confidence(); }, "confidence"},
      {[](N& n) { n.set_confidence(type::v1::CONFIDENCE_LOW); }, "confidence"},
      {[](N& n) { n.set_sample_size(29); }, "sample_size"},
      {[](N& n) { n.mutable_inputs()->set_sd(0); }, "inputs.sd"},
      {[](N& n) { n.mutable_inputs()->set_reliability(1); }, "inputs.reliability"},
      {[](N& n) { n.mutable_inputs()->clear_source(); }, "inputs.source"},
      {[](N& n) { n.mutable_inputs()->clear_mean_clinical(); }, "inputs"},
      {[](N& n) { n.clear_inputs(); }, "threshold"},
      {[](N& n) { n.set_confidence_level(0); }, "threshold"},
      {[](N& n) { n.set_confidence_level(80); }, "confidence_level"},
      {[](N& n) { n.set_threshold(17); }, "threshold"},
      {[](N& n) { n.set_comparator(v1::COMPARATOR_BELOW); }, "comparator"},
      {[](N& n) { n.mutable_cut_off()->set_value(8); }, "cut_off_method"},
      {[](N& n) { n.mutable_cut_off()->set_value(20); }, "cut_off.value"},
      {[](N& n) { n.mutable_cut_off()->set_clinical(v1::COMPARATOR_BELOW); }, "cut_off.clinical"},
      {[](N& n) { n.set_policy("nobodys"); }, "policy"},
  };
  for (const auto& [spoil, field] : mutations) {
    EXPECT_THAT(With(spoil), Contains(::testing::Field(&FieldViolation::field, field))) << field;
  }
}

TEST(CheckNormTest, ScalesWithoutAVerdictTakeNoNorm) {
  v1::Norm norm = OwnFigures();
  norm.set_scale("cms");
  norm.clear_cut_off_method();
  EXPECT_THAT(CheckNorm(Instrument("prfq"), "n", norm),
              Contains(::testing::Field(&FieldViolation::field, "scale")));
  norm.set_scale("total");
  EXPECT_THAT(CheckNorm(Instrument("ace-10"), "n", norm),
              Contains(::testing::Field(&FieldViolation::field, "scale")));
}

TEST(CheckNormTest, APolicyIsApprovedAsItIsOrNotAtAll) {
  v1::Norm norm;
  norm.set_scale("total");
  norm.set_confidence(type::v1::CONFIDENCE_HIGH);
  norm.set_policy("barkham-90");
  EXPECT_THAT(CheckNorm(Instrument("core-10"), "n", norm), IsEmpty());
  norm.set_threshold(5);
  EXPECT_THAT(CheckNorm(Instrument("core-10"), "n", norm),
              ElementsAre(::testing::Field(&FieldViolation::field, "threshold")));
  norm.clear_threshold();
  norm.set_policy("nhs-talking-therapies");
  EXPECT_THAT(CheckNorm(Instrument("pcl-5"), "n", norm),
              ElementsAre(::testing::Field(&FieldViolation::field, "policy")))
      << "it is of low confidence";
}

TEST(CheckNormTest, ItsIdMustNotBeThatOfAPolicy) {
  v1::Norm norm = OwnFigures();
  norm.clear_cut_off_method();
  EXPECT_THAT(CheckNorm(Instrument("core-10"), "barkham-90", norm),
              Contains(::testing::Field(&FieldViolation::field, "norm_id")));
}

TEST(NormsInForceTest, AreThoseThatWereApprovedAtTheTime) {
  std::vector<v1::Norm> norms = {OwnFigures(), OwnFigures()};
  norms[1].set_name("practices/p1/norms/next");
  type::v1::Actor lee;
  lee.set_subject("dr-lee");
  type::v1::Actor kim;
  kim.set_subject("dr-kim");
  const auto at = [](int day) { return absl::UnixEpoch() + absl::Hours(24 * day); };
  AddChange(v1::PUBLICATION_STATUS_DRAFT, at(1), lee, "", *norms[0].mutable_changes());
  AddChange(v1::PUBLICATION_STATUS_DRAFT, at(2), lee, "", *norms[1].mutable_changes());
  AddChange(v1::PUBLICATION_STATUS_ACTIVE, at(3), lee, "", *norms[0].mutable_changes());
  AddChange(v1::PUBLICATION_STATUS_RETIRED, at(5), kim, "superseded", *norms[0].mutable_changes());
  AddChange(v1::PUBLICATION_STATUS_ACTIVE, at(5), kim, "", *norms[1].mutable_changes());
  EXPECT_THAT(NormsInForce(norms, at(2)), IsEmpty());
  const Norms then = NormsInForce(norms, at(4));
  ASSERT_THAT(then, SizeIs(1));
  EXPECT_EQ(then[0].name(), norms[0].name());
  EXPECT_EQ(then[0].approved_by(), "dr-lee");
  const Norms now = NormsInForce(norms, at(5));
  ASSERT_THAT(now, SizeIs(1));
  EXPECT_EQ(now[0].approved_by(), "dr-kim");
  EXPECT_THAT(FindNorm(now, "total"), Pointee(Property(&v1::Norm::name, norms[1].name())));
  EXPECT_EQ(FindNorm(now, "other"), nullptr);
}

}  // namespace
}  // namespace securebase::outcomes
