// A practice's own instruments, their texts and norms, from the first draft to the dashboards.
#include <random>
#include <thread>

#include "gmock/gmock.h"
#include "services/outcomes/records/kinds.h"
#include "tests/unit/outcomes/outcomes_fixture.h"
#include "tests/unit/outcomes/own_definition.h"

namespace securebase::outcomes {
namespace {

using episodes::testing::FromText;
using securebase::testing::HasViolation;
using securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OwnDefinition;
using ::testing::SizeIs;

constexpr char kCloseness[] = "practices/p1/instruments/own-closeness";
constexpr char kVersion1[] = "practices/p1/instruments/own-closeness/versions/1";
constexpr char kVersion2[] = "practices/p1/instruments/own-closeness/versions/2";
constexpr char kGerman[] = "practices/p1/instruments/own-closeness/versions/1/texts/de";

constexpr auto kActive = v1::PUBLICATION_STATUS_ACTIVE;
constexpr auto kRetired = v1::PUBLICATION_STATUS_RETIRED;

class OwnInstrumentsTest : public testing::OutcomesFixture {
 protected:
  absl::StatusOr<v1::InstrumentVersion> Create(const v1::InstrumentDefinition& definition,
                                               bool validate_only = false) {
    v1::CreateInstrumentRequest request;
    request.set_parent("practices/p1");
    *request.mutable_definition() = definition;
    request.set_validate_only(validate_only);
    return Do(&OutcomeHandlers::CreateInstrument, Staff(), request);
  }
  absl::StatusOr<v1::InstrumentVersion> AddVersion(const v1::InstrumentDefinition& definition) {
    v1::CreateInstrumentVersionRequest request;
    request.set_parent("practices/p1/instruments/" + definition.id());
    *request.mutable_definition() = definition;
    return Do(&OutcomeHandlers::CreateInstrumentVersion, Staff(), request);
  }
  absl::StatusOr<v1::InstrumentVersion> Transition(const std::string& name,
                                                   v1::PublicationStatus status,
                                                   const std::string& etag = "") {
    v1::TransitionInstrumentVersionRequest request;
    request.set_name(name);
    request.set_status(status);
    request.set_etag(etag);
    return Do(&OutcomeHandlers::TransitionInstrumentVersion, Staff(), request);
  }
  absl::StatusOr<v1::InstrumentVersion> GetVersion(const api::Call& call, const std::string& name) {
    v1::GetInstrumentVersionRequest request;
    request.set_name(name);
    return Do(&OutcomeHandlers::GetInstrumentVersion, call, request);
  }
  absl::StatusOr<v1::Instrument> GetInstrument(const api::Call& call, int version = 0) {
    v1::GetInstrumentRequest request;
    request.set_name(kCloseness);
    request.set_version(version);
    return Do(&OutcomeHandlers::GetInstrument, call, request);
  }
  // In use: version 1.
  void Publish(const std::string& id = "own-closeness") {
    ASSERT_OK(Create(OwnDefinition(1, id)));
    ASSERT_OK(Transition("practices/p1/instruments/" + id + "/versions/1", kActive));
  }
  v1::SubmitAssessmentRequest Closeness(const std::vector<int>& answers, int version = 0,
                                        absl::Duration ago = absl::ZeroDuration()) {
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(testing::kCouple);
    assessment.set_instrument(kCloseness);
    assessment.set_instrument_version(version);
    assessment.set_subject("ann");
    assessment.set_informant("ann");
    for (size_t i = 0; i < answers.size(); ++i) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(absl::StrCat(i + 1));
      answer.set_value(answers[i]);
    }
    *assessment.mutable_answered_time() = api::ToProto(fixture_.clock().Now() - ago);
    return request;
  }
  // A week later, a total of 0 to 12 without a risk answer: item 3 is reversed.
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitTotal(int total, int version = 0) {
    fixture_.clock().Advance(absl::Hours(24 * 7));
    const int first = std::min(4, total);
    const int second = std::min(4, total - first);
    return Submit(Closeness({first, second, 4 - (total - first - second), 0}, version));
  }
  v1::Norm OwnNorm() {
    return FromText<v1::Norm>(R"pb(
      instrument: "practices/p1/instruments/own-closeness"
      instrument_version: 1
      scale: "total"
      threshold: 5
      comparator: COMPARATOR_AT_LEAST
      cut_off { value: 8 clinical: COMPARATOR_AT_LEAST }
      sample_size: 64
      population: "couples at intake, this clinic"
      source: "own report 7, 2026"
      confidence: CONFIDENCE_HIGH)pb");
  }
  absl::StatusOr<v1::Norm> Propose(const v1::Norm& norm, const std::string& id = "ours") {
    v1::CreateNormRequest request;
    request.set_parent("practices/p1");
    request.set_norm_id(id);
    *request.mutable_norm() = norm;
    return Do(&OutcomeHandlers::CreateNorm, System(), request);
  }
  absl::StatusOr<v1::Norm> Decide(const api::Call& call, const std::string& id,
                                  v1::PublicationStatus status) {
    v1::TransitionNormRequest request;
    request.set_name("practices/p1/norms/" + id);
    request.set_status(status);
    return Do(&OutcomeHandlers::TransitionNorm, call, request);
  }
  v1::ChangeVerdict VerdictOf(const std::string& series, absl::Time as_of = absl::InfinitePast(),
                              const std::string& policy = "") {
    v1::GetSeriesRequest request;
    request.set_name(series);
    request.set_policy(policy);
    if (as_of != absl::InfinitePast()) {
      *request.mutable_as_of() = api::ToProto(as_of);
    }
    const auto response = Do(&OutcomeHandlers::GetSeries, Staff(), request);
    EXPECT_OK(response);
    return response.ok() ? response->series().scales(0).verdict() : v1::ChangeVerdict();
  }
  v1::SeriesHeadline HeadlineOf(const OutcomeHandlers& handlers) {
    v1::GetCaseloadRequest request;
    request.set_parent("practices/p1");
    const auto caseload = handlers.GetCaseload(Staff(), request);
    EXPECT_OK(caseload);
    for (const v1::CaseloadEntry& entry : caseload->entries()) {
      if (entry.episode() == testing::kCouple && entry.series_size() == 1) {
        return entry.series(0);
      }
    }
    ADD_FAILURE() << "the couple has not one series";
    return {};
  }
  v1::InstrumentTexts Texts(const std::string& language = "de") {
    v1::InstrumentTexts texts;
    texts.set_language(language);
    texts.set_licence_statement("our own");
    for (const char* item : {"1", "2", "3", "4"}) {
      v1::ItemText& text = *texts.add_items();
      text.set_item(item);
      text.set_text(absl::StrCat("Item ", item));
    }
    return texts;
  }
  absl::StatusOr<v1::ImportInstrumentTextsResponse> Import(
      const std::vector<v1::InstrumentTexts>& texts, const std::string& version = kVersion1) {
    v1::ImportInstrumentTextsRequest request;
    request.set_parent(version);
    for (const v1::InstrumentTexts& each : texts) {
      *request.add_texts() = each;
    }
    return Do(&OutcomeHandlers::ImportInstrumentTexts, Staff(), request);
  }
  absl::StatusOr<v1::InstrumentTexts> GetTexts(const api::Call& call,
                                               const std::string& name = kGerman) {
    v1::GetInstrumentTextsRequest request;
    request.set_name(name);
    return Do(&OutcomeHandlers::GetInstrumentTexts, call, request);
  }
};

TEST_F(OwnInstrumentsTest, IsDraftedActivatedAnsweredAndSeenEverywhere) {
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion draft, Create(OwnDefinition()));
  EXPECT_EQ(draft.name(), kVersion1);
  EXPECT_EQ(draft.status(), v1::PUBLICATION_STATUS_DRAFT);
  EXPECT_THAT(Submit(Closeness({1, 1, 1, 1})),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion active,
                       Transition(kVersion1, kActive, draft.etag()));
  EXPECT_EQ(active.changes_size(), 2);
  EXPECT_EQ(active.changes(1).actor().subject(), "dr-lee");
  EXPECT_EQ(active.definition().DebugString(), OwnDefinition().DebugString());

