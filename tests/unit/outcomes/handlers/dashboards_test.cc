#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/records/kinds.h"
#include "services/platform/base/resource_name.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DashboardsTest : public testing::OutcomesFixture {
 protected:
  // An individual episode of one client, who has the episode's id.
  void OpenIndividual(const std::string& id, const std::string& staff = "dr-lee",
                      const std::string& problem = "depression") {
    episodes::v1::Episode episode = testing::FromText<episodes::v1::Episode>(R"pb(
      kind: EPISODE_KIND_INDIVIDUAL
      participants { role: PARTICIPANT_ROLE_CLIENT age_group: AGE_GROUP_ADULT }
      care_team { role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
      problems {}
    )pb");
    episode.set_name("practices/p1/episodes/" + id);
    episode.mutable_participants(0)->set_id(id);
    episode.mutable_participants(0)->set_patient("patient-of-" + id);
    episode.mutable_care_team(0)->set_staff(staff);
    episode.mutable_problems(0)->set_code(problem);
    ASSERT_OK(OpenEpisode(episode));
  }
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitTo(const std::string& episode, int total,
                                                        int item_9 = 0) {
    v1::SubmitAssessmentRequest request = Request("phq-9", testing::Phq9(total, item_9));
    request.mutable_assessment()->set_episode("practices/p1/episodes/" + episode);
    request.mutable_assessment()->set_subject(episode);
    request.mutable_assessment()->set_informant(episode);
    return Do(&OutcomeHandlers::SubmitAssessment, System(), request);
  }
  static std::vector<std::string> Episodes(const v1::GetCaseloadResponse& caseload) {
    std::vector<std::string> ids;
    for (const v1::CaseloadEntry& entry : caseload.entries()) {
      ids.push_back(LastId(entry.episode()));
    }
    return ids;
  }
  absl::StatusOr<v1::GetPracticeSummaryResponse> Summary(const api::Call& call,
                                                         const std::string& filter = "") {
    return Do<v1::GetPracticeSummaryRequest>(
        &OutcomeHandlers::GetPracticeSummary, call,
        "parent: 'practices/p1' instrument: 'practices/p1/instruments/phq-9' " + filter);
  }
  std::string DumpOf(Projections& projections) {
    std::string text;
    EXPECT_OK(projections.Read(System(),
                               [&](const PracticeFold& fold, const storage::Position& position) {
                                 text = absl::StrCat(position.sequence, "\n", fold.DebugString());
                               }));
    return text;
  }
};

TEST_F(DashboardsTest, TheMostUrgentEpisodeComesFirst) {
  for (const std::string id : {"quiet", "worse", "risky", "stuck", "seen"}) {
    OpenIndividual(id);
  }
  for (int week = 0; week < 4; ++week) {
    fixture_.clock().Advance(absl::Hours(24 * 7));
    ASSERT_OK(SubmitTo("quiet", 8));
    ASSERT_OK(SubmitTo("worse", 8 + 3 * week));
    ASSERT_OK(SubmitTo("stuck", 18));
  }
  ASSERT_OK_AND_ASSIGN(const auto seen, SubmitTo("seen", 8, 1));
  ASSERT_OK(Acknowledge(seen.alerts(0).name()));
  ASSERT_OK(SubmitTo("risky", 8, 1));
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(Staff()));
  EXPECT_THAT(Episodes(caseload),
              ElementsAre("risky", "seen", "worse", "stuck", "e1", "e2", "quiet"));
  EXPECT_EQ(caseload.entries(0).urgency(), v1::URGENCY_RISK);
  EXPECT_EQ(caseload.entries(1).urgency(), v1::URGENCY_RISK_ACKNOWLEDGED);
  EXPECT_EQ(caseload.entries(2).urgency(), v1::URGENCY_DETERIORATION);
  EXPECT_EQ(caseload.entries(3).urgency(), v1::URGENCY_NOT_ON_TRACK);
  EXPECT_EQ(caseload.entries(6).series(0).latest(), 8);
  EXPECT_THAT(caseload.entries(0).staff(), ElementsAre("dr-lee"));
}

