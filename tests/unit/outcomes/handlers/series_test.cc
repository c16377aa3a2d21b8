#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/outcomes/records/intake.h"
#include "services/outcomes/records/kinds.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SeriesTest : public testing::OutcomesFixture {
 protected:
  absl::StatusOr<v1::Series> SetBaseline(const std::string& series, const std::string& assessment,
                                         const std::string& etag = "") {
    v1::SetSeriesBaselineRequest request;
    request.set_name(series);
    request.set_assessment(assessment);
    request.set_reason("treatment-began");
    request.set_etag(etag);
    return Do(&OutcomeHandlers::SetSeriesBaseline, Staff(), request);
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitFor(const std::string& instrument,
                                                         const std::vector<int>& answers,
                                                         const std::string& who,
                                                         const std::string& target = "") {
    v1::SubmitAssessmentRequest request = Request(instrument, answers);
    request.mutable_assessment()->set_subject(who);
    request.mutable_assessment()->set_informant(who);
    request.mutable_assessment()->set_relationship_target(target);
    return Submit(request);
  }
};

TEST_F(SeriesTest, PointsComeInPagesOldestFirst) {
  const std::string series = SubmitWeekly({20, 18, 16, 14, 12}).assessment().series();
  v1::GetSeriesRequest request;
  request.set_name(series);
  request.set_page_size(2);
  std::vector<double> seen;
  int pages = 0;
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, Do(&OutcomeHandlers::GetSeries, Staff(), request));
    EXPECT_EQ(page.series().scales(0).verdict().verdict(), v1::VERDICT_RELIABLY_IMPROVED);
    for (const v1::SeriesPoint& point : page.points()) {
      seen.push_back(point.scales(0).value());
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre(20, 18, 16, 14, 12));
  EXPECT_EQ(pages, 3);
}

TEST_F(SeriesTest, APolicyIsUsedWhenItIsNamed) {
  std::vector<int> low(10, 1);
  std::vector<int> high(10, 2);
  low[5] = high[5] = 0;
  ASSERT_OK(SubmitFor("core-10", high, "ann"));
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitFor("core-10", low, "ann"));
  v1::GetSeriesRequest request;
  request.set_name(response.assessment().series());
  request.set_policy("no-such");
  EXPECT_THAT(Do(&OutcomeHandlers::GetSeries, Staff(), request), HasViolation("policy"));
  const v1::Scale* total = FindScale(*catalogue_->Find("core-10"), "total");
  ASSERT_GE(total->change_policies_size(), 2);
  for (const v1::ChangePolicy& policy : total->change_policies()) {
    request.set_policy(policy.id());
    ASSERT_OK_AND_ASSIGN(const auto series, Do(&OutcomeHandlers::GetSeries, Staff(), request));
    EXPECT_EQ(series.series().scales(0).verdict().policy(), policy.id());
    EXPECT_TRUE(series.series().scales(0).verdict().policy_named());
  }
}