  ASSERT_OK(Do<v1::CreateScheduleRequest>(
      &OutcomeHandlers::CreateSchedule, Staff(),
      "parent: 'practices/p1' schedule { episode: 'practices/p1/episodes/e1' subject: 'ann' "
      "informant: 'ann' instrument: 'practices/p1/instruments/own-closeness' }"));
  ASSERT_OK_AND_ASSIGN(const auto submitted, Submit(Closeness({4, 4, 0, 3})));
  EXPECT_EQ(submitted.assessment().result().scales(0).value(), 15);
  EXPECT_EQ(submitted.assessment().instrument_version(), 1);
  EXPECT_EQ(submitted.assessment().result().derivation().version(), 1);
  ASSERT_THAT(submitted.alerts(), SizeIs(1)) << "its own risk item";
  EXPECT_EQ(submitted.alerts(0).kind(), v1::ALERT_KIND_RISK);
  EXPECT_FALSE(submitted.assessment().schedule().empty());

  ASSERT_OK_AND_ASSIGN(const auto series, GetSeries(Staff(), submitted.assessment().series()));
  EXPECT_EQ(series.series().instrument_version(), 1);
  EXPECT_THAT(series.points(), SizeIs(1));
  const v1::SeriesHeadline headline = HeadlineOf(handlers_);
  EXPECT_EQ(headline.instrument(), kCloseness);
  EXPECT_EQ(headline.instrument_version(), 1);
  EXPECT_EQ(headline.latest(), 15);
  EXPECT_EQ(headline.domain(), v1::DOMAIN_RELATIONSHIP);
  ASSERT_OK_AND_ASSIGN(
      const auto concordance,
      Do<v1::GetConcordanceRequest>(&OutcomeHandlers::GetConcordance, Staff(),
                                    "parent: 'practices/p1/episodes/e1' subject: 'ann'"));
  int shown = 0;
  for (const v1::ConcordanceColumn& column : concordance.columns()) {
    shown += column.series_size();
    EXPECT_EQ(column.series_size(), column.domain() == v1::DOMAIN_RELATIONSHIP ? 1 : 0);
  }
  EXPECT_EQ(shown, 1);
}