TEST_F(DashboardsTest, ARiskStaysInSightWhenItsEpisodeEnds) {
  OpenIndividual("risky");
  OpenIndividual("quiet");
  ASSERT_OK_AND_ASSIGN(const auto submitted, SubmitTo("risky", 8, 1));
  ASSERT_OK(CloseEpisode("practices/p1/episodes/risky"));
  ASSERT_OK(CloseEpisode("practices/p1/episodes/quiet"));
  EXPECT_THAT(Episodes(*Caseload(Staff())), ElementsAre("risky", "e1", "e2"));
  Projections cold(fixture_.store(), *catalogue_);
  EXPECT_EQ(DumpOf(cold), DumpOf(projections_));
  const auto by_name = Do<v1::GetCaseloadRequest>(&OutcomeHandlers::GetCaseload, System(),
                                                  "parent: 'practices/p1' staff: 'dr-lee'");
  EXPECT_THAT(Episodes(*by_name), ElementsAre("risky", "e1", "e2"));
  ASSERT_OK(Acknowledge(submitted.alerts(0).name()));
  ASSERT_OK(Resolve(submitted.alerts(0).name()));
  EXPECT_THAT(Episodes(*Caseload(Staff())), ElementsAre("e1", "e2"));
}

TEST_F(DashboardsTest, StaffSeeTheirEpisodesAndTheLimitHolds) {
  OpenIndividual("a", "dr-a");
  OpenIndividual("b", "dr-b");
  EXPECT_THAT(Episodes(*Caseload(Staff("dr-a"))), ElementsAre("a"));
  EXPECT_THAT(Episodes(*Caseload(System())), ElementsAre("a", "b", "e1", "e2"));
  const auto filtered = Do<v1::GetCaseloadRequest>(&OutcomeHandlers::GetCaseload, System(),
                                                   "parent: 'practices/p1' staff: 'dr-b'");
  EXPECT_THAT(Episodes(*filtered), ElementsAre("b"));
  const auto foreign = Do<v1::GetCaseloadRequest>(&OutcomeHandlers::GetCaseload, Staff("dr-a"),
                                                  "parent: 'practices/p1' staff: 'dr-b'");
  EXPECT_THAT(Episodes(*foreign), IsEmpty());
  const auto limited = Do<v1::GetCaseloadRequest>(&OutcomeHandlers::GetCaseload, System(),
                                                  "parent: 'practices/p1' limit: 1");
  EXPECT_THAT(limited->entries(), SizeIs(1));
  EXPECT_TRUE(limited->truncated());
  ASSERT_OK(CloseEpisode("practices/p1/episodes/a"));
  EXPECT_THAT(Episodes(*Caseload(Staff("dr-a"))), IsEmpty());
}

TEST_F(DashboardsTest, APollIsNotModifiedUntilSomethingChanges) {
  ASSERT_OK_AND_ASSIGN(const auto first, Caseload(Staff()));
  ASSERT_OK_AND_ASSIGN(const auto again, Caseload(Staff(), first.etag()));
  EXPECT_TRUE(again.not_modified());
  EXPECT_THAT(again.entries(), IsEmpty());
  EXPECT_EQ(again.poll_after().seconds(), 15);
  ASSERT_OK(SubmitPhq9(8, 1));
  ASSERT_OK_AND_ASSIGN(const auto changed, Caseload(Staff(), first.etag()));
  EXPECT_FALSE(changed.not_modified());
  EXPECT_EQ(changed.entries(0).urgency(), v1::URGENCY_RISK);
  EXPECT_FALSE(Caseload(System(), changed.etag())->not_modified()) << "another's view";
  const auto limited = Do<v1::GetCaseloadRequest>(
      &OutcomeHandlers::GetCaseload, Staff(),
      absl::StrCat("parent: 'practices/p1' limit: 1 known_etag: '", changed.etag(), "'"));
  EXPECT_FALSE(limited->not_modified()) << "another query";
  EXPECT_EQ(projections_.loads(), 1);
}