TEST_F(SeriesTest, AClinicianChoosesTheBaselineAndTakesItBack) {
  const auto first = SubmitWeekly({12});
  const auto second = SubmitWeekly({20});
  SubmitWeekly({13});
  const std::string series = first.assessment().series();
  ASSERT_OK_AND_ASSIGN(const v1::Series chosen, SetBaseline(series, second.assessment().name()));
  EXPECT_EQ(chosen.scales(0).baseline().value(), 20);
  EXPECT_EQ(chosen.scales(0).baseline_reason(), v1::BASELINE_REASON_CHOSEN);
  EXPECT_EQ(chosen.scales(0).verdict().verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  EXPECT_EQ(chosen.scales(0).first().value(), 12);
  EXPECT_EQ(chosen.scales(0).best().value(), 13);
  ASSERT_THAT(chosen.baseline_choices(), SizeIs(1));
  EXPECT_EQ(chosen.baseline_choices(0).actor().subject(), "dr-lee");
  SubmitWeekly({9});
  ASSERT_OK_AND_ASSIGN(const auto later, GetSeries(Staff(), series));
  EXPECT_EQ(later.series().scales(0).verdict().verdict(), v1::VERDICT_RECOVERED);
  EXPECT_THAT(SetBaseline(series, "", chosen.etag()),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  ASSERT_OK_AND_ASSIGN(const v1::Series back, SetBaseline(series, ""));
  EXPECT_EQ(back.scales(0).baseline().value(), 12);
  EXPECT_EQ(back.scales(0).baseline_reason(), v1::BASELINE_REASON_FIRST_SCORED);
}

TEST_F(SeriesTest, AsOfADateTheBaselineIsWhatItWasThen) {
  SubmitWeekly({12});
  const auto second = SubmitWeekly({20});
  v1::GetSeriesRequest request;
  request.set_name(second.assessment().series());
  *request.mutable_as_of() = api::ToProto(fixture_.clock().Now());
  fixture_.clock().Advance(absl::Hours(24));
  ASSERT_OK_AND_ASSIGN(const auto late, SubmitPhq9(9, 0, absl::Hours(24 * 30)));
  EXPECT_TRUE(late.baseline_moved());
  ASSERT_OK(SetBaseline(request.name(), second.assessment().name()));
  ASSERT_OK_AND_ASSIGN(const auto then, Do(&OutcomeHandlers::GetSeries, Staff(), request));
  EXPECT_EQ(then.series().scales(0).baseline().value(), 12);
  EXPECT_EQ(then.series().chosen_baseline(), "");
  EXPECT_THAT(then.series().baseline_choices(), IsEmpty());
  EXPECT_FALSE(then.series().has_baseline_move());
  *request.mutable_as_of() = api::ToProto(fixture_.clock().Now());
  ASSERT_OK_AND_ASSIGN(const auto now, Do(&OutcomeHandlers::GetSeries, Staff(), request));
  EXPECT_TRUE(now.series().has_baseline_move());
  EXPECT_THAT(now.series().baseline_choices(), SizeIs(1));
}

TEST_F(SeriesTest, OnlyAnAssessmentOfTheSeriesCanBeItsBaseline) {
  const auto ann = SubmitWeekly({12});
  ASSERT_OK_AND_ASSIGN(const auto bob, SubmitFor("phq-9", testing::Phq9(5), "bob"));
  EXPECT_THAT(SetBaseline(ann.assessment().series(), bob.assessment().name()),
              HasViolation("assessment"));
}

TEST_F(SeriesTest, APartnersSeriesAreNotListed) {
  SubmitWeekly({12});
  ASSERT_OK(SubmitFor("phq-9", testing::Phq9(5), "bob"));
  const auto list = [&](const api::Call& call, const std::string& filter = "") {
    return Do<v1::ListSeriesRequest>(&OutcomeHandlers::ListSeries, call,
                                     "parent: 'practices/p1' " + filter)
        ->series_size();
  };
  EXPECT_EQ(list(Staff()), 2);
  EXPECT_EQ(list(Staff(), "subject: 'bob'"), 1);
  EXPECT_EQ(list(Staff("dr-other")), 0);
  EXPECT_EQ(list(Patient("ehr-1")), 1);
  EXPECT_EQ(list(Patient("ehr-1"), "episode: 'practices/p1/episodes/e1'"), 1);
}

TEST_F(SeriesTest, TheAttachmentPlaneHasAWayPerRelationship) {
  // ECR-RS: six avoidance items, of which four are reversed, then three anxiety items.
  ASSERT_OK(SubmitFor("ecr-rs", {4, 4, 4, 4, 4, 4, 6, 6, 6}, "ann", "partner"));
  ASSERT_OK(SubmitFor("ecr-rs", {4, 4, 4, 4, 4, 4, 2, 2, 2}, "ann", "mother"));
  fixture_.clock().Advance(absl::Hours(24 * 42));
  ASSERT_OK(SubmitFor("ecr-rs", {4, 4, 4, 4, 4, 4, 3, 3, 3}, "ann", "partner"));
  const auto plane =
      Do<v1::GetAttachmentPlaneRequest>(&OutcomeHandlers::GetAttachmentPlane, Staff(),
                                        "parent: 'practices/p1/episodes/e1' subject: 'ann'");
  ASSERT_OK(plane);
  ASSERT_THAT(plane->trajectories(), SizeIs(2));
  EXPECT_EQ(plane->global().anxiety(), 2.5) << "the mean of 3 and 2, the latest of each";
  EXPECT_EQ(plane->global().avoidance(), 4);
  for (const v1::AttachmentTrajectory& way : plane->trajectories()) {
    if (way.relationship_target() == "partner") {
      ASSERT_THAT(way.steps(), SizeIs(2));
      EXPECT_EQ(way.steps(0).point().anxiety(), 6);
      EXPECT_EQ(way.vector().anxiety(), -3);
      EXPECT_EQ(way.vector().avoidance(), 0);
      EXPECT_EQ(way.vector().length(), 3);
    } else {
      EXPECT_THAT(way.steps(), SizeIs(1));
      EXPECT_FALSE(way.has_vector());
    }
  }
  EXPECT_THAT(
      Do<v1::GetAttachmentPlaneRequest>(&OutcomeHandlers::GetAttachmentPlane, Patient("ehr-2"),
                                        "parent: 'practices/p1/episodes/e1' subject: 'ann'")
          ->trajectories(),
      IsEmpty());
}

TEST_F(SeriesTest, FromABaselineThatIsTheLatestPointNothingHasMoved) {
  const std::vector<int> before = {4, 4, 4, 4, 4, 4, 6, 6, 6};
  ASSERT_OK(SubmitFor("ecr-rs", before, "ann", "partner"));
  fixture_.clock().Advance(absl::Hours(24 * 42));
  const std::vector<int> after = {4, 4, 4, 4, 4, 4, 3, 3, 3};
  ASSERT_OK_AND_ASSIGN(const auto latest, SubmitFor("ecr-rs", after, "ann", "partner"));
  ASSERT_OK(SetBaseline(latest.assessment().series(), latest.assessment().name()));
  const auto plane = [&] {
    return Do<v1::GetAttachmentPlaneRequest, v1::GetAttachmentPlaneResponse>(
               &OutcomeHandlers::GetAttachmentPlane, Staff(),
               "parent: 'practices/p1/episodes/e1' subject: 'ann'")
        ->trajectories(0);
  };
  EXPECT_THAT(plane().steps(), SizeIs(2));
  EXPECT_FALSE(plane().has_vector());
  fixture_.clock().Advance(absl::Hours(24 * 42));
  ASSERT_OK(SubmitFor("ecr-rs", before, "ann", "partner"));
  EXPECT_EQ(plane().vector().anxiety(), 3);
}

TEST_F(SeriesTest, ThePairedOutcomeNeedsTwoScoresOfEachAndTheContacts) {
  const auto paired = [&] {
    return Do<v1::GetPairedOutcomeRequest>(&OutcomeHandlers::GetPairedOutcome, Staff(),
                                           "parent: 'practices/p1/episodes/e1' subject: 'ann'");
  };
  SubmitWeekly({15});
  ASSERT_OK(SubmitFor("gad-7", std::vector<int>(7, 2), "ann"));
  EXPECT_THAT(paired(), IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  SubmitWeekly({4});
  ASSERT_OK(SubmitFor("gad-7", std::vector<int>(7, 1), "ann"));
  ASSERT_OK_AND_ASSIGN(const auto outcome, paired());
  EXPECT_EQ(outcome.depression().from(), 15);
  EXPECT_EQ(outcome.anxiety().to(), 7);
  EXPECT_TRUE(outcome.outcome().nhs_recovery());
  EXPECT_TRUE(outcome.outcome().nhs_reliable_recovery());
  EXPECT_FALSE(outcome.outcome().has_in_denominator()) << "contacts were not reported";
}

TEST_F(SeriesTest, TwoInformantsStandBesideEachOther) {
  for (const std::string parent : {"mum", "dad"}) {
    v1::SubmitAssessmentRequest request =
        Request("sdq", std::vector<int>(25, parent == "mum" ? 1 : 2));
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(testing::kFamily);
    assessment.set_subject("kim");
    assessment.set_informant(parent);
    assessment.set_age_months(100);
    ASSERT_OK(Submit(request));
  }
  const auto comparison =
      Do<v1::CompareInformantsRequest>(&OutcomeHandlers::CompareInformants, Staff(),
                                       "parent: 'practices/p1/episodes/e2' subject: 'kim' "
                                       "instrument: 'practices/p1/instruments/sdq'");
  ASSERT_OK(comparison);
  EXPECT_THAT(comparison->comparisons(), SizeIs(catalogue_->Find("sdq")->scales_size()));
  for (const v1::InformantComparison& row : comparison->comparisons()) {
    EXPECT_NE(row.first_series(), row.second_series());
    EXPECT_FALSE(row.gap().has_exceeds()) << "no standard error is known";
  }
}

TEST_F(SeriesTest, CorrectionsOfRandomHistoriesLeaveWhatAReadingOfAllWouldFind) {
  std::mt19937 random(7);
  std::vector<v1::Assessment> submitted;
  for (int i = 0; i < 60; ++i) {
    fixture_.clock().Advance(absl::Hours(24));
    const int dice = std::uniform_int_distribution<int>(0, 9)(random);
    const int total = std::uniform_int_distribution<int>(0, 24)(random);
    if (dice < 5 || submitted.empty()) {
      ASSERT_OK_AND_ASSIGN(const auto response, SubmitPhq9(total));
      submitted.push_back(response.assessment());
    } else if (dice < 7) {
      ASSERT_OK_AND_ASSIGN(const auto response,
                           SubmitPhq9(total, 0, absl::Hours(24 * (1 + total) + 1)));
      submitted.push_back(response.assessment());
    } else {
      const size_t which = std::uniform_int_distribution<size_t>(0, submitted.size() - 1)(random);
      if (dice == 7) {
        v1::MarkAssessmentEnteredInErrorRequest request;
        request.set_name(submitted[which].name());
        ASSERT_OK(Do(&OutcomeHandlers::MarkAssessmentEnteredInError, Staff(), request));
        submitted.erase(submitted.begin() + static_cast<std::ptrdiff_t>(which));
      } else {
        ASSERT_OK(SetBaseline(submitted[which].series(), dice == 8 ? submitted[which].name() : ""));
      }
    }
    if (submitted.empty()) {
      continue;
    }
    const api::Call call = System();
    ASSERT_OK_AND_ASSIGN(const records::Reader reader, database_.ReaderFor(call));
    ASSERT_OK_AND_ASSIGN(const v1::Series stored, reader.Get(SeriesKind(), submitted[0].series()));
    ASSERT_OK_AND_ASSIGN(const Measure phq9, Measures(*catalogue_)
                                                 .Of(reader, stored.instrument(),
                                                     stored.instrument_version(), call.time));
    ASSERT_OK_AND_ASSIGN(const SeriesView read, ReadSeries(reader, phq9, stored, std::nullopt, ""));
    EXPECT_EQ(stored.DebugString(), read.series.DebugString()) << "after step " << i;
    EXPECT_EQ(stored.assessment_count(), static_cast<int>(submitted.size()));
  }
}

TEST_F(SeriesTest, InstrumentsAreListedInPagesAndReadByVersion) {
  std::vector<std::string> ids;
  v1::ListInstrumentsRequest request;
  request.set_parent("practices/p1");
  request.set_page_size(10);
  do {
    ASSERT_OK_AND_ASSIGN(const auto page, Do(&OutcomeHandlers::ListInstruments, Staff(), request));
    EXPECT_LE(page.instruments_size(), 10);
    for (const v1::Instrument& instrument : page.instruments()) {
      ids.push_back(instrument.definition().id());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(ids.size(), catalogue_->Newest().size());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  v1::GetInstrumentRequest get;
  get.set_name(testing::InstrumentName("phq-9"));
  EXPECT_OK(Do(&OutcomeHandlers::GetInstrument, Staff(), get));
  get.set_version(99);
  EXPECT_THAT(Do(&OutcomeHandlers::GetInstrument, Staff(), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

}  // namespace
}  // namespace securebase::outcomes