TEST_F(OwnInstrumentsTest, AWrongDefinitionIsRefusedWithEveryPlaceAndNothingIsStored) {
  v1::InstrumentDefinition wrong = OwnDefinition();
  wrong.set_abbreviation("PHQ-9");
  wrong.mutable_scales(0)->set_items(2, "7");
  wrong.mutable_scales(0)->set_max(20);
  const auto refused = Create(wrong);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(refused, HasViolation("definition.abbreviation"));
  EXPECT_THAT(refused, HasViolation("definition.scales[0].items[2]"));
  EXPECT_THAT(refused, HasViolation("definition.items[2]"));
  EXPECT_THAT(GetInstrument(Staff()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_THAT(Create(OwnDefinition(2)), HasViolation("definition.version"));
  EXPECT_THAT(Create(OwnDefinition(1, "phq-9")), HasViolation("definition.id"));
  v1::InstrumentDefinition huge = OwnDefinition();
  for (int i = 0; i < 200; ++i) {
    huge.add_notes(std::string(500, 'x'));
  }
  v1::CreateInstrumentRequest request;
  request.set_parent("practices/p1");
  *request.mutable_definition() = huge;
  EXPECT_THAT(handlers_.CreateInstrument(Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded));
}

TEST_F(OwnInstrumentsTest, ValidateOnlySaysTheSameAndStoresNothing) {
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion would, Create(OwnDefinition(), true));
  EXPECT_EQ(would.name(), kVersion1);
  EXPECT_THAT(GetInstrument(Staff()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  v1::InstrumentDefinition wrong = OwnDefinition();
  wrong.mutable_scales(0)->set_max(17);
  EXPECT_THAT(Create(wrong, true), HasViolation("definition.scales[0].max"));
  ASSERT_OK(Create(OwnDefinition()));
  EXPECT_THAT(Create(OwnDefinition(), true),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
}

TEST_F(OwnInstrumentsTest, ADraftMayChangeAndAVersionInUseNever) {
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion draft, Create(OwnDefinition()));
  v1::UpdateInstrumentVersionRequest update;
  update.mutable_instrument_version()->set_name(kVersion1);
  update.mutable_instrument_version()->mutable_definition()->set_title("How close we were");
  update.mutable_update_mask()->add_paths("definition.title");
  ASSERT_OK_AND_ASSIGN(v1::InstrumentVersion changed,
                       Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update));
  EXPECT_EQ(changed.definition().title(), "How close we were");
  EXPECT_EQ(changed.definition().items_size(), 4);

  update.mutable_instrument_version()->set_etag(draft.etag());
  EXPECT_THAT(Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  update.mutable_instrument_version()->clear_etag();
  *update.mutable_instrument_version()->mutable_definition() = OwnDefinition(1, "own-other");
  update.clear_update_mask();
  EXPECT_THAT(Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update),
              HasViolation("instrument_version.definition.id"));
  *update.mutable_instrument_version()->mutable_definition() = OwnDefinition();
  update.mutable_instrument_version()->mutable_definition()->mutable_scales(0)->set_max(17);
  EXPECT_THAT(Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update),
              HasViolation("instrument_version.definition.scales[0].max"));

  ASSERT_OK(Transition(kVersion1, kActive));
  *update.mutable_instrument_version()->mutable_definition() = OwnDefinition();
  for (const auto status : {kActive, kRetired}) {
    EXPECT_THAT(Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update),
                IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed))
        << status;
    if (status == kActive) {
      ASSERT_OK(Transition(kVersion1, kRetired));
    }
  }
  EXPECT_EQ(GetVersion(Staff(), kVersion1)->definition().title(), "How close we were");
}

TEST_F(OwnInstrumentsTest, VersionsHaveNumbersWithoutGapsAndOneDraftAtATime) {
  ASSERT_OK(Create(OwnDefinition()));
  EXPECT_THAT(Create(OwnDefinition()),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_THAT(AddVersion(OwnDefinition(2)),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed))
      << "there is a draft";
  ASSERT_OK(Transition(kVersion1, kRetired));
  EXPECT_THAT(AddVersion(OwnDefinition(3)), HasViolation("definition.version"));
  ASSERT_OK(AddVersion(OwnDefinition(2)));
  v1::InstrumentDefinition phq9 = *catalogue_->Find("phq-9");
  EXPECT_THAT(AddVersion(phq9),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(AddVersion(OwnDefinition(1, "own-nothing")),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const auto list, Do<v1::ListInstrumentVersionsRequest>(
                                            &OutcomeHandlers::ListInstrumentVersions, Staff(),
                                            absl::StrCat("parent: '", kCloseness, "'")));
  ASSERT_THAT(list.instrument_versions(), SizeIs(2));
  EXPECT_EQ(list.instrument_versions(0).name(), kVersion2);
}

TEST_F(OwnInstrumentsTest, VersionsNeverMixAndScoresStayWithTheirs) {
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, SubmitTotal(10));
  ASSERT_OK_AND_ASSIGN(const auto second, SubmitTotal(4));
  EXPECT_EQ(first.assessment().series(), second.assessment().series());

  v1::InstrumentDefinition next = OwnDefinition(2);
  next.mutable_scales(0)->clear_reversed();
  ASSERT_OK(AddVersion(next));
  ASSERT_OK(Transition(kVersion2, kActive));
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion former, GetVersion(Staff(), kVersion1));
  EXPECT_EQ(former.status(), kRetired);
  EXPECT_EQ(former.changes().rbegin()->reason(), "superseded");

  ASSERT_OK_AND_ASSIGN(const auto third, SubmitTotal(4));
  EXPECT_EQ(third.assessment().instrument_version(), 2);
  EXPECT_NE(third.assessment().series(), first.assessment().series());
  EXPECT_EQ(third.assessment().result().scales(0).value(), 8) << "item 3 is not reversed any more";

  // A paper form of before goes where it belongs; one of after does not.
  ASSERT_OK_AND_ASSIGN(const auto late, Submit(Closeness({1, 1, 4, 0}, 1, absl::Hours(24 * 10))));
  EXPECT_EQ(late.assessment().series(), first.assessment().series());
  EXPECT_THAT(SubmitTotal(3, 1),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(SubmitTotal(3, 9), HasViolation("assessment.instrument_version"));

  // A correction is scored by the version of its assessment.
  v1::AmendAssessmentRequest amend;
  amend.set_name(first.assessment().name());
  *amend.mutable_answers() = Closeness({4, 4, 4, 4}).assessment().answers();
  ASSERT_OK_AND_ASSIGN(const auto amended, Do(&OutcomeHandlers::AmendAssessment, Staff(), amend));
  EXPECT_EQ(amended.assessment().instrument_version(), 1);
  EXPECT_EQ(amended.assessment().result().scales(0).value(), 12);

  // The summary is of one version.
  ASSERT_OK(CloseEpisode(testing::kCouple));
  v1::GetPracticeSummaryRequest summary;
  summary.set_parent("practices/p1");
  summary.set_instrument(kCloseness);
  summary.set_dimension(v1::SUMMARY_DIMENSION_NONE);
  ASSERT_OK_AND_ASSIGN(auto figures, Do(&OutcomeHandlers::GetPracticeSummary, System(), summary));
  EXPECT_EQ(figures.instrument_version(), 2);
  ASSERT_THAT(figures.rows(), SizeIs(1));
  EXPECT_EQ(figures.rows(0).count(), 1);
  EXPECT_EQ(figures.rows(0).completed(), 0);
  summary.set_instrument_version(1);
  ASSERT_OK_AND_ASSIGN(figures, Do(&OutcomeHandlers::GetPracticeSummary, System(), summary));
  EXPECT_EQ(figures.instrument_version(), 1);
  EXPECT_EQ(figures.rows(0).count(), 1);
  EXPECT_EQ(figures.rows(0).completed(), 1);
}