// With an instrument more, or one defined otherwise, the same records are another answer.
TEST_F(DashboardsTest, AReleaseWithOtherInstrumentsHasOtherEtags) {
  ASSERT_OK_AND_ASSIGN(const auto known, Caseload(Staff()));
  const std::string phq_9 = catalogue_->Find("phq-9")->DebugString();
  ASSERT_OK_AND_ASSIGN(const Catalogue fewer, Catalogue::FromFiles({{"phq-9.textproto", phq_9}}));
  Projections projections(fixture_.store(), fewer);
  const OutcomeHandlers other(database_, fewer, projections);
  v1::GetCaseloadRequest request;
  request.set_parent("practices/p1");
  request.set_known_etag(known.etag());
  ASSERT_OK_AND_ASSIGN(const auto answer, other.GetCaseload(Staff(), request));
  EXPECT_FALSE(answer.not_modified());
  EXPECT_NE(answer.etag(), known.etag());
}

TEST_F(DashboardsTest, TimeAloneChangesAnAnswerWhenItSays) {
  ASSERT_OK(Do<v1::CreateScheduleRequest>(
      &OutcomeHandlers::CreateSchedule, Staff(),
      "parent: 'practices/p1' schedule { episode: 'practices/p1/episodes/e1' subject: 'ann' "
      "informant: 'ann' instrument: 'practices/p1/instruments/phq-9' }"));
  ASSERT_OK_AND_ASSIGN(const auto first, Caseload(Staff()));
  ASSERT_TRUE(first.has_expire_time());
  const absl::Time expires = api::FromProto(first.expire_time());
  EXPECT_EQ(expires, fixture_.clock().Now() + absl::Hours(24 * 5));
  fixture_.clock().Set(expires - absl::Seconds(1));
  EXPECT_TRUE(Caseload(Staff(), first.etag())->not_modified());
  fixture_.clock().Set(expires);
  ASSERT_OK_AND_ASSIGN(const auto later, Caseload(Staff(), first.etag()));
  EXPECT_FALSE(later.not_modified());
  EXPECT_EQ(later.entries(0).urgency(), v1::URGENCY_OVERDUE);
  EXPECT_THAT(later.entries(0).overdue_schedules(), SizeIs(1));
}

TEST_F(DashboardsTest, ConcordanceStandsSideBySideAndIsFilteredByView) {
  ASSERT_OK(SubmitPhq9(8));
  v1::SubmitAssessmentRequest relationship = Request("ecr-rs", std::vector<int>(9, 3));
  relationship.mutable_assessment()->set_relationship_target("partner");
  ASSERT_OK(Submit(relationship));
  const std::string request = "parent: 'practices/p1/episodes/e1' subject: 'ann'";
  const auto shown =
      Do<v1::GetConcordanceRequest>(&OutcomeHandlers::GetConcordance, Staff(), request);
  ASSERT_THAT(shown->columns(), SizeIs(4));
  EXPECT_EQ(shown->columns(0).domain(), v1::DOMAIN_SYMPTOMS);
  EXPECT_EQ(shown->columns(1).domain(), v1::DOMAIN_FUNCTIONING);
  EXPECT_EQ(shown->columns(2).domain(), v1::DOMAIN_RELATIONSHIP);
  EXPECT_EQ(shown->columns(3).domain(), v1::DOMAIN_ATTACHMENT);
  EXPECT_EQ(shown->columns(0).series(0).latest(), 8);
  EXPECT_EQ(shown->columns(0).series(0).reason_code(), v1::CHANGE_REASON_NO_SCORE);
  EXPECT_EQ(shown->columns(3).series(0).reason_code(), v1::CHANGE_REASON_NO_NORM);
  for (const v1::ConcordanceColumn& column : shown->columns()) {
    EXPECT_TRUE(column.insufficient_data());
  }
  SubmitWeekly({2});
  const auto later =
      Do<v1::GetConcordanceRequest>(&OutcomeHandlers::GetConcordance, Staff(), request);
  EXPECT_FALSE(later->columns(0).insufficient_data());
  EXPECT_EQ(later->columns(0).series(0).verdict(), v1::VERDICT_RELIABLY_IMPROVED);
  const auto partner =
      Do<v1::GetConcordanceRequest>(&OutcomeHandlers::GetConcordance, Patient("ehr-2"), request);
  for (const v1::ConcordanceColumn& column : partner->columns()) {
    EXPECT_THAT(column.series(), IsEmpty());
  }
  EXPECT_THAT(
      Do<v1::GetConcordanceRequest>(&OutcomeHandlers::GetConcordance, Staff("dr-other"), request),
      IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(DashboardsTest, ThePracticeSummaryCountsClosedEpisodes) {
  const auto treat = [&](const std::string& id, const std::string& staff,
                         const std::string& problem, int before, int after) {
    OpenIndividual(id, staff, problem);
    ASSERT_OK(SubmitTo(id, before));
    fixture_.clock().Advance(absl::Hours(24));
    ASSERT_OK(SubmitTo(id, after));
    ASSERT_OK(CloseEpisode("practices/p1/episodes/" + id));
  };
  for (int i = 0; i < 12; ++i) {
    treat(absl::StrCat("a", i), "dr-a", "depression", 18 + i % 3, 5);
  }
  treat("b0", "dr-b", "loss", 10, 20);
  OpenIndividual("open");
  ASSERT_OK(SubmitTo("open", 20));
  ASSERT_OK_AND_ASSIGN(const auto all, Summary(System()));
  ASSERT_THAT(all.rows(), SizeIs(1));
  EXPECT_EQ(all.scale(), "total");
  EXPECT_EQ(all.rows(0).count(), 13);
  EXPECT_EQ(all.rows(0).recovered(), 12);
  EXPECT_EQ(all.rows(0).reliably_deteriorated(), 1);
  EXPECT_EQ(all.rows(0).completion_rate(), 1);
  EXPECT_GT(all.rows(0).effect_size().d(), 0);
  ASSERT_OK_AND_ASSIGN(const auto by_clinician,
                       Summary(System(), "dimension: SUMMARY_DIMENSION_CLINICIAN"));
  ASSERT_THAT(by_clinician.rows(), SizeIs(2));
  EXPECT_EQ(by_clinician.rows(1).key(), "dr-b");
  EXPECT_EQ(by_clinician.rows(1).count(), 1);
  ASSERT_OK_AND_ASSIGN(const auto by_month,
                       Summary(System(), "dimension: SUMMARY_DIMENSION_CLOSING_MONTH year: 2026"));
  ASSERT_THAT(by_month.rows(), SizeIs(1));
  EXPECT_EQ(by_month.rows(0).key(), "2026-01");
  EXPECT_THAT(Summary(System(), "year: 2025")->rows(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto by_problem,
                       Summary(Staff("dr-a"), "dimension: SUMMARY_DIMENSION_PROBLEM"));
  EXPECT_EQ(by_problem.smallest_group(), 11);
  for (const v1::SummaryRow& row : by_problem.rows()) {
    EXPECT_TRUE(row.suppressed()) << "the only other row would give the small one away";
  }
  const v1::SummaryRow narrowed = Summary(Staff("dr-a"))->rows(0);
  EXPECT_EQ(narrowed.count(), 13);
  EXPECT_FALSE(narrowed.has_reliably_deteriorated()) << "it is one person";
  EXPECT_FALSE(narrowed.has_recovered()) << "13 - 12 is one person";
  EXPECT_EQ(narrowed.no_reliable_change(), 0);
  EXPECT_EQ(narrowed.completed(), 13);
  EXPECT_THAT(Summary(Staff("dr-a"), "year: 2026"),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_TRUE(Summary(System(), absl::StrCat("known_etag: '", all.etag(), "'"))->not_modified());
}

TEST_F(DashboardsTest, NoPracticeTurnsTheSuppressionOff) {
  episodes::v1::PracticeSettings settings;
  for (const auto& [set, in_force] : {std::pair{1, 5}, std::pair{5, 5}, std::pair{20, 20}}) {
    settings.mutable_house_rules()->set_smallest_group(set);
    EXPECT_EQ(MakePracticeRules(settings).smallest_group, in_force);
  }
}

TEST_F(DashboardsTest, TheJournalNamesWhatHappenedAndGoesOnFromItsToken) {
  ASSERT_OK_AND_ASSIGN(const auto begin,
                       Do<v1::ListJournalRequest>(&OutcomeHandlers::ListJournal, System(),
                                                  "parent: 'practices/p1'"));
  ASSERT_OK_AND_ASSIGN(const auto submitted, SubmitPhq9(8, 1));
  v1::ListJournalRequest request;
  request.set_parent("practices/p1");
  request.set_token(begin.next_token());
  ASSERT_OK_AND_ASSIGN(const auto page, Do(&OutcomeHandlers::ListJournal, System(), request));
  std::vector<std::string> resources;
  for (const type::v1::JournalEntry& entry : page.entries()) {
    resources.push_back(entry.resource());
    EXPECT_EQ(entry.episode(), testing::kCouple);
  }
  EXPECT_THAT(resources, ElementsAre(submitted.assessment().name(), submitted.alerts(0).name(),
                                     submitted.assessment().series()));
  request.set_token("AAAA");
  EXPECT_THAT(Do(&OutcomeHandlers::ListJournal, System(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
}

TEST_F(DashboardsTest, WhenTheJournalNoLongerReachesBackEverythingIsReadAgain) {
  ASSERT_OK_AND_ASSIGN(const auto begin,
                       Do<v1::ListJournalRequest>(&OutcomeHandlers::ListJournal, System(),
                                                  "parent: 'practices/p1' page_size: 1"));
  ASSERT_OK(Caseload(Staff()));
  ASSERT_OK(SubmitPhq9(8));
  ASSERT_OK(SubmitPhq9(9, 1));
  storage::TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = fixture_.clock().Now() + absl::Hours(1);
  ASSERT_OK(fixture_.store().Trim({}, trim));
  v1::ListJournalRequest request;
  request.set_parent("practices/p1");
  request.set_token(begin.next_token());
  const auto refused = Do(&OutcomeHandlers::ListJournal, System(), request);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired));
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(Staff()));
  EXPECT_EQ(caseload.entries(0).urgency(), v1::URGENCY_RISK);
  EXPECT_EQ(projections_.loads(), 2);
  ASSERT_OK(SubmitPhq9(10));
  request.set_token(MetadataOf(refused.status())["token"]);
  ASSERT_OK_AND_ASSIGN(const auto followed, Do(&OutcomeHandlers::ListJournal, System(), request));
  EXPECT_GT(followed.entries_size(), 0);
}

TEST_F(DashboardsTest, RivalsLoseNothingAndPollsSeeWhatWasAcknowledged) {
  constexpr int kThreads = 4;
  constexpr int kEach = 12;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const v1::SubmitAssessmentRequest request =
            Request("phq-9", testing::Phq9(10, 1), absl::Minutes(i * kEach + n));
        api::Call call = Staff();
        const auto submitted = handlers_.SubmitAssessment(call, request);
        v1::GetCaseloadRequest poll;
        poll.set_parent("practices/p1");
        const auto seen = handlers_.GetCaseload(call, poll);
        if (!submitted.ok() || !seen.ok() || seen->entries(0).urgency() != v1::URGENCY_RISK) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failures, 0);
  ASSERT_OK_AND_ASSIGN(const auto caseload, Caseload(Staff()));
  EXPECT_EQ(caseload.entries(0).series(0).count(), kThreads * kEach);
  const std::vector<v1::Alert> alerts = Alerts("kinds: ALERT_KIND_RISK");
  ASSERT_THAT(alerts, SizeIs(1)) << "made once, whoever came first";
  EXPECT_EQ(alerts[0].sources_size(), kThreads * kEach);
}

}  // namespace
}  // namespace securebase::outcomes