TEST_F(OwnInstrumentsTest, WhatIsRetiredTakesNothingNewUntilItIsInUseAgain) {
  Publish();
  ASSERT_OK(SubmitTotal(5));
  ASSERT_OK(Transition(kVersion1, kRetired));
  EXPECT_EQ(GetInstrument(Staff())->status(), kRetired);
  EXPECT_THAT(SubmitTotal(5),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(Do<v1::CreateScheduleRequest>(
                  &OutcomeHandlers::CreateSchedule, Staff(),
                  "parent: 'practices/p1' schedule { episode: 'practices/p1/episodes/e1' subject: "
                  "'ann' informant: 'ann' instrument: 'practices/p1/instruments/own-closeness' }"),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_THAT(Transition(kVersion1, v1::PUBLICATION_STATUS_DRAFT),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  ASSERT_OK(Transition(kVersion1, kActive));
  EXPECT_OK(SubmitTotal(5));
}

TEST_F(OwnInstrumentsTest, ListsWithTheBuiltInOnesAndBelongsToItsPractice) {
  Publish();
  ASSERT_OK(Create(OwnDefinition(1, "own-zeal")));
  v1::ListInstrumentsRequest list;
  list.set_parent("practices/p1");
  list.set_page_size(200);
  ASSERT_OK_AND_ASSIGN(const auto all, Do(&OutcomeHandlers::ListInstruments, Staff(), list));
  EXPECT_EQ(static_cast<size_t>(all.instruments_size()), catalogue_->Newest().size() + 2);
  list.set_domain(v1::DOMAIN_RELATIONSHIP);
  ASSERT_OK_AND_ASSIGN(const auto some, Do(&OutcomeHandlers::ListInstruments, Staff(), list));
  int own = 0;
  for (const v1::Instrument& instrument : some.instruments()) {
    EXPECT_EQ(instrument.definition().domain(), v1::DOMAIN_RELATIONSHIP);
    EXPECT_EQ(instrument.built_in(), instrument.definition().id().substr(0, 4) != "own-");
    own += instrument.built_in() ? 0 : 1;
  }
  EXPECT_EQ(own, 2);
  v1::ListInstrumentsRequest other;
  other.set_parent("practices/p2");
  other.set_page_size(200);
  ASSERT_OK_AND_ASSIGN(const auto theirs,
                       Do(&OutcomeHandlers::ListInstruments, System("p2"), other));
  EXPECT_EQ(static_cast<size_t>(theirs.instruments_size()), catalogue_->Newest().size());
  v1::GetInstrumentRequest get;
  get.set_name("practices/p2/instruments/own-closeness");
  EXPECT_THAT(Do(&OutcomeHandlers::GetInstrument, System("p2"), get),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(OwnInstrumentsTest, ParticipantsSeeWhatIsInUseAndNoDrafts) {
  ASSERT_OK(Create(OwnDefinition()));
  const auto not_found = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);
  EXPECT_THAT(GetInstrument(Patient("ehr-1")), not_found);
  EXPECT_THAT(GetVersion(Patient("ehr-1"), kVersion1), not_found);
  ASSERT_OK(Import({Texts()}));
  EXPECT_THAT(GetTexts(Patient("ehr-1")), not_found);
  ASSERT_OK(Transition(kVersion1, kActive));
  EXPECT_OK(GetInstrument(Patient("ehr-1")));
  EXPECT_OK(GetVersion(Patient("ehr-1"), kVersion1));
  EXPECT_OK(GetTexts(Patient("ehr-1")));
  v1::SubmitAssessmentRequest request = Closeness({1, 1, 1, 1});
  EXPECT_OK(Do(&OutcomeHandlers::SubmitAssessment, Patient("ehr-1"), request));
  ASSERT_OK(AddVersion(OwnDefinition(2)));
  EXPECT_EQ(GetInstrument(Patient("ehr-1"))->definition().version(), 1);
  ASSERT_OK_AND_ASSIGN(const auto versions,
                       Do<v1::ListInstrumentVersionsRequest>(
                           &OutcomeHandlers::ListInstrumentVersions, Patient("ehr-1"),
                           absl::StrCat("parent: '", kCloseness, "'")));
  EXPECT_THAT(versions.instrument_versions(), SizeIs(1));
}

TEST_F(OwnInstrumentsTest, BuiltInVersionsReadAlike) {
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentVersion version,
                       GetVersion(Staff(), "practices/p1/instruments/phq-9/versions/1"));
  EXPECT_TRUE(version.built_in());
  EXPECT_EQ(version.status(), kActive);
  for (const char* name : {"phq-9/versions/2", "phq-9/versions/01", "phq-9/versions/x",
                           "nothing/versions/1", "own-nothing/versions/1"}) {
    EXPECT_THAT(GetVersion(Staff(), absl::StrCat("practices/p1/instruments/", name)),
                IsError(absl::StatusCode::kNotFound, Reason::kNotFound))
        << name;
  }
}

TEST_F(OwnInstrumentsTest, BuiltInVersionsAreNotMissingButFixed) {
  const auto fixed = IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed);
  v1::UpdateInstrumentVersionRequest update;
  update.mutable_instrument_version()->set_name("practices/p1/instruments/phq-9/versions/1");
  EXPECT_THAT(handlers_.UpdateInstrumentVersion(Staff(), update), fixed);
  v1::TransitionInstrumentVersionRequest retire;
  retire.set_name("practices/p1/instruments/phq-9/versions/1");
  retire.set_status(v1::PUBLICATION_STATUS_RETIRED);
  EXPECT_THAT(handlers_.TransitionInstrumentVersion(Staff(), retire), fixed);
  retire.set_name("practices/p1/instruments/phq-9/versions/99");
  EXPECT_THAT(handlers_.TransitionInstrumentVersion(Staff(), retire),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  v1::GetInstrumentRequest get;
  get.set_name("practices/p1/instruments/phq-9");
  get.set_version(99);
  const absl::Status missing = handlers_.GetInstrument(Staff(), get).status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(std::string(missing.message()), HasSubstr("phq-9/versions/99"));
}

TEST_F(OwnInstrumentsTest, TwoActivationsAtOnceLeaveOneVersionActive) {
  Publish();
  ASSERT_OK(AddVersion(OwnDefinition(2)));
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (const char* name : {kVersion1, kVersion2}) {
      threads.emplace_back([this, name, round] {
        v1::TransitionInstrumentVersionRequest request;
        request.set_name(name);
        request.set_status(kActive);
        api::Call call = Staff();
        call.call_id = absl::StrCat(name, round);
        const absl::Status status = handlers_.TransitionInstrumentVersion(call, request).status();
        EXPECT_TRUE(status.ok() || ReasonOf(status) == Reason::kTransitionNotAllowed) << status;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    const int active = (GetVersion(Staff(), kVersion1)->status() == kActive ? 1 : 0) +
                       (GetVersion(Staff(), kVersion2)->status() == kActive ? 1 : 0);
    ASSERT_EQ(active, 1);
    ASSERT_OK_AND_ASSIGN(const v1::Instrument instrument, GetInstrument(Staff()));
    ASSERT_EQ(
        GetVersion(Staff(), absl::StrCat(kCloseness, "/versions/", instrument.active_version()))
            ->status(),
        kActive);
  }
}

TEST_F(OwnInstrumentsTest, TextsAreImportedReplacedListedAndRemoved) {
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto imported, Import({Texts("de"), Texts("fr")}));
  ASSERT_THAT(imported.texts(), SizeIs(2));
  EXPECT_EQ(imported.texts(0).name(), kGerman);
  EXPECT_EQ(imported.texts(0).item_count(), 4);
  EXPECT_THAT(imported.texts(0).items(), IsEmpty()) << "the answer repeats no wording";
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentTexts german, GetTexts(Staff()));
  EXPECT_EQ(german.items(1).text(), "Item 2");
  EXPECT_EQ(german.imported_by().subject(), "dr-lee");

  ASSERT_OK_AND_ASSIGN(
      const auto list,
      Do<v1::ListInstrumentTextsRequest>(&OutcomeHandlers::ListInstrumentTexts, Staff(),
                                         absl::StrCat("parent: '", kVersion1, "' page_size: 1")));
  ASSERT_THAT(list.texts(), SizeIs(1));
  EXPECT_EQ(list.texts(0).language(), "de");
  EXPECT_THAT(list.texts(0).items(), IsEmpty());
  EXPECT_FALSE(list.next_page_token().empty());

  fixture_.clock().Advance(absl::Hours(1));
  v1::InstrumentTexts changed = Texts("de");
  changed.mutable_items(1)->set_text("Item two");
  changed.set_etag(german.etag());
  ASSERT_OK(Import({changed}));
  ASSERT_OK_AND_ASSIGN(const v1::InstrumentTexts second, GetTexts(Staff()));
  EXPECT_EQ(second.items(1).text(), "Item two");
  EXPECT_EQ(second.create_time().seconds(), german.create_time().seconds());
  EXPECT_NE(second.update_time().seconds(), german.update_time().seconds());
  EXPECT_THAT(Import({changed}), IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));

  v1::DeleteInstrumentTextsRequest remove;
  remove.set_name(kGerman);
  ASSERT_OK(Do(&OutcomeHandlers::DeleteInstrumentTexts, Staff(), remove));
  EXPECT_THAT(GetTexts(Staff()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_OK(GetTexts(Staff(), absl::StrCat(kVersion1, "/texts/fr")));
}

TEST_F(OwnInstrumentsTest, TextsOfABuiltInInstrumentAreThePracticesToo) {
  constexpr char kVersion[] = "practices/p1/instruments/gad-2/versions/1";
  v1::InstrumentTexts texts;
  texts.set_language("en");
  texts.set_licence_statement("public domain");
  for (const v1::Item& item : catalogue_->Find("gad-2")->items()) {
    v1::ItemText& text = *texts.add_items();
    text.set_item(item.id());
    text.set_text("Item " + item.id());
  }
  ASSERT_OK(Import({texts}, kVersion));
  EXPECT_OK(GetTexts(Staff(), absl::StrCat(kVersion, "/texts/en")));
  EXPECT_THAT(GetTexts(System("p2"), "practices/p2/instruments/gad-2/versions/1/texts/en"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(OwnInstrumentsTest, WrongTextsAreRefusedAllOrNone) {
  Publish();
  v1::InstrumentTexts wrong = Texts("fr");
  wrong.mutable_items(0)->set_item("9");
  const auto refused = Import({Texts("de"), wrong, Texts("de")});
  EXPECT_THAT(refused, HasViolation("texts[1].items[0].item"));
  EXPECT_THAT(refused, HasViolation("texts[1].items"));
  EXPECT_THAT(refused, HasViolation("texts[2].language"));
  EXPECT_THAT(GetTexts(Staff()), IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(OwnInstrumentsTest, ADraftWhoseTextsNoLongerFitIsNotActivated) {
  ASSERT_OK(Create(OwnDefinition()));
  ASSERT_OK(Import({Texts()}));
  v1::UpdateInstrumentVersionRequest update;
  update.mutable_instrument_version()->set_name(kVersion1);
  v1::InstrumentDefinition& definition = *update.mutable_instrument_version()->mutable_definition();
  definition = OwnDefinition();
  definition.mutable_items(1)->set_id("2b");
  definition.mutable_scales(0)->set_items(1, "2b");
  ASSERT_OK(Do(&OutcomeHandlers::UpdateInstrumentVersion, Staff(), update));
  EXPECT_THAT(Transition(kVersion1, kActive), HasViolation("texts/de.items[1].item"));
}

TEST_F(OwnInstrumentsTest, ANormJudgesFromItsApprovalOnAndNotBefore) {
  Publish();
  ASSERT_OK(SubmitTotal(12));
  ASSERT_OK_AND_ASSIGN(const auto response, SubmitTotal(4));
  const std::string series = response.assessment().series();
  EXPECT_EQ(VerdictOf(series).reason_code(), v1::CHANGE_REASON_NO_NORM);
  const absl::Time before = fixture_.clock().Now();

  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const v1::Norm proposed, Propose(OwnNorm()));
  EXPECT_EQ(proposed.status(), v1::PUBLICATION_STATUS_DRAFT);
  EXPECT_EQ(VerdictOf(series).reason_code(), v1::CHANGE_REASON_NO_NORM)
      << "proposed is not approved";
  EXPECT_THAT(Decide(System(), "ours", kActive),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  ASSERT_OK_AND_ASSIGN(const v1::Norm approved, Decide(Staff(), "ours", kActive));
  EXPECT_EQ(approved.approved_by(), "dr-lee");

  const v1::ChangeVerdict verdict = VerdictOf(series);
  EXPECT_EQ(verdict.verdict(), v1::VERDICT_RECOVERED);
  EXPECT_EQ(verdict.approved_norm(), "practices/p1/norms/ours");
  EXPECT_EQ(verdict.approved_by(), "dr-lee");
  EXPECT_THAT(verdict.source(), HasSubstr("own report 7"));
  EXPECT_EQ(verdict.version(), 1);
  EXPECT_EQ(HeadlineOf(handlers_).verdict(), v1::VERDICT_RECOVERED);
  ASSERT_OK_AND_ASSIGN(
      const auto list,
      Do<v1::ListSeriesRequest>(&OutcomeHandlers::ListSeries, Staff(), "parent: 'practices/p1'"));
  EXPECT_EQ(list.series(0).scales(0).verdict().verdict(), v1::VERDICT_RECOVERED);
  // What was so before stays so.
  EXPECT_EQ(VerdictOf(series, before).reason_code(), v1::CHANGE_REASON_NO_NORM);

  // Another norm takes its place, and judges from then on.
  const absl::Time first = fixture_.clock().Now();
  fixture_.clock().Advance(absl::Hours(1));
  v1::Norm strict = OwnNorm();
  strict.set_threshold(9);
  ASSERT_OK(Propose(strict, "strict"));
  ASSERT_OK(Decide(Staff(), "strict", kActive));
  EXPECT_EQ(VerdictOf(series).verdict(), v1::VERDICT_NO_RELIABLE_CHANGE);
  EXPECT_EQ(HeadlineOf(handlers_).verdict(), v1::VERDICT_NO_RELIABLE_CHANGE);
  EXPECT_EQ(VerdictOf(series, first).verdict(), v1::VERDICT_RECOVERED);
  v1::GetNormRequest get;
  get.set_name("practices/p1/norms/ours");
  ASSERT_OK_AND_ASSIGN(const v1::Norm former, Do(&OutcomeHandlers::GetNorm, Staff(), get));
  EXPECT_EQ(former.status(), kRetired);
  EXPECT_EQ(former.changes().rbegin()->reason(), "superseded");
  ASSERT_OK(Decide(System(), "strict", kRetired));
  EXPECT_EQ(VerdictOf(series).reason_code(), v1::CHANGE_REASON_NO_NORM);
  EXPECT_EQ(HeadlineOf(handlers_).verdict(), v1::VERDICT_INSUFFICIENT_DATA);
}

TEST_F(OwnInstrumentsTest, ANormRaisesAlertsFromTheNextAssessmentOn) {
  Publish();
  ASSERT_OK(SubmitTotal(2));
  ASSERT_OK(SubmitTotal(12));
  ASSERT_OK(Propose(OwnNorm()));
  ASSERT_OK(Decide(Staff(), "ours", kActive));
  EXPECT_THAT(Alerts(), IsEmpty()) << "no alert is raised by a change of norms";
  ASSERT_OK(SubmitTotal(11));
  const std::vector<v1::Alert> alerts = Alerts();
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].kind(), v1::ALERT_KIND_DETERIORATION);
}

TEST_F(OwnInstrumentsTest, ANormOfADefaultIsAskedForByItsId) {
  v1::Norm norm = OwnNorm();
  norm.set_instrument("practices/p1/instruments/phq-9");
  norm.set_threshold(12);
  ASSERT_OK(Propose(norm));
  ASSERT_OK(Decide(Staff(), "ours", kActive));
  SubmitWeekly({20});
  const std::string series = SubmitWeekly({10}).assessment().series();
  EXPECT_EQ(VerdictOf(series).policy(), "nhs-talking-therapies");
  EXPECT_EQ(VerdictOf(series).verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  const v1::ChangeVerdict named = VerdictOf(series, absl::InfinitePast(), "ours");
  EXPECT_EQ(named.policy(), "ours");
  EXPECT_EQ(named.verdict(), v1::VERDICT_NO_RELIABLE_CHANGE);
  EXPECT_TRUE(named.policy_named());
  v1::GetSeriesRequest request;
  request.set_name(series);
  request.set_policy("nobodys");
  EXPECT_THAT(Do(&OutcomeHandlers::GetSeries, Staff(), request), HasViolation("policy"));
}

TEST_F(OwnInstrumentsTest, ApprovingTheDefaultPolicyEndsItsBeingProvisional) {
  const auto submit = [&](const std::vector<int>& answers) {
    fixture_.clock().Advance(absl::Hours(24 * 7));
    return Submit(Request("core-10", answers));
  };
  ASSERT_OK(submit({4, 4, 0, 4, 4, 0, 4, 4, 4, 4}));
  ASSERT_OK_AND_ASSIGN(const auto last, submit({0, 0, 4, 0, 0, 0, 0, 0, 0, 0}));
  const std::string series = last.assessment().series();
  EXPECT_TRUE(VerdictOf(series).provisional());
  EXPECT_TRUE(HeadlineOf(handlers_).provisional());
  v1::Norm norm;
  norm.set_instrument("practices/p1/instruments/core-10");
  norm.set_instrument_version(1);
  norm.set_scale("total");
  norm.set_policy("barkham-90");
  norm.set_population("adults at intake");
  norm.set_source("Barkham et al. 2013");
  norm.set_confidence(type::v1::CONFIDENCE_HIGH);
  ASSERT_OK(Propose(norm, "barkham"));
  ASSERT_OK(Decide(Staff(), "barkham", kActive));
  const v1::ChangeVerdict verdict = VerdictOf(series);
  EXPECT_FALSE(verdict.provisional());
  EXPECT_EQ(verdict.policy(), "barkham-90");
  EXPECT_EQ(verdict.approved_norm(), "practices/p1/norms/barkham");
  EXPECT_FALSE(HeadlineOf(handlers_).provisional());
}

TEST_F(OwnInstrumentsTest, AWrongNormIsRefusedWithItsPlace) {
  EXPECT_THAT(Propose(OwnNorm()), HasViolation("norm.instrument_version"));
  ASSERT_OK(Create(OwnDefinition()));
  EXPECT_THAT(Propose(OwnNorm()), HasViolation("norm.instrument_version")) << "a draft may change";
  ASSERT_OK(Transition(kVersion1, kActive));
  v1::Norm wrong = OwnNorm();
  wrong.set_sample_size(12);
  wrong.set_threshold(99);
  wrong.mutable_cut_off()->set_clinical(v1::COMPARATOR_BELOW);
  const auto refused = Propose(wrong);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid));
  EXPECT_THAT(refused, HasViolation("norm.sample_size"));
  EXPECT_THAT(refused, HasViolation("norm.threshold"));
  EXPECT_THAT(refused, HasViolation("norm.cut_off.clinical"));
  EXPECT_THAT(Decide(Staff(), "ours", kActive),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(OwnInstrumentsTest, TwoApprovalsAtOnceLeaveOneNormInForce) {
  Publish();
  ASSERT_OK(Propose(OwnNorm(), "a"));
  ASSERT_OK(Propose(OwnNorm(), "b"));
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (const char* id : {"a", "b"}) {
      threads.emplace_back([this, id, round] {
        v1::TransitionNormRequest request;
        request.set_name(absl::StrCat("practices/p1/norms/", id));
        request.set_status(kActive);
        api::Call call = Staff();
        call.call_id = absl::StrCat(id, round);
        const absl::Status status = handlers_.TransitionNorm(call, request).status();
        EXPECT_TRUE(status.ok() || ReasonOf(status) == Reason::kTransitionNotAllowed) << status;
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    ASSERT_OK_AND_ASSIGN(
        const auto in_force,
        Do<v1::ListNormsRequest>(&OutcomeHandlers::ListNorms, Staff(),
                                 "parent: 'practices/p1' statuses: PUBLICATION_STATUS_ACTIVE"));
    ASSERT_THAT(in_force.norms(), SizeIs(1));
  }
}

// Two replicas on one store: what is changed through one holds on the other at once.
TEST_F(OwnInstrumentsTest, AnotherReplicaKnowsAtOnce) {
  Projections other_projections(fixture_.store(), *catalogue_);
  const OutcomeHandlers other(database_, *catalogue_, other_projections);
  v1::GetCaseloadRequest poll;
  poll.set_parent("practices/p1");
  ASSERT_OK(other.GetCaseload(Staff(), poll)) << "its projection is loaded before all of it";

  Publish();
  v1::SubmitAssessmentRequest request = Closeness({4, 4, 0, 0});
  ASSERT_OK_AND_ASSIGN(const auto first, other.SubmitAssessment(Staff(), request));
  EXPECT_EQ(HeadlineOf(other).latest(), 12);
  fixture_.clock().Advance(absl::Hours(24 * 7));
  ASSERT_OK(SubmitTotal(4));
  ASSERT_OK(Propose(OwnNorm()));
  ASSERT_OK(Decide(Staff(), "ours", kActive));
  EXPECT_EQ(HeadlineOf(other).verdict(), v1::VERDICT_RECOVERED);
  v1::GetSeriesRequest get;
  get.set_name(first.assessment().series());
  EXPECT_EQ(other.GetSeries(Staff(), get)->series().scales(0).verdict().verdict(),
            v1::VERDICT_RECOVERED);
  ASSERT_OK(Transition(kVersion1, kRetired));
  fixture_.clock().Advance(absl::Hours(1));
  EXPECT_THAT(other.SubmitAssessment(Staff(), Closeness({1, 1, 1, 1})),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  EXPECT_EQ(other_projections.loads(), 1) << "it followed the journal";
}

// A projection that followed all the way, one that leapt and a cold one agree, whatever versions
// and norms came and went.
TEST_F(OwnInstrumentsTest, RestartReplayAndColdLoadGiveIdenticalProjections) {
  const auto dump = [&](Projections& projections) {
    std::string text;
    EXPECT_OK(projections.Read(System(), [&](const PracticeFold& fold, const storage::Position&) {
      text = fold.DebugString();
    }));
    return text;
  };
  Publish();
  int versions = 1;
  int norms = 0;
  std::mt19937 random(7);
  const auto pick = [&](int below) {
    return std::uniform_int_distribution<int>(0, below - 1)(random);
  };
  Projections leaping(fixture_.store(), *catalogue_);
  for (int step = 0; step < 150; ++step) {
    fixture_.clock().Advance(absl::Hours(1 + pick(50)));
    const int dice = pick(10);
    if (dice < 5) {
      const absl::Status status = SubmitTotal(pick(13)).status();
      ASSERT_TRUE(status.ok() || ReasonOf(status) == Reason::kStateNotAllowed) << status;
    } else if (dice < 6) {
      if (AddVersion(OwnDefinition(versions + 1)).ok()) {
        ++versions;
      }
    } else if (dice < 7) {
      const absl::Status status =
          Transition(absl::StrCat(kCloseness, "/versions/", 1 + pick(versions)),
                     pick(4) == 0 ? kRetired : kActive)
              .status();
      ASSERT_TRUE(status.ok() || ReasonOf(status) == Reason::kTransitionNotAllowed) << status;
    } else if (dice < 8) {
      v1::Norm norm = OwnNorm();
      norm.set_instrument_version(1 + pick(versions));
      norm.set_threshold(1 + pick(10));
      if (Propose(norm, absl::StrCat("n", norms)).ok()) {
        ++norms;
      }
    } else if (norms > 0) {
      const absl::Status status =
          Decide(Staff(), absl::StrCat("n", pick(norms)), pick(4) == 0 ? kRetired : kActive)
              .status();
      ASSERT_TRUE(status.ok() || ReasonOf(status) == Reason::kTransitionNotAllowed) << status;
    }
    const std::string followed = dump(projections_);
    if (step % 13 == 0) {
      ASSERT_EQ(dump(leaping), followed) << "step " << step;
    }
    if (step % 10 == 0) {
      Projections cold(fixture_.store(), *catalogue_);
      ASSERT_EQ(dump(cold), followed) << "step " << step;
    }
  }
  EXPECT_EQ(projections_.loads(), 1);
  EXPECT_GT(versions, 3);
  EXPECT_GT(norms, 5);
}

}  // namespace
}  // namespace securebase::outcomes
